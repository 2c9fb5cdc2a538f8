"""`sqlite-matrix regress`: the pinned stacks, compared with the committed baseline."""

from __future__ import annotations

import time
from pathlib import Path

import click

from matrix.cli.common import (
    Verb,
    execution_options,
    exit_code_for_missing,
    output_option,
    package_options,
    say,
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
    """The options of the verbs that compare pinned stacks with a baseline."""
    for option in (
        package_options,
        scenarios_option,
        click.option("--stacks", "words", multiple=True, metavar="SET|SPEC",
                     help="Names of stacks without versions, or a set of stacks; default: those "
                     "of pyproject.toml, else the set baseline. Repeatable."),
        click.option("--pins", type=click.Path(dir_okay=False, path_type=Path),
                     help="The file that pins the versions; default: that of pyproject.toml, else "
                     "requirements.txt in the baseline."),
        click.option("--baseline", type=click.Path(file_okay=False, path_type=Path),
                     help="The baseline directory; default: that of pyproject.toml, else "
                     "results/baseline."),
        click.option("--fail-on", metavar="KIND[,KIND]",
                     help="The kinds of change that give exit code 1, or all, or none; default: "
                     "those of pyproject.toml, else all except additions and what is not "
                     "comparable."),
    ):  # fmt: skip
        function = option(function)
    return function


@click.command("regress")
@regression_options
@click.option("--select", "patterns", multiple=True, metavar="GLOB",
              help="Select cases: a topic, a topic/scenario, or a pattern for case ids. "
              "Repeatable.")  # fmt: skip
@click.option("--update", is_flag=True,
              help="Write a new baseline instead of comparing, and add missing pins.")  # fmt: skip
@explain_option
@click.option("--measured", type=click.Path(file_okay=False, path_type=Path), default=MEASURED,
              show_default=True, help="The directory for the new results.")  # fmt: skip
@click.option("--format", "format_", type=click.Choice(sorted(CHANGE_RENDERERS)), default="table",
              show_default=True,
              help="Output format; github: annotations, plus the job summary.")  # fmt: skip
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
    """Run the pinned stacks, and compare what they do with the baseline.

    Exits with 0 if nothing behaves differently, with 1 if something does, and with 4 if a pinned
    stack is not available.

    Example: sqlite-matrix regress --select mode
    """
    began = time.monotonic()
    if update and patterns:
        raise UsageError("--update writes the whole baseline, so it does not take --select")
    plan = plan_regression(
        baseline=baseline, pins=pins, words=words, scenarios=scenarios, fail_on=fail_on,
        patterns=patterns,
    )  # fmt: skip
    if update:
        written = update_baseline(
            plan, measured, provisioner=provisioner, options=options, progress=PROGRESS
        )
        return _report_update(plan, written, time.monotonic() - began)
    found = check_regression(
        plan, measured,
        provisioner=provisioner, patterns=patterns, whole=not words, explained=explained,
        options=options, progress=PROGRESS,
    )  # fmt: skip
    write_report(found.report, format_, output)
    say(
        f"{many(len(found.stacks), 'stack')}, {time.monotonic() - began:.0f} s; "
        f"measured: {measured}/"
    )
    if found.changed:
        say("to accept this as the new baseline: sqlite-matrix regress --update")
        return EXIT_CHANGED
    return exit_code_for_missing(len(found.missing))


def _report_update(plan: RegressionPlan, written: BaselineUpdate, seconds: float) -> int:
    if written.missing:
        count = many(len(written.missing), "stack")
        say(f"{plan.baseline}: not written, {count} unavailable")
        return EXIT_UNAVAILABLE
    for line in written.pinned:
        say(f"{plan.pins}: {line}")
    size = sum(file.stat().st_size for file in plan.baseline.glob("*.jsonl"))
    count = many(len(written.stacks), "stack")
    say(f"{plan.baseline}: {count}, {size / 1e6:.1f} MB, {seconds:.0f} s", err=False)
    return EXIT_OK
