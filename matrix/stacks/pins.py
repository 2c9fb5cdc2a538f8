"""The versions that names of stacks stand for: a file of pins in pip's format.

A baseline names stacks without versions, `apsw[uri=on]`, so that a bump changes no name. The
`requirements.txt` beside it has the versions, in a format that tools can bump.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from matrix.documents.files import load_text
from matrix.errors import DocumentError, Problem, UsageError
from matrix.files import exists
from matrix.limits import PROBLEMS
from matrix.model.braces import alternatives
from matrix.model.stack_id import StackId
from matrix.model.versions import version_of
from matrix.stacks.catalogue import (
    GAP,
    Catalogue,
    Package,
    exact_version,
    marker_of,
    specs_of_set,
    to_package,
)
from matrix.stacks.interpreters import RUNNING
from matrix.stacks.spec import Stack, parse_stack, with_middleware
from matrix.text import cut

_COMMENT = re.compile(r"(^|\s)#.*$")
_HASH_OPTION = re.compile(r"(?:^|\s+)--hash[=\s]\s*")
_HASH = re.compile(r"sha\d+:[0-9a-f]+")
_SHOWN = 100
_HEADER = """\
# The versions of the stacks in this directory; `sqlite-matrix bump` updates them.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One pinned requirement of the file."""

    distribution: str
    version: str
    marker: str | None
    line: int
    hashes: tuple[str, ...] = ()

    def fits(self, python: str) -> bool:
        package = Package(requirement=str(self), version=self.version, marker=self.marker)
        return package.fits(python)

    def __str__(self) -> str:
        return f"{self.distribution}=={self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """The file: its text, and what it pins."""

    path: Path
    text: str
    pins: tuple[Pin, ...]

    def find(self, distribution: str, python: str = RUNNING) -> Pin | None:
        """The pin of a distribution that applies to this Python."""
        wanted = canonicalize_name(distribution)
        return next(
            (
                pin
                for pin in self.pins
                if canonicalize_name(pin.distribution) == wanted and pin.fits(python)
            ),
            None,
        )

    def with_version(self, pin: Pin, version: str) -> Pins:
        """The same file with another version in one line, and nothing else changed.

        Raises UsageError for a line with hashes, which do not match another version.
        """
        lines = self.text.splitlines(keepends=True)
        old = lines[pin.line - 1]
        if pin.hashes:
            message = f"{self.path}:{pin.line}: {pin} is pinned with hashes"
            raise UsageError(message, hint="bump it with the tool that wrote the file")
        lines[pin.line - 1] = re.sub(
            rf"(==\s*){re.escape(pin.version)}", lambda found: found[1] + version, old, count=1
        )
        return parse_pins("".join(lines), self.path)

    def with_more(self, requirements: Iterable[str]) -> Pins:
        """The same file with more lines at the end."""
        text = self.text or _HEADER
        text += "" if text.endswith("\n") else "\n"
        return parse_pins(text + "".join(f"{line}\n" for line in requirements), self.path)


def load_pins(path: Path) -> Pins:
    """Read the file; a missing file pins nothing.

    Raises DocumentError with every invalid line.
    """
    return parse_pins(load_text(path) if exists(path) else "", path)


def parse_pins(text: str, path: Path) -> Pins:
    """Parse a file of pins. It may be the project's own: its options and ranges are ignored."""
    pins: dict[tuple[str, str | None], Pin] = {}
    problems: list[Problem] = []
    for number, content in _logical_lines(text):
        if len(problems) == PROBLEMS:
            break
        if content.startswith("-") and not content.startswith("--hash"):
            continue  # a pip option
        try:
            pin = _pin(content, number)
        except ValueError as error:
            problems.append(_problem(path, number, str(error)))
            continue
        if pin is None:
            continue
        before = pins.setdefault((canonicalize_name(pin.distribution), pin.marker), pin)
        if before is not pin:
            message = f"{pin.distribution} is pinned twice, first on line {before.line}"
            problems.append(_problem(path, number, message))
    if problems:
        raise DocumentError(problems)
    return Pins(path=path, text=text, pins=tuple(pins.values()))


def pinned_stacks(
    specs: Iterable[str], pins: Pins, catalogue: Catalogue, python: str = RUNNING
) -> tuple[Stack, ...]:
    """The stacks of these names at their pinned versions, each once.

    A version in the name itself takes precedence. What comes with Python needs no pin. Raises
    UsageError, with the line to add, if a pin is missing.
    """
    stacks = {}
    for spec in specs:
        stack, missing = _resolve(spec, pins, catalogue, python)
        if missing:
            message = f"{pins.path}: no pin for {missing[0].distribution}, which {spec} needs"
            raise UsageError(message, hint=f"add the line {missing[0].requirement}")
        stacks[stack.id] = stack
    return tuple(stacks.values())


def missing_pins(
    specs: Iterable[str], pins: Pins, catalogue: Catalogue, python: str = RUNNING
) -> tuple[str, ...]:
    """The lines to add for these names: the newest listed versions."""
    found = {
        package.requirement: None
        for spec in specs
        for package in _resolve(spec, pins, catalogue, python)[1]
    }
    return tuple(sorted(found))


def chosen_specs(words: Sequence[str], catalogue: Catalogue) -> tuple[str, ...]:
    """Names of stacks; each word is the name of a set, or a spec with {alternatives}."""
    specs: list[str] = []
    for word in words:
        listed = word in catalogue.sets
        specs += specs_of_set(word, catalogue) if listed else alternatives(word)
    return tuple(dict.fromkeys(specs))


def _resolve(
    spec: str, pins: Pins, catalogue: Catalogue, python: str
) -> tuple[Stack, list[Package]]:
    """The stack of a name, and the packages of it that have no pin."""
    found = StackId.parse(spec)
    stack = parse_stack(spec, catalogue, python)
    assert found is not None  # else parse_stack would have raised
    missing: list[Package] = []
    if stack.package is not None and not found.version:
        package = _pinned(stack.package, _distributions(found, stack, catalogue), pins, stack)
        missing += [] if package else [stack.package]
        known = catalogue.drivers.get(stack.driver, [])
        stack = replace(stack, package=_marked(package or stack.package, known))
    if stack.middleware is not None and not found.options[stack.middleware]:
        own = stack.middleware_package
        assert own is not None
        pinned = _pinned(own, [own.distribution], pins, stack)
        missing += [] if pinned else [own]
        version = None if pinned is None else pinned.version
        stack = with_middleware(stack, stack.middleware, catalogue, version)
    companions = tuple(_pinned(c, [c.distribution], pins, stack) or c for c in stack.companions)
    stack = replace(stack, companions=companions, name=_name(found, stack))
    return _with_hashes(stack, pins), missing


def _with_hashes(stack: Stack, pins: Pins) -> Stack:
    """The same stack, where each package that the file pins with hashes has them."""
    hashed = tuple(
        Package(requirement=str(pin), version=pin.version, hashes=pin.hashes)
        for pin in pins.pins
        if pin.hashes and pin.fits(stack.python)
    )
    by_key = {_key(pin): pin for pin in hashed}

    def lock(package: Package) -> Package:
        pin = by_key.get(_key(package))
        return package if pin is None else replace(package, hashes=pin.hashes, locked=hashed)

    library = stack.library
    if library is not None and library.package is not None:
        library = replace(library, package=lock(library.package))
    return replace(
        stack,
        package=stack.package and lock(stack.package),
        middleware_package=stack.middleware_package and lock(stack.middleware_package),
        companions=tuple(map(lock, stack.companions)),
        library=library,
    )


def _key(package: Package) -> tuple[str, str]:
    return canonicalize_name(package.distribution), package.version


def _pinned(
    package: Package, distributions: Sequence[str], pins: Pins, stack: Stack
) -> Package | None:
    for distribution in distributions:
        pin = pins.find(distribution, stack.python)
        if pin is not None:
            return Package(requirement=str(pin), version=pin.version, wheel=package.wheel)
    return None


def _distributions(found: StackId, stack: Stack, catalogue: Catalogue) -> list[str]:
    """The distributions that a driver's name can mean: the one with that name, else all of them."""
    listed = [Requirement(pin).name for pin in catalogue.drivers[stack.driver] if pin != GAP]
    return [found.driver] if found.driver in listed else list(dict.fromkeys(listed))


def _marked(package: Package, known: Sequence[str]) -> Package:
    """The package with the marker that the file of stacks has for this version, if any."""
    listed = (to_package(pin) for pin in known if pin != GAP)
    return next((each for each in listed if each.requirement == package.requirement), package)


def _name(found: StackId, stack: Stack) -> str:
    """The name as the user wrote it, changed to be a valid file name on every system."""
    options = []
    for option, value in found.options.items():
        library = stack.library.name if option == "sqlite" and stack.library else value
        options.append(f"{option}={library}" if value else option)
    inside = f"[{','.join(options)}]" if options else ""
    version = f"=={found.version}" if found.version else ""
    driver = Path(found.driver).stem if found.driver.endswith(".py") else found.driver
    python = f"@{found.python}" if found.python else ""
    return f"{driver}{version}{inside}{python}"


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments, joined where one ends with a backslash, with their first number."""
    first, content = 1, ""
    for number, line in enumerate(text.splitlines(), 1):
        first = first if content else number
        content += _COMMENT.sub("", line).rstrip()
        if content.endswith("\\"):
            content = content[:-1] + " "
        elif content.strip():
            yield first, content.strip()
            content = ""
    if content.strip():
        yield first, content.strip()


def _pin(content: str, line: int) -> Pin | None:
    text, *hashes = _HASH_OPTION.split(content)
    if not text:
        raise ValueError("a hash without its requirement; end the line above with a backslash")
    for each in hashes:
        if not _HASH.fullmatch(each):
            raise ValueError(f"not a hash: {each}; write sha256:...")
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise ValueError(f"not a requirement: {str(error).splitlines()[0]}") from None
    version = exact_version(requirement)
    if version is None:
        return None
    if version_of(version) is None:
        raise ValueError(f"not a version: {cut(version, _SHOWN)}")
    return Pin(
        distribution=requirement.name,
        version=version,
        marker=marker_of(requirement),
        line=line,
        hashes=tuple(hashes),
    )


def _problem(path: Path, line: int, message: str) -> Problem:
    return Problem(path=str(path), line=line, column=1, key="", message=message)
