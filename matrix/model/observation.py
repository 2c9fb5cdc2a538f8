"""What was seen: the facts of a cell, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum

from matrix.model.plain import Json, to_plain


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
    """What was found when everything was closed and the target was opened once more."""

    SEES = "sees"
    DOES_NOT_SEE = "does_not_see"
    REFUSED = "refused"


class Found(str, Enum):
    """What came of a rival's reading or writing."""

    SEES = "sees"
    DOES_NOT_SEE = "does_not_see"
    WROTE = "wrote"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """What one of the case's rivals found.

    `found`: None where there was nothing to look for, as the case wrote nothing.
    `error`: the type and the message of the exception that was raised.
    """

    found: Found | None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An exception that was raised.

    `phase`: the stage in which it was raised, or `setup`.
    `statement`: the SQL statement of the case that failed, if one did.
    """

    phase: str
    type: str
    message: str
    statement: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A path that appeared during a case, and was not there before it.

    `path` is relative to the case's directory where it lies inside it, absolute where not;
    `{dir}/..` and `{tmp}` stand for the surroundings that every case is given.
    `stage` is when it appeared, `kept` whether it was still there at the end,
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
        """A database file that the string does not ask for: what this project exists to show."""
        return self.kind is PathKind.DATABASE and not self.asked

    @property
    def outside(self) -> bool:
        """It lies outside the case's directory, and not in the temporary directory."""
        return self.path.startswith(("/", "{dir}/..")) or self.path[1:3] in (":\\", ":/")

    def to_json(self) -> dict[str, Json]:
        return to_plain(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The facts seen in a cell, and nothing else.

    `there`: the files that existed before, and that the strings ask for, or that somebody who
    reads them otherwise than SQLite may have meant.
    `unasked`: the database files that existed before, that the strings do not ask for, and that
    were opened.
    `foreign`: the names in the strings that only another system understands.
    `tried`: files that SQLite tried to create and could not.
    `conflicts`: where the hook and the listing of the directories, two independent observers,
    disagree; a cell with a conflict cannot be trusted.
    `outside`: the paths outside the case's directories that it would create, change or remove on
    the machine; it only did so for itself, unless the run was in place.
    `reused`: the stages in which a user got the first connection again instead of a new one.
    `rivals`: what each of the case's rivals found, in their order.
    `passed`: what reached the driver, as `{"args": [...], "kwargs": {...}}`.
    `opened`: the file name that SQLite reports, empty for a database without a file.
    `observer`: what watched the files; `transients_complete`: whether it also sees files that
    exist only for a moment.
    """

    case: str
    stack: str
    result: Result
    error: Failure | None = None
    storage: Storage = Storage.NONE
    created: tuple[Created, ...] = ()
    there: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    second_connection: SecondConnection | None = None
    reopened: Reopened | None = None
    reused: tuple[str, ...] = ()
    rivals: tuple[Rival, ...] = ()
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
        """Whether a second connection saw the data, other than the first one handed out again."""
        sees = self.second_connection is SecondConnection.SEES
        return sees and "second_connection" not in self.reused

    def to_json(self) -> dict[str, Json]:
        return to_plain(self)

    def behaviour(self) -> dict[str, Json]:
        """The fields in BEHAVIOUR as JSON, to compare what two cells showed."""
        plain = self.to_json()
        return {name: plain[name] for name in BEHAVIOUR}


_NOT_BEHAVIOUR = ("case", "stack", "foreign", "outside", "observer", "transients_complete")

BEHAVIOUR = tuple(f.name for f in fields(Observation) if f.name not in _NOT_BEHAVIOUR)
"""The fields that say what happened; the others say in which cell and how it was watched.

`outside` follows from the paths in other fields, `foreign` from the case and the system.
"""
