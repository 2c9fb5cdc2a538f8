"""`sqlite-matrix bisect`: the first version that behaves differently."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from matrix.cli.common import (
    execution_options,
    output_option,
    package_options,
    read_topics,
    scenarios_option,
    table_or_json,
    write_output,
)
from matrix.errors import EXIT_OK, NothingSelectedError, ProvisionError, UsageError
from matrix.model import Case, Fingerprint, Observation, Result
from matrix.model.outcome import outcome
from matrix.model.stack_id import StackId
from matrix.reports.bisect import boundary_json, render_boundaries
from matrix.runner.collect import observe
from matrix.scenarios.expand import expand_topics
from matrix.scenarios.selector import Selector
from matrix.stacks.catalogue import GAP, Catalogue, load_catalogue, to_package
from matrix.stacks.index import versions_on_index
from matrix.stacks.interpreters import OLDEST, find_python
from matrix.stacks.provision import Provisioner
from matrix.stacks.spec import Stack, parse_stack
from matrix.text import many
from matrix.versions.bisect import Bisection, Key
from matrix.versions.history import adjacent_versions, behaviour, known_sqlite

_NEWEST_PYTHON = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """What varies: `name` as boundaries call it; `key` as a stack's options do."""

    name: str
    key: str
    versions: tuple[str, ...]
    adjacent: Callable[[str, str], bool]


@click.command("bisect")
@click.argument("case", metavar="CASE")
@click.option("--driver", metavar="NAME", help="Along the versions of this driver.")
@click.option("--middleware", metavar="NAME", help="Along the versions of this middleware.")
@click.option("--sqlite", is_flag=True, help="Along the versions of SQLite under sqlite3.")
@click.option("--python", is_flag=True, help="Along the Pythons of this machine.")
@click.option("--stack", "spec", metavar="SPEC",
              help="What else the stack is, such as 'apsw[uri=on]'; default: sqlite3, or the "
              "driver as built.")  # fmt: skip
@click.option("--old", metavar="VERSION", help="One end; default: the oldest there is.")
@click.option("--new", metavar="VERSION", help="The other end; default: the newest there is.")
@click.option("--outcome", "coarse", is_flag=True,
              help="Where the outcome changes, not the text of an error.")  # fmt: skip
@click.option("--all", "every", is_flag=True,
              help="Every release on the index, not only those of stacks.yaml.")  # fmt: skip
@click.option("--pre", is_flag=True, help="With --all: pre-releases, too.")
@scenarios_option
@package_options
@execution_options
@table_or_json
@output_option
def command(
    case: str,
    driver: str | None,
    middleware: str | None,
    sqlite: bool,
    python: bool,
    spec: str | None,
    old: str | None,
    new: str | None,
    coarse: bool,
    every: bool,
    pre: bool,
    scenarios: tuple[Path, ...],
    cache: Path | None,
    offline: bool,
    format_: str,
    output: Path | None,
    **execution: Any,
) -> int:
    """Find the first version that behaves differently in CASE: an id, or a pattern.

    Each step installs and runs one version, half-way between one that behaves as the old end and
    one that does not. One that cannot be had is passed over, and the answer may be an interval.

    Example: sqlite-matrix bisect 'sharing/named[path=name,uri=true]' --driver apsw
    """
    asked = {"--python": python, "--sqlite": sqlite, "--middleware": middleware, "--driver": driver}
    if sum(map(bool, asked.values())) != 1:
        raise UsageError("one thing varies", hint=f"give one of {', '.join(asked)}")
    if every and (offline or sqlite or python):
        raise UsageError("--all asks the index for a driver's or a middleware's releases")
    selector = Selector.parse([case])
    found = [each for each in expand_topics(read_topics(scenarios)) if selector(each.id)]
    if not found:
        raise NothingSelectedError(f"no case {case}", hint="sqlite-matrix list cases")
    catalogue = load_catalogue()
    base = spec or driver or "sqlite3"
    stack = parse_stack(base, catalogue)
    if driver is not None and stack.driver != parse_stack(driver, catalogue).driver:
        raise UsageError(f"{base} is no stack of {driver}")
    key = "python" if python else "sqlite" if sqlite else middleware or stack.driver
    axis = _ends(_axis(key, stack, catalogue, every=every, pre=pre), old, new)
    cases = _fitting(found, stack, axis)
    probe = _Probe(base, stack, axis, catalogue, Provisioner(cache, offline=offline), execution)
    compared: Key = outcome if coarse else behaviour
    search = _search(axis, cases, probe, compared, named=(old, new))
    told = search.boundaries(axis.adjacent)
    if format_ == "json":
        data = {
            "runs": probe.log,
            "boundaries": [
                boundary_json(axis.name, cases[b.case], b, probe.prints[b.case]) for b in told
            ],
        }
        write_output(json.dumps(data, indent=1) + "\n", output)
    else:
        write_output(render_boundaries(axis.name, cases, told, probe.prints), output)
    return EXIT_OK


class _Probe:
    """Runs the cases on one version after the other, and remembers what it ran."""

    def __init__(
        self,
        base: str,
        stack: Stack,
        axis: _Axis,
        catalogue: Catalogue,
        provisioner: Provisioner,
        execution: Mapping[str, Any],
    ) -> None:
        self._base = base
        self._stack = stack
        self._axis = axis
        self._catalogue = catalogue
        self._provisioner = provisioner
        self._execution = execution
        self.prints: dict[str, dict[str, Fingerprint]] = {}
        self.log: list[dict[str, Any]] = []

    def run(self, version: str, cases: Sequence[Case]) -> dict[str, Observation]:
        """What a version shows; a case that it cannot show is left out."""
        vias = dict.fromkeys(case.via for case in cases)
        stacks = {via: self._at(version, via) for via in vias}
        work = [
            (self._provisioner.provide(stack), [case for case in cases if case.via == via])
            for via, stack in stacks.items()
        ]
        shown: dict[str, Observation] = {}
        reasons: list[str] = []
        for result in observe(work, **self._execution).stacks:
            if result.fingerprint is None:
                reasons.append(result.unavailable or "")
                continue
            for name, seen in result.observations.items():
                if seen.result is Result.UNAVAILABLE:
                    reasons.append(seen.error.message if seen.error else "not measured")
                else:
                    shown[name] = seen
                    self.prints.setdefault(name, {})[version] = result.fingerprint
        entry = {"version": version, "stacks": [stack.id for stack in stacks.values()]}
        self.log.append({**entry, "seen": len(shown), "skipped": reasons[0] if reasons else None})
        return shown

    def _at(self, version: str, via: str | None) -> Stack:
        parsed = StackId.parse(self._base)
        assert parsed is not None  # it has been read before
        options = dict(parsed.options)
        if via is not None:
            options.setdefault(via, "")
        held = self._stack.package.version if self._stack.package else ""
        parsed = replace(parsed, version=held, options=options, python=self._stack.python)
        key = self._axis.key
        if key == "python":
            parsed = replace(parsed, python=version)
        elif key in (self._stack.driver, parsed.driver):
            parsed = replace(parsed, driver=self._stack.driver, version=version)
        else:
            parsed = replace(parsed, options={**options, key: version})
        return parse_stack(str(parsed), self._catalogue)


def _axis(key: str, stack: Stack, catalogue: Catalogue, *, every: bool, pre: bool) -> _Axis:
    if key == "python":
        minors = range(OLDEST[1], _NEWEST_PYTHON)
        versions = [name for name in (f"3.{minor}" for minor in minors) if _is_here(name)]
        return _Axis(
            name="Python", key=key, versions=tuple(versions),
            adjacent=lambda a, b: adjacent_versions("Python", a, b, (), catalogue),
        )  # fmt: skip
    if key == "sqlite":
        known = known_sqlite(catalogue)
        listed = [v for v, file in catalogue.sqlite.items() if _fits(file.package, stack.python)]
        return _Axis(
            name="SQLite", key=key, versions=tuple(listed),
            adjacent=lambda a, b: adjacent_versions("SQLite", a, b, known, catalogue),
        )  # fmt: skip
    pins = catalogue.pins(key)
    if not pins:
        raise UsageError(f"no versions of {key} are listed", hint="sqlite-matrix list stacks")
    real = [pin for pin in pins if pin != GAP]
    if every:
        names = dict.fromkeys(Requirement(pin).name for pin in real)
        released = [v for name in names for v in versions_on_index(name, stack.python, pre=pre)]
        return _Axis(name=key, key=key, versions=tuple(released), adjacent=lambda *_: True)
    return _Axis(
        name=key,
        key=key,
        versions=tuple(to_package(pin).version for pin in real if _fits(pin, stack.python)),
        adjacent=lambda a, b: catalogue.adjacent(key, a, b),
    )


def _fits(pin: str, python: str) -> bool:
    return to_package(pin).fits(python)


def _is_here(python: str) -> bool:
    try:
        find_python(python)
    except ProvisionError:
        return False
    return True


def _ends(axis: _Axis, old: str | None, new: str | None) -> _Axis:
    """The versions from one end to the other, oldest first; a named end need not be listed."""
    try:
        low, high = (None if end is None else Version(end) for end in (old, new))
        named = [end for end in (old, new) if end is not None]
        known = sorted({*axis.versions, *named}, key=Version)
    except InvalidVersion as error:
        raise UsageError(str(error)) from None
    between = [
        version
        for version in known
        if (low is None or Version(version) >= low) and (high is None or Version(version) <= high)
    ]
    if len(between) < 2:
        raise UsageError(f"there are no two versions of {axis.name} to compare")
    return replace(axis, versions=tuple(between))


def _fitting(found: Sequence[Case], stack: Stack, axis: _Axis) -> dict[str, Case]:
    """The cases that run on such a stack, by id."""
    varied = axis.key not in ("python", "sqlite", stack.driver)
    fixed = axis.key if varied else stack.middleware
    cases = {
        case.id: case
        for case in found
        if case.fits_driver(stack.driver) and fixed in (None, case.via)
    }
    if not cases:
        what = f"through {fixed}" if fixed else f"for {stack.driver}"
        raise NothingSelectedError(f"{many(len(found), 'case')}, and none of them {what}")
    return cases


def _search(
    axis: _Axis,
    cases: Mapping[str, Case],
    probe: _Probe,
    key: Key,
    *,
    named: tuple[str | None, str | None],
) -> Bisection:
    """Run version after version, and say on standard error what each did."""
    search = Bisection(axis.versions, tuple(cases), key)
    first, last = axis.versions[0], axis.versions[-1]
    click.echo(
        f"{axis.name}: {many(len(axis.versions), 'version')}, {first} to {last}; "
        f"{many(len(cases), 'case')}, at most {search.bound} runs for one",
        err=True,
    )
    shown: dict[str, dict[str, Observation]] = {}
    while (version := search.wanted()) is not None:
        shown[version] = probe.run(version, tuple(cases.values()))
        entry = probe.log[-1]
        if version in named and not shown[version]:
            raise ProvisionError(f"{axis.name} {version}: {entry['skipped']}")
        search.tell(version, shown[version])
        words = _in_words(shown, version, key) if shown[version] else f"skipped: {entry['skipped']}"
        click.echo(f"{len(probe.log):>3}  {version:<14} {words}", err=True)
    if not any(shown.values()):
        raise ProvisionError(f"no version of {axis.name} can be had", hint="sqlite-matrix doctor")
    return search


def _in_words(shown: Mapping[str, Mapping[str, Observation]], version: str, key: Key) -> str:
    """What a version showed, and whether it was as at the oldest one that showed it."""
    here = shown[version]
    oldest: dict[str, str] = {}
    for name in sorted(shown, key=Version):
        for case in shown[name]:
            oldest.setdefault(case, name)
    like = [case for case in here if key(here[case]) == key(shown[oldest[case]][case])]
    old = min(oldest.values(), key=Version)
    if len(here) > 1:
        return f"{len(like)} of {len(here)} as at {old}"
    ((case, seen),) = here.items()
    where = "" if version == old else f", as at {old}" if like else f", not as at {old}"
    return outcome(seen).word + where
