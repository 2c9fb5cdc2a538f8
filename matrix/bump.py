"""What a bump of a pinned version changes, in words fit for a changelog."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from matrix.catalogue import Catalogue, exact_version
from matrix.changes import ChangeReport
from matrix.compare import Change
from matrix.errors import UsageError
from matrix.groups import NOTES, Group
from matrix.model import Json
from matrix.pins import Pin, Pins, pinned_stacks
from matrix.reports.grid import visible
from matrix.stacks import Stack
from matrix.wording import many
from matrix.yamldoc import suggest

_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One pin at another version: the stacks that this changes, before and after."""

    pin: Pin
    version: str
    pins: Pins
    old: tuple[Stack, ...]
    new: tuple[Stack, ...]

    @property
    def title(self) -> str:
        return f"{self.pin.distribution} {self.pin.version} → {self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bump:
    """A step that was run; `cases` is how many different ones were."""

    step: Step
    report: ChangeReport
    cases: int


def requested(text: str, pins: Pins) -> tuple[Pin, str]:
    """The pin that `apsw==3.54.1.0` is about, and the version asked for; UsageError otherwise."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        raise UsageError(f"not a requirement: {text!r}", hint="as in apsw==3.54.1.0") from None
    version = exact_version(requirement)
    if version is None:
        raise UsageError(f"{text}: no version to bump to", hint="as in apsw==3.54.1.0")
    pin = pins.find(requirement.name)
    if pin is None:
        known = [each.distribution for each in pins.pins]
        message = f"{pins.path} pins no {requirement.name}"
        raise UsageError(message, hint=suggest(requirement.name, known))
    return pin, version


def step_to(
    pin: Pin, version: str, pins: Pins, specs: Sequence[str], catalogue: Catalogue
) -> Step | None:
    """The step from the pinned version to another one; None where no stack of these changes."""
    new_pins = pins.with_version(pin, version)
    before = pinned_stacks(specs, pins, catalogue)
    after = pinned_stacks(specs, new_pins, catalogue)
    changed = [
        (old, new) for old, new in zip(before, after, strict=True) if old.packages != new.packages
    ]
    if not changed:
        return None
    old, new = zip(*changed, strict=True)
    return Step(pin=pin, version=version, pins=new_pins, old=tuple(old), new=tuple(new))


def newer(pin: Pin, versions: Iterable[str]) -> list[str]:
    """The versions above the pinned one, newest first."""
    found = []
    for text in versions:
        try:
            version = Version(text)
        except InvalidVersion:
            continue
        if version > Version(pin.version):
            found.append((version, text))
    return [text for _, text in sorted(found, reverse=True)]


def strings(changes: Iterable[Change]) -> list[str]:
    """The connection strings among changes, each once, in their order."""
    return list(dict.fromkeys(change.case.target for change in changes))


def verdict(bump: Bump) -> str:
    """The verdict as Markdown: one line, and below it what changed, worst first."""
    extent = f"{many(bump.cases, 'case')} on {many(len(bump.step.new), 'stack')}"
    groups = bump.report.groups
    found = strings(c for group in groups if group.kind not in NOTES for c in group.changes)
    if found:
        verb = "string behaves" if len(found) == 1 else "strings behave"
        lines = [f"{bump.step.title}: {len(found):,} {verb} differently ({extent})"]
    else:
        lines = [f"{bump.step.title}: no connection string behaves differently ({extent})"]
    return "\n".join([*lines, *map(_group_line, groups)]) + "\n"


def bump_json(bump: Bump) -> Json:
    """The same as data, with every cell that changed."""
    return {
        "distribution": bump.step.pin.distribution,
        "old": bump.step.pin.version,
        "new": bump.step.version,
        "stacks": [stack.id for stack in bump.step.new],
        "cases": bump.cases,
        "strings": strings(change for group in bump.report.groups for change in group.changes),
        "groups": [
            {
                "kind": group.kind.value,
                "what": group.what,
                "cause": str(group.cause),
                "strings": strings(group.changes),
                "cells": [change.cell for change in group.changes],
            }
            for group in bump.report.groups
        ],
    }


def _group_line(group: Group) -> str:
    """`- memory → shared memory (43 strings: `a`, `b`, …): the cause`."""
    targets = strings(group.changes)
    shown = ", ".join(f"`{visible(text)}`" for text in targets[:_EXAMPLES])
    rest = ", …" if len(targets) > _EXAMPLES else ""
    return f"- {group.what}; {many(len(targets), 'string')}: {shown}{rest}; {group.cause}"
