"""What distinguishes the stacks on which something holds from those on which it does not.

Only recorded facts of the fingerprints are asked, and the smallest description that fits wins:
one fact, else two, else three. That it fits is no proof of a cause; what fits as well is told too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, islice, pairwise, product

from packaging.version import Version

from matrix.model import Fingerprint

_Vector = int
"""A set of stacks, a bit for each."""

_BOOLEANS = (
    ("uri_default", "SQLite reads URIs by default", "SQLite does not read URIs by default"),
    ("shared_cache", "SQLite has the shared cache", "SQLite lacks the shared cache"),
    ("temp_files", "temporary data may go to files", "temporary data stays in memory"),
)
_MOST_ALTERNATIVES = 3


@dataclass(frozen=True, slots=True)
class Distinction:
    """Where it holds, in words; and other descriptions of the same size that fit as well."""

    where: str
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Fact:
    words: str
    stacks: _Vector


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
    for kind in (_pairs, _triples):
        found = list(islice(kind(facts, wanted), 1 + _MOST_ALTERNATIVES))
        if found:
            return Distinction(found[0], tuple(found[1:]))
    return None


def _facts(prints: Sequence[Fingerprint]) -> Iterator[_Fact]:
    """Facts and their opposites, the more telling ones first."""

    def fact(words: str, holds: Callable[[Fingerprint], bool]) -> _Fact:
        return _Fact(words, sum(1 << n for n, each in enumerate(prints) if holds(each)))

    for name, yes, no in _BOOLEANS:
        yield fact(yes, lambda p, name=name: getattr(p, name))  # type: ignore[misc]
        yield fact(no, lambda p, name=name: not getattr(p, name))  # type: ignore[misc]
    middlewares = _values(each.middleware for each in prints)
    for name in middlewares:
        yield from _versions(name, prints, partial(_middleware_version, name))
    yield fact("nothing stands above the driver", lambda p: p.middleware is None)
    for name in middlewares:
        yield fact(f"{name} stands above the driver", lambda p, n=name: p.middleware == n)  # type: ignore[misc]
    yield from _versions("SQLite", prints, lambda p: p.sqlite)
    for name in _values(each.driver for each in prints):
        yield fact(f"the driver is {name}", lambda p, n=name: p.driver == n)  # type: ignore[misc]
        yield fact(f"the driver is not {name}", lambda p, n=name: p.driver != n)  # type: ignore[misc]
    yield from _versions("Python", prints, lambda p: p.python)


def _middleware_version(name: str, fingerprint: Fingerprint) -> str | None:
    return fingerprint.middleware_version if fingerprint.middleware == name else None


def _versions(
    name: str, prints: Sequence[Fingerprint], version: Callable[[Fingerprint], str | None]
) -> Iterator[_Fact]:
    """From each version on, and up to each, with the nearest one beyond.

    What lies between the two is not known. A stack without this component fits neither.
    What follows a space names a companion: `2.1.9 (aiosqlite 0.22.1)`.
    """
    texts = [version(each) for each in prints]
    found = [None if text is None else Version(text.partition(" ")[0]) for text in texts]
    known = sorted({each for each in found if each is not None})
    for below, lower in pairwise(known):
        stacks = sum(1 << n for n, v in enumerate(found) if v is not None and v >= lower)
        yield _Fact(f"{name} is {lower} or newer (not {below})", stacks)
    for upper, above in pairwise(known):
        stacks = sum(1 << n for n, v in enumerate(found) if v is not None and v <= upper)
        yield _Fact(f"{name} is {upper} or older (not {above})", stacks)


def _values(texts: Iterable[str | None]) -> list[str]:
    return sorted({text for text in texts if text is not None})


def _distinct(facts: Iterable[_Fact], everything: _Vector) -> list[_Fact]:
    """Facts that say something about these stacks."""
    return [fact for fact in facts if fact.stacks not in (0, everything)]


def _one_per_set(facts: Iterable[_Fact]) -> list[_Fact]:
    first: dict[_Vector, _Fact] = {}
    for fact in facts:
        first.setdefault(fact.stacks, fact)
    return list(first.values())


def _within(facts: Iterable[_Fact], wanted: _Vector) -> list[_Fact]:
    return [fact for fact in facts if fact.stacks | wanted == wanted]


def _around(facts: Iterable[_Fact], wanted: _Vector) -> list[_Fact]:
    return [fact for fact in facts if fact.stacks & wanted == wanted]


def _pairs(facts: Sequence[_Fact], wanted: _Vector) -> Iterator[str]:
    """`A and B`, `A or B`."""
    within, around = _within(facts, wanted), _around(facts, wanted)
    for a, b in combinations(around, 2):
        if a.stacks & b.stacks == wanted:
            yield f"{a.words} and {b.words}"
    for a, b in combinations(within, 2):
        if a.stacks | b.stacks == wanted:
            yield f"{a.words}, or {b.words}"


def _triples(facts: Sequence[_Fact], wanted: _Vector) -> Iterator[str]:
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
