"""What a bump of a pinned version changes, in words fit for a changelog."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from matrix.aspects import ChangeKind
from matrix.baseline import NOT_COMPARABLE
from matrix.catalogue import Catalogue, pinned_version
from matrix.compare import Change, Comparison
from matrix.errors import UsageError
from matrix.model import Json
from matrix.pins import Pin, Pins, pinned_stacks
from matrix.stacks import Stack
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
    comparison: Comparison
    cases: int


def requested(text: str, pins: Pins) -> tuple[Pin, str]:
    """The pin that `apsw==3.54.1.0` is about, and the version asked for; UsageError otherwise."""
    try:
        requirement = Requirement(text)
        version = str(pinned_version(requirement)) if requirement.specifier else ""
    except InvalidRequirement:
        raise UsageError(f"not a requirement: {text!r}", hint="as in apsw==3.54.1.0") from None
    if [each.operator for each in requirement.specifier] != ["=="] or "*" in version:
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
    changes = [each for each in bump.comparison.changes if each.kind not in NOT_COMPARABLE]
    extent = f"{bump.cases:,} cases on {len(bump.step.new)} stacks"
    if len(bump.step.new) == 1:
        extent = extent.removesuffix("s")
    if not changes:
        return f"{bump.step.title}: no connection string behaves differently ({extent})\n"
    found = strings(changes)
    verb = "string behaves" if len(found) == 1 else "strings behave"
    lines = [f"{bump.step.title}: {len(found):,} {verb} differently ({extent})"]
    for kind in ChangeKind:
        of_kind = strings(change for change in changes if change.kind is kind)
        if of_kind:
            shown = ", ".join(f"`{text}`" for text in of_kind[:_EXAMPLES])
            more = len(of_kind) - _EXAMPLES
            rest = f" and {more:,} more" if more > 0 else ""
            lines.append(f"- {kind.word}: {shown}{rest}")
    return "\n".join(lines) + "\n"


def bump_json(bump: Bump) -> Json:
    """The same as data, with every cell that changed."""
    return {
        "distribution": bump.step.pin.distribution,
        "old": bump.step.pin.version,
        "new": bump.step.version,
        "stacks": [stack.id for stack in bump.step.new],
        "cases": bump.cases,
        "strings": strings(bump.comparison.changes),
        "changes": [
            {"cell": change.cell, "target": change.case.target, "kind": change.kind.value}
            for change in bump.comparison.changes
        ],
    }
