"""What changed between two results, as JUnit's XML."""

from __future__ import annotations

from collections.abc import Iterator

from matrix.comparison.change_code import sentence
from matrix.comparison.diff import ChangeKind
from matrix.comparison.report import ChangeReport
from matrix.reports.changes.lines import (
    details,
    kinds_line,
    stack_line,
    stale_line,
)
from matrix.reports.junit import JunitSuite, JunitTest, render_suites
from matrix.text import many


def render_change_junit(report: ChangeReport) -> str:
    """A test per group: failed, or skipped where it is a note or accepted."""
    tests = tuple(_tests(report)) or (JunitTest(classname="compare", name="unchanged"),)
    properties = {
        "headline": report.headline,
        "old": str(report.comparison.old),
        "new": str(report.comparison.new),
    }
    suite = JunitSuite(name="compare", tests=tests, properties=properties)
    return render_suites("sqlite-matrix compare", [suite])


def _tests(report: ChangeReport) -> Iterator[JunitTest]:
    for group in report.groups:
        failed = report.fails(group.kinds)
        yield JunitTest(
            classname=group.kind.value,
            name=f"{group.what} [{', '.join(group.cause.facts[:3]) or group.cause.how.value}]",
            failure=f"{many(group.cells, 'cell')}: {group.what}" if failed else None,
            skipped=None if failed else kinds_line(group),
            details=tuple(details(report, group)) if failed else (),
        )
    for each in report.stacks:
        failed = report.fails([each.kind])
        line = stack_line(each)
        yield JunitTest(
            classname=each.kind.value,
            name=each.stack,
            failure=line if failed else None,
            skipped=None if failed else line,
        )
    for entry, count in report.accepted:
        yield JunitTest(
            classname="accepted",
            name=f"{sentence(entry.change)} in {', '.join(entry.cases)}",
            skipped=f"{many(count, 'cell')}, because {entry.reason}",
        )
    for entry in report.stale:
        failed = report.fails([ChangeKind.STALE])
        yield JunitTest(
            classname="stale",
            name=f"{sentence(entry.change)} in {', '.join(entry.cases)}",
            failure=stale_line(entry) if failed else None,
            skipped=None if failed else stale_line(entry),
        )
