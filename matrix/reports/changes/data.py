"""What changed between two results, as JSON."""

from __future__ import annotations

import json

from matrix.comparison.accepted import AcceptedChange
from matrix.comparison.causes import Cause
from matrix.comparison.change_code import ChangeCode, sentence
from matrix.comparison.compare import Change
from matrix.comparison.grouping import NOTES, Group
from matrix.comparison.pairing import Pair
from matrix.comparison.report import ChangeReport
from matrix.foreign import json_document
from matrix.model import Json

SCHEMA = 1


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
    return json_document(json.dumps(data, indent=1, ensure_ascii=True) + "\n")


def _group(report: ChangeReport, group: Group) -> Json:
    return {
        "kind": group.kind.value,
        "what": group.what,
        "change": _code(group.code),
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
    """The entry as in its file, but for its words: those are of this version."""
    plain = entry.model_dump(mode="json", exclude_none=True)
    return {**plain, "what": sentence(entry.change)}


def _code(code: ChangeCode) -> Json:
    return code.model_dump(mode="json", exclude_none=True)
