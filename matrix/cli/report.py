"""`sqlite-matrix report`: render results as a page, a table or data."""

from __future__ import annotations

from pathlib import Path

import click

from matrix.cli.common import (
    RESULTS,
    output_option,
    render_table,
    write_output,
)
from matrix.project.claims import claims_if_any, evaluate_project_claims
from matrix.reports import RENDERERS, render
from matrix.results.provenance import load_provenance
from matrix.results.store import load_results
from matrix.scenarios.selector import Selector


@click.command("report")
@click.argument("format_", metavar="FORMAT", type=click.Choice(sorted(RENDERERS)))
@click.argument("results", type=click.Path(path_type=Path), default=RESULTS)
@click.option(
    "--select",
    "patterns",
    multiple=True,
    metavar="GLOB",
    help="Select cases: a topic, a topic/scenario, or a pattern for case ids. Repeatable.",
)
@output_option
def command(format_: str, results: Path, patterns: tuple[str, ...], output: Path | None) -> None:
    """Render the result files in RESULTS (default: results/latest) as FORMAT.

    In csv, a cell that a spreadsheet would evaluate begins with an apostrophe.

    Example: sqlite-matrix report html -o report.html
    """
    selector = Selector.parse(patterns) if patterns else None
    found = load_results(results)
    claims = () if patterns else evaluate_project_claims(claims_if_any(), found, results)
    if format_ == "table" and output is None:
        write_output(render_table(found, selector, recipes=selector is None), None)
    else:
        write_output(
            render(format_, found, selector, claims=claims, runs=load_provenance(results)), output
        )
