"""Commands on a saved model whose further options come from the model's task."""

import importlib
from pathlib import Path
from typing import Any, ClassVar

import click

from anaphora.bundle import task_name
from anaphora.errors import OptionError
from anaphora.tasks import TASKS, package


class TaskCommand(click.Command):
    """A command with the options of the model's task; its help shows those of all tasks.

    The task's module of commands has the options in the constant that `source` names.
    """

    source: ClassVar[str]

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        folder, task = next(((arg, name) for arg in args if (name := task_name(Path(arg)))), ("", None))
        context.meta["tasks"] = [task] if task and not {"--help", "-h"} & set(args) else list(TASKS)
        try:
            return super().parse_args(context, args)
        except click.NoSuchOption as error:
            others = (option.opts for other in TASKS for option in task_options(other, self.source))
            if task and any(error.option_name in names for names in others):
                message = f"{error.option_name} is not for {folder}, a model for the task {task!r}"
                raise OptionError(message) from error
            raise

    def get_params(self, context: click.Context) -> list[click.Parameter]:
        options: dict[str, click.Parameter] = {}
        for task in context.meta.get("tasks", TASKS):
            for option in task_options(task, self.source):
                options.setdefault(option.name or "", option)
        return [*self.params, *options.values(), *filter(None, [self.get_help_option(context)])]


def task_options(task: str, source: str) -> list[click.Option]:
    """The options that a task adds to a command."""
    options: list[click.Option] = getattr(commands_of(task), source, [])
    return options


def commands_of(task: str) -> Any:
    """A task's module of commands."""
    return importlib.import_module(package(task).COMMANDS)
