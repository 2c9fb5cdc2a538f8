"""`sqlite-matrix bisect`: the first version that behaves differently."""

from __future__ import annotations

import json
from pathlib import Path

import click

from matrix.cli.common import (
    execution_options,
    output_option,
    package_options,
    scenarios_option,
    table_or_json,
    write_output,
)
from matrix.cli.progress import PROGRESS
from matrix.errors import EXIT_OK, NothingSelectedError, UsageError
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
@click.option("--driver", metavar="NAME", help="Along the versions of this driver.")
@click.option("--middleware", metavar="NAME", help="Along the versions of this middleware.")
@click.option("--sqlite", is_flag=True, help="Along the versions of SQLite under sqlite3.")
@click.option("--python", is_flag=True, help="Along the Pythons of this machine.")
@click.option("--stack", "spec", metavar="SPEC",
              help="What else the stack is, such as 'apsw[uri=on]'; default: sqlite3, or the "
              "driver as built.")  # fmt: skip
@click.option("--old", metavar="VERSION", help="One end; default: the oldest there is.")
@click.option("--new", metavar="VERSION", help="The other end; default: the newest there is.")
@click.option("--outcome", "coarse", is_flag=True,
              help="Where the outcome changes, not the text of an error.")  # fmt: skip
@click.option("--all", "every", is_flag=True,
              help="Every release on the index, not only those of stacks.yaml.")  # fmt: skip
@click.option("--pre", is_flag=True, help="With --all: pre-releases, too.")
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
    """Find the first version that behaves differently in CASE: an id, or a pattern.

    Each step installs and runs one version, half-way between one that behaves as the old end and
    one that does not. One that cannot be had is passed over, and the answer may be an interval.

    Example: sqlite-matrix bisect 'sharing/named[path=name,uri=true]' --driver apsw
    """
    key = _key(driver, middleware, sqlite=sqlite, python=python)
    if every and (provisioner.offline or sqlite or python):
        raise UsageError("--all asks the index for a driver's or a middleware's releases")
    selector = Selector.parse([case])
    found = [each for each in expand_topics(read_topics(scenarios)) if selector(each.id)]
    if not found:
        raise NothingSelectedError(f"no case {case}", hint="sqlite-matrix list cases")
    base = spec or driver or "sqlite3"
    catalogue = load_catalogue()
    if driver is not None:
        key = parse_stack(driver, catalogue).driver
        if parse_stack(base, catalogue).driver != key:
            raise UsageError(f"{base} is no stack of {driver}")
    search = plan_search(found, key, base, catalogue, old=old, new=new, every=every, pre=pre)
    told = find_boundaries(
        search,
        provisioner=provisioner, compared=outcome if coarse else behaviour, options=options,
        progress=PROGRESS,
    )  # fmt: skip
    write_output(_render(search, told, format_), output)
    return EXIT_OK


def _key(driver: str | None, middleware: str | None, *, sqlite: bool, python: bool) -> str:
    """What varies, as a search has it."""
    asked = {
        "--python": PYTHON if python else None,
        "--sqlite": SQLITE if sqlite else None,
        "--middleware": middleware,
        "--driver": driver,
    }
    given = [key for key in asked.values() if key]
    if len(given) != 1:
        raise UsageError("one thing varies", hint=f"give one of {', '.join(asked)}")
    return given[0]


def _render(search: Search, found: Found, format_: str) -> str:
    name, cases, prints = search.axis.name, search.cases, found.fingerprints
    if format_ != "json":
        return render_boundaries(name, cases, found.boundaries, prints)
    data = {
        "runs": [run.to_json() for run in found.runs],
        "boundaries": [
            boundary_json(name, cases[each.case], each, prints[each.case])
            for each in found.boundaries
        ],
    }
    return json.dumps(data, indent=1) + "\n"
