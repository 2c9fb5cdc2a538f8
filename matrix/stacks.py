"""What a stack is, and how it is named: `apsw==3.54.1.0[uri=off,sqlalchemy=2.1.9]@3.11`.

A spec may leave out what has a default; a stack's id never does, and is itself a spec.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version
from pydantic import AfterValidator, Field

from matrix.errors import ProvisionError, UsageError
from matrix.model import UriDefault
from matrix.pythons import RUNNING
from matrix.stackid import StackId
from matrix.yamldoc import Record, load_document

CATALOGUE = Path(__file__).with_name("stacks.yaml")

_SHAPE = "driver[==version][[uri=off,sqlite=PATH,sqlalchemy=version]][@python]"


def _requirement(text: str) -> str:
    try:
        pins = list(Requirement(text).specifier)
    except InvalidRequirement as error:
        raise ValueError(f"not a requirement: {error}") from None
    if [pin.operator for pin in pins] != ["=="]:
        raise ValueError("a version is pinned with ==, as in apsw==3.54.1.0")
    return text


Pinned = Annotated[str, AfterValidator(_requirement)]


class Catalogue(Record):
    """The file of stacks: the versions that there are, newest first, and the sets to run."""

    drivers: dict[str, list[Pinned]] = Field(
        description="For each driver its versions, as pinned requirements with a Python marker"
    )
    middleware: dict[str, list[Pinned]] = Field(
        default_factory=dict, description="For each middleware its versions, likewise"
    )
    sets: dict[str, list[str]] = Field(
        description="Named sets of stacks, as specs with {alternatives}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What has to be installed: a distribution at a version, and the marker it comes with.

    `wheel`: only as a wheel. A driver that were built here would link another SQLite.
    """

    requirement: str
    version: str
    marker: str | None = None
    wheel: bool = True

    @property
    def distribution(self) -> str:
        return self.requirement.partition("==")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A stack by its name, before it is provided: nothing here has been probed.

    `driver` is the name of a plugin, or the path of one; `package` is None for what comes with
    Python; `sqlite` is a library to load under stdlib `sqlite3`, as the user wrote it.
    """

    driver: str
    package: Package | None
    python: str
    uri: UriDefault = UriDefault.AS_BUILT
    sqlite: str | None = None
    middleware: str | None = None
    middleware_package: Package | None = None

    @property
    def id(self) -> str:
        """The full name, which is a spec, and a file name on every system."""
        options = {}
        if self.sqlite is not None:
            options["sqlite"] = Path(self.sqlite).name
        if self.uri is not UriDefault.AS_BUILT:
            options["uri"] = self.uri.value
        if self.middleware is not None and self.middleware_package is not None:
            options[self.middleware] = self.middleware_package.version
        return str(
            StackId(
                driver=Path(self.driver).stem if self.driver.endswith(".py") else self.driver,
                version=self.package.version if self.package else "",
                options=options,
                python=self.python,
            )
        )

    @property
    def packages(self) -> tuple[Package, ...]:
        return tuple(p for p in (self.package, self.middleware_package) if p is not None)

    def runs(self, via: str | None) -> bool:
        """Whether cases of this kind (bare, or through a middleware) are run on this stack."""
        return self.middleware == via


def load_catalogue(path: Path = CATALOGUE) -> Catalogue:
    """Read the file of stacks; DocumentError with everything that is wrong in it."""
    catalogue, _ = load_document(path, Catalogue)
    return catalogue


def stacks_of_set(name: str, catalogue: Catalogue, python: str = RUNNING) -> tuple[Stack, ...]:
    """The stacks of a set, in the order of the file, each once."""
    if name not in catalogue.sets:
        raise UsageError(f"no set of stacks called {name!r}", hint=f"sets: {_list(catalogue.sets)}")
    specs = [spec for line in catalogue.sets[name] for spec in expand_braces(line)]
    stacks = {stack.id: stack for stack in (parse_stack(s, catalogue, python) for s in specs)}
    return tuple(stacks.values())


def parse_stack(spec: str, catalogue: Catalogue, python: str = RUNNING) -> Stack:
    """Read the name of a stack; a version that is left out is the newest that fits its Python.

    Raises UsageError where the spec does not read or names what is not known.
    """
    found = StackId.parse(spec)
    if found is None:
        raise UsageError(f"not a stack: {spec!r}", hint=f"write {_SHAPE}")
    options = dict(found.options)
    for name in ("uri", "sqlite"):
        if options.get(name) == "":
            raise UsageError(f"{spec}: {name} has no value", hint=f"write {_SHAPE}")
    uri = _uri(options.pop("uri", "as-built"))
    sqlite = options.pop("sqlite", None)
    driver, version = _alias(found.driver, found.version or None, catalogue)
    python = found.python or python
    if not driver.endswith(".py") and driver not in catalogue.drivers:
        raise UsageError(
            f"no driver called {driver!r}", hint=f"drivers: {_list(catalogue.drivers)}"
        )
    middleware = next(iter(options), None)
    if len(options) > 1 or (middleware and middleware not in catalogue.middleware):
        unknown = [name for name in options if name not in catalogue.middleware]
        raise UsageError(
            f"{spec}: no such option: {', '.join(unknown) or 'two middlewares'}",
            hint=f"options: uri, sqlite, {_list(catalogue.middleware)}",
        )
    return Stack(
        driver=driver,
        package=_package(catalogue.drivers.get(driver, []), driver, version, python),
        python=python,
        uri=uri,
        sqlite=sqlite,
        middleware=middleware,
        middleware_package=_middleware_package(
            catalogue, middleware, options.get(middleware or "") or None, python
        ),
    )


def with_middleware(stack: Stack, name: str, catalogue: Catalogue) -> Stack:
    """The same stack with the newest version of a middleware on top."""
    package = _middleware_package(catalogue, name, None, stack.python)
    return replace(stack, middleware=name, middleware_package=package)


def expand_braces(text: str) -> Iterator[str]:
    """`a{,x,y}` gives `a`, `ax`, `ay`, in this order; braces do not nest."""
    head, brace, rest = text.partition("{")
    if not brace:
        yield text
        return
    alternatives, _, tail = rest.partition("}")
    for alternative in alternatives.split(","):
        for ending in expand_braces(tail):
            yield head + alternative + ending


def _uri(text: str) -> UriDefault:
    try:
        return UriDefault(text)
    except ValueError:
        raise UsageError(f"uri={text}: no such URI default", hint="as-built, off or on") from None


def _alias(driver: str, version: str | None, catalogue: Catalogue) -> tuple[str, str | None]:
    """A distribution's name (`pysqlite3-binary`) stands for its driver at its newest version."""
    if driver in catalogue.drivers:
        return driver, version
    for name, pins in catalogue.drivers.items():
        for pin in map(Requirement, pins):
            if pin.name == driver:
                return name, version or _pinned(pin)
    return driver, version


def _package(pins: Sequence[str], name: str, version: str | None, python: str) -> Package | None:
    """The package at this version, or the newest that fits; None for what needs no package."""
    if not pins:
        if version is not None:
            raise UsageError(f"{name} has no versions of its own: it comes with Python")
        return None
    known = [Requirement(pin) for pin in pins]
    if version is None:
        fitting = [pin for pin in known if _fits(pin, python)] or known[-1:]
        chosen = max(fitting, key=lambda pin: Version(_pinned(pin)))
        return _to_package(chosen)
    for pin in known:
        if _pinned(pin) == version:
            return _to_package(pin)
    return Package(requirement=f"{_nearest(known, version).name}=={version}", version=version)


def _middleware_package(
    catalogue: Catalogue, name: str | None, version: str | None, python: str
) -> Package | None:
    if name is None:
        return None
    package = _package(catalogue.middleware[name], name, version, python)
    return None if package is None else replace(package, wheel=False)


def _nearest(known: Sequence[Requirement], version: str) -> Requirement:
    """The distribution of an unlisted version is that of the newest listed one not above it."""
    try:
        wanted = Version(version)
    except InvalidVersion:
        raise UsageError(f"not a version: {version!r}") from None
    ordered = sorted(known, key=lambda pin: Version(_pinned(pin)))
    below = [pin for pin in ordered if Version(_pinned(pin)) <= wanted]
    return (below or ordered[:1])[-1]


def _to_package(pin: Requirement) -> Package:
    version = _pinned(pin)
    marker = None if pin.marker is None else str(pin.marker)
    return Package(requirement=f"{pin.name}=={version}", version=version, marker=marker)


def _pinned(pin: Requirement) -> str:
    return next(iter(pin.specifier)).version


def _fits(pin: Requirement, python: str) -> bool:
    return pin.marker is None or pin.marker.evaluate({"python_version": python})


def check_fits(package: Package, python: str) -> None:
    """ProvisionError where the catalogue says that this version has nothing for this Python."""
    pin = Requirement(f"{package.requirement}; {package.marker}" if package.marker else "x")
    if not _fits(pin, python):
        raise ProvisionError(f"{package.requirement} has no wheel for Python {python}")


def _list(names: Mapping[str, object]) -> str:
    return ", ".join(sorted(names))
