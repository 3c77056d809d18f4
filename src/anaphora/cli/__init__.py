"""The command line: one short file a command."""

import importlib
import io
import sys
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

from anaphora.cli.exits import FAILURE, INTERRUPTED, MISTAKE
from anaphora.errors import AnaphoraError, UserError
from anaphora.tasks import packages

COMMANDS = {
    "train": "anaphora.cli.train",
    "evaluate": "anaphora.cli.evaluate",
    "predict": "anaphora.cli.predict",
    "inspect": "anaphora.cli.inspect",
    "bench": "anaphora.cli.bench",
}
"""The commands that all tasks share; a task may add its own (`MORE_COMMANDS`)."""


def all_commands() -> dict[str, str]:
    """The module of each command."""
    of_tasks = [getattr(package, "MORE_COMMANDS", {}) for package in packages()]
    return COMMANDS | {name: module for more in of_tasks for name, module in more.items()}


class Commands(click.Group):
    """Each command's module is imported when the command is called."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(all_commands())

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        module = COMMANDS.get(name) or all_commands().get(name)
        if module is None:
            return None
        command: click.Command = importlib.import_module(module).command
        return command


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="anaphora")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def cli(debug: bool) -> None:
    """Recurrent neural networks for text and other sequences.

    \b
    anaphora demo                                           see the whole path on real news
    anaphora train classify news.csv --text text --label label --out model/
    anaphora evaluate model/ held_out.csv                   scores, with those of a linear baseline
    anaphora predict model/ "a text"                        or --file new.csv, or lines on stdin
    anaphora train language book.txt --out writer/          a model that writes
    anaphora generate writer/ --prompt "It was"             what it writes
    anaphora inspect model/                                 layers, sizes, how it was made
    anaphora bench                                          the speed of the engine here
    """


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line. Errors are one line and an exit status (2 a user's mistake, 1 a failure), never a
    traceback.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    for stream in (sys.stdout, sys.stderr):  # show the code of a character that the terminal lacks
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(cli.main(arguments, prog_name="anaphora", standalone_mode=False, obj=arguments))
    except AnaphoraError as error:
        if debug:
            raise
        click.echo(f"{type(error).__name__}: {error}", err=True)
        sys.exit(MISTAKE if isinstance(error, UserError) else FAILURE)
    except NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(0)
    except click.ClickException as error:
        path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "anaphora"
        click.echo(f"{type(error).__name__}: {error.format_message()} ({path} --help shows what there is)", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(INTERRUPTED)
    except Exception as error:
        if debug:
            raise
        click.echo(f"{type(error).__name__}: {' '.join(str(error).split())} (--debug shows where)", err=True)
        sys.exit(FAILURE)
