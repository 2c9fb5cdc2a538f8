"""Which stack of one result is which stack of another, and in what the two differ."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from matrix.model import Fingerprint
from matrix.model.fingerprint import differing_facts
from matrix.model.stack_id import StackId, stack_order


class Component(str, Enum):
    """What of a stack can be swapped for another one: what a recorded fact hangs on."""

    PYTHON = "Python"
    DRIVER = "driver"
    LIBRARY = "SQLite library"
    URI = "URI setting"
    MIDDLEWARE = "middleware"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A stack as one result knows it; `unavailable` says why there is no fingerprint."""

    stack: str
    fingerprint: Fingerprint | None = None
    unavailable: str | None = None

    @property
    def id(self) -> StackId:
        return StackId.of(self.stack)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A recorded fact in which two stacks differ. A compile option is `absent`, or its value."""

    name: str
    old: str
    new: str
    component: Component

    def __str__(self) -> str:
        return f"{self.name} {self.old} → {self.new}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A stack of the old result and the one of the new that takes its place."""

    old: Side
    new: Side

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The recorded facts in which the two differ; none where one was unavailable."""
        return facts_between(self.old, self.new)

    @property
    def components(self) -> tuple[Component, ...]:
        """The components that were exchanged, in the order of their facts."""
        return tuple(dict.fromkeys(fact.component for fact in self.facts))

    def __str__(self) -> str:
        same = self.old.stack == self.new.stack
        return self.new.stack if same else f"{self.old.stack} → {self.new.stack}"


def pair_stacks(
    old: Sequence[Side], new: Sequence[Side]
) -> tuple[list[Pair], list[Side], list[Side]]:
    """The pairs, the stacks of the old that have no partner, and those of the new.

    The same name first; then the only one on either side that differs in one version; then the
    only one of its shape; then the only one with the same fingerprint.
    """
    pairs: list[Pair] = []
    left, right = list(old), list(new)
    for key in _KEYS:
        for one, other in _matches(left, right, key):
            pairs.append(Pair(old=one, new=other))
            left.remove(one)
            right.remove(other)
    return sorted(pairs, key=lambda pair: stack_order(pair.new.stack)), left, right


def facts_between(old: Side, new: Side) -> tuple[Fact, ...]:
    """The recorded facts in which two stacks differ, each with the component that it hangs on."""
    before, after = old.fingerprint, new.fingerprint
    if before is None or after is None or before == after:
        return ()
    of_sqlite = _component_of_sqlite(old, new, before, after)
    of_driver = (
        Component.PYTHON if before.distribution is None is after.distribution else Component.DRIVER
    )
    components = {
        "python": Component.PYTHON,
        "implementation": Component.PYTHON,
        "platform": Component.MACHINE,
        "driver": Component.DRIVER,
        "driver_version": of_driver,
        "distribution": Component.DRIVER,
        "uri_setting": Component.URI,
        "middleware": Component.MIDDLEWARE,
        "middleware_version": Component.MIDDLEWARE,
        "shim": Component.MIDDLEWARE,
        "observer": Component.MACHINE,
        "user": Component.MACHINE,
    }
    if before.uri_setting is not after.uri_setting:
        components["uri_default"] = Component.URI
    return tuple(
        Fact(name=name, old=one, new=other, component=components.get(name, of_sqlite))
        for name, one, other in differing_facts(before, after)
    )


def _component_of_sqlite(
    old: Side, new: Side, before: Fingerprint, after: Fingerprint
) -> Component:
    """Where a stack's SQLite comes from: the driver's wheel, a library of its own, Python."""
    if "sqlite" in old.id.options or "sqlite" in new.id.options:
        return Component.LIBRARY
    if before.distribution is not None or after.distribution is not None:
        return Component.DRIVER
    return Component.PYTHON if before.python != after.python else Component.LIBRARY


def _matches(
    old: Iterable[Side], new: Iterable[Side], key: Callable[[Side], Hashable]
) -> list[tuple[Side, Side]]:
    """Those that are the only ones with their key, on either side."""
    left, right = _by_key(old, key), _by_key(new, key)
    return [
        (left[value][0], right[value][0])
        for value in left
        if value is not None and len(left[value]) == len(right.get(value, [])) == 1
    ]


def _by_key(sides: Iterable[Side], key: Callable[[Side], Hashable]) -> dict[Hashable, list[Side]]:
    found: dict[Hashable, list[Side]] = {}
    for side in sides:
        found.setdefault(key(side), []).append(side)
    return found


def _without(*dropped: str) -> Callable[[Side], Hashable]:
    def key(side: Side) -> Hashable:
        parsed = side.id
        components = {
            "driver": parsed.driver,
            "version": parsed.version,
            "uri": parsed.options.get("uri", ""),
            "sqlite": parsed.options.get("sqlite", ""),
            "with_sqlite": "sqlite" in parsed.options,
            "middleware": parsed.middleware,
            "middleware_version": parsed.options.get(parsed.middleware or "", ""),
            "python": parsed.python,
        }
        return tuple(value for name, value in components.items() if name not in dropped)

    return key


def _fingerprint(side: Side) -> Hashable:
    return side.fingerprint


_KEYS: tuple[Callable[[Side], Hashable], ...] = (
    lambda side: side.stack,
    _without("middleware_version"),
    _without("version"),
    _without("sqlite"),
    _without("python"),
    _without("version", "middleware_version"),
    _without("version", "middleware_version", "python"),
    _without("version", "middleware_version", "python", "sqlite"),
    _fingerprint,
)
