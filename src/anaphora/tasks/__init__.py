"""What a network is for. A new task is one file and one line in this table."""

import importlib
from collections.abc import Iterator, Mapping

from anaphora.task import RowTask, Task

_HOME = {
    "classify": "anaphora.tasks.classify.task.Classify",
    "classify_sequences": "anaphora.tasks.sequences.classify.ClassifySequences",
    "forecast": "anaphora.tasks.forecast.task.Forecast",
    "language": "anaphora.tasks.language.task.Language",
    "regress": "anaphora.tasks.sequences.regress.Regress",
}


class _Tasks(Mapping[str, type[Task]]):
    """The tasks by name, each loaded when it is asked for: who labels a text need not wait for what forecasts."""

    def __getitem__(self, name: str) -> type[Task]:
        module, _, kind = _HOME[name].rpartition(".")
        return getattr(importlib.import_module(module), kind)

    def __iter__(self) -> Iterator[str]:
        return iter(_HOME)

    def __len__(self) -> int:
        return len(_HOME)


TASKS = _Tasks()

__all__ = ["TASKS", "RowTask", "Task"]
