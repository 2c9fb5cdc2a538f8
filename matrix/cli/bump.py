"""`sqlite-matrix bump`: what a new version changes, before the project adopts it."""

from __future__ import annotations

from pathlib import Path

import click

from matrix.cli.common import execution_options, output_option, say, write_json, write_output
from matrix.cli.compare import explain_option
from matrix.cli.progress import PROGRESS
from matrix.cli.regress import regression_options
from matrix.errors import EXIT_CHANGED, EXIT_OK, EXIT_UNAVAILABLE, UsageError
from matrix.model import Json
from matrix.regression.bump_run import (
    Bumps,
    BumpSettings,
    check_writable,
    plan_bumps,
    plan_latest,
    run_bumps,
)
from matrix.regression.plan import plan_regression
from matrix.reports.bump import bump_json, render_bump
from matrix.runner.options import RunOptions
from matrix.stacks.provision import Provisioner


@click.command("bump")
@click.argument("requirements", nargs=-1, metavar="[NAME==VERSION]...")
@click.option(
    "--latest", is_flag=True, help="Bump every pin that has a newer version on the index."
)
@click.option("--pre", is_flag=True, help="With --latest, include pre-releases.")
@click.option("--write", is_flag=True, help="Update the pins and the baseline together.")
@regression_options
@explain_option
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text",
              show_default=True, help="Output format; text is also valid Markdown.")  # fmt: skip
@output_option
@execution_options
def command(
    requirements: tuple[str, ...],
    latest: bool,
    pre: bool,
    write: bool,
    baseline: Path | None,
    pins: Path | None,
    words: tuple[str, ...],
    scenarios: tuple[Path, ...],
    fail_on: str | None,
    explained: bool,
    format_: str,
    output: Path | None,
    provisioner: Provisioner,
    options: RunOptions,
) -> int:
    """Run the pinned version and a new one, and report which strings behave differently.

    Only the stacks that contain the package are run. Several versions are tried one after the
    other, so that each change is reported for the version that causes it. Exits with 1 if
    something changes.

    Example: sqlite-matrix bump apsw==3.54.1.0
    """
    if latest == bool(requirements):
        raise UsageError("name versions to bump to, or use --latest", hint="such as apsw==3.54.1.0")
    if latest and provisioner.offline:
        raise UsageError("--latest needs the index, so it cannot be used with --offline")
    plan = plan_regression(
        baseline=baseline, pins=pins, words=words, scenarios=scenarios, fail_on=fail_on
    )
    settings = BumpSettings(
        plan=plan, provisioner=provisioner, options=options, explained=explained,
        progress=PROGRESS,
    )  # fmt: skip
    if write:
        check_writable(plan)
    wishes = plan_bumps(plan, requirements) if requirements else plan_latest(settings, pre=pre)
    bumps = run_bumps(settings, wishes, write=write)
    if format_ == "json":
        write_json(_data(bumps), output)
    else:
        write_output(_text(bumps, latest=latest), output)
    if write and bumps.done:
        say(f"written: {plan.pins}, {plan.baseline}/")
    if bumps.changed:
        return EXIT_CHANGED
    return EXIT_UNAVAILABLE if bumps.missing and not latest else EXIT_OK


def _data(bumps: Bumps) -> Json:
    return {"bumps": [bump_json(bump) for bump in bumps.done], "unavailable": bumps.missing}


def _text(bumps: Bumps, *, latest: bool) -> str:
    if bumps.done or bumps.missing:
        return "".join(render_bump(bump) for bump in bumps.done)
    return "every pin is up to date\n" if latest else "nothing to bump\n"
