"""The table of tasks."""

from anaphora.task import task_class
from anaphora.tasks import TASKS, package


def test_each_task_stands_under_its_own_name():
    assert {name: task_class(name).name for name in TASKS} == {name: name for name in TASKS}


def test_former_names_lead_to_their_task():
    assert package("regress") is package("classify_sequences") is package("sequences")
