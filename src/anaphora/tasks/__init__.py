"""What a network is for. A new task is one file and one line in this table."""

from anaphora.tasks.classify import Classify
from anaphora.tasks.classify_sequences import ClassifySequences
from anaphora.tasks.forecast import Forecast
from anaphora.tasks.language import Language
from anaphora.tasks.regress import Regress
from anaphora.tasks.task import RowTask, Task

TASKS: dict[str, type[Task]] = {
    "classify": Classify,
    "classify_sequences": ClassifySequences,
    "forecast": Forecast,
    "language": Language,
    "regress": Regress,
}

__all__ = ["TASKS", "RowTask", "Task"]
