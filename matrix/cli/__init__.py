"""The command line: one module per verb. Here alone things are printed, and exit codes made."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from matrix.errors import EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, MatrixError
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
    """A verb's module is imported when the verb is used: `--help` stays quick."""

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
    Exit codes: 0 as expected, 1 changed or not as expected, 2 usage or a document that does not
    read, 3 internal error, 4 a stack could not be provided or nothing could run, 5 nothing
    selected, 130 interrupted.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with its exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started it
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 -- open to the end
    sys.exit(_exit_code(arguments))


def _exit_code(arguments: Sequence[str] | None) -> int:
    result: Any = EXIT_OK
    try:
        result = cli.main(arguments, prog_name="sqlite-matrix", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except MatrixError as error:
        _complain(str(error), placed=error.placed)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone: there is nobody to tell
    except Exception as error:
        _complain(_in_words(error))
        return EXIT_INTERNAL
    return result if isinstance(result, int) else EXIT_OK


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    return f"internal error: {type(error).__name__}: {error}"


def _complain(message: str, *, placed: bool = False) -> None:
    """Say what is wrong; what begins with its place, or has several lines, needs no name before."""
    lines = message.splitlines() or [""]
    prefix = "" if len(lines) > 1 or placed else "sqlite-matrix: "
    for line in lines:
        click.echo(prefix + line.encode("utf-8", "backslashreplace").decode(), err=True)
