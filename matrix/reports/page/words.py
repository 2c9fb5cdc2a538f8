"""How the page shows what was observed: the tones of outcomes, and words for recorded values.

The page's script gets all of it with the data, so that it stands here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping

from matrix.model import Found, PathKind, Reopened, SecondConnection, Storage
from matrix.model.outcome import Outcome

STRAYS = (Outcome.STRAY, Outcome.STRAY_OUTSIDE)

TONES: Mapping[Outcome, str] = {
    Outcome.MEMORY: "memory",
    Outcome.SHARED_MEMORY: "memory",
    Outcome.TEMPORARY: "memory",
    Outcome.FILE: "file",
    Outcome.EXISTING: "file",
    Outcome.STRAY: "stray",
    Outcome.STRAY_OUTSIDE: "stray",
    Outcome.UNASKED: "stray",
    Outcome.OPENED: "file",
    Outcome.REFUSED: "error",
    Outcome.FAILED: "error",
    Outcome.NOT_SET_UP: "broken",
    Outcome.CRASHED: "broken",
    Outcome.TIMED_OUT: "broken",
    Outcome.UNAVAILABLE: "absent",
}
"""The class in the style sheet that colours an outcome."""

SHORT_WORDS: Mapping[Outcome, str] = {
    Outcome.SHARED_MEMORY: "shared",
    Outcome.STRAY_OUTSIDE: "outside",
    Outcome.UNASKED: "unasked",
    Outcome.EXISTING: "existing",
}
"""The part of an outcome's word that is seen where there is little room; else it is the whole."""

STORAGE_WORDS: Mapping[Storage, str] = {
    Storage.MEMORY: "in memory",
    Storage.FILE: "in a file",
    Storage.TEMPORARY: "in a temporary file without a name",
    Storage.NONE: "in an unknown place",
}
"""They follow *The data is*."""

SECOND_CONNECTION_WORDS: Mapping[SecondConnection, str] = {
    SecondConnection.SEES: "saw the data",
    SecondConnection.DOES_NOT_SEE: "did not see the data",
    SecondConnection.REFUSED: "was refused",
}
REOPENED_WORDS: Mapping[Reopened, str] = {
    Reopened.SEES: "the data was there",
    Reopened.DOES_NOT_SEE: "the data was gone",
    Reopened.REFUSED: "it was refused",
}
FOUND_WORDS: Mapping[Found, str] = {
    Found.SEES: "saw the data",
    Found.DOES_NOT_SEE: "did not see the data",
    Found.WROTE: "wrote its own",
    Found.REFUSED: "was refused",
}
PATH_WORDS: Mapping[PathKind, str] = {
    PathKind.DATABASE: "database",
    PathKind.JOURNAL: "journal",
    PathKind.WAL: "write-ahead log",
    PathKind.SHM: "shared-memory index",
    PathKind.TEMPORARY: "temporary file",
    PathKind.LOCK: "lock",
    PathKind.OTHER: "file",
}
BUILD_WORDS: Mapping[str, str] = {
    "uri_default": "URIs by default",
    "shared_cache": "shared cache",
    "temp_files": "temporary files",
}
"""The facts by which two builds of one version are compared."""

AXIS_WORDS: Mapping[str, str] = {"SQLite": "SQLite, under sqlite3"}
"""The axes of `versions.history` that need more than their name."""
