"""One case along the versions of each driver, of SQLite, of a middleware, of Python.

A strip varies one axis, keeps all else, and says where along it the behaviour changes. A
boundary is exact where no known version lies between its sides, else an interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from packaging.version import Version

from matrix.model import Fingerprint, Json, Observation
from matrix.model.stack_id import StackId
from matrix.results.store import ResultSet, StackResults
from matrix.stacks.catalogue import Catalogue

_UNCOMPARED = {"passed": None, "pool": None, "warnings": None}
_BUILD = ("uri_default", "shared_cache", "temp_files")


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

    `changes`: the fields in which it differs from the segment before, with both values;
    `builds`: what the probe found to differ between the two builds, which may be the cause;
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
    """The segments along one axis (`apsw`, `SQLite`, `sqlalchemy`, `Python`), all else being equal.

    `still`: the stack that it was made from, with `*` where its versions vary.
    """

    axis: str
    still: str
    segments: tuple[Segment, ...]

    @property
    def versions(self) -> int:
        return sum(len(segment.points) for segment in self.segments)


@dataclass(frozen=True, slots=True, kw_only=True)
class SameSqlite:
    """One SQLite version under several drivers: where they differ, the driver or its build does."""

    sqlite: str
    points: tuple[Point, ...]
    differs: tuple[str, ...]


def strips(results: ResultSet, case: str, catalogue: Catalogue) -> tuple[Strip, ...]:
    """The strips of a case, those with the most versions first; a single version makes none."""
    found: dict[tuple[str, str], list[Point]] = {}
    for stack in results.stacks:
        for axis, still, version in _axes(stack):
            point = _point(stack, case, version)
            if point is not None:
                found.setdefault((axis, still), []).append(point)
    made = [
        _strip(axis, still, points, results, catalogue)
        for (axis, still), points in found.items()
        if len({point.version for point in points}) > 1
    ]
    return tuple(sorted(made, key=lambda strip: -strip.versions))


def same_sqlite(results: ResultSet, case: str) -> tuple[SameSqlite, ...]:
    """For each SQLite version that ran under several drivers as built: what each driver showed.

    Python, and the middleware if there is one, are the same for all of them.
    """
    found: dict[tuple[Version, Version, str], list[tuple[str, Point]]] = {}
    for stack in results.stacks:
        parsed = _identity(stack)
        point = _point(stack, case)
        if parsed is not None and point is not None and "uri" not in parsed.options:
            above = parsed.options.get(parsed.middleware or "", "")
            key = (Version(point.version), Version(parsed.python), above)
            found.setdefault(key, []).append((parsed.driver, point))
    groups = (found[key] for key in sorted(found))
    return tuple(
        SameSqlite(sqlite=points[0].version, points=points, differs=_differing_fields(points))
        for drivers, points in (zip(*group, strict=True) for group in groups)
        if len(set(drivers)) > 1
    )


def _point(stack: StackResults, case: str, version: str = "") -> Point | None:
    """What a stack showed in a case, by default as a version of SQLite; None if nothing."""
    if stack.fingerprint is None or case not in stack.observations:
        return None
    return Point(
        version=version or stack.fingerprint.sqlite,
        stack=stack.stack,
        observation=stack.observations[case],
        fingerprint=stack.fingerprint,
    )


def _identity(stack: StackResults) -> StackId | None:
    """A stack's name, with the versions that it leaves out, as a baseline does, as probed."""
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


def _strip(
    axis: str, still: str, points: list[Point], results: ResultSet, catalogue: Catalogue
) -> Strip:
    points.sort(key=lambda point: Version(point.version))
    known = _known_versions(axis, results, catalogue)
    segments: list[Segment] = []
    for _, group in groupby(points, key=lambda point: behaviour(point.observation)):
        segment = Segment(points=tuple(group))
        if segments:
            before = segments[-1]
            segment = replace(
                segment,
                changes=changes_between(before.observation, segment.observation),
                builds=builds_between(before.points[-1].fingerprint, segment.points[0].fingerprint),
                exact=adjacent_versions(axis, before.until, segment.since, known, catalogue),
            )
        segments.append(segment)
    return Strip(axis=axis, still=still, segments=tuple(segments))


def _known_versions(axis: str, results: ResultSet, catalogue: Catalogue) -> tuple[str, ...]:
    """Versions of SQLite that exist as far as these results and the file of stacks tell."""
    if axis != "SQLite":
        return ()
    seen = {stack.fingerprint.sqlite for stack in results.stacks if stack.fingerprint is not None}
    return tuple(seen | known_sqlite(catalogue))


def known_sqlite(catalogue: Catalogue) -> set[str]:
    """Versions of SQLite that exist as far as the file of stacks tells."""
    return {".".join(v.split(".")[:3]) for v in catalogue.versions("apsw")} | {*catalogue.sqlite}


def adjacent_versions(
    axis: str, older: str, newer: str, known: Iterable[str], catalogue: Catalogue
) -> bool:
    """Whether no known version lies between two; `known`: those of SQLite."""
    if axis == "Python":
        return Version(newer).minor - Version(older).minor == 1
    if axis == "SQLite":
        return not any(Version(older) < Version(v) < Version(newer) for v in known)
    return catalogue.adjacent(axis, older, newer)


def behaviour(observation: Observation) -> Json:
    """What is compared between versions."""
    return observation.behaviour()


def changes_between(before: Observation, after: Observation) -> tuple[tuple[str, Json, Json], ...]:
    """The fields in which two observations differ, with both values."""
    old, new = behaviour(before), behaviour(after)
    return tuple((name, old[name], new[name]) for name in old if old[name] != new[name])


def builds_between(before: Fingerprint, after: Fingerprint) -> tuple[tuple[str, Json, Json], ...]:
    """What the probe found to differ between two builds."""
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in _BUILD)
    return tuple((name, old, new) for name, old, new in pairs if old != new)


def _differing_fields(points: Sequence[Point]) -> tuple[str, ...]:
    """The fields in which drivers differ, but for those that differ between any two drivers."""
    behaviours = [behaviour(point.observation) | _UNCOMPARED for point in points]
    for each in behaviours:
        if each["error"] is not None:
            each["error"] = each["error"]["message"]
    return tuple(
        name for name in behaviours[0] if any(b[name] != behaviours[0][name] for b in behaviours)
    )
