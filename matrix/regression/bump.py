"""A bump of a pinned version: which stacks it changes, and what running both sides showed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from matrix.comparison.report import ChangeReport
from matrix.documents.yaml_model import suggest
from matrix.errors import UsageError
from matrix.model.versions import version_of
from matrix.stacks.catalogue import Catalogue, exact_version
from matrix.stacks.pins import Pin, Pins, pinned_stacks
from matrix.stacks.spec import Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change of one pin to another version: the affected stacks, before and after."""

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
    """A step that was run; `cases` is the number of different cases."""

    step: Step
    report: ChangeReport
    cases: int


def requested(text: str, pins: Pins) -> tuple[Pin, str]:
    """The pin that `apsw==3.54.1.0` refers to, and the requested version; raises UsageError."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        raise UsageError(f"not a requirement: {text!r}", hint="as in apsw==3.54.1.0") from None
    version = exact_version(requirement)
    if version is None or version_of(version) is None:
        raise UsageError(f"{text}: no version to bump to", hint="as in apsw==3.54.1.0")
    pin = pins.find(requirement.name)
    if pin is None:
        known = [each.distribution for each in pins.pins]
        message = f"{pins.path} has no pin for {requirement.name}"
        raise UsageError(message, hint=suggest(requirement.name, known))
    return pin, version


def step_to(
    pin: Pin, version: str, pins: Pins, specs: Sequence[str], catalogue: Catalogue
) -> Step | None:
    """The step from the pinned version to another one; None if it changes none of the stacks."""
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
        version = version_of(text)
        if version is not None and version > Version(pin.version):
            found.append((version, text))
    return [text for _, text in sorted(found, reverse=True)]
