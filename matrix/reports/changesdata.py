"""What changed between two results, for programs: JSON, JUnit's XML, GitHub's workflow commands."""

from __future__ import annotations

import json
from collections.abc import Iterator

from matrix.accepted import AcceptedChange
from matrix.aspects import ChangeKind
from matrix.causes import Cause
from matrix.changes import ChangeReport
from matrix.compare import Change
from matrix.groups import NOTES, Group
from matrix.model import Json
from matrix.pairs import Pair
from matrix.reports.changes import (
    aspect_line,
    cause_line,
    example_line,
    kinds_line,
    stack_line,
    stacks_line,
    stale_line,
)
from matrix.reports.grid import visible
from matrix.reports.junit import JunitSuite, JunitTest, render_suites
from matrix.wording import many

SCHEMA = 1
_MOST_COMMANDS = 10
"""GitHub shows so many errors and so many warnings of a step, and drops the rest."""


def render_change_json(report: ChangeReport) -> str:
    """Everything, with every case by its id."""
    comparison = report.comparison
    data = {
        "schema": SCHEMA,
        "headline": report.headline,
        "old": str(comparison.old),
        "new": str(comparison.new),
        "cells": comparison.cells,
        "edited_cases": comparison.edited,
        "failing": report.failing,
        "exit_code": report.exit_code,
        "explained": report.explained,
        "groups": [_group(report, group) for group in report.groups],
        "stacks": [
            {"kind": each.kind.value, "stack": each.stack, "cells": each.cells,
             "reason": each.reason, "fails": report.fails([each.kind])}
            for each in report.stacks
        ],
        "accepted": [{**_entry(entry), "cells": count} for entry, count in report.accepted],
        "stale": [_entry(entry) for entry in report.stale],
        "pairs": [_pair(pair) for pair in comparison.pairs],
    }  # fmt: skip
    return json.dumps(data, indent=1, ensure_ascii=True) + "\n"


def render_change_junit(report: ChangeReport) -> str:
    """A test per group: failed, or skipped where it is a note or accepted."""
    tests = tuple(_tests(report)) or (JunitTest(classname="compare", name="unchanged"),)
    told = {
        "headline": report.headline,
        "old": str(report.comparison.old),
        "new": str(report.comparison.new),
    }
    suite = JunitSuite(name="compare", tests=tests, properties=told)
    return render_suites("sqlite-matrix compare", [suite])


def render_change_commands(report: ChangeReport) -> str:
    """An annotation per group: errors for what fails, warnings for the rest, ten of each."""
    found: dict[str, list[tuple[str, str]]] = {"error": [], "warning": []}
    for level, title, message in _annotations(report):
        found[level].append((title, message))
    lines = [f"::notice title=sqlite-matrix::{_escaped(visible(report.headline))}"]
    for level, entries in found.items():
        shown = entries if len(entries) <= _MOST_COMMANDS else entries[: _MOST_COMMANDS - 1]
        lines += [f"::{level} title={_property(t)}::{_escaped(m)}" for t, m in shown]
        if shown is not entries:
            title = f"{len(entries) - len(shown)} more"
            lines.append(f"::{level} title={title}::the summary of this job has them all")
    return "\n".join(lines) + "\n"


def _annotations(report: ChangeReport) -> Iterator[tuple[str, str, str]]:
    for group in report.groups:
        level = "error" if report.fails(group.kinds) else "warning"
        title = f"{group.cells:,} cells: {group.what}" if group.cells > 1 else group.what
        yield level, title, "\n".join(_details(report, group))
    for each in report.stacks:
        level = "error" if report.fails([each.kind]) else "warning"
        yield level, each.kind.word, stack_line(each)
    for entry in report.stale:
        level = "error" if report.fails([ChangeKind.STALE]) else "warning"
        yield level, "an accepted change is not seen any more", stale_line(entry)


def _tests(report: ChangeReport) -> Iterator[JunitTest]:
    for group in report.groups:
        failed = report.fails(group.kinds)
        yield JunitTest(
            classname=group.kind.value,
            name=f"{group.what} [{', '.join(group.cause.facts[:3]) or group.cause.how.value}]",
            failure=f"{many(group.cells, 'cell')}: {group.what}" if failed else None,
            skipped=None if failed else kinds_line(group),
            details=tuple(_details(report, group)) if failed else (),
        )
    for each in report.stacks:
        failed = report.fails([each.kind])
        told = stack_line(each)
        yield JunitTest(
            classname=each.kind.value,
            name=each.stack,
            failure=told if failed else None,
            skipped=None if failed else told,
        )
    for entry, count in report.accepted:
        yield JunitTest(
            classname="accepted",
            name=f"{entry.what} in {', '.join(entry.cases)}",
            skipped=f"{many(count, 'cell')}, because {entry.reason}",
        )
    for entry in report.stale:
        failed = report.fails([ChangeKind.STALE])
        yield JunitTest(
            classname="stale",
            name=f"{entry.what} in {', '.join(entry.cases)}",
            failure=stale_line(entry) if failed else None,
            skipped=None if failed else stale_line(entry),
        )


def _details(report: ChangeReport, group: Group) -> Iterator[str]:
    yield f"kinds: {kinds_line(group)}"
    yield f"cause: {cause_line(report, group)}"
    yield f"stacks: {stacks_line(group.stacks)}"
    for change in group.examples:
        yield f"e.g. {example_line(change)} ({visible(change.case.id)})"
        yield from (f"  {aspect_line(aspect)}" for aspect in change.aspects)


def _group(report: ChangeReport, group: Group) -> Json:
    return {
        "kind": group.kind.value,
        "what": group.what,
        "cells": group.cells,
        "fails": report.fails(group.kinds),
        "kinds": {kind.value: count for kind, count in group.kinds.items()},
        "no_longer_as_intended": group.worse,
        "now_as_intended": group.better,
        "cause": _cause(group.cause),
        "stacks": list(group.stacks),
        "cases": sorted({change.case.id for change in group.changes}),
        "note": group.kind in NOTES,
        "examples": [_example(change) for change in group.examples],
    }


def _cause(cause: Cause) -> Json:
    return {
        "how": cause.how.value,
        "facts": list(cause.facts),
        "besides": list(cause.besides),
        "with_it": list(cause.with_it),
        "stacks": list(cause.stacks),
        "in_words": str(cause),
    }


def _example(change: Change) -> Json:
    return {
        "case": change.case.id,
        "target": change.case.target,
        "connect": dict(change.case.connect),
        "old_stack": change.pair.old.stack,
        "new_stack": change.pair.new.stack,
        "changes": [
            {"aspect": each.name, "old": each.old, "new": each.new} for each in change.aspects
        ],
    }


def _pair(pair: Pair) -> Json:
    facts = {fact.name: [fact.old, fact.new] for fact in pair.facts}
    return {"old": pair.old.stack, "new": pair.new.stack, "facts": facts}


def _entry(entry: AcceptedChange) -> Json:
    return entry.model_dump(mode="json", exclude_none=True)


def _escaped(text: str) -> str:
    """A message of a workflow command: it ends with its line."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(visible(text)).replace(":", "%3A").replace(",", "%2C")
