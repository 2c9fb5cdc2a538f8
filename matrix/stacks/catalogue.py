"""The file of stacks: the versions of everything, newest first, and the sets to run.

Versions are pinned requirements (PEP 508), so that tools can bump them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version
from pydantic import AfterValidator, Field

from matrix.documents.yaml_model import Record, load_document
from matrix.errors import UsageError
from matrix.model.braces import alternatives
from matrix.model.versions import version_of

CATALOGUE = Path(__file__).with_name("stacks.yaml")
GAP = "..."
"""A placeholder for releases that the file leaves out."""


def _requirement(text: str) -> str:
    if text == GAP:
        return text
    try:
        pinned = exact_version(Requirement(text))
    except InvalidRequirement as error:
        raise ValueError(f"not a requirement: {str(error).splitlines()[0]}") from None
    if pinned is None:
        raise ValueError("a version is pinned with ==, as in apsw==3.54.1.0")
    if version_of(pinned) is None:
        raise ValueError("not a version")
    marker_of(Requirement(text))
    return text


def marker_of(requirement: Requirement) -> str | None:
    """Its marker as text; ValueError if that could not be read again, as with an escaped NUL."""
    if requirement.marker is None:
        return None
    marker = str(requirement.marker)
    try:
        Requirement(f"x; {marker}")
    except InvalidRequirement as error:
        raise ValueError(f"not a marker: {str(error).splitlines()[0]}") from None
    return marker


Pinned = Annotated[str, AfterValidator(_requirement)]


class LibraryFile(Record):
    """A SQLite library in a wheel, which can be loaded under stdlib sqlite3."""

    package: Pinned = Field(description="The wheel, as a pinned requirement")
    file: str = Field(description="The file in it that exports SQLite; `*` is any text")


class Catalogue(Record):
    """The file of stacks."""

    drivers: dict[str, list[Pinned]] = Field(
        description="For each driver its versions, newest first, with a Python marker"
    )
    middleware: dict[str, list[Pinned]] = Field(
        default_factory=dict, description="For each middleware its versions, likewise"
    )
    companions: dict[str, list[Pinned]] = Field(
        default_factory=dict,
        description="For a middleware, the packages that it is run with, each newest first",
    )
    sqlite: dict[str, LibraryFile] = Field(
        default_factory=dict, description="SQLite libraries by version"
    )
    sets: dict[str, list[str]] = Field(
        description="Named sets of stacks: specs with {alternatives}; {*} is every version"
    )

    def pins(self, name: str) -> list[str]:
        """The pinned requirements of a driver or a middleware, gaps included; none if unlisted."""
        return self.drivers.get(name) or self.middleware.get(name) or []

    def versions(self, name: str) -> tuple[str, ...]:
        """The listed versions of a driver or a middleware, newest first."""
        return tuple(pinned_version(Requirement(pin)) for pin in self.pins(name) if pin != GAP)

    def adjacent(self, name: str, older: str, newer: str) -> bool:
        """Whether no release lies between two listed versions."""
        order = sorted(self.versions(name), key=Version)
        if older not in order or newer not in order:
            return False
        listed = [
            GAP if pin == GAP else pinned_version(Requirement(pin)) for pin in self.pins(name)
        ]
        newest, oldest = sorted((listed.index(older), listed.index(newer)))
        return oldest - newest == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What to install: a distribution at a version, with its marker.

    `wheel`: only install a wheel, since a driver built here would link another SQLite.
    `hashes`: the file has to match one of them, as `sha256:...`; `locked`: the packages with
    hashes, from the same file of pins, among which its dependencies have to be.
    """

    requirement: str
    version: str
    marker: str | None = None
    wheel: bool = True
    hashes: tuple[str, ...] = ()
    locked: tuple[Package, ...] = ()

    @property
    def hashed_line(self) -> str:
        """Its line in a requirements file."""
        return " ".join([self.requirement, *(f"--hash={each}" for each in self.hashes)])

    @property
    def distribution(self) -> str:
        return self.requirement.partition("==")[0]

    def fits(self, python: str) -> bool:
        """Whether the marker allows this Python."""
        if self.marker is None:
            return True
        pin = Requirement(f"{self.requirement}; {self.marker}")
        return pin.marker is None or pin.marker.evaluate({"python_version": python})


@lru_cache
def load_catalogue(path: Path = CATALOGUE) -> Catalogue:
    """Read the file of stacks; raises DocumentError with every problem."""
    catalogue, _ = load_document(path, Catalogue)
    return catalogue


def specs_of_set(name: str, catalogue: Catalogue) -> Iterator[str]:
    """The specs of a set, with braces expanded."""
    if name not in catalogue.sets:
        hint = f"sets: {', '.join(catalogue.sets)}"
        raise UsageError(f"no set of stacks called {name!r}", hint=hint)
    for line in catalogue.sets[name]:
        yield from alternatives(_with_versions(line, catalogue))


def choose_package(
    pins: Sequence[str], name: str, version: str | None, python: str
) -> Package | None:
    """The package at this version, by default the newest that fits; None if none is needed."""
    known = [to_package(pin) for pin in pins if pin != GAP]
    if not known:
        if version is not None:
            raise UsageError(f"{name} comes with Python, and has no versions of its own")
        return None
    if version is None:
        fitting = [package for package in known if package.fits(python)] or known[-1:]
        stable = [package for package in fitting if not Version(package.version).is_prerelease]
        return max(stable or fitting, key=lambda package: Version(package.version))
    for package in known:
        if package.version == version:
            return package
    distribution = _nearest(known, version).distribution
    return Package(requirement=f"{distribution}=={version}", version=version)


def choose_companions(pins: Sequence[str], python: str) -> tuple[Package, ...]:
    """The first version of each distribution that fits."""
    chosen: dict[str, Package] = {}
    for package in (to_package(pin) for pin in pins if pin != GAP):
        if package.fits(python):
            chosen.setdefault(package.distribution, package)
    return tuple(chosen.values())


def to_package(pin: str) -> Package:
    """The package of a pinned requirement."""
    requirement = Requirement(pin)
    version = pinned_version(requirement)
    text, marker = f"{requirement.name}=={version}", marker_of(requirement)
    return Package(requirement=text, version=version, marker=marker)


def exact_version(requirement: Requirement) -> str | None:
    """The version after `==`; None if the requirement allows others, too."""
    found = [(each.operator, each.version) for each in requirement.specifier]
    exact = len(found) == 1 and found[0][0] == "==" and "*" not in found[0][1]
    return found[0][1] if exact else None


def pinned_version(pin: Requirement) -> str:
    """The version of a requirement that is pinned."""
    return next(iter(pin.specifier)).version


def _with_versions(line: str, catalogue: Catalogue) -> str:
    """Replace `{*}` by the versions of the name before it: `apsw=={*}`, `sqlalchemy={*}`."""
    before, star, after = line.partition("{*}")
    if not star:
        return line
    name = before.rstrip("=").rpartition("[")[2].rpartition(",")[2]
    versions = catalogue.sqlite if name == "sqlite" else catalogue.versions(name)
    return f"{before}{{{','.join(versions)}}}{after}"


def _nearest(known: Sequence[Package], version: str) -> Package:
    """The newest listed package not above an unlisted version, for its distribution."""
    wanted = version_of(version)
    if wanted is None:
        raise UsageError(f"not a version: {version!r}")
    ordered = sorted(known, key=lambda package: Version(package.version))
    below = [package for package in ordered if Version(package.version) <= wanted]
    return (below or ordered[:1])[-1]
