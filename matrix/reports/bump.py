"""What a bump changes, in words fit for a changelog and as data."""

from __future__ import annotations

from collections.abc import Iterable

from matrix.comparison.compare import Change
from matrix.comparison.grouping import NOTES, Group
from matrix.foreign import document, markdown_code, markdown_text
from matrix.model import Json
from matrix.regression.bump import Bump
from matrix.text import many

_EXAMPLES = 3


def render_bump(bump: Bump) -> str:
    """A bump as Markdown: one line, and below it what changed, worst first."""
    extent = f"{many(bump.cases, 'case')} on {many(len(bump.step.new), 'stack')}"
    groups = bump.report.groups
    title = markdown_text(bump.step.title)
    changed = _strings(c for group in groups if group.kind not in NOTES for c in group.changes)
    if changed:
        verb = "string behaves" if len(changed) == 1 else "strings behave"
        lines = [f"{title}: {len(changed):,} {verb} differently ({extent})"]
    else:
        lines = [f"{title}: no connection string behaves differently ({extent})"]
    return document("\n".join([*lines, *map(_group_line, groups)]) + "\n")


def bump_json(bump: Bump) -> Json:
    """The same as data, with every cell that changed."""
    return {
        "distribution": bump.step.pin.distribution,
        "old": bump.step.pin.version,
        "new": bump.step.version,
        "stacks": [stack.id for stack in bump.step.new],
        "cases": bump.cases,
        "strings": _strings(change for group in bump.report.groups for change in group.changes),
        "groups": [
            {
                "kind": group.kind.value,
                "what": group.what,
                "cause": str(group.cause),
                "strings": _strings(group.changes),
                "cells": [change.cell for change in group.changes],
            }
            for group in bump.report.groups
        ],
    }


def _group_line(group: Group) -> str:
    """`- memory → shared memory; 43 strings: `a`, `b`, …; the cause`."""
    targets = _strings(group.changes)
    shown = ", ".join(markdown_code(text) for text in targets[:_EXAMPLES])
    rest = ", …" if len(targets) > _EXAMPLES else ""
    what, cause = markdown_text(group.what), markdown_text(str(group.cause))
    return f"- {what}; {many(len(targets), 'string')}: {shown}{rest}; {cause}"


def _strings(changes: Iterable[Change]) -> list[str]:
    """The connection strings among changes, each once, in their order."""
    return list(dict.fromkeys(change.case.target for change in changes))
