"""`sqlite-matrix compare`: what changed between two results, and what decides it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from matrix.cli.common import (
    execution_options,
    output_option,
    package_options,
    provide,
    this_terminal,
    write_output,
)
from matrix.comparison.accepted import ACCEPTED_FILE, load_accepted, sort_out
from matrix.comparison.compare import compare_results
from matrix.comparison.diff import ChangeKind
from matrix.comparison.explain import RunCases, explain, needs_runs
from matrix.comparison.report import FAILING, ChangeReport, report_changes
from matrix.documents.yaml_model import suggest
from matrix.errors import UsageError
from matrix.model import Case
from matrix.model.selection import Selection
from matrix.model.stack_id import StackId
from matrix.reports.changes.formats import CHANGE_RENDERERS, render_changes
from matrix.reports.changes.markdown import render_change_markdown
from matrix.reports.changes.table import render_change_table
from matrix.results.store import ResultSet
from matrix.runner.collect import observe
from matrix.scenarios.selector import Selector, matches
from matrix.stacks.catalogue import load_catalogue
from matrix.stacks.provision import Provisioner
from matrix.stacks.spec import Stack
from matrix.text import many

F = TypeVar("F", bound=Callable[..., Any])

_SUMMARY_LIMIT = 1 << 20
"""GitHub refuses a job summary of more bytes."""
_EVERYTHING, _NOTHING = "all", "none"


explain_option = click.option(
    "--explain/--no-explain",
    "explained",
    default=True,
    show_default=True,
    help="Where several facts differ, run the changed cases on stacks in between to find the one "
    "that decides.",
)


def comparison_options(function: F) -> F:
    """What `compare` and `accept` have in common, named as `tell_changes` takes them."""
    for option in (
        package_options,
        explain_option,
        click.option("--accepted", type=click.Path(dir_okay=False, path_type=Path),
                     help=f"The file of accepted changes; default: {ACCEPTED_FILE} in OLD."),
        click.option("--stack", "stacks", multiple=True, metavar="GLOB",
                     help="Only these stacks: apsw, 'pysqlite3[sqlalchemy*'. Repeatable."),
        click.option("--select", "patterns", multiple=True, metavar="GLOB",
                     help="Only these cases: a topic, a topic/scenario, or a pattern over case "
                     "ids. Repeatable."),
    ):  # fmt: skip
        function = option(function)
    return execution_options(function)


@click.command("compare")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@comparison_options
@click.option("--fail-on", metavar="KIND[,KIND]",
              help="The kinds of change that give exit code 1, all or none; default: every change "
              "but what was added, and what is not comparable.")  # fmt: skip
@click.option(
    "--format",
    "format_",
    type=click.Choice(sorted(CHANGE_RENDERERS)),
    default="table",
    show_default=True,
    help="What to print; github: workflow commands, and a summary of the job.",
)
@output_option
def command(
    old: Path,
    new: Path,
    fail_on: str | None,
    format_: str,
    output: Path | None,
    **options: Any,
) -> int:
    """Show what changed from OLD to NEW, two directories of result files.

    Cells that changed alike for the same cause are one line, the worst first. Exit codes: 0 nothing
    changed or all of it is accepted, 1 changed.

    Example: sqlite-matrix compare results/baseline results/latest --select sharing
    """
    named = options["accepted"]
    if named is not None and not named.exists():
        raise UsageError(f"{named}: no such file", hint="`sqlite-matrix accept` writes one")
    report = tell_changes(old, new, fail_on=failing_kinds(fail_on), **options)
    write_report(report, format_, output)
    return report.exit_code


def write_report(report: ChangeReport, format_: str, output: Path | None) -> None:
    """Write the report; in a job on GitHub its summary, too."""
    if format_ == "table" and output is None:
        write_output(render_change_table(report, **this_terminal()), None)
    else:
        write_output(render_changes(report, format_), output)
    if format_ == "github":
        _summarise(report)


def tell_changes(
    old: Path,
    new: Path,
    *,
    names: Selection | None = None,
    patterns: Sequence[str] = (),
    stacks: Sequence[str] = (),
    accepted: Path | None = None,
    fail_on: frozenset[ChangeKind] = FAILING,
    explained: bool = True,
    cache: Path | None = None,
    offline: bool = False,
    **execution: Any,
) -> ChangeReport:
    """Compare, explain and sort out, with progress on standard error.

    `names` is asked for the names of stacks, instead of the patterns in `stacks`.
    """
    selection = Selector.parse(patterns) if patterns else None
    entries = load_accepted(accepted or old / ACCEPTED_FILE)
    comparison = compare_results(old, new, selection, names or _by_stack(stacks))
    left = sort_out(comparison, entries, selection).changes
    todo = replace(comparison, changes=left)
    if explained and needs_runs(todo):
        runner = _runner(Provisioner(cache, offline=offline), execution)
        found = explain(todo, runner, load_catalogue()).changes
        open_ = {id(change) for change in left}
        folded = [change for change in comparison.changes if id(change) not in open_]
        comparison = replace(comparison, changes=(*folded, *found))
    return report_changes(
        comparison, entries, selection=selection, fail_on=fail_on, explained=explained
    )


def failing_kinds(text: str | None) -> frozenset[ChangeKind]:
    """The kinds that a user named, with commas in between."""
    if text is None:
        return FAILING
    names = [name.strip() for name in text.split(",")]
    if _NOTHING in names and len(names) > 1:
        raise UsageError(f"{text!r}: {_NOTHING!r} stands alone")
    if _NOTHING in names:
        return frozenset()
    known = {kind.value: kind for kind in ChangeKind}
    for name in names:
        if name not in (*known, _EVERYTHING):
            hint = suggest(name, [*known, _EVERYTHING, _NOTHING])
            raise UsageError(f"no kind of change called {name!r}", hint=hint)
    return frozenset(ChangeKind if _EVERYTHING in names else map(known.__getitem__, names))


def _by_stack(patterns: Sequence[str]) -> Selection | None:
    """Whether a stack is meant: by its whole name, without its Python, or by its driver."""
    if not patterns:
        return None

    def selected(name: str) -> bool:
        parsed = StackId.parse(name)
        names = [name, name.partition("@")[0], *([parsed.driver] if parsed else [])]
        return any(matches(pattern, each) for pattern in patterns for each in names)

    return selected


def _runner(provisioner: Provisioner, execution: dict[str, Any]) -> RunCases:
    def run_cases(asked: Sequence[tuple[Stack, Sequence[Case]]]) -> ResultSet:
        cells = sum(len(cases) for _, cases in asked)
        told = f"{many(cells, 'cell')} on {many(len(asked), 'stack')}"
        click.echo(f"running {told} to find what decides", err=True)
        provided = provide(provisioner, [stack for stack, _ in asked])
        work = [(each, cases) for each, (_, cases) in zip(provided, asked, strict=True)]
        results = observe(work, **execution)
        for stack in results.stacks:
            if stack.unavailable is not None:
                click.echo(f"unavailable: {stack.stack}: {stack.unavailable}", err=True)
        return results

    return run_cases


def _summarise(report: ChangeReport) -> None:
    """Append to the summary of the job, if this is one; GitHub's limit is that of the whole."""
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if not name:
        return
    path = Path(name)
    try:
        room = _SUMMARY_LIMIT - 1 - (path.stat().st_size if path.exists() else 0)
        text = render_change_markdown(report, room)
        if len(text.encode()) <= room:
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        click.echo(f"no summary of the job: {path}: {error.strerror}", err=True)
