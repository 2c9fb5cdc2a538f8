"""One case across the versions of each driver, of SQLite, of a middleware, of Python.

A line is a series of stacks that differ only in the version of one thing, its axis. The strip of a
case shows where along a line the behaviour changes. A boundary is exact if no known version lies
between its sides, otherwise it is an interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from matrix.model import Fingerprint, Json, Observation
from matrix.model.fingerprint import differing_facts
from matrix.model.stack_id import StackId
from matrix.model.versions import VersionKey, version_key, version_of
from matrix.results.store import ResultSet, StackResults
from matrix.stacks.catalogue import Catalogue

_UNCOMPARED = {"passed": None, "pool": None, "warnings": None}
BUILD_FACTS = ("uri_default", "shared_cache", "temp_files")
"""The facts of a fingerprint that say most about a build, which are named first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A stack on a line; `exact`: whether no known version lies between it and the one before."""

    version: str
    stack: StackResults
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Stacks along one axis (`apsw`, `SQLite`, `sqlalchemy`, `Python`), all else being equal.

    `still`: what they have in common, a stack's name with `*` in place of the version.
    `steps`: in the order of the versions.
    """

    axis: str
    still: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What one version showed."""

    version: str
    stack: str
    observation: Observation
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Neighbouring versions that showed the same.

    `changes`: the fields that differ from the segment before, with both values;
    `builds`: the other recorded facts that differ between the two, each of which may be the cause;
    `exact`: whether no known version lies between the two.
    """

    points: tuple[Point, ...]
    changes: tuple[tuple[str, Json, Json], ...] = ()
    builds: tuple[tuple[str, Json, Json], ...] = ()
    exact: bool = True

    @property
    def since(self) -> str:
        return self.points[0].version

    @property
    def until(self) -> str:
        return self.points[-1].version

    @property
    def observation(self) -> Observation:
        return self.points[0].observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """What a case did along a line, in segments; `axis` and `still` are those of the line."""

    axis: str
    still: str
    segments: tuple[Segment, ...]

    @property
    def versions(self) -> int:
        return sum(len(segment.points) for segment in self.segments)


@dataclass(frozen=True, slots=True, kw_only=True)
class SameSqlite:
    """One SQLite version under several drivers: a difference is due to a driver or its build."""

    sqlite: str
    points: tuple[Point, ...]
    differs: tuple[str, ...]


def lines(
    stacks: Iterable[StackResults], known: Iterable[str], catalogue: Catalogue
) -> tuple[Line, ...]:
    """The lines through stacks, the longest first; a single version makes none.

    `known`: the versions of SQLite that exist.
    """
    members: dict[tuple[str, str], list[tuple[str, StackResults]]] = {}
    for stack in stacks:
        for axis, still, version in _axes(stack):
            members.setdefault((axis, still), []).append((version, stack))
    made = (
        Line(axis=axis, still=still, steps=tuple(_steps(axis, along, tuple(known), catalogue)))
        for (axis, still), along in members.items()
        if len({version for version, _ in along}) > 1
    )
    return tuple(sorted(made, key=lambda line: -len(line.steps)))


def strips(results: ResultSet, case: str, catalogue: Catalogue) -> tuple[Strip, ...]:
    """The strips of a case, the longest first; a single version makes none."""
    ran = [stack for stack in results.stacks if case in stack.observations]
    known = known_sqlite(catalogue, results.stacks)
    return tuple(_strip(line, case) for line in lines(ran, known, catalogue))


def same_sqlite(results: ResultSet, case: str) -> tuple[SameSqlite, ...]:
    """For each SQLite version that ran under several drivers as built: what each driver showed.

    All of them have the same Python and the same middleware, if any.
    """
    by_version: dict[tuple[VersionKey, VersionKey, str], list[tuple[str, Point]]] = {}
    for stack in results.stacks:
        parsed = _identity(stack)
        point = _point(stack, case)
        if parsed is not None and point is not None and "uri" not in parsed.options:
            above = parsed.options.get(parsed.middleware or "", "")
            key = (version_key(point.version), version_key(parsed.python), above)
            by_version.setdefault(key, []).append((parsed.driver, point))
    groups = (by_version[key] for key in sorted(by_version))
    return tuple(
        SameSqlite(sqlite=points[0].version, points=points, differs=_differing_fields(points))
        for drivers, points in (zip(*group, strict=True) for group in groups)
        if len(set(drivers)) > 1
    )


def _point(stack: StackResults, case: str, version: str = "") -> Point | None:
    """What a stack showed in a case, or None; `version` defaults to that of SQLite."""
    if stack.fingerprint is None or case not in stack.observations:
        return None
    return Point(
        version=version or stack.fingerprint.sqlite,
        stack=stack.stack,
        observation=stack.observations[case],
        fingerprint=stack.fingerprint,
    )


def _identity(stack: StackResults) -> StackId | None:
    """A stack's name; versions that it leaves out, as in a baseline, are those of the probe."""
    parsed, probed = StackId.parse(stack.stack), stack.fingerprint
    if parsed is None or probed is None:
        return parsed
    driver = probed.driver if parsed.driver == probed.distribution else parsed.driver
    return replace(parsed.as_probed(probed), driver=driver)


def _axes(stack: StackResults) -> Iterator[tuple[str, str, str]]:
    """The axes that a stack lies on: axis, the stack with `*` in that place, its version."""
    parsed = _identity(stack)
    if parsed is None or stack.fingerprint is None:
        return
    if parsed.version:
        yield parsed.driver, str(replace(parsed, version="*")), parsed.version
    if parsed.driver == "sqlite3":
        options = {"sqlite": "*"} | {k: v for k, v in parsed.options.items() if k != "sqlite"}
        yield "SQLite", str(replace(parsed, options=options)), stack.fingerprint.sqlite
    if parsed.middleware is not None:
        options = dict(parsed.options) | {parsed.middleware: "*"}
        still = str(replace(parsed, options=options))
        yield parsed.middleware, still, parsed.options[parsed.middleware]
    yield "Python", str(replace(parsed, python="*")), parsed.python


def _steps(
    axis: str,
    along: Iterable[tuple[str, StackResults]],
    known: Iterable[str],
    catalogue: Catalogue,
) -> Iterator[Step]:
    ordered = sorted(along, key=lambda each: version_key(each[0]))
    yield Step(version=ordered[0][0], stack=ordered[0][1], exact=True)
    for (older, _), (newer, stack) in pairwise(ordered):
        exact = adjacent_versions(axis, older, newer, known, catalogue)
        yield Step(version=newer, stack=stack, exact=exact)


def _strip(line: Line, case: str) -> Strip:
    segments: list[Segment] = []
    for _, group in groupby(line.steps, key=lambda step: behaviour(step.stack.observations[case])):
        steps = tuple(group)
        points = (_point(step.stack, case, step.version) for step in steps)
        segment = Segment(points=tuple(point for point in points if point is not None))
        if segments:
            before = segments[-1]
            segment = replace(
                segment,
                changes=changes_between(before.observation, segment.observation),
                builds=builds_between(
                    line.axis, before.points[-1].fingerprint, segment.points[0].fingerprint
                ),
                exact=steps[0].exact,
            )
        segments.append(segment)
    return Strip(axis=line.axis, still=line.still, segments=tuple(segments))


def known_sqlite(catalogue: Catalogue, stacks: Iterable[StackResults] = ()) -> set[str]:
    """The versions of SQLite that the file of stacks lists or that these stacks have."""
    of_apsw = {".".join(version.split(".")[:3]) for version in catalogue.versions("apsw")}
    shown = {stack.fingerprint.sqlite for stack in stacks if stack.fingerprint is not None}
    return of_apsw | {*catalogue.sqlite} | shown


def adjacent_versions(
    axis: str, older: str, newer: str, known: Iterable[str], catalogue: Catalogue
) -> bool:
    """Whether no known version lies between two; `known`: the versions of SQLite."""
    if axis == "SQLite":
        low, high = version_key(older), version_key(newer)
        return not any(low < version_key(each) < high for each in known)
    if axis == "Python":
        ends = [version_of(each) for each in (older, newer)]
        minors = [each.minor for each in ends if each is not None]
        return minors[1:] == [minors[0] + 1] if minors else False
    return catalogue.adjacent(axis, older, newer)


def behaviour(observation: Observation) -> Json:
    """The fields that are compared between versions."""
    return observation.behaviour()


def changes_between(before: Observation, after: Observation) -> tuple[tuple[str, Json, Json], ...]:
    """The fields in which two observations differ, with both values."""
    old, new = behaviour(before), behaviour(after)
    return tuple((name, old[name], new[name]) for name in old if old[name] != new[name])


def builds_between(
    axis: str, before: Fingerprint, after: Fingerprint
) -> tuple[tuple[str, Json, Json], ...]:
    """The recorded facts that differ between two builds, besides the version on the axis."""
    probed = ((name, getattr(before, name), getattr(after, name)) for name in BUILD_FACTS)
    own = {"SQLite": {"sqlite"}, "Python": {"python"}, before.driver: {"driver_version"}}
    named = {*BUILD_FACTS, "source_id", *own.get(axis, {"middleware_version"})}
    if before.driver_version == before.python:
        named |= {"driver_version"}
    rest = (fact for fact in differing_facts(before, after) if fact[0] not in named)
    return (*((name, old, new) for name, old, new in probed if old != new), *rest)


def _differing_fields(points: Sequence[Point]) -> tuple[str, ...]:
    """The fields in which drivers differ, except those that differ between any two drivers."""
    behaviours = [behaviour(point.observation) | _UNCOMPARED for point in points]
    for each in behaviours:
        if each["error"] is not None:
            each["error"] = each["error"]["message"]
    return tuple(
        name for name in behaviours[0] if any(b[name] != behaviours[0][name] for b in behaviours)
    )
