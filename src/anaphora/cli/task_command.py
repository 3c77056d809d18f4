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
        task = next((found for arg in args if (found := task_name(Path(arg)))), None)
        shared = {option for parameter in self.params for option in parameter.opts}
        if task and not set(args) & {"--help", "-h"}:
            for other in TASKS:
                for option in task_options(other, self.source) if other != task else ():
                    if unusable := {*option.opts} & {arg.partition("=")[0] for arg in args} - shared:
                        if not unusable & {name for known in task_options(task, self.source) for name in known.opts}:
                            model = next(arg for arg in args if task_name(Path(arg)))
                            raise OptionError(f"{unusable.pop()} is not for {model}, a model for the task {task!r}")
        context.meta["tasks"] = [task] if task else list(TASKS)
        return super().parse_args(context, args)

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
