"""`sqlite-matrix regress`: the pinned stacks, held against the committed baseline."""

from __future__ import annotations

import time
from pathlib import Path

import click

from matrix.cli.common import (
    Verb,
    execution_options,
    output_option,
    package_options,
    scenarios_option,
)
from matrix.cli.compare import explain_option, write_report
from matrix.cli.progress import PROGRESS
from matrix.errors import EXIT_CHANGED, EXIT_OK, EXIT_UNAVAILABLE, UsageError
from matrix.regression.plan import RegressionPlan, plan_regression
from matrix.regression.regress import BaselineUpdate, check_regression, update_baseline
from matrix.reports.changes.formats import CHANGE_RENDERERS
from matrix.runner.options import RunOptions
from matrix.stacks.provision import Provisioner
from matrix.text import many

MEASURED = Path("results/regress")


def regression_options(function: Verb) -> Verb:
    """The options of those verbs that compare pinned stacks with a baseline."""
    for option in (
        package_options,
        scenarios_option,
        click.option("--stacks", "words", multiple=True, metavar="SET|SPEC",
                     help="Stacks by names without versions, or a set of them; default: those of "
                     "pyproject.toml, else the set baseline. Repeatable."),
        click.option("--pins", type=click.Path(dir_okay=False, path_type=Path),
                     help="What the names mean; default: requirements.txt in the baseline."),
        click.option("--baseline", type=click.Path(file_okay=False, path_type=Path),
                     help="The directory of the baseline; default: that of pyproject.toml, else "
                     "results/baseline."),
        click.option("--fail-on", metavar="KIND[,KIND]",
                     help="The kinds of change that give exit code 1, all or none; default: those "
                     "of pyproject.toml, else every change but what was added, and what is not "
                     "comparable."),
    ):  # fmt: skip
        function = option(function)
    return function


@click.command("regress")
@regression_options
@click.option("--select", "patterns", multiple=True, metavar="GLOB",
              help="Only these cases. Repeatable.")  # fmt: skip
@click.option("--update", is_flag=True,
              help="Write the baseline anew instead, and pin what it lacks a pin of.")  # fmt: skip
@explain_option
@click.option("--measured", type=click.Path(file_okay=False, path_type=Path), default=MEASURED,
              show_default=True, help="The directory for what is measured.")  # fmt: skip
@click.option("--format", "format_", type=click.Choice(sorted(CHANGE_RENDERERS)), default="table",
              show_default=True,
              help="What to print; github: annotations, and a summary of the job.")  # fmt: skip
@output_option
@execution_options
def command(
    baseline: Path | None,
    pins: Path | None,
    words: tuple[str, ...],
    scenarios: tuple[Path, ...],
    fail_on: str | None,
    patterns: tuple[str, ...],
    update: bool,
    explained: bool,
    measured: Path,
    format_: str,
    output: Path | None,
    provisioner: Provisioner,
    options: RunOptions,
) -> int:
    """Run the pinned stacks, and hold what they do against the baseline.

    Exits with 0 where nothing behaves differently, with 1 where something does, and with 4 where
    a pinned stack could not be had.

    Example: sqlite-matrix regress --select mode
    """
    began = time.monotonic()
    if update and patterns:
        raise UsageError("a baseline is written as a whole: --update takes no --select")
    plan = plan_regression(
        baseline=baseline, pins=pins, words=words, scenarios=scenarios, fail_on=fail_on,
        patterns=patterns,
    )  # fmt: skip
    if update:
        written = update_baseline(
            plan, measured, provisioner=provisioner, options=options, progress=PROGRESS
        )
        return _tell_update(plan, written, time.monotonic() - began)
    found = check_regression(
        plan, measured,
        provisioner=provisioner, patterns=patterns, whole=not words, explained=explained,
        options=options, progress=PROGRESS,
    )  # fmt: skip
    write_report(found.report, format_, output)
    click.echo(
        f"{many(len(found.stacks), 'stack')}, {time.monotonic() - began:.0f} s; "
        f"measured: {measured}/",
        err=True,
    )
    if found.changed:
        click.echo("sqlite-matrix regress --update takes this for the new baseline", err=True)
        return EXIT_CHANGED
    return EXIT_UNAVAILABLE if found.missing else EXIT_OK


def _tell_update(plan: RegressionPlan, written: BaselineUpdate, seconds: float) -> int:
    if written.missing:
        count = many(len(written.missing), "stack")
        click.echo(f"{plan.baseline}: not written, {count} unavailable", err=True)
        return EXIT_UNAVAILABLE
    for line in written.pinned:
        click.echo(f"{plan.pins}: {line}", err=True)
    size = sum(file.stat().st_size for file in plan.baseline.glob("*.jsonl"))
    count = many(len(written.stacks), "stack")
    click.echo(f"{plan.baseline}: {count}, {size / 1e6:.1f} MB, {seconds:.0f} s")
    return EXIT_OK
