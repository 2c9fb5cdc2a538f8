"""Changes alike put together: a hundred cells with one cause are one line.

    from matrix.comparison.grouping import group_changes, headline
    for group in group_changes(comparison.changes): ...

Alike are changes with one code (what was seen before and now) and one cause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from matrix.comparison.causes import Cause, How, candidates
from matrix.comparison.change_code import ChangeCode, code_of, sentence
from matrix.comparison.compare import Change, Comparison, StackChange
from matrix.comparison.diff import NOT_COMPARABLE, ChangeKind
from matrix.comparison.pairing import Pair
from matrix.model.outcome import Verdict, verdict
from matrix.model.stack_id import stack_order
from matrix.text import cut, few, many

NOTES = NOT_COMPARABLE | {ChangeKind.ADDED, ChangeKind.STACK_ADDED}
"""The kinds that are shown, and by default fail nothing."""

_LONGEST = 70
_MOST_PARTS = 4
_MOST_FACTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Changes alike: their worst kind, what changed, and what decides it."""

    kind: ChangeKind
    code: ChangeCode
    cause: Cause
    changes: tuple[Change, ...]

    @property
    def what(self) -> str:
        """What changed, in words."""
        return sentence(self.code)

    @property
    def cells(self) -> int:
        return len({change.cell for change in self.changes})

    @property
    def stacks(self) -> tuple[str, ...]:
        """The stacks of the new result in which it was seen, each once."""
        names = {change.pair.new.stack for change in self.changes}
        return tuple(sorted(names, key=stack_order))

    @property
    def kinds(self) -> Mapping[ChangeKind, int]:
        """How many cells are of each kind, worst first."""
        counts = Counter(kind for change in self.changes for kind in change.kinds)
        return {kind: counts[kind] for kind in sorted(counts, key=lambda kind: kind.rank)}

    @property
    def examples(self) -> tuple[Change, ...]:
        """Up to three, each of another scenario as far as there are so many."""
        first: dict[str, Change] = {}
        for change in self.changes:
            first.setdefault(change.case.scenario, change)
        rest = [change for change in self.changes if change not in first.values()]
        return tuple([*first.values(), *rest][:3])

    @property
    def worse(self) -> int:
        """How many cells were as intended, and are not any more."""
        return self._turned(Verdict.AS_INTENDED, Verdict.NOT_AS_INTENDED)

    @property
    def better(self) -> int:
        return self._turned(Verdict.NOT_AS_INTENDED, Verdict.AS_INTENDED)

    def _turned(self, before: Verdict, after: Verdict) -> int:
        return len(
            {
                change.cell
                for change in self.changes
                if change.old is not None
                and change.new is not None
                and verdict(change.old, change.case) is before
                and verdict(change.new, change.case) is after
            }
        )


def group_changes(changes: Iterable[Change]) -> tuple[Group, ...]:
    """The groups, worst first, larger before smaller ones."""
    found: dict[tuple[object, ...], list[Change]] = {}
    for change in changes:
        found.setdefault((code_of(change), change.cause.key), []).append(change)
    groups = [
        Group(
            kind=min((change.kind for change in alike), key=lambda kind: kind.rank),
            code=code_of(alike[0]),
            cause=_widest(alike),
            changes=tuple(alike),
        )
        for alike in found.values()
    ]
    return tuple(sorted(groups, key=lambda g: (g.kind.rank, -g.cells, g.what)))


def headline(
    comparison: Comparison,
    groups: Sequence[Group],
    stacks: Sequence[StackChange],
    *,
    accepted: int = 0,
    stale: int = 0,
) -> str:
    """A sentence or two, fit for a changelog; `accepted` cells and `stale` entries are counted."""
    exchanged = _exchanged_everywhere(comparison)
    counted = [group for group in groups if group.kind not in NOTES]
    lost = [each for each in stacks if each.kind not in NOTES]
    parts = [_part(group, set(exchanged)) for group in counted[:_MOST_PARTS]]
    more = len(counted[_MOST_PARTS:])
    parts += [f"{more} more"] if more else []
    for kind in sorted({each.kind for each in lost}, key=lambda kind: kind.rank):
        names = [each.stack for each in lost if each.kind is kind]
        parts.append(f"{kind.word}: {few(names, _MOST_PARTS)}")
    parts += [f"{many(stale, 'accepted change')} not seen any more"] if stale else []
    text = _what_was_seen(comparison, counted, exchanged, accepted)
    return f"{text}. {'; '.join(parts)}" if parts else text


def _what_was_seen(
    comparison: Comparison, counted: Sequence[Group], exchanged: Sequence[str], accepted: int
) -> str:
    """What was exchanged, and how many cells of how many changed."""
    if not comparison.pairs:
        return "no stack is in both results"
    begin = f"{'; '.join(exchanged)}: " if exchanged else ""
    seen = f"{many(comparison.cells, 'cell')} on {many(len(comparison.pairs), 'stack')}"
    cells = len({change.cell for group in counted for change in group.changes})
    if cells:
        return f"{begin}{cells:,} of {seen} changed"
    beyond = f" beyond {many(accepted, 'accepted cell')}" if accepted else ""
    return f"{begin}nothing changed{beyond} in {seen}"


def _exchanged_everywhere(comparison: Comparison) -> list[str]:
    """What was exchanged, if that is few."""
    found = dict.fromkeys(each for pair in comparison.pairs for each in _exchanged(pair))
    return list(found) if len(found) <= 3 else []


def _exchanged(pair: Pair) -> Iterator[str]:
    """The versions in which a pair differs, and its URI setting; not what follows from a wheel."""
    named = [str(each) for each in candidates(pair) if each.own or each.fact.name == "uri_setting"]
    libraries = (str(each) for each in candidates(pair) if each.fact.name == "sqlite")
    yield from named or libraries


def _part(group: Group, named: set[str]) -> str:
    """A group in a few words; a cause that is `named` already is not repeated."""
    decided = group.cause.how in (How.ONLY, How.FOUND)
    facts = [fact for fact in group.cause.facts if decided and fact not in named]
    by = f" ({', '.join(facts)})" if facts else ""
    if group.cause.how is How.TIED:
        by = f" (one of: {few(group.cause.facts, _MOST_FACTS)})"
    return f"{many(group.cells, 'cell')}: {cut(group.what, _LONGEST)}{by}"


def _widest(changes: Sequence[Change]) -> Cause:
    """The cause that the most stacks speak for."""
    return max((change.cause for change in changes), key=lambda cause: len(cause.stacks))
