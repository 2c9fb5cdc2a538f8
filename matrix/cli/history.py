"""`sqlite-matrix history`: how a case behaves in each version."""

from __future__ import annotations

from pathlib import Path

import click

from matrix.cli.common import (
    RESULTS,
    output_option,
    table_or_json,
    write_json,
    write_output,
)
from matrix.errors import NothingSelectedError
from matrix.reports.history import history_json, render_history
from matrix.results.store import load_results
from matrix.scenarios.selector import Selector
from matrix.stacks.catalogue import load_catalogue
from matrix.versions.history import same_sqlite, strips


@click.command("history")
@click.argument("case", metavar="CASE")
@click.argument("results", type=click.Path(path_type=Path), default=RESULTS)
@table_or_json
@output_option
def command(case: str, results: Path, format_: str, output: Path | None) -> None:
    """Show how CASE behaves across the versions of the drivers, SQLite, SQLAlchemy and Python.

    CASE is the id of a case or a pattern; RESULTS is a directory of result files (default:
    results/latest). For all versions, run the full set first: sqlite-matrix run --stacks full

    Example: sqlite-matrix history 'sharing/named[path=name,uri=true]'
    """
    found = load_results(results)
    selector = Selector.parse([case])
    cases = [each for name, each in found.cases.items() if selector(name)]
    if not cases:
        raise NothingSelectedError(f"no case {case} in {results}", hint="sqlite-matrix list cases")
    catalogue = load_catalogue()
    histories = [(c, strips(found, c.id, catalogue), same_sqlite(found, c.id)) for c in cases]
    if format_ == "json":
        write_json([history_json(*each) for each in histories], output)
    else:
        write_output("\n".join(render_history(*each) for each in histories), output)
