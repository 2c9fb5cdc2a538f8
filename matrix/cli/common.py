"""What the verbs share: options, progress, output."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import click

from matrix.errors import EXIT_OK, EXIT_UNAVAILABLE, UsageError
from matrix.foreign import document, json_document, visible
from matrix.model import Json
from matrix.runner.options import RunOptions
from matrix.stacks.provision import Provisioner
from matrix.text import many

if TYPE_CHECKING:
    from matrix.model.selection import Selection
    from matrix.reports.recipes import Recipe
    from matrix.results.store import ResultSet

Verb = Callable[..., Any]

RESULTS = Path("results/latest")


output_option = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of standard output.",
)
scenarios_option = click.option(
    "--scenarios",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A scenario file or directory; default: those of pyproject.toml, else scenarios/. "
    "Repeatable.",
)
allow_missing_option = click.option(
    "--allow-missing",
    is_flag=True,
    help="Do not exit with 4 because stacks are unavailable.",
)
table_or_json = click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Output format.",
)


def package_options(function: Verb) -> Verb:
    """`--cache`, `--offline`: where packages come from; the verb takes them as `provisioner`."""

    @wraps(function)
    def verb(*arguments: Any, cache: Path | None, offline: bool, **others: Any) -> Any:
        provisioner = Provisioner(cache, offline=offline)
        return function(*arguments, provisioner=provisioner, **others)

    return _with_options(
        verb,
        click.option("--offline", is_flag=True, help="Use only the cache, not the package index."),
        click.option("--cache", type=click.Path(file_okay=False, path_type=Path),
                     envvar="SQLITE_MATRIX_CACHE",
                     help="The directory for installed packages; default: the user's cache."),
    )  # fmt: skip


def stack_options(function: Verb) -> Verb:
    """`--stacks`, `--stack`, `--cache`, `--offline`: which stacks, and where they come from."""
    return _with_options(
        package_options(function),
        click.option("--stack", "specs", multiple=True, metavar="SPEC",
                     help="One stack: apsw, 'apsw==3.54.1.0', 'sqlite3[uri=off,sqlalchemy]'. "
                     "The command fails if it is not available. Repeatable."),
        click.option("--stacks", "set_name", metavar="SET",
                     help="A set of stacks: quick, standard, full; default: those of "
                     "pyproject.toml, else quick for check and standard for other commands."),
    )  # fmt: skip


def execution_options(function: Verb) -> Verb:
    """`-j`, `--timeout`, `--scratch`, `--contain`, `--in-place`, which make up `options`."""

    @wraps(function)
    def verb(
        *arguments: Any, jobs: int | None, timeout: float, scratch: Path | None,
        contain: bool | None, in_place: bool, **others: Any,
    ) -> Any:  # fmt: skip
        options = RunOptions(
            jobs=jobs, timeout=timeout, scratch=scratch, contain=contain, in_place=in_place
        )
        if in_place and contain:
            raise UsageError("--in-place changes what --contain denies", hint="leave one out")
        if in_place:
            say("In place: cases change the files that they name.")
        return function(*arguments, options=options, **others)

    return _with_options(
        verb,
        click.option("--in-place", is_flag=True,
                     help="Change the files that a case names outside its own directories, "
                     "instead of only showing what would happen: about 2 MB are written to a "
                     "database, in a table that is dropped again; new files are removed."),
        click.option("--contain/--no-contain", default=None,
                     help="Whether the kernel must deny every change outside the directories of a "
                     "case (Linux 5.13 or newer); default: where it can."),
        click.option("--scratch", type=click.Path(exists=True, file_okay=False, path_type=Path),
                     help="Where to create the directories of the cases; default: in memory if "
                     "possible, else the temporary directory."),
        click.option("--timeout", type=click.FloatRange(0.5), default=30.0, show_default=True,
                     help="Kill a case that takes longer than this many seconds."),
        click.option("-j", "--jobs", type=click.IntRange(1),
                     help="Number of worker processes; default: one per core."),
    )  # fmt: skip


def _with_options(function: Verb, *options: Callable[[Verb], Verb]) -> Verb:
    """Add options to a verb; the last one comes first in its help."""
    for option in options:
        function = option(function)
    return function


def exit_code_for_missing(count: int, *, allowed: bool = False) -> int:
    """The exit code where so many stacks are unavailable, which the last line says."""
    if not count:
        return EXIT_OK
    accepted = "" if not allowed else ", which --allow-missing accepts"
    say(f"{many(count, 'stack')} unavailable{accepted}")
    return EXIT_OK if allowed else EXIT_UNAVAILABLE


def say(text: str, *, err: bool = True) -> None:
    """Print one line, on standard error unless `err` is false; its texts may come from outside."""
    click.echo(document(visible(text)), err=err)


def write_json(data: Json, output: Path | None) -> None:
    """Write data as JSON to a file, or to standard output."""
    write_output(json_document(json.dumps(data, indent=1) + "\n"), output)


def write_output(text: str, output: Path | None) -> None:
    """Write a finished document to a file, or to standard output.

    What the encoding of standard output lacks is escaped.
    """
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, "utf-8")
        return
    data = text.encode(sys.stdout.encoding or "utf-8", "backslashreplace")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the reader has what it wanted: `sqlite-matrix list cases | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_OK)


def render_table(
    results: ResultSet, selection: Selection | None = None, *, recipes: bool = False
) -> str:
    """The table for this terminal; with `recipes`, what to write stands below it."""
    from matrix.reports.grid import build_grid
    from matrix.reports.terminal import render_terminal

    found: Sequence[Recipe] = ()
    if recipes:
        from matrix.reports.recipes import build_recipes

        found = build_recipes(results)
    return render_terminal(build_grid(results, selection), found, **this_terminal())


class Terminal(TypedDict):
    """How to draw a table; the keys are the renderers' parameters."""

    width: int
    color: bool
    unicode: bool


def this_terminal() -> Terminal:
    """What standard output supports: its columns, and whether it has colours and Unicode."""
    return Terminal(
        width=shutil.get_terminal_size((100, 24)).columns,
        color=sys.stdout.isatty() and not os.environ.get("NO_COLOR"),
        unicode="utf" in (sys.stdout.encoding or "").lower(),
    )
