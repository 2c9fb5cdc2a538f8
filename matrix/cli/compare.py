"""`sqlite-matrix compare`: what changed between two sets of results, and why."""

from __future__ import annotations

import os
from pathlib import Path

import click

from matrix.cli.common import (
    Verb,
    execution_options,
    output_option,
    package_options,
    say,
    this_terminal,
    write_output,
)
from matrix.cli.progress import PROGRESS
from matrix.comparison.accepted import ACCEPTED_FILE
from matrix.comparison.report import ChangeReport
from matrix.comparison.workflow import compare_and_explain, parse_kinds, select_stacks
from matrix.errors import UsageError
from matrix.files import exists
from matrix.reports.changes.formats import CHANGE_RENDERERS, render_changes
from matrix.reports.changes.markdown import render_change_markdown
from matrix.reports.changes.table import render_change_table
from matrix.runner.options import RunOptions
from matrix.stacks.provision import Provisioner

_SUMMARY_LIMIT = 1 << 20
"""GitHub rejects a job summary of more bytes."""


explain_option = click.option(
    "--explain/--no-explain",
    "explained",
    default=True,
    show_default=True,
    help="If several facts differ, run the changed cases on intermediate stacks to find the one "
    "that makes the difference.",
)


def comparison_options(function: Verb) -> Verb:
    """The options that `compare` and `accept` share."""
    for option in (
        package_options,
        explain_option,
        click.option("--accepted", type=click.Path(dir_okay=False, path_type=Path),
                     help=f"The file of accepted changes; default: {ACCEPTED_FILE} in OLD."),
        click.option("--stack", "stacks", multiple=True, metavar="GLOB",
                     help="Select stacks: apsw, 'pysqlite3[sqlalchemy*'. Repeatable."),
        click.option("--select", "patterns", multiple=True, metavar="GLOB",
                     help="Select cases: a topic, a topic/scenario, or a pattern for case ids. "
                     "Repeatable."),
    ):  # fmt: skip
        function = option(function)
    return execution_options(function)


@click.command("compare")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@comparison_options
@click.option("--fail-on", metavar="KIND[,KIND]",
              help="The kinds of change that give exit code 1, or all, or none; default: all "
              "except additions and what is not comparable.")  # fmt: skip
@click.option(
    "--format",
    "format_",
    type=click.Choice(sorted(CHANGE_RENDERERS)),
    default="table",
    show_default=True,
    help="Output format; github: workflow commands, plus the job summary.",
)
@output_option
def command(
    old: Path,
    new: Path,
    fail_on: str | None,
    format_: str,
    output: Path | None,
    patterns: tuple[str, ...],
    stacks: tuple[str, ...],
    accepted: Path | None,
    explained: bool,
    provisioner: Provisioner,
    options: RunOptions,
) -> int:
    """Show what changed from OLD to NEW, two directories of result files.

    Cells that changed in the same way for the same cause share one line, the worst first. Exits
    with 0 if nothing changed or every change is accepted, with 1 otherwise.

    Example: sqlite-matrix compare results/baseline results/latest --select sharing
    """
    if accepted is not None and not exists(accepted):
        raise UsageError(f"{accepted}: no such file", hint="`sqlite-matrix accept` writes one")
    report = compare_and_explain(
        old, new,
        patterns=patterns, stacks=select_stacks(stacks), accepted=accepted,
        fail_on=parse_kinds(fail_on), explained=explained,
        provisioner=provisioner, options=options, progress=PROGRESS,
    )  # fmt: skip
    write_report(report, format_, output)
    return report.exit_code


def write_report(report: ChangeReport, format_: str, output: Path | None) -> None:
    """Write the report; with the format `github`, also the job summary."""
    if format_ == "table" and output is None:
        write_output(render_change_table(report, **this_terminal()), None)
    else:
        write_output(render_changes(report, format_), output)
    if format_ == "github":
        _summarise(report)


def _summarise(report: ChangeReport) -> None:
    """Append to the job summary, if there is one; GitHub limits the size of the whole file."""
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if not name:
        return
    path = Path(name)
    try:
        room = _SUMMARY_LIMIT - 1 - (path.stat().st_size if exists(path) else 0)
        text = render_change_markdown(report, room)
        if len(text.encode()) <= room:
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        say(f"job summary not written: {path}: {error.strerror}")
