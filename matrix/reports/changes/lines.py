"""The lines that every readable report of changes is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matrix.comparison.accepted import AcceptedChange
from matrix.comparison.causes import How
from matrix.comparison.change_code import sentence
from matrix.comparison.compare import Change, StackChange
from matrix.comparison.diff import Aspect, excerpts
from matrix.comparison.grouping import Group
from matrix.comparison.pairing import Pair
from matrix.comparison.report import ChangeReport
from matrix.foreign import visible
from matrix.model import Json
from matrix.reports.grid import case_line
from matrix.reports.words import in_words
from matrix.text import few, many

_LONG_TEXTS = ("error_text", "warnings")
_MOST_STACKS = 6
_FEW = 3
_MOST_FACTS = 6
EXPLAIN = "--explain runs the stacks in between"


def aspect_line(aspect: Aspect) -> str:
    """What differs in an aspect: `second connection: sees → does not see`."""
    if aspect.name in _LONG_TEXTS and aspect.old and aspect.new:
        old, new = map(visible, excerpts(aspect.old, aspect.new))
    else:
        old, new = (_value(aspect.name, value) for value in (aspect.old, aspect.new))
    return f"{aspect.label}: {old} → {new}"


def example_line(change: Change) -> str:
    """The target as it is given to the driver, with its options."""
    via = f"  through {change.case.via}" if change.case.via else ""
    return case_line(change.case) + via


def kinds_line(group: Group) -> str:
    """How many cells of which kind, and how many are not as intended any more."""
    parts = [f"{count:,} × {kind.value}" for kind, count in group.kinds.items()]
    if group.worse:
        parts.append(f"{group.worse:,} no longer as intended")
    if group.better:
        parts.append(f"{group.better:,} now as intended")
    return ", ".join(parts)


def cause_line(report: ChangeReport, group: Group) -> str:
    hint = group.cause.how is How.UNTRIED and not report.explained
    return visible(f"{group.cause}{f'; {EXPLAIN}' if hint else ''}")


def stacks_line(stacks: Sequence[str], most: int = _MOST_STACKS) -> str:
    return visible(few(stacks, most))


def stack_line(change: StackChange) -> str:
    reason = f": {visible(change.reason)}" if change.reason else ""
    return f"{change.kind.word}: {visible(change.stack)} ({many(change.cells, 'cell')}){reason}"


def stale_line(entry: AcceptedChange) -> str:
    """An accepted change that is not seen any more."""
    where = f"{stacks_line(entry.cases, _FEW)} on {stacks_line(entry.stacks, _FEW)}"
    what = sentence(entry.change)
    return visible(f"accepted, and not seen any more: {what} in {where}, {_because(entry)}")


def folded_line(entry: AcceptedChange, count: int) -> str:
    return f"{many(count, 'cell')}, {sentence(entry.change)}, {_because(entry)}"


def _because(entry: AcceptedChange) -> str:
    return f"because {entry.reason}" + (f" ({entry.reference})" if entry.reference else "")


def pair_line(pair: Pair) -> str:
    """A pair and the facts in which it differs."""
    facts = [str(fact) for fact in pair.facts if fact.name != "source_id"]
    return visible(f"{pair}: {few(facts, _MOST_FACTS)}")


def _value(name: str, value: Json) -> str:
    if name == "details":
        return in_words("created", value)
    if name == "passed":
        return in_words("passed", value) if value is not None else "nothing"
    if isinstance(value, list):
        value = ", ".join(map(str, value)) or "none"
    if name in ("second_connection", "reopened") and value is not None:
        value = value.replace("_", " ")
    return in_words("", value) if value != "" else '""'


def details(report: ChangeReport, group: Group) -> Iterator[str]:
    """All about a group, a line each."""
    yield f"kinds: {kinds_line(group)}"
    yield f"cause: {cause_line(report, group)}"
    yield f"stacks: {stacks_line(group.stacks)}"
    for change in group.examples:
        yield f"e.g. {example_line(change)} ({visible(change.case.id)})"
        yield from (f"  {aspect_line(aspect)}" for aspect in change.aspects)
