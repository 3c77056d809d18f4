"""The table of tasks. Everything about a task is in one folder, `tasks/NAME/`.

The `__init__` of a task is a literal of dotted names, which are imported when they are first used:

    TASK           the class of the task (`anaphora.task.Task`)
    ESTIMATORS     public name -> the estimator class
    COMMANDS       the module of its command line: `train`, `evaluate`, `predict` and their options
    TRAIN          optional: the train command, where it is not in that module
    SAMPLE         the module with rows, targets and options of a small network for the parity tests
    MORE_COMMANDS  optional: further commands, name -> module
    FORMER_NAMES   optional: names of the task in models of earlier versions
"""

import importlib
from collections.abc import Iterator
from types import ModuleType

TASKS: dict[str, str] = {
    "classify": "anaphora.tasks.classify",
    "sequences": "anaphora.tasks.sequences",
    "language": "anaphora.tasks.language",
    "forecast": "anaphora.tasks.forecast",
}
"""Each task's package. A new task is one folder and one line here."""


def package(name: str) -> ModuleType:
    """The package of a task by its name, or by a former name. Raises KeyError."""
    if name in TASKS:
        return importlib.import_module(TASKS[name])
    for known in packages():
        if name in getattr(known, "FORMER_NAMES", ()):
            return known
    raise KeyError(f"task={name!r} is not one of {', '.join(TASKS)}")


def packages() -> Iterator[ModuleType]:
    """The packages of all tasks; importing them imports nothing else."""
    return map(importlib.import_module, TASKS.values())
