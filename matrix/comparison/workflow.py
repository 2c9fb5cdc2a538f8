"""Two results compared as a user wants it: explained by running, sorted out, and accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from matrix.comparison.accepted import (
    ACCEPTED_FILE,
    entries_of,
    load_accepted,
    sort_out,
    write_accepted,
)
from matrix.comparison.compare import Comparison, StackChange, compare_results
from matrix.comparison.diff import ChangeKind
from matrix.comparison.explain import RunCases, explain, needs_runs
from matrix.comparison.grouping import Group
from matrix.comparison.report import FAILING, ChangeReport, report_changes
from matrix.documents.yaml_model import suggest
from matrix.errors import NothingSelectedError, UsageError
from matrix.model import Case
from matrix.model.selection import Selection
from matrix.model.stack_id import StackId
from matrix.results.store import ResultSet
from matrix.runner.collect import observe, provide
from matrix.runner.options import RunOptions
from matrix.runner.progress import SILENT, Progress
from matrix.scenarios.selector import Selector, matches
from matrix.stacks.catalogue import load_catalogue
from matrix.stacks.provision import Provisioner
from matrix.stacks.spec import Stack
from matrix.text import many

_EVERYTHING, _NOTHING = "all", "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What was accepted: changes of cells, in groups, and changes of whole stacks."""

    groups: tuple[Group, ...]
    stacks: tuple[StackChange, ...]


def compare_and_explain(
    old: Path,
    new: Path,
    *,
    provisioner: Provisioner,
    patterns: Sequence[str] = (),
    stacks: Selection | None = None,
    accepted: Path | None = None,
    fail_on: frozenset[ChangeKind] = FAILING,
    explained: bool = True,
    options: RunOptions = RunOptions(),
    progress: Progress = SILENT,
) -> ChangeReport:
    """Compare two directories of results, explain what is not accepted, and sort it out.

    `patterns` select cases, `stacks` selects stacks by their names. `accepted`: the file of
    accepted changes, by default that in `old`. `explained`: run the changed cases on stacks in
    between, where that is needed to find what decides.
    """
    selection = Selector.parse(patterns) if patterns else None
    entries = load_accepted(accepted or old / ACCEPTED_FILE)
    comparison = compare_results(old, new, selection, stacks)
    left = sort_out(comparison, entries, selection).changes
    todo = replace(comparison, changes=left)
    if explained and needs_runs(todo):
        found = explain_by_running(
            todo, provisioner=provisioner, options=options, progress=progress
        ).changes
        open_ = {change.key for change in left}
        folded = [change for change in comparison.changes if change.key not in open_]
        comparison = replace(comparison, changes=(*folded, *found))
    return report_changes(
        comparison, entries, selection=selection, fail_on=fail_on, explained=explained
    )


def explain_by_running(
    comparison: Comparison,
    *,
    provisioner: Provisioner,
    options: RunOptions = RunOptions(),
    progress: Progress = SILENT,
) -> Comparison:
    """The same comparison, its changes with causes; runs stacks in between only where needed."""
    if not needs_runs(comparison):
        return comparison
    return explain(comparison, _runner(provisioner, options, progress), load_catalogue())


def accept_changes(
    report: ChangeReport,
    path: Path,
    *,
    kinds: frozenset[ChangeKind],
    reason: str,
    reference: str | None = None,
) -> Accepted:
    """Add the changes of these kinds to a file of accepted ones; what is there stays.

    Raises NothingSelectedError where there is no such change.
    """
    groups = tuple(group for group in report.groups if not kinds.isdisjoint(group.kinds))
    stacks = tuple(each for each in report.stacks if each.kind in kinds)
    if not groups and not stacks:
        compared = f"{report.comparison.old} {report.comparison.new}"
        hint = f"sqlite-matrix compare {compared}"
        raise NothingSelectedError("there is no change to accept", hint=hint)
    entries = entries_of(groups, stacks, reason, reference)
    write_accepted(path, [*load_accepted(path), *entries])
    return Accepted(groups=groups, stacks=stacks)


def parse_kinds(text: str | None) -> frozenset[ChangeKind]:
    """The kinds of change that a user named, with commas in between; None: those that fail.

    Raises UsageError for a word that is no kind.
    """
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


def select_stacks(patterns: Sequence[str]) -> Selection | None:
    """Selects stacks by patterns over a whole name, one without its Python, or a driver's name.

    None, which selects all of them, where there is no pattern.
    """
    if not patterns:
        return None

    def selected(name: str) -> bool:
        parsed = StackId.parse(name)
        names = [name, name.partition("@")[0], *([parsed.driver] if parsed else [])]
        return any(matches(pattern, each) for pattern in patterns for each in names)

    return selected


def _runner(provisioner: Provisioner, options: RunOptions, progress: Progress) -> RunCases:
    def run_cases(asked: Sequence[tuple[Stack, Sequence[Case]]]) -> ResultSet:
        cells = sum(len(cases) for _, cases in asked)
        size = f"{many(cells, 'cell')} on {many(len(asked), 'stack')}"
        progress.note(f"running {size} to find what decides")
        provided = provide(provisioner, [stack for stack, _ in asked], progress)
        work = [(each, cases) for each, (_, cases) in zip(provided, asked, strict=True)]
        results = observe(work, options=options)
        for stack in results.stacks:
            if stack.unavailable is not None:
                progress.note(f"unavailable: {stack.stack}: {stack.unavailable}")
        return results

    return run_cases
