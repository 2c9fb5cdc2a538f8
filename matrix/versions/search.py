"""The first version that behaves differently, found by running a few of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from packaging.requirements import Requirement
from packaging.version import Version

from matrix.errors import NothingSelectedError, ProvisionError, UsageError
from matrix.model import Case, Fingerprint, Json, Observation, Result
from matrix.model.outcome import outcome
from matrix.model.stack_id import StackId
from matrix.model.versions import version_of
from matrix.runner.collect import observe
from matrix.runner.options import RunOptions
from matrix.runner.progress import SILENT, Progress
from matrix.stacks.catalogue import GAP, Catalogue, to_package
from matrix.stacks.index import versions_on_index
from matrix.stacks.interpreters import OLDEST, find_python
from matrix.stacks.provision import Provisioner
from matrix.stacks.spec import Stack, parse_stack
from matrix.text import many
from matrix.versions.bisect import Adjacent, Bisection, Boundary, Key
from matrix.versions.history import adjacent_versions, behaviour, known_sqlite

PYTHON, SQLITE = "python", "sqlite"
"""The keys of the axes that are neither a driver nor a middleware."""
_NEWEST_PYTHON = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """What varies: `name` is its name in boundaries, `key` the one in a stack's options."""

    name: str
    key: str
    versions: tuple[str, ...]
    adjacent: Adjacent


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search for cases, by id, along an axis, on a stack that is otherwise `stack`.

    `base` is the spec of the stack. `named`: the ends that the user named, which have to run.
    """

    base: str
    stack: Stack
    axis: Axis
    cases: Mapping[str, Case]
    catalogue: Catalogue
    named: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRun:
    """What one version showed, without the cases that it could not run.

    `skipped`: why all or some of the cases could not run.
    """

    version: str
    stacks: tuple[str, ...]
    seen: Mapping[str, Observation]
    fingerprints: Mapping[str, Fingerprint]
    skipped: str | None

    def to_json(self) -> Json:
        return {
            "version": self.version,
            "stacks": list(self.stacks),
            "seen": len(self.seen),
            "skipped": self.skipped,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found, and all its runs, in order."""

    boundaries: tuple[Boundary, ...]
    runs: tuple[VersionRun, ...]

    @property
    def fingerprints(self) -> dict[str, dict[str, Fingerprint]]:
        """By case, then by version: the fingerprint of the stack that ran it."""
        found: dict[str, dict[str, Fingerprint]] = {}
        for run in self.runs:
            for case, fingerprint in run.fingerprints.items():
                found.setdefault(case, {})[run.version] = fingerprint
        return found


def plan_search(
    cases: Sequence[Case],
    key: str,
    base: str,
    catalogue: Catalogue,
    *,
    old: str | None = None,
    new: str | None = None,
    every: bool = False,
    pre: bool = False,
) -> Search:
    """A search along `key`: `python`, `sqlite`, or the name of a driver or of a middleware.

    `old`, `new`: the ends, by default the oldest and the newest listed version. `every`: all
    releases on the index; `pre` includes pre-releases. Raises UsageError if there are fewer than
    two versions, NothingSelectedError if none of the cases runs on such a stack.
    """
    stack = parse_stack(base, catalogue)
    axis = _between(_axis(key, stack, catalogue, every=every, pre=pre), old, new)
    return Search(
        base=base,
        stack=stack,
        axis=axis,
        cases=_fitting(cases, stack, axis),
        catalogue=catalogue,
        named=frozenset(end for end in (old, new) if end is not None),
    )


def find_boundaries(
    search: Search,
    *,
    provisioner: Provisioner,
    compared: Key = behaviour,
    options: RunOptions = RunOptions(),
    progress: Progress = SILENT,
) -> Found:
    """Run version after version until the first different one is known for every case.

    `compared`: the part of an observation that has to differ. Raises ProvisionError if a named
    end, or every version, cannot run.
    """
    axis = search.axis
    bisection = Bisection(axis.versions, tuple(search.cases), compared)
    progress.note(
        f"{axis.name}: {many(len(axis.versions), 'version')}, "
        f"{axis.versions[0]} to {axis.versions[-1]}; "
        f"{many(len(search.cases), 'case')}, at most {bisection.bound} runs for one"
    )
    runs: list[VersionRun] = []
    while (version := bisection.wanted()) is not None:
        run = run_version(search, version, provisioner=provisioner, options=options)
        if version in search.named and not run.seen:
            raise ProvisionError(f"{axis.name} {version}: {run.skipped}")
        bisection.tell(version, run.seen)
        runs.append(run)
        words = _summarise(runs, compared) if run.seen else f"skipped: {run.skipped}"
        progress.note(f"{len(runs):>3}  {version:<14} {words}")
    if not any(run.seen for run in runs):
        raise ProvisionError(f"no version of {axis.name} is available", hint="sqlite-matrix doctor")
    return Found(boundaries=bisection.boundaries(axis.adjacent), runs=tuple(runs))


def run_version(
    search: Search,
    version: str,
    *,
    provisioner: Provisioner,
    options: RunOptions = RunOptions(),
) -> VersionRun:
    """Run the cases at one version of the axis."""
    cases = search.cases.values()
    stacks = {via: stack_at(search, version, via) for via in dict.fromkeys(c.via for c in cases)}
    work = [
        (provisioner.provide(stack), [case for case in cases if case.via == via])
        for via, stack in stacks.items()
    ]
    seen: dict[str, Observation] = {}
    fingerprints: dict[str, Fingerprint] = {}
    reasons: list[str] = []
    for result in observe(work, options=options).stacks:
        if result.fingerprint is None:
            reasons.append(result.unavailable or "")
            continue
        for name, observation in result.observations.items():
            if observation.result is Result.UNAVAILABLE:
                reasons.append(observation.error.message if observation.error else "not measured")
            else:
                seen[name] = observation
                fingerprints[name] = result.fingerprint
    return VersionRun(
        version=version,
        stacks=tuple(stack.id for stack in stacks.values()),
        seen=seen,
        fingerprints=fingerprints,
        skipped=reasons[0] if reasons else None,
    )


def stack_at(search: Search, version: str, via: str | None) -> Stack:
    """The stack of a search at one version of its axis, with a middleware on top if there is one.

    What does not vary is the same at every version.
    """
    parsed = StackId.parse(search.base)
    assert parsed is not None  # it has been parsed before
    options = dict(parsed.options)
    if via is not None:
        options.setdefault(via, "")
    stack, key = search.stack, search.axis.key
    held = stack.package.version if stack.package else ""
    named = replace(parsed, version=held, options=options, python=stack.python)
    if key == PYTHON:
        named = replace(named, python=version)
    elif key in (stack.driver, parsed.driver):
        named = replace(named, driver=stack.driver, version=version)
    else:
        named = replace(named, options={**options, key: version})
    return parse_stack(str(named), search.catalogue)


def _axis(key: str, stack: Stack, catalogue: Catalogue, *, every: bool, pre: bool) -> Axis:
    if key == PYTHON:
        return _python_axis(catalogue)
    if key == SQLITE:
        return _sqlite_axis(stack, catalogue)
    pins = catalogue.pins(key)
    if not pins:
        raise UsageError(f"no versions of {key} are listed", hint="sqlite-matrix list stacks")
    real = [pin for pin in pins if pin != GAP]
    if every:
        released = _released(real, stack.python, pre=pre)
        return Axis(name=key, key=key, versions=released, adjacent=_always)
    listed = tuple(to_package(pin).version for pin in real if _fits(pin, stack.python))
    return Axis(name=key, key=key, versions=listed, adjacent=partial(catalogue.adjacent, key))


def _python_axis(catalogue: Catalogue) -> Axis:
    minors = (f"3.{minor}" for minor in range(OLDEST[1], _NEWEST_PYTHON))
    return Axis(
        name="Python",
        key=PYTHON,
        versions=tuple(name for name in minors if _is_here(name)),
        adjacent=_adjacent("Python", (), catalogue),
    )


def _sqlite_axis(stack: Stack, catalogue: Catalogue) -> Axis:
    fitting = [v for v, file in catalogue.sqlite.items() if _fits(file.package, stack.python)]
    return Axis(
        name="SQLite",
        key=SQLITE,
        versions=tuple(fitting),
        adjacent=_adjacent("SQLite", known_sqlite(catalogue), catalogue),
    )


def _adjacent(axis: str, known: Iterable[str], catalogue: Catalogue) -> Adjacent:
    return lambda older, newer: adjacent_versions(axis, older, newer, known, catalogue)


def _always(_older: str, _newer: str) -> bool:
    """Every release is on the axis, so no release lies between two neighbours."""
    return True


def _released(pins: Sequence[str], python: str, *, pre: bool) -> tuple[str, ...]:
    names = dict.fromkeys(Requirement(pin).name for pin in pins)
    return tuple(v for name in names for v in versions_on_index(name, python, pre=pre))


def _fits(pin: str, python: str) -> bool:
    return to_package(pin).fits(python)


def _is_here(python: str) -> bool:
    try:
        find_python(python)
    except ProvisionError:
        return False
    return True


def _between(axis: Axis, old: str | None, new: str | None) -> Axis:
    """The versions from one end to the other, oldest first; a named end need not be listed."""
    named = [end for end in (old, new) if end is not None]
    for end in named:
        if version_of(end) is None:
            raise UsageError(f"not a version: {end!r}")
    low, high = (None if end is None else Version(end) for end in (old, new))
    known = sorted({*axis.versions, *named}, key=Version)
    between = [
        version
        for version in known
        if (low is None or Version(version) >= low) and (high is None or Version(version) <= high)
    ]
    if len(between) < 2:
        raise UsageError(f"fewer than two versions of {axis.name} to compare")
    return replace(axis, versions=tuple(between))


def _fitting(found: Sequence[Case], stack: Stack, axis: Axis) -> dict[str, Case]:
    """The cases that run on such a stack, by id."""
    varied = axis.key not in (PYTHON, SQLITE, stack.driver)
    fixed = axis.key if varied else stack.middleware
    cases = {
        case.id: case
        for case in found
        if case.fits_driver(stack.driver) and fixed in (None, case.via)
    }
    if not cases:
        what = f"through {fixed}" if fixed else f"for {stack.driver}"
        raise NothingSelectedError(f"{many(len(found), 'case')}, but none of them {what}")
    return cases


def _summarise(runs: Sequence[VersionRun], key: Key) -> str:
    """What the last run showed, and whether that is the same as at the oldest version."""
    here = runs[-1].seen
    oldest: dict[str, VersionRun] = {}
    for run in sorted(runs, key=lambda run: Version(run.version)):
        for case in run.seen:
            oldest.setdefault(case, run)
    like = [case for case in here if key(here[case]) == key(oldest[case].seen[case])]
    old = min((run.version for run in oldest.values()), key=Version)
    if len(here) > 1:
        return f"{len(like)} of {len(here)} as in {old}"
    ((case, seen),) = here.items()
    same = runs[-1].version == old
    where = "" if same else f", as in {old}" if like else f", not as in {old}"
    return outcome(seen).word + where
