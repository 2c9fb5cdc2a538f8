"""What distinguishes the stacks on which something holds from those on which it does not.

A recorded fact *fits* if no value of it is on both sides. It is what decides only where no other
recorded fact fits; else each of those that do may be it. Where none fits alone, two that together
describe the stacks are given: a description, and no cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from matrix.model import Fingerprint
from matrix.model.fingerprint import fact_names
from matrix.model.versions import version_of
from matrix.text import few

_BOOLEANS = {
    "uri_default": ("SQLite reads URIs by default", "SQLite does not read URIs by default"),
    "shared_cache": ("SQLite has the shared cache", "SQLite lacks the shared cache"),
    "temp_files": ("temporary data may go to files", "temporary data stays in memory"),
}
_OWNERS = {"middleware_version": "middleware", "driver_version": "driver"}
"""Versions, and whose they are."""
_TELLING = (
    *_BOOLEANS, "middleware", "middleware_version", "sqlite", "driver", "driver_version", "python",
    "uri_setting",
)  # fmt: skip
"""The facts that say most to a reader, which are named first; pairs are made of these alone."""
_LABELS = {
    "middleware": "what stands above the driver",
    "middleware_version": "the version of what stands above the driver",
    "sqlite": "SQLite",
    "driver": "the driver",
    "driver_version": "the driver's version",
    "python": "Python",
    "uri_setting": "the URI setting",
    "shim": "the layer between driver and middleware",
    "source_id": "the source of SQLite",
    "distribution": "the driver's distribution",
    "implementation": "the implementation of Python",
    "platform": "the platform",
    "observer": "the observer",
    "user": "the user",
}
_SAME = {"source_id": "sqlite", "distribution": "driver"}
"""Facts that are another one by another name: a version of SQLite, and what is its source."""
_MOST_FACTS = 4
_MOST_VALUES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Distinction:
    """What the stacks on which something holds have in common, and the others have not.

    `facts`: each fits alone; one of them alone is what decides, of several each may be it.
    `together`: two that fit together only; empty where one fits alone.
    """

    facts: tuple[str, ...] = ()
    together: str = ""

    @property
    def where(self) -> str:
        """In words that follow *where*."""
        if self.together:
            return f"{self.together} (this fits, and is not proved)"
        if len(self.facts) == 1:
            return self.facts[0]
        return f"one of: {few(self.facts, _MOST_FACTS)} (not told apart by these stacks)"


def distinguish(
    held: Mapping[str, Fingerprint], failed: Mapping[str, Fingerprint]
) -> Distinction | None:
    """Describe the stacks of `held` against those of `failed`; None if nothing recorded does."""
    one, other = tuple(held.values()), tuple(failed.values())
    if not one or not other:
        return None
    facts = tuple(_fitting(one, other))
    if facts:
        return Distinction(facts=facts)
    together = next(_pairs([*one, *other], _first(len(one))), None)
    return None if together is None else Distinction(together=together)


# One fact


def _fitting(held: Sequence[Fingerprint], failed: Sequence[Fingerprint]) -> Iterator[str]:
    """Every recorded fact that fits, in words; the more telling ones first."""
    names = dict.fromkeys((*_TELLING, *fact_names(*held, *failed)))
    sides = {name: (_values(name, held), _values(name, failed)) for name in names}
    fitting = {name: each for name, each in sides.items() if not each[0] & each[1]}
    for name, (one, other) in fitting.items():
        idle = _OWNERS.get(name) in fitting and _vary(held, name) and _vary(failed, name)
        if _SAME.get(name) not in fitting and not idle:
            words = _predicates(name, [*held, *failed])
            fits = (each.words for each in words if each.stacks == _first(len(held)))
            yield next(fits, None) or _is(name, one, other)


def _values(name: str, prints: Iterable[Fingerprint]) -> set[str]:
    return {_value(name, each) for each in prints}


def _value(name: str, seen: Fingerprint) -> str:
    """The value of a fact; of a version with its owner, whose own it is unless it is Python's."""
    if name not in _OWNERS:
        return seen.fact(name)
    return f"{seen.fact(_OWNERS[name])} {_own_version(name, seen) or ''}".strip()


def _own_version(name: str, seen: Fingerprint) -> str | None:
    if name == "driver_version":
        return None if seen.driver_version == seen.python else seen.driver_version
    return seen.middleware_version


def _vary(prints: Iterable[Fingerprint], name: str) -> bool:
    """Whether two versions of one owner are among these stacks, or none has a version.

    If so on both sides, it is not the version that decides but whose it is.
    """
    versions: dict[str, set[str]] = {}
    for each in prints:
        version = _own_version(name, each)
        if version is not None:
            versions.setdefault(each.fact(_OWNERS[name]), set()).add(version)
    return not versions or any(len(found) > 1 for found in versions.values())


def _is(name: str, held: Iterable[str], failed: Iterable[str]) -> str:
    """`A is x`, `A is not y`, `A is x or y`."""
    label, one, other = _LABELS.get(name, name), sorted(held), sorted(failed)
    if len(other) == 1 and (len(one) > 1 or name in _OWNERS):
        return f"{label} is not {other[0]}"
    return f"{label} is {' or '.join(one) if len(one) <= 2 else few(one, _MOST_VALUES)}"


# Two facts together

_StackSet = int
"""A set of stacks, a bit for each."""


@dataclass(frozen=True, slots=True)
class _Predicate:
    words: str
    stacks: _StackSet


def _first(count: int) -> _StackSet:
    return (1 << count) - 1


def _predicates(name: str, prints: Sequence[Fingerprint]) -> Iterator[_Predicate]:
    """What may be said of a telling fact, with the stacks of which it is so."""
    values = [each.fact(name) for each in prints]
    if name in _BOOLEANS:
        for value, words in zip(("yes", "no"), _BOOLEANS[name], strict=True):
            yield _so(words, (each == value for each in values))
    elif name in ("sqlite", "python"):
        yield from _of_versions(_LABELS[name], values)
    elif name in _OWNERS:
        owners = [each.fact(_OWNERS[name]) for each in prints]
        for owner in sorted({*owners}):
            mine = [
                _own_version(name, each) if each.fact(_OWNERS[name]) == owner else None
                for each in prints
            ]
            yield from _of_versions(owner, mine)
            yield from _of_versions(f"{owner}, if there,", mine, otherwise=True)
    elif name in ("driver", "middleware"):
        known = sorted({*values})
        yield from (_so(_named(name, one)[0], (each == one for each in values)) for one in known)
        yield from (_so(_named(name, one)[1], (each != one for each in values)) for one in known)


def _named(name: str, value: str) -> tuple[str, str]:
    """That a driver or a middleware is this one, and that it is not."""
    if name == "driver":
        return f"the driver is {value}", f"the driver is not {value}"
    if value == "none":
        return "nothing stands above the driver", "something stands above the driver"
    return f"{value} stands above the driver", f"{value} does not stand above the driver"


def _so(words: str, holds: Iterable[bool]) -> _Predicate:
    return _Predicate(words, sum(1 << n for n, each in enumerate(holds) if each))


def _of_versions(
    label: str, texts: Sequence[str | None], *, otherwise: bool = False
) -> Iterator[_Predicate]:
    """From each version on, and up to each, with the nearest one beyond.

    `otherwise`: whether it is so of a stack without one. What lies between two versions is not
    known. A companion follows a space: `2.1.9 (aiosqlite 0.22.1)`.
    """
    versions = [None if text is None else version_of(text.partition(" ")[0]) for text in texts]
    known = sorted({each for each in versions if each is not None})
    for below, above in pairwise(known):
        newer = [otherwise if each is None else each >= above for each in versions]
        older = [otherwise if each is None else each <= below for each in versions]
        yield _so(f"{label} is {above} or newer (not {below})", newer)
        yield _so(f"{label} is {below} or older (not {above})", older)


def _pairs(prints: Sequence[Fingerprint], wanted: _StackSet) -> Iterator[str]:
    """`A and B`, `A, or B`, of what is so of some of the stacks."""
    first: dict[_StackSet, _Predicate] = {}
    for each in (each for name in _TELLING for each in _predicates(name, prints)):
        if each.stacks not in (0, _first(len(prints))):
            first.setdefault(each.stacks, each)
    around = [each for each in first.values() if each.stacks & wanted == wanted]
    within = [each for each in first.values() if each.stacks | wanted == wanted]
    for a, b in combinations(around, 2):
        if a.stacks & b.stacks == wanted:
            yield f"{a.words} and {b.words}"
    for a, b in combinations(within, 2):
        if a.stacks | b.stacks == wanted:
            yield f"{a.words}, or {b.words}"
