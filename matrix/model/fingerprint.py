"""What a stack is, as probed inside it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from matrix.model.plain import Json, to_plain


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

    def to_json(self) -> dict[str, Json]:
        return to_plain(self)
