"""The values that flow through the project: cases, stacks, observations.

Each is frozen, and has one writer (`to_json`) and one reader (`from_json`) for its JSON form.
The words are those of ARCHITECTURE.md. Nothing here does I/O.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, TypeVar

Json = Any
"""What `json.loads` returns: the one place where a type is not told further."""


class Intent(str, Enum):
    """What a user means by a connection string."""

    PRIVATE_MEMORY = "private-memory"
    SHARED_MEMORY = "shared-memory"
    TEMPORARY = "temporary"
    FILE = "file"
    READ_ONLY = "read-only"
    REFUSE = "refuse"
    OBSERVE = "observe"


class TargetType(str, Enum):
    """The Python type in which a target is handed to the driver."""

    STR = "str"
    BYTES = "bytes"
    PATH = "path"


class Result(str, Enum):
    """How a cell ended."""

    OPENED = "opened"
    REFUSED = "refused"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    UNAVAILABLE = "unavailable"


class Storage(str, Enum):
    """Where the data of the database under test is."""

    MEMORY = "memory"
    FILE = "file"
    TEMPORARY = "temporary"
    NONE = "none"


class Kind(str, Enum):
    """What a path that appeared is."""

    DATABASE = "database"
    JOURNAL = "journal"
    WAL = "wal"
    SHM = "shm"
    TEMPORARY = "temporary"
    LOCK = "lock"
    OTHER = "other"


class SecondConnection(str, Enum):
    """What a second connection to the same target found, while the first was open."""

    SEES = "sees"
    DOES_NOT_SEE = "does_not_see"
    REFUSED = "refused"


class Reopened(str, Enum):
    """What was found when everything had been closed and the target was opened once more."""

    SEES = "sees"
    DOES_NOT_SEE = "does_not_see"
    REFUSED = "refused"


class UriDefault(str, Enum):
    """The URI default of a stack's SQLite: left as built, or forced through SQLITE_CONFIG_URI."""

    AS_BUILT = "as-built"
    OFF = "off"
    ON = "on"


E_ = TypeVar("E_", bound=Enum)


def canonical(value: Json) -> str:
    """One line of JSON in the one form in which this project writes it.

    Keys sorted, no spaces, ASCII only, so that strings which are not UTF-8
    (held with surrogateescape) survive the round trip.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One concrete combination that a scenario expands to.

    `{dir}` in the target, an option or a statement stands for the case's own directory,
    `{name}` for a name that no other case uses.
    `second`: the target of the second connection; None means the same way in once more.
    `second_in_thread`: whether the bare driver's second connection is had in another thread.
    `backup`: the name that the driver copies the database to; None means no copy.
    `reopen`: whether the target is opened once more after everything was closed.
    `drivers` limits the case to those drivers; None means all.
    """

    id: str
    target: str
    target_type: TargetType = TargetType.STR
    via: str | None = None
    connect: Mapping[str, Json] = field(default_factory=dict)
    setup: Sequence[Mapping[str, Json]] = ()
    sql: Sequence[str] = ()
    write: bool = True
    write_to: str = "main"
    second: str | None = None
    second_in_thread: bool = False
    backup: str | None = None
    reopen: bool = False
    intent: Intent = Intent.OBSERVE
    drivers: tuple[str, ...] | None = None

    def fits_driver(self, driver: str) -> bool:
        """Whether it is one for this driver."""
        return self.drivers is None or driver in self.drivers

    @property
    def scenario(self) -> str:
        """The id of the scenario it comes from: `topic/scenario`."""
        return self.id.partition("[")[0]

    def to_json(self) -> dict[str, Json]:
        return {**_plain(self), "setup": [dict(step) for step in self.setup]}

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Case:
        """Read a case that this project wrote; cases from outside come through `matrix.batch`."""
        drivers = value.get("drivers")
        return cls(
            id=value["id"],
            target=value["target"],
            target_type=TargetType(value.get("target_type", "str")),
            via=value.get("via"),
            connect=value.get("connect", {}),
            setup=tuple(value.get("setup", ())),
            sql=tuple(value.get("sql", ())),
            write=value.get("write", True),
            write_to=value.get("write_to", "main"),
            second=value.get("second"),
            second_in_thread=value.get("second_in_thread", False),
            backup=value.get("backup"),
            reopen=value.get("reopen", False),
            intent=Intent(value.get("intent", "observe")),
            drivers=None if drivers is None else tuple(drivers),
        )

    @property
    def digest(self) -> str:
        """A short hash of what the case does: two cases with one digest are comparable.

        What is not asked for is left out, so that a key that is new changes no case without it.
        """
        asked = ((k, v) for k, v in self.to_json().items() if v is not None and v is not False)
        content = {key: value for key, value in asked if key not in ("id", "intent")}
        return hashlib.sha256(canonical(content).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioInfo:
    """What a reader is told of a scenario: `id` is `topic/scenario`.

    `then`: what was seen when it was reported; None for what nobody reported.
    """

    id: str
    title: str
    question: str
    references: tuple[str, ...] = ()
    then: str | None = None

    def to_json(self) -> dict[str, Json]:
        return _plain(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> ScenarioInfo:
        return cls(
            id=value["id"],
            title=value["title"],
            question=value["question"],
            references=tuple(value["references"]),
            then=value.get("then"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What a stack is, as probed inside it.

    `uri_default`: whether SQLite took a `file:` name as a URI without being asked to.
    `shared_cache`: whether two connections to one name with `cache=shared` saw one database.
    `temp_files`: whether a large temporary database went to a file.
    `compile_options`: as `PRAGMA compile_options` lists them, sorted.
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

    def to_json(self) -> dict[str, Json]:
        return _plain(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Fingerprint:
        return cls(
            **{
                **value,
                "compile_options": tuple(value["compile_options"]),
                "uri_setting": UriDefault(value["uri_setting"]),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What was raised, and in which phase: the stage in which it was, or setup.

    `statement`: the one that failed, of those that the case brings.
    """

    phase: str
    type: str
    message: str
    statement: str | None = None

    def to_json(self) -> dict[str, Json]:
        return _plain(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A path that appeared during a case.

    `path` is relative to the case's directory where it lies inside it, absolute where not;
    `{dir}/..` and `{tmp}` stand for the surroundings that every case is given.
    `stage` is the one in which it appeared, `kept` whether it was there at the end,
    `asked` whether it is the name that the user's string means as a file name,
    `size` in bytes at the end, None for a directory and for what was gone by then.
    """

    path: str
    kind: Kind
    stage: str
    kept: bool
    asked: bool
    size: int | None

    @property
    def stray(self) -> bool:
        """A database file that nobody asked for: what this project exists to show."""
        return self.kind is Kind.DATABASE and not self.asked

    @property
    def outside(self) -> bool:
        """It lies outside the case's directory, and not in the temporary directory."""
        return self.path.startswith(("/", "{dir}/..")) or self.path[1:3] in (":\\", ":/")

    def to_json(self) -> dict[str, Json]:
        return _plain(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Created:
        return cls(**{**value, "kind": Kind(value["kind"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The facts seen in a cell, and nothing else.

    `there`: the files that the strings ask for, and that were there before.
    `tried`: what SQLite tried to create, and could not. `conflicts`: where the witnesses of
    what appeared disagree; a cell that has one is not to be believed.
    `reused`: the stages in which a user was handed the first connection, and no other.
    """

    case: str
    stack: str
    result: Result
    error: Failure | None = None
    storage: Storage = Storage.NONE
    created: tuple[Created, ...] = ()
    there: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    second_connection: SecondConnection | None = None
    reopened: Reopened | None = None
    reused: tuple[str, ...] = ()
    passed: Mapping[str, Json] | None = None
    opened: str | None = None
    journal_mode: str | None = None
    pool: str | None = None
    warnings: tuple[str, ...] = ()
    observer: str = ""
    transients_complete: bool = False

    @property
    def strays(self) -> tuple[Created, ...]:
        return tuple(entry for entry in self.created if entry.stray)

    @property
    def shared(self) -> bool:
        """Whether a second connection saw the data, and not the first one in other hands."""
        sees = self.second_connection is SecondConnection.SEES
        return sees and "second_connection" not in self.reused

    def to_json(self) -> dict[str, Json]:
        error = None if self.error is None else self.error.to_json()
        return {
            **_plain(self),
            "error": error,
            "created": [entry.to_json() for entry in self.created],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Observation:
        error = value["error"]
        return cls(
            **{
                **value,
                "result": Result(value["result"]),
                "error": None if error is None else Failure(**error),
                "storage": Storage(value["storage"]),
                "created": tuple(Created.from_json(entry) for entry in value["created"]),
                "there": tuple(value.get("there", ())),
                "tried": tuple(value.get("tried", ())),
                "conflicts": tuple(value.get("conflicts", ())),
                "modified": tuple(value["modified"]),
                "removed": tuple(value["removed"]),
                "second_connection": _read(SecondConnection, value["second_connection"]),
                "reopened": _read(Reopened, value.get("reopened")),
                "reused": tuple(value.get("reused", ())),
                "warnings": tuple(value["warnings"]),
            }
        )


def _plain(record: Any) -> dict[str, Json]:
    """The fields of a value as JSON, but for values inside them that have a form of their own."""
    return {each.name: _plain_value(getattr(record, each.name)) for each in fields(record)}


def _plain_value(value: Any) -> Json:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def _read(kind: type[E_], value: Json) -> E_ | None:
    return None if value is None else kind(value)
