"""What a network is for. A new task is one file and one line in this table."""

from anaphora.tasks.classify import Classify
from anaphora.tasks.regress import Regress
from anaphora.tasks.task import Task

TASKS: dict[str, type[Task]] = {
    "classify": Classify,
    "regress": Regress,
}

__all__ = ["TASKS", "Task"]
