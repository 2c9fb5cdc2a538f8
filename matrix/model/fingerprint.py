"""What a stack is, as probed inside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from matrix.model.plain import Json, to_plain

ABSENT = "absent"
"""The value of a compile option that a build lacks."""


class UriDefault(str, Enum):
    """The URI default of a stack's SQLite: left as built, or forced through SQLITE_CONFIG_URI."""

    AS_BUILT = "as-built"
    OFF = "off"
    ON = "on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What a stack is, as probed inside it.

    `uri_default`: whether SQLite took a `file:` name as a URI without being asked to.
    `shared_cache`: whether two connections to one name with `cache=shared` saw one database.
    `temp_files`: whether a large temporary database went to a file.
    `compile_options`: as `PRAGMA compile_options` lists them, sorted.
    `user`: `root`, or `other` for all who are not root.
    `shim`: the name of the DB-API layer that this project puts between driver and middleware.
    """

    python: str
    implementation: str
    platform: str
    driver: str
    driver_version: str
    distribution: str | None
    sqlite: str
    source_id: str
    compile_options: tuple[str, ...]
    uri_setting: UriDefault
    uri_default: bool
    shared_cache: bool
    temp_files: bool
    middleware: str | None = None
    middleware_version: str | None = None
    shim: str | None = None
    observer: str = ""
    user: str = ""

    @property
    def options(self) -> dict[str, str]:
        """The compile options by name; `set` for one without a value."""
        pairs = (option.partition("=") for option in self.compile_options)
        return {name: value or "set" for name, _, value in pairs}

    def fact(self, name: str) -> str:
        """The value of a recorded fact as text; an option that the build lacks is `absent`."""
        if name in self.__dataclass_fields__:
            return _text(getattr(self, name))
        return self.options.get(name, ABSENT)

    def to_json(self) -> dict[str, Json]:
        return to_plain(self)


def fact_names(*prints: Fingerprint) -> list[str]:
    """The names of all recorded facts: the fields, then each compile option for itself."""
    fields = [name for name in Fingerprint.__dataclass_fields__ if name != "compile_options"]
    return [*fields, *sorted({name for each in prints for name in each.options})]


def differing_facts(before: Fingerprint, after: Fingerprint) -> Iterator[tuple[str, str, str]]:
    """The recorded facts in which two stacks differ: name and both values."""
    for name in fact_names(before, after):
        old, new = before.fact(name), after.fact(name)
        if old != new:
            yield name, old, new


def _text(value: Json) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    return {None: "none", True: "yes", False: "no"}.get(value, str(value))
