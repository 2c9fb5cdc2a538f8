"""The command line: one module per verb. Only this package prints and sets exit codes."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from matrix.cli.interrupts import Interrupts
from matrix.errors import EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, MatrixError
from matrix.foreign import document, visible
from matrix.version import __version__

VERBS = (
    "run",
    "check",
    "list",
    "report",
    "site",
    "compare",
    "accept",
    "history",
    "bisect",
    "regress",
    "bump",
    "claims",
    "doctor",
    "schema",
)


class LazyGroup(click.Group):
    """Imports a verb's module only when the verb is used, so that `--help` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*VERBS]  # `list` is a module of this package, once it is imported

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(f"matrix.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: sqlite-matrix check 'file:db?mode=memory'",
)
@click.version_option(__version__, prog_name="sqlite-matrix")
def cli() -> None:
    """Measure what a SQLite connection string really does, on real drivers.

    Data goes to standard output, progress to standard error.
    Exit codes: 0 as expected, 1 changed or not as expected, 2 usage error or invalid file,
    3 internal error or a full disk, 4 a stack could not be provided or nothing could run,
    5 nothing selected, 130 interrupted.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit with its code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the parent process
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 -- stays open
    with Interrupts() as interrupts:
        code = _exit_code(arguments)
    sys.exit(EXIT_INTERRUPTED if interrupts.happened else code)


def _exit_code(arguments: Sequence[str] | None) -> int:
    result: Any = EXIT_OK
    try:
        result = cli.main(arguments, prog_name="sqlite-matrix", standalone_mode=False)
    except click.ClickException as error:
        _show_usage(error)
        return EXIT_USAGE
    except MatrixError as error:
        _complain(str(error), placed=error.placed)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # the reader is gone, so nobody would see a message
    except Exception as error:
        _complain(_describe(error))
        return EXIT_INTERNAL
    return result if isinstance(result, int) else EXIT_OK


def _show_usage(error: click.ClickException) -> None:
    """Print what `error.show()` does, with its texts on one line."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        hint = f"Try '{context.command_path} {context.help_option_names[0]}' for help."
        click.echo(f"{context.get_usage()}\n{hint}\n", err=True)
    click.echo(document(visible(f"Error: {error.format_message()}")), err=True)


def _describe(error: Exception) -> str:
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return visible(f"{where}{error.strerror or error}")
    return visible(f"internal error: {type(error).__name__}: {error}")


def _complain(message: str, *, placed: bool = False) -> None:
    """Print an error. A message that starts with a file, or has several lines, gets no prefix."""
    lines = message.split("\n")
    prefix = "" if len(lines) > 1 or placed else "sqlite-matrix: "
    for line in lines:
        click.echo(document(visible(prefix + line)), err=True)
