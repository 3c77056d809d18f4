"""`anaphora train TASK`: a group built from the table of tasks."""

import click

from anaphora.extras import load_name
from anaphora.tasks import TASKS, package


class TrainCommands(click.Group):
    """The `train` command of every task, imported when it is called."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(TASKS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in TASKS:
            return None
        task = package(name)
        command: click.Command = load_name(getattr(task, "TRAIN", f"{task.COMMANDS}.train"))
        return command


@click.command("train", cls=TrainCommands, short_help="Train a model on a file.")
def command() -> None:
    """Train a model on a file."""
