"""`sqlite-matrix site`: the site to publish, from the results of one or more machines."""

from __future__ import annotations

from pathlib import Path

import click

from matrix.cli.common import RESULTS, say, write_output
from matrix.project.claims import claims_if_any, evaluate_project_claims
from matrix.reports import render
from matrix.reports.badges import render_badges
from matrix.results.merge import merge_results
from matrix.results.provenance import load_provenance

SITE = Path("results/report")
BESIDE = {
    "summary.md": "markdown",
    "cells.csv": "csv",
    "results.json": "json",
    "junit.xml": "junit",
}
"""The files beside the page, and the format of each."""


@click.command("site")
@click.argument("results", nargs=-1, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), default=SITE,
              show_default=True, help="The directory to publish.")  # fmt: skip
def command(results: tuple[Path, ...], output: Path) -> None:
    """Build the site: the page, its data files, and a badge per driver.

    RESULTS are directories of result files (default: results/latest), one per machine. On systems
    other than Linux, the system is added to the stack names. Incomplete results are rejected.

    Example: sqlite-matrix site results/linux results/darwin -o public
    """
    directories = results or (RESULTS,)
    merged = merge_results(directories)
    runs = tuple(run for directory in directories for run in load_provenance(directory))
    claims = evaluate_project_claims(claims_if_any(), merged, directories[0])
    page = render("html", merged, claims=claims, runs=runs, files=tuple(BESIDE))
    write_output(page, output / "index.html")
    for name, format_ in BESIDE.items():
        write_output(render(format_, merged, claims=claims), output / name)
    for driver, badge in render_badges(merged).items():
        write_output(badge, output / "badges" / f"{driver}.json")
    files = sum(path.is_file() for path in output.rglob("*"))
    say(f"{files} files for {len(merged.stacks)} stacks: {output}/index.html", err=False)
