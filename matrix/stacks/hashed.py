"""Packages that are pinned with hashes, and their dependencies.

The rule is that of pip's --require-hashes: everything that is installed has a version and a hash in
the file of pins. Each package is installed on its own, without dependencies; those are then looked
up in its metadata and in the file, so that uv and pip do the same, and nothing else is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from matrix.errors import ProvisionError, ProvisionFailure
from matrix.stacks.catalogue import Package

Install = Callable[[list[str]], None]
"""Installs what is written in the lines of a requirements file, without dependencies."""


def install_hashed(package: Package, python: str, place: Path, install: Install) -> None:
    """Install a package with hashes, then what it depends on, round by round.

    Raises ProvisionError for a dependency without a hash.
    """
    more = [package]
    while more:
        install([each.hashed_line for each in more])
        more = _missing(package, python, place)


def _missing(package: Package, python: str, place: Path) -> list[Package]:
    """The dependencies that are not installed yet."""
    there = {
        canonicalize_name(found.metadata["Name"]): found.requires or []
        for found in distributions(path=[str(place)])
    }
    missing: dict[str, Package] = {}
    queue = [(canonicalize_name(package.distribution), frozenset({""}))]
    for name, extras in queue:  # grows on the way
        for needed in _needed(there.get(name, []), extras, python):
            pin = _pin(needed, package)
            entry = (canonicalize_name(needed.name), frozenset({"", *needed.extras}))
            if entry[0] not in there:
                missing[entry[0]] = pin
            elif entry not in queue:
                queue.append(entry)
    return list(missing.values())


def _needed(texts: Iterable[str], extras: Iterable[str], python: str) -> Iterator[Requirement]:
    """The requirements whose markers apply."""
    for text in texts:
        needed = Requirement(text)
        here = {"python_version": python, "python_full_version": f"{python}.0"}
        if needed.marker is None or any(
            needed.marker.evaluate({**here, "extra": extra}) for extra in extras
        ):
            yield needed


def _pin(needed: Requirement, package: Package) -> Package:
    for pin in package.locked:
        if canonicalize_name(pin.distribution) == canonicalize_name(needed.name):
            if needed.specifier.contains(pin.version, prereleases=True):
                return pin
            break
    message = f"{package.requirement} is pinned with hashes and needs {needed}, which is not"
    hint = f"add a line for {needed.name} with its version and hashes to the file of pins"
    raise ProvisionError(message, hint=hint, failure=ProvisionFailure.WRONG_HASH)
