"""Changes alike put together: a hundred cells with one cause are one line.

    from matrix.comparison.grouping import group_changes, headline
    for group in group_changes(comparison.changes): ...

Alike are changes of one sort (what was seen before and now, in words) with one cause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from matrix.comparison.causes import Cause, How, candidates
from matrix.comparison.compare import Change, Comparison, StackChange
from matrix.comparison.diff import Aspect, ChangeKind, gist
from matrix.comparison.pairing import Pair
from matrix.model import Json
from matrix.model.outcome import Verdict, outcome, verdict
from matrix.model.stack_id import stack_order
from matrix.text import cut, few, many

NOTES = frozenset(
    {ChangeKind.ADDED, ChangeKind.STACK_ADDED, ChangeKind.EDITED, ChangeKind.SAW_LESS}
)
"""The kinds that are told, and by default fail nothing."""

_PLACED = ("ending", "strays", "files", "error", "storage", "second_connection", "reopened")
"""The aspects that the outcome of a cell shows, if it is another one."""

_PATHS = ("tried", "conflicts", "modified", "removed", "opened", "side_names", "details")
_OWN_NAME = "{tmp}"
"""Begins the names of SQLite's own temporary files, which are called alike in every case."""

_SHORT = 120
_SHORTER = 70
_MOST_PARTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Changes alike: their worst kind, what changed in words, and what decides it."""

    kind: ChangeKind
    what: str
    cause: Cause
    changes: tuple[Change, ...]

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
                and verdict(change.old, change.case.intent) is before
                and verdict(change.new, change.case.intent) is after
            }
        )


def group_changes(changes: Iterable[Change]) -> tuple[Group, ...]:
    """The groups, worst first, larger before smaller ones."""
    found: dict[tuple[object, ...], list[Change]] = {}
    for change in changes:
        found.setdefault((sort_of(change), change.cause.key), []).append(change)
    groups = [
        Group(
            kind=min((change.kind for change in alike), key=lambda kind: kind.rank),
            what=sort_of(alike[0]),
            cause=_widest(alike),
            changes=tuple(alike),
        )
        for alike in found.values()
    ]
    return tuple(sorted(groups, key=lambda g: (g.kind.rank, -g.cells, g.what)))


def sort_of(change: Change) -> str:
    """What changed in a few words: changes with the same words are of one sort."""
    if not change.aspects or change.kind in NOTES:
        return change.kind.word
    passed = next((aspect for aspect in change.aspects if aspect.name == "passed"), None)
    if passed is not None and _arguments(passed.old) != _arguments(passed.new):
        return "another string reaches the driver"
    return _in_words(change, change.aspects[0])


def headline(
    comparison: Comparison,
    groups: Sequence[Group],
    stacks: Sequence[StackChange],
    *,
    accepted: int = 0,
    stale: int = 0,
) -> str:
    """A sentence or two, fit for a changelog; `accepted` cells and `stale` entries are counted."""
    bumps = _bumps(comparison)
    told = f"{'; '.join(bumps)}: " if bumps else ""
    seen = f"{many(comparison.cells, 'cell')} on {many(len(comparison.pairs), 'stack')}"
    counted = [group for group in groups if group.kind not in NOTES]
    lost = [each for each in stacks if each.kind not in NOTES]
    cells = len({change.cell for group in counted for change in group.changes})
    if cells:
        told += f"{cells:,} of {seen} changed"
    else:
        beyond = f" beyond {many(accepted, 'accepted cell')}" if accepted else ""
        told += f"nothing changed{beyond} in {seen}"
    if not comparison.pairs:
        told = "no stack is in both results"
    parts = [_part(group, set(bumps)) for group in counted[:_MOST_PARTS]]
    more = len(counted[_MOST_PARTS:])
    parts += [f"{more} more"] if more else []
    for kind in sorted({each.kind for each in lost}, key=lambda kind: kind.rank):
        names = [each.stack for each in lost if each.kind is kind]
        parts.append(f"{kind.word}: {few(names, _MOST_PARTS)}")
    parts += [f"{many(stale, 'accepted change')} not seen any more"] if stale else []
    return f"{told}. {'; '.join(parts)}" if parts else told


def _bumps(comparison: Comparison) -> list[str]:
    """What was exchanged, if that is few."""
    found = dict.fromkeys(each for pair in comparison.pairs for each in _exchanged(pair))
    return list(found) if len(found) <= 3 else []


def _exchanged(pair: Pair) -> Iterator[str]:
    """The versions in which a pair differs, and its URI setting; not what follows from a wheel."""
    named = [str(each) for each in candidates(pair) if each.own or each.fact.name == "uri_setting"]
    libraries = (str(each) for each in candidates(pair) if each.fact.name == "sqlite")
    yield from named or libraries


def _part(group: Group, told_already: set[str]) -> str:
    decided = group.cause.how in (How.ONLY, How.FOUND)
    facts = [fact for fact in group.cause.facts if decided and fact not in told_already]
    by = f" ({', '.join(facts)})" if facts else ""
    return f"{many(group.cells, 'cell')}: {cut(group.what, _SHORTER)}{by}"


def _widest(changes: Sequence[Change]) -> Cause:
    """The cause that the most stacks speak for."""
    return max((change.cause for change in changes), key=lambda cause: len(cause.stacks))


def _arguments(passed: Json) -> Json:
    return None if passed is None else passed["args"]


def _in_words(change: Change, aspect: Aspect) -> str:
    old, new = aspect.old, aspect.new
    if aspect.name in _PLACED and change.old is not None and change.new is not None:
        before, after = outcome(change.old).word, outcome(change.new).word
        if before != after:
            return f"{before} → {after}"
    if aspect.name == "warnings":
        return _warnings(old, new)
    before, after = gist(old, new)
    if aspect.name in _PATHS and not (before + after).startswith(_OWN_NAME):
        return f"{aspect.label}: {_some(old)} → {_some(new, 'others' if old else 'some')}"
    return f"{aspect.label}: {_short(before) or 'none'} → {_short(after) or 'none'}"


def _some(value: Json, word: str = "some") -> str:
    """Names differ from case to case: whether there is any is what cases have in common."""
    return word if value else "none"


def _warnings(old: Json, new: Json) -> str:
    gone = [text for text in old if text not in new]
    come = [text for text in new if text not in old]
    if come and not gone:
        return f"now warns: {_short('; '.join(gist('', text)[1] for text in come))}"
    if gone and not come:
        return f"no longer warns: {_short('; '.join(gist('', text)[1] for text in gone))}"
    before, after = gist(gone, come)
    return f"warns otherwise: {_short(before)} → {_short(after)}"


def _short(text: str) -> str:
    return cut(text, _SHORT)
