"""What distinguishes the stacks on which something holds from those on which it does not.

A description is made of the facts that fingerprints record. The smallest one that fits wins: one
fact, else two, else three. That it fits is no proof of a cause, so others that fit are given too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, pairwise, product

from matrix.model import Fingerprint
from matrix.model.versions import version_of

_StackSet = int
"""A set of stacks, a bit for each."""

_BOOLEANS = (
    ("uri_default", "SQLite reads URIs by default", "SQLite does not read URIs by default"),
    ("shared_cache", "SQLite has the shared cache", "SQLite lacks the shared cache"),
    ("temp_files", "temporary data may go to files", "temporary data stays in memory"),
)
_MOST_ALTERNATIVES = 3


@dataclass(frozen=True, slots=True)
class Distinction:
    """Where it holds, in words; and other descriptions of the same size that fit."""

    where: str
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Fact:
    words: str
    stacks: _StackSet


def distinguish(
    held: Mapping[str, Fingerprint], failed: Mapping[str, Fingerprint]
) -> Distinction | None:
    """Describe the stacks of `held` against those of `failed`; None if nothing recorded does."""
    prints = [*held.values(), *failed.values()]
    wanted = (1 << len(held)) - 1
    everything = (1 << len(prints)) - 1
    facts = _distinct(_facts(prints), everything)
    fitting = [fact.words for fact in facts if fact.stacks == wanted]
    if fitting:
        return Distinction(fitting[0], tuple(fitting[1 : 1 + _MOST_ALTERNATIVES]))
    facts = _one_per_set(facts)
    for combined in (_pairs, _triples):
        fitting = list(islice(combined(facts, wanted), 1 + _MOST_ALTERNATIVES))
        if fitting:
            return Distinction(fitting[0], tuple(fitting[1:]))
    return None


# Complex only by count: one loop or comprehension for each field, and hardly a branch.
def _facts(prints: Sequence[Fingerprint]) -> Iterator[_Fact]:
    """Facts and their opposites, the more telling ones first."""
    for name, yes, no in _BOOLEANS:
        yield _fact(yes, (getattr(each, name) for each in prints))
        yield _fact(no, (not getattr(each, name) for each in prints))
    middlewares = _values(each.middleware for each in prints)
    for name in middlewares:
        versions = (each.middleware_version if each.middleware == name else None for each in prints)
        yield from _version_facts(name, versions)
    yield _fact("nothing stands above the driver", (each.middleware is None for each in prints))
    for name in middlewares:
        yield _fact(f"{name} stands above the driver", (each.middleware == name for each in prints))
    yield from _version_facts("SQLite", (each.sqlite for each in prints))
    for name in _values(each.driver for each in prints):
        yield _fact(f"the driver is {name}", (each.driver == name for each in prints))
        yield _fact(f"the driver is not {name}", (each.driver != name for each in prints))
    yield from _version_facts("Python", (each.python for each in prints))


def _fact(words: str, holds: Iterable[bool]) -> _Fact:
    """A fact in words, with whether it holds on each stack."""
    return _Fact(words, sum(1 << n for n, each in enumerate(holds) if each))


def _version_facts(name: str, texts: Iterable[str | None]) -> Iterator[_Fact]:
    """From each version on, and up to each, with the nearest one beyond.

    `texts`: the version on each stack; a stack without this component fits no fact. What lies
    between two versions is not known. A companion follows a space: `2.1.9 (aiosqlite 0.22.1)`.
    """
    versions = [None if text is None else version_of(text.partition(" ")[0]) for text in texts]
    known = sorted({each for each in versions if each is not None})
    for below, lower in pairwise(known):
        newer = (each is not None and each >= lower for each in versions)
        yield _fact(f"{name} is {lower} or newer (not {below})", newer)
    for upper, above in pairwise(known):
        older = (each is not None and each <= upper for each in versions)
        yield _fact(f"{name} is {upper} or older (not {above})", older)


def _values(texts: Iterable[str | None]) -> list[str]:
    return sorted({text for text in texts if text is not None})


def _distinct(facts: Iterable[_Fact], everything: _StackSet) -> list[_Fact]:
    """The facts in which these stacks differ."""
    return [fact for fact in facts if fact.stacks not in (0, everything)]


def _one_per_set(facts: Iterable[_Fact]) -> list[_Fact]:
    first: dict[_StackSet, _Fact] = {}
    for fact in facts:
        first.setdefault(fact.stacks, fact)
    return list(first.values())


def _within(facts: Iterable[_Fact], wanted: _StackSet) -> list[_Fact]:
    return [fact for fact in facts if fact.stacks | wanted == wanted]


def _around(facts: Iterable[_Fact], wanted: _StackSet) -> list[_Fact]:
    return [fact for fact in facts if fact.stacks & wanted == wanted]


def _pairs(facts: Sequence[_Fact], wanted: _StackSet) -> Iterator[str]:
    """`A and B`, `A or B`."""
    within, around = _within(facts, wanted), _around(facts, wanted)
    for a, b in combinations(around, 2):
        if a.stacks & b.stacks == wanted:
            yield f"{a.words} and {b.words}"
    for a, b in combinations(within, 2):
        if a.stacks | b.stacks == wanted:
            yield f"{a.words}, or {b.words}"


def _triples(facts: Sequence[_Fact], wanted: _StackSet) -> Iterator[str]:
    """`A, B and C`, `A, or B, or C`, `A, or B and C`, `A, and B or C`."""
    within, around = _within(facts, wanted), _around(facts, wanted)
    for a, b, c in combinations(around, 3):
        if a.stacks & b.stacks & c.stacks == wanted:
            yield f"{a.words}, {b.words} and {c.words}"
    for a, b, c in combinations(within, 3):
        if a.stacks | b.stacks | c.stacks == wanted:
            yield f"{a.words}, or {b.words}, or {c.words}"
    pairs = list(combinations(facts, 2))
    for a, (b, c) in product(within, pairs):
        if a.stacks | (b.stacks & c.stacks) == wanted:
            yield f"{a.words}, or {b.words} and {c.words}"
    for a, (b, c) in product(around, pairs):
        if a.stacks & (b.stacks | c.stacks) == wanted:
            yield f"{a.words}, and {b.words} or {c.words}"
