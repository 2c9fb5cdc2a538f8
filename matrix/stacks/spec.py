"""Stacks and their names: `apsw==3.54.1.0[uri=off,sqlalchemy=2.1.9]@3.11`.

A spec may leave out what has a default; the id of a stack does not, and is itself a spec.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import Requirement

from matrix.documents.yaml_model import suggest
from matrix.errors import UsageError
from matrix.files import is_file
from matrix.model import Case, UriDefault
from matrix.model.stack_id import StackId
from matrix.stacks.catalogue import (
    GAP,
    Catalogue,
    Package,
    choose_companions,
    choose_package,
    pinned_version,
    specs_of_set,
    to_package,
)
from matrix.stacks.interpreters import RUNNING

_SHAPE = "driver[==version][[uri=off,sqlite=version or path,sqlalchemy=version]][@python]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A SQLite library to load before stdlib `sqlite3`: a file in a package, or a user's file."""

    name: str
    file: str
    package: Package | None = None

    @property
    def version(self) -> str | None:
        """The version that it should have; None for a user's file, which may have any."""
        return self.name if self.package is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A stack before it is provided; nothing in it has been probed.

    `driver` is the name of a plugin, or the path of one; `package` is None for what comes with
    Python. `name` is the name of its results, if that is not its full name.
    """

    driver: str
    package: Package | None
    python: str
    uri: UriDefault = UriDefault.AS_BUILT
    library: Library | None = None
    middleware: str | None = None
    middleware_package: Package | None = None
    companions: tuple[Package, ...] = ()
    name: str | None = None

    @property
    def id(self) -> str:
        """Its name in results, which is a spec and a valid file name on every system."""
        return self.name or self.full_name

    @property
    def full_name(self) -> str:
        """The name with every version, which is also a spec."""
        options = {}
        if self.library is not None:
            options["sqlite"] = self.library.name
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
        """The packages on its path, in this order, so that companions come before dependencies."""
        own = (self.package, *self.companions, self.middleware_package)
        return tuple(package for package in own if package is not None)

    def runs(self, via: str | None) -> bool:
        """Whether this stack runs cases of this kind: bare (None), or through a middleware."""
        return self.middleware == via

    def runs_case(self, case: Case) -> bool:
        """Whether a case applies to this stack."""
        return self.runs(case.via) and case.fits_driver(self.driver)


def stacks_of_set(name: str, catalogue: Catalogue, python: str = RUNNING) -> tuple[Stack, ...]:
    """The stacks of a set, in the order of the file, each once."""
    stacks = (parse_stack(spec, catalogue, python) for spec in specs_of_set(name, catalogue))
    return tuple({stack.id: stack for stack in stacks}.values())


def parse_stack(spec: str, catalogue: Catalogue, python: str = RUNNING) -> Stack:
    """Parse the name of a stack; a missing version is the newest that fits its Python.

    Raises UsageError for an invalid spec, and for unknown names in it.
    """
    found = StackId.parse(spec)
    if found is None:
        raise UsageError(f"not a stack: {spec!r}", hint=f"write {_SHAPE}")
    python = found.python or python
    driver, version = _alias(found.driver, found.version or None, catalogue)
    if not driver.endswith(".py") and driver not in catalogue.drivers:
        raise UsageError(
            f"no driver called {driver!r}", hint=f"drivers: {_list(catalogue.drivers)}"
        )
    _check_options(spec, found, catalogue)
    stack = Stack(
        driver=driver,
        package=choose_package(catalogue.drivers.get(driver, []), driver, version, python),
        python=python,
        uri=_uri(spec, found.options.get("uri", "as-built")),
        library=_library(found.options.get("sqlite"), catalogue),
    )
    if found.middleware is None:
        return stack
    pinned = found.options[found.middleware] or None
    return with_middleware(stack, found.middleware, catalogue, pinned)


def with_middleware(
    stack: Stack, name: str, catalogue: Catalogue, version: str | None = None
) -> Stack:
    """The same stack with a middleware on top, by default its newest version.

    Raises UsageError if the file of stacks lists no version of it.
    """
    if name not in catalogue.middleware:
        hint = suggest(name, catalogue.middleware)
        raise UsageError(f"no middleware called {name!r}", hint=hint)
    package = choose_package(catalogue.middleware[name], name, version, stack.python)
    if package is not None:
        package = replace(package, wheel=False)
    companions = choose_companions(catalogue.companions.get(name, []), stack.python)
    return replace(
        stack,
        middleware=name,
        middleware_package=package,
        companions=tuple(replace(companion, wheel=False) for companion in companions),
    )


def _check_options(spec: str, found: StackId, catalogue: Catalogue) -> None:
    known = ("uri", "sqlite", *catalogue.middleware)
    for name, value in found.options.items():
        if name not in known:
            raise UsageError(f"{spec}: no such option: {name}", hint=f"options: {', '.join(known)}")
        if not value and name not in catalogue.middleware:
            raise UsageError(f"{spec}: {name} has no value", hint=f"write {_SHAPE}")
    if sum(name in catalogue.middleware for name in found.options) > 1:
        raise UsageError(f"{spec}: more than one middleware")


def _uri(spec: str, text: str) -> UriDefault:
    try:
        return UriDefault(text)
    except ValueError:
        raise UsageError(f"{spec}: no URI default {text!r}", hint="as-built, off or on") from None


def _library(text: str | None, catalogue: Catalogue) -> Library | None:
    """A listed version, or a file, which is named by its file name and the start of its hash."""
    if text is None:
        return None
    if text in catalogue.sqlite:
        listed = catalogue.sqlite[text]
        return Library(name=text, file=listed.file, package=to_package(listed.package))
    path = Path(text)
    if not is_file(path):
        hint = f"versions: {', '.join(catalogue.sqlite)}"
        raise UsageError(f"sqlite={text}: neither a listed version nor a file", hint=hint)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    return Library(name=f"{path.name}~{digest}", file=str(path.resolve()))


def _alias(driver: str, version: str | None, catalogue: Catalogue) -> tuple[str, str | None]:
    """The name of a distribution (`pysqlite3-binary`) means its driver at its newest version."""
    if driver in catalogue.drivers:
        return driver, version
    for name, pins in catalogue.drivers.items():
        for pin in (Requirement(pin) for pin in pins if pin != GAP):
            if pin.name == driver:
                return name, version or pinned_version(pin)
    return driver, version


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
