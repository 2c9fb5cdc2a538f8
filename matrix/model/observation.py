"""What was seen: the facts of a cell, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from matrix.model.codec import Json, read_enum, to_plain


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


class PathKind(str, Enum):
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
        return to_plain(self)


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
    kind: PathKind
    stage: str
    kept: bool
    asked: bool
    size: int | None

    @property
    def stray(self) -> bool:
        """A database file that nobody asked for: what this project exists to show."""
        return self.kind is PathKind.DATABASE and not self.asked

    @property
    def outside(self) -> bool:
        """It lies outside the case's directory, and not in the temporary directory."""
        return self.path.startswith(("/", "{dir}/..")) or self.path[1:3] in (":\\", ":/")

    def to_json(self) -> dict[str, Json]:
        return to_plain(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Created:
        return cls(**{**value, "kind": PathKind(value["kind"])})


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
            **to_plain(self),
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
                "second_connection": read_enum(SecondConnection, value["second_connection"]),
                "reopened": read_enum(Reopened, value.get("reopened")),
                "reused": tuple(value.get("reused", ())),
                "warnings": tuple(value["warnings"]),
            }
        )
