"""`sqlite-matrix run`: expand, provision, run, store, print the table."""

from __future__ import annotations

import time
from pathlib import Path

import click

from matrix.cli.common import (
    RESULTS,
    allow_missing_option,
    execution_options,
    exit_code_for_missing,
    render_table,
    say,
    stack_options,
    write_output,
)
from matrix.cli.progress import PROGRESS
from matrix.errors import EXIT_CHANGED
from matrix.project.run import RunOutcome, plan_run, run_plan
from matrix.project.stacks import choose_stacks
from matrix.reports import RENDERERS, render
from matrix.reports.grid import build_grid
from matrix.results.provenance import load_provenance
from matrix.results.store import ResultSet
from matrix.runner.collect import check_conflicts
from matrix.runner.options import RunOptions
from matrix.stacks.catalogue import load_catalogue
from matrix.stacks.provision import Provisioner
from matrix.text import many


@click.command("run")
@click.argument("scenarios", nargs=-1, type=click.Path(exists=True, path_type=Path))
@stack_options
@click.option(
    "--select",
    "patterns",
    multiple=True,
    metavar="GLOB",
    help="Select cases: a topic, a topic/scenario, or a pattern for case ids. Repeatable.",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted run.")
@allow_missing_option
@execution_options
@click.option(
    "--format",
    "format_",
    type=click.Choice(sorted(RENDERERS)),
    default="table",
    show_default=True,
    help="Output format.",
)
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), default=RESULTS,
              show_default=True, help="The directory for the result files.")  # fmt: skip
def command(
    scenarios: tuple[Path, ...],
    set_name: str | None,
    specs: tuple[str, ...],
    patterns: tuple[str, ...],
    resume: bool,
    allow_missing: bool,
    format_: str,
    output: Path,
    provisioner: Provisioner,
    options: RunOptions,
) -> int:
    """Run the cases of SCENARIOS on stacks, store the results, and print a table.

    SCENARIOS are files or directories; default: those of pyproject.toml, else scenarios/.

    Exits with 1 if an expectation is not met, and with 4 if a stack is not available.

    Example: sqlite-matrix run --stacks quick --select mode --select 'parameter-order/*order=cache*'
    """
    began = time.monotonic()
    plan = plan_run(scenarios, patterns)
    stacks = choose_stacks(load_catalogue(), set_name, specs, "standard")
    done = run_plan(
        plan, stacks, output,
        provisioner=provisioner, options=options, resume=resume, progress=PROGRESS,
    )  # fmt: skip
    page = _write_page(done, output)
    table = format_ == "table"
    text = (
        render_table(done.results) if table else render(format_, done.results, claims=done.claims)
    )
    write_output(text, None)
    _print_summary(done.results, output, page, time.monotonic() - began, to_stderr=not table)
    check_conflicts(done.results)
    for each in done.unmet:
        say(f"not as expected: {each}")
    if done.unmet:
        return EXIT_CHANGED
    return exit_code_for_missing(len(done.missing), allowed=allow_missing)


def _write_page(done: RunOutcome, output: Path) -> Path:
    """Write the HTML page: to results/report, or into the output directory if that was chosen."""
    page = Path("results/report/index.html") if output == RESULTS else output / "report.html"
    runs = load_provenance(output)
    write_output(render("html", done.results, claims=done.claims, runs=runs), page)
    return page


def _print_summary(
    results: ResultSet, output: Path, page: Path, seconds: float, *, to_stderr: bool
) -> None:
    totals = build_grid(results).totals
    stray = f"{many(totals.strays, 'stray file')}"
    line = (
        f"{many(totals.cells, 'cell')} on {many(totals.stacks, 'stack')}, {stray}, "
        f"{totals.not_as_intended:,} not as intended"
    )
    if totals.unavailable_stacks:
        line += f", {many(totals.unavailable_stacks, 'stack')} unavailable"
    click.echo("", err=to_stderr)
    say(f"{line}, {seconds:.0f} s. Results: {output}/, page: {page}", err=to_stderr)
