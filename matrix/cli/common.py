"""What the verbs share: options, progress, output."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import click

from matrix.errors import EXIT_OK, MatrixError, UsageError

if TYPE_CHECKING:
    from matrix.claims.document import ClaimsDocument
    from matrix.claims.evaluate import ClaimResult
    from matrix.model import Case
    from matrix.results.store import ResultSet
    from matrix.scenarios.topic import Topic
    from matrix.stacks.catalogue import Catalogue
    from matrix.stacks.provision import Provided, Provisioner, Unprovided
from matrix.stacks.spec import Stack

F = TypeVar("F", bound=Callable[..., Any])

SCENARIOS = Path("scenarios")
RESULTS = Path("results/latest")
CLAIMS = SCENARIOS / "claims"


output_option = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file instead of standard output.",
)
scenarios_option = click.option(
    "--scenarios",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A file or directory instead of scenarios/. Repeatable.",
)
table_or_json = click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="What to print.",
)


def package_options(function: F) -> F:
    """`--cache`, `--offline`: where the packages of stacks come from."""
    for option in (
        click.option("--offline", is_flag=True, help="Use what is in the cache, ask no index."),
        click.option("--cache", type=click.Path(file_okay=False, path_type=Path),
                     envvar="SQLITE_MATRIX_CACHE",
                     help="Where installed packages are kept."),
    ):  # fmt: skip
        function = option(function)
    return function


def stack_options(function: F) -> F:
    """`--stacks`, `--stack`, `--cache`, `--offline`: which stacks, and where they come from."""
    for option in (
        package_options,
        click.option("--stack", "specs", multiple=True, metavar="SPEC",
                     help="One stack: apsw, 'apsw==3.54.1.0', 'sqlite3[uri=off,sqlalchemy]'. "
                     "Required: the command fails if it cannot be had. Repeatable."),
        click.option("--stacks", "set_name", metavar="SET", help="A set: quick, standard, full."),
    ):  # fmt: skip
        function = option(function)
    return function


def execution_options(function: F) -> F:
    """How cases are run: `-j`, `--timeout`, `--scratch`, `--contain`, named as `Run` takes them."""
    for option in (
        click.option("--contain", is_flag=True,
                     help="Let no case write outside its directories: the attempt fails, and is "
                     "recorded. Needs Landlock (Linux 5.13 or newer)."),
        click.option("--scratch", type=click.Path(exists=True, file_okay=False, path_type=Path),
                     help="Where the cases' directories are made; default: in memory, if there is "
                     "such a file system."),
        click.option("--timeout", type=click.FloatRange(0.5), default=30.0, show_default=True,
                     help="Seconds after which a case is taken down."),
        click.option("-j", "--jobs", type=click.IntRange(1),
                     help="Worker processes; default: the cores."),
    ):  # fmt: skip
        function = option(function)
    return function


def choose_stacks(
    catalogue: Catalogue, set_name: str | None, specs: Sequence[str], default: str
) -> tuple[Stack, ...]:
    """The stacks that the user named, those of pyproject.toml, or those of the default set."""
    from matrix.project.config import load_config
    from matrix.project.stacks import project_stacks
    from matrix.stacks.spec import parse_stack, stacks_of_set

    settings = load_config()
    if set_name is None and not specs and settings.stacks is not None:
        return project_stacks(settings, catalogue)
    chosen = [parse_stack(spec, catalogue) for spec in specs]
    if set_name is not None or not chosen:
        chosen += stacks_of_set(set_name or default, catalogue)
    return tuple({stack.id: stack for stack in chosen}.values())


def read_topics(paths: Sequence[Path]) -> tuple[Topic, ...]:
    """The topics of these files and directories, by default those of pyproject.toml.

    Where that names none, they are in `scenarios/` here.
    """
    from matrix.project.config import load_config
    from matrix.scenarios.load import load_topics

    homes = paths or load_config().scenarios
    if not paths and not all(home.exists() for home in homes):
        raise UsageError(f"there is no directory {homes[0]}/ here", hint="name scenario files")
    return load_topics(homes)


def claims_files(paths: Sequence[Path] = ()) -> list[Path]:
    """The documents of claims in these files and directories, by default in `scenarios/claims/`."""
    if not paths and not CLAIMS.is_dir():
        raise UsageError(f"there is no directory {CLAIMS}/ here", hint="name files with --claims")
    files = [
        file
        for path in paths or [CLAIMS]
        for file in (sorted(path.glob("*.yaml")) if path.is_dir() else [path])
    ]
    if not files:
        raise UsageError("no *.yaml file of claims is there", hint="docs/claims.md is the format")
    return files


def read_claims() -> tuple[ClaimsDocument, ...]:
    """The documents in `scenarios/claims/`; none where there is no such directory."""
    from matrix.claims.document import load_claims

    return load_claims(claims_files(), corpus()) if CLAIMS.is_dir() else ()


def judge_claims(
    documents: Sequence[ClaimsDocument], results: ResultSet, directory: Path
) -> tuple[ClaimResult, ...]:
    """What results, and the experiments beside them, say of claims."""
    from matrix.claims.evaluate import evaluate_claims
    from matrix.claims.experiments import load_experiments

    if not documents:
        return ()
    return evaluate_claims(documents, results, load_experiments(directory), corpus())


@cache
def corpus() -> Mapping[str, Case]:
    """All cases of `scenarios/` here, by id."""
    from matrix.scenarios.expand import expand_topics

    return {case.id: case for case in expand_topics(read_topics(()))}


def provide(provisioner: Provisioner, stacks: Sequence[Stack]) -> list[Provided | Unprovided]:
    """Provide the stacks, with a word on how far it is."""
    from matrix.cli.progress import Progress

    with Progress("stacks provided", len(stacks)) as progress:
        provided = []
        for each in provisioner.provide_all(stacks):
            progress.advance(1, each.stack.id)
            provided.append(each)
    return provided


def write_output(text: str, output: Path | None) -> None:
    """Write to a file, or to standard output whatever its encoding."""
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


def render_table(results: Any, selection: Any = None) -> str:
    """The table for this terminal."""
    from matrix.reports.grid import build_grid
    from matrix.reports.terminal import render_terminal

    return render_terminal(build_grid(results, selection), **this_terminal())


class Terminal(TypedDict):
    """How a table is drawn, named as the renderers take it."""

    width: int
    color: bool
    unicode: bool


def this_terminal() -> Terminal:
    """What standard output shows: so many columns, colours or none, what characters."""
    return Terminal(
        width=shutil.get_terminal_size((100, 24)).columns,
        color=sys.stdout.isatty() and not os.environ.get("NO_COLOR"),
        unicode="utf" in (sys.stdout.encoding or "").lower(),
    )


def check_conflicts(results: ResultSet) -> None:
    """Fail loudly where the witnesses of what appeared disagree: such a cell is no fact."""
    found = [
        f"{observation.case} on {stack.stack}: {conflict}"
        for stack in results.stacks
        for observation in stack.observations.values()
        for conflict in observation.conflicts
    ]
    if found:
        raise MatrixError("\n".join([f"the witnesses disagree in {len(found)} cells", *found[:20]]))
