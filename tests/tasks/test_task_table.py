"""The table of tasks."""

from anaphora.task import TASKS


def test_each_task_stands_under_its_own_name():
    assert {name: task.name for name, task in TASKS.items()} == {name: name for name in TASKS}
