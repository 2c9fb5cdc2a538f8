"""`sqlite-matrix bisect`: the first version that behaves differently."""

from __future__ import annotations

from pathlib import Path

import click

from matrix.cli.common import (
    execution_options,
    output_option,
    package_options,
    scenarios_option,
    table_or_json,
    write_json,
    write_output,
)
from matrix.cli.progress import PROGRESS
from matrix.errors import EXIT_OK, NothingSelectedError, UsageError
from matrix.model import Json
from matrix.model.outcome import outcome
from matrix.project.topics import read_topics
from matrix.reports.bisect import boundary_json, render_boundaries
from matrix.runner.options import RunOptions
from matrix.scenarios.expand import expand_topics
from matrix.scenarios.selector import Selector
from matrix.stacks.catalogue import load_catalogue
from matrix.stacks.provision import Provisioner
from matrix.stacks.spec import parse_stack
from matrix.versions.history import behaviour
from matrix.versions.search import PYTHON, SQLITE, Found, Search, find_boundaries, plan_search


@click.command("bisect")
@click.argument("case", metavar="CASE")
@click.option("--driver", metavar="NAME", help="Search the versions of this driver.")
@click.option("--middleware", metavar="NAME", help="Search the versions of this middleware.")
@click.option("--sqlite", is_flag=True, help="Search the versions of SQLite under sqlite3.")
@click.option("--python", is_flag=True, help="Search the Python versions on this machine.")
@click.option("--stack", "spec", metavar="SPEC",
              help="The rest of the stack, such as 'apsw[uri=on]'; default: sqlite3, or the "
              "driver as built.")  # fmt: skip
@click.option("--old", metavar="VERSION", help="Where to start; default: the oldest version.")
@click.option("--new", metavar="VERSION", help="Where to end; default: the newest version.")
@click.option("--outcome", "coarse", is_flag=True,
              help="Compare outcomes only, not the text of errors.")  # fmt: skip
@click.option("--all", "every", is_flag=True,
              help="Search every release on the index, not only those in stacks.yaml.")  # fmt: skip
@click.option("--pre", is_flag=True, help="With --all, include pre-releases.")
@scenarios_option
@package_options
@execution_options
@table_or_json
@output_option
def command(
    case: str,
    driver: str | None,
    middleware: str | None,
    sqlite: bool,
    python: bool,
    spec: str | None,
    old: str | None,
    new: str | None,
    coarse: bool,
    every: bool,
    pre: bool,
    scenarios: tuple[Path, ...],
    format_: str,
    output: Path | None,
    provisioner: Provisioner,
    options: RunOptions,
) -> int:
    """Find the first version that behaves differently in CASE, an id or a pattern.

    Each step installs and runs one version, halfway between one that behaves like the oldest and
    one that does not. Versions that are not available are skipped, so the answer may be a range.

    Example: sqlite-matrix bisect 'sharing/named[path=name,uri=true]' --driver apsw
    """
    key = _key(driver, middleware, sqlite=sqlite, python=python)
    if every and (provisioner.offline or sqlite or python):
        raise UsageError("--all needs the index, and a --driver or --middleware")
    selector = Selector.parse([case])
    found = [each for each in expand_topics(read_topics(scenarios)) if selector(each.id)]
    if not found:
        raise NothingSelectedError(f"no case {case}", hint="sqlite-matrix list cases")
    base = spec or driver or "sqlite3"
    catalogue = load_catalogue()
    if driver is not None:
        key = parse_stack(driver, catalogue).driver
        if parse_stack(base, catalogue).driver != key:
            raise UsageError(f"{base} is not a stack of {driver}")
    search = plan_search(found, key, base, catalogue, old=old, new=new, every=every, pre=pre)
    result = find_boundaries(
        search,
        provisioner=provisioner, compared=outcome if coarse else behaviour, options=options,
        progress=PROGRESS,
    )  # fmt: skip
    if format_ == "json":
        write_json(_data(search, result), output)
    else:
        write_output(_text(search, result), output)
    return EXIT_OK


def _key(driver: str | None, middleware: str | None, *, sqlite: bool, python: bool) -> str:
    """The axis to search, by its key in a search."""
    asked = {
        "--python": PYTHON if python else None,
        "--sqlite": SQLITE if sqlite else None,
        "--middleware": middleware,
        "--driver": driver,
    }
    given = [key for key in asked.values() if key]
    if len(given) != 1:
        raise UsageError("exactly one axis is needed", hint=f"give one of {', '.join(asked)}")
    return given[0]


def _text(search: Search, found: Found) -> str:
    return render_boundaries(search.axis.name, search.cases, found.boundaries, found.fingerprints)


def _data(search: Search, found: Found) -> Json:
    name, cases, prints = search.axis.name, search.cases, found.fingerprints
    return {
        "runs": [run.to_json() for run in found.runs],
        "boundaries": [
            boundary_json(name, cases[each.case], each, prints[each.case])
            for each in found.boundaries
        ],
    }
