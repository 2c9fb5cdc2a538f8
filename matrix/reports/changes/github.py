"""What changed between two results, as GitHub's workflow commands."""

from __future__ import annotations

from collections.abc import Iterator

from matrix.comparison.diff import ChangeKind
from matrix.comparison.report import ChangeReport
from matrix.foreign import command_message, command_property
from matrix.reports.changes.lines import (
    details,
    stack_line,
    stale_line,
)

_MOST_COMMANDS = 10
"""GitHub shows so many errors and so many warnings of a step, and drops the rest."""


def render_change_commands(report: ChangeReport) -> str:
    """An annotation per group: errors for what fails, warnings for the rest, ten of each."""
    found: dict[str, list[tuple[str, str]]] = {"error": [], "warning": []}
    for level, title, message in _annotations(report):
        found[level].append((title, message))
    lines = [f"::notice title=sqlite-matrix::{command_message(report.headline)}"]
    for level, entries in found.items():
        shown = entries if len(entries) <= _MOST_COMMANDS else entries[: _MOST_COMMANDS - 1]
        lines += [f"::{level} title={command_property(t)}::{command_message(m)}" for t, m in shown]
        if shown is not entries:
            title = f"{len(entries) - len(shown)} more"
            lines.append(f"::{level} title={title}::the summary of this job has them all")
    return "\n".join(lines) + "\n"


def _annotations(report: ChangeReport) -> Iterator[tuple[str, str, str]]:
    for group in report.groups:
        level = "error" if report.fails(group.kinds) else "warning"
        title = f"{group.cells:,} cells: {group.what}" if group.cells > 1 else group.what
        yield level, title, "\n".join(details(report, group))
    for each in report.stacks:
        level = "error" if report.fails([each.kind]) else "warning"
        yield level, each.kind.word, stack_line(each)
    for entry in report.stale:
        level = "error" if report.fails([ChangeKind.STALE]) else "warning"
        yield level, "an accepted change is not seen any more", stale_line(entry)
