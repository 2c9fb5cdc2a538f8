"""What was observed in one sign, and whether it was as intended: two facts, two marks.

Letters say where the data went; `!` says that a file appeared that the string does not ask for.
A verdict has a mark of its own, so that no sign ever stands for both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from matrix.model.case import Case, Intent
from matrix.model.meaning import system_of
from matrix.model.observation import (
    Created,
    Found,
    Observation,
    PathKind,
    Result,
    SecondConnection,
    Storage,
)
from matrix.model.rivals import WHERE, describe_rival
from matrix.model.sql import is_query


class Outcome(Enum):
    """An observation in one sign; in the order in which a legend lists them."""

    sign: str
    word: str
    explanation: str

    def __init__(self, sign: str, word: str, explanation: str) -> None:
        self.sign = sign
        self.word = word
        self.explanation = explanation

    MEMORY = "m", "memory", "in memory; no second connection saw it"
    SHARED_MEMORY = "m+", "shared memory", "in memory; a second connection saw the data"
    TEMPORARY = "t", "temporary", "in a temporary file without a name"
    FILE = "f", "file", "the file that the string asks for was created"
    EXISTING = "f=", "existing file", "a file that was there before was opened"
    STRAY = "!", "stray file", "a database file that the string does not ask for"
    STRAY_OUTSIDE = "!!", "stray outside", "a stray file outside the directory of the case"
    UNASKED = "=!", "unasked file", "an existing file that the string does not ask for was opened"
    OPENED = "o", "opened", "opened without an error; where the data went is unknown"
    REFUSED = "r", "refused", "the driver or the middleware raised an error at once"
    FAILED = "e", "error", "opened, but a later step raised an error"
    NOT_SET_UP = "?", "not set up", "setting up the case failed; nothing was measured"
    CRASHED = "#", "crashed", "the process died"
    TIMED_OUT = "~", "timed out", "did not finish within the time limit"
    UNAVAILABLE = "-", "unavailable", "could not be measured on this stack"


class Verdict(str, Enum):
    """The observation compared with the intent."""

    AS_INTENDED = "as_intended"
    NOT_AS_INTENDED = "not_as_intended"
    NOTED = "noted"

    @property
    def mark(self) -> str:
        """One character, or a space where there is no opinion; no outcome has it as its sign."""
        return _MARKS[self]

    @property
    def word(self) -> str:
        return self.value.replace("_", " ")

    @property
    def explanation(self) -> str:
        return _EXPLANATIONS[self]


_MARKS = {Verdict.AS_INTENDED: "✓", Verdict.NOT_AS_INTENDED: "✗", Verdict.NOTED: " "}
_EXPLANATIONS = {
    Verdict.AS_INTENDED: "data, files and errors are what the intent says",
    Verdict.NOT_AS_INTENDED: "data, files or errors are not what the intent says",
    Verdict.NOTED: "observed; there is no intent, or the cell cannot show whether it is met",
}

_ENDINGS = {
    Result.UNAVAILABLE: Outcome.UNAVAILABLE,
    Result.CRASHED: Outcome.CRASHED,
    Result.TIMED_OUT: Outcome.TIMED_OUT,
    Result.REFUSED: Outcome.REFUSED,
}
_STORED = {
    Storage.MEMORY: Outcome.MEMORY,
    Storage.TEMPORARY: Outcome.TEMPORARY,
    Storage.FILE: Outcome.EXISTING,
    Storage.NONE: Outcome.OPENED,
}
_STEPS_AFTER_OPEN = ("sql", "write")
"""The phases whose error leaves the data no place."""
_LOOKS = ("second_connection", "reopen")
"""The phases in which a further connection looks for the data."""


def outcome(observation: Observation) -> Outcome:
    """Put an observation into one sign; a file that nobody asked for wins over everything else."""
    if observation.strays:
        outside = any(entry.outside for entry in observation.strays)
        return Outcome.STRAY_OUTSIDE if outside else Outcome.STRAY
    if observation.unasked:
        return Outcome.UNASKED
    if _phase(observation) == "setup":
        return Outcome.NOT_SET_UP
    if observation.result is not Result.OPENED:
        return _ENDINGS[observation.result]
    if _phase(observation) in (*_STEPS_AFTER_OPEN, "backup"):
        return Outcome.FAILED
    return _place(observation)


def _place(observation: Observation) -> Outcome:
    """Where the data of an opened database went."""
    created = any(entry.kind is PathKind.DATABASE for entry in observation.created)
    if created and observation.storage is Storage.FILE:
        return Outcome.FILE
    if observation.shared and observation.storage is Storage.MEMORY:
        return Outcome.SHARED_MEMORY
    return _STORED[observation.storage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict with its reason in plain words; None where all is well, or where nobody judges."""

    verdict: Verdict
    reason: str | None = None


def judge(observation: Observation, case: Case) -> Judgement:
    """Hold an observation against the intent of its case.

    Of the case only the intent and the rivals count: what its strings mean is in the observation.
    Where nothing was measured it is only noted, and so is what cannot show whether the intent is
    met.
    """
    if case.intent is Intent.OBSERVE or observation.result is Result.UNAVAILABLE:
        return Judgement(verdict=Verdict.NOTED)
    objections = "; ".join(_objections(observation, case))
    if objections:
        return Judgement(verdict=Verdict.NOT_AS_INTENDED, reason=objections)
    doubts = "; ".join(_doubts(observation, case.intent))
    if doubts:
        return Judgement(verdict=Verdict.NOTED, reason=doubts)
    return Judgement(verdict=Verdict.AS_INTENDED)


def verdict(observation: Observation, case: Case) -> Verdict:
    """Compare an observation with the intent of its case."""
    return judge(observation, case).verdict


def reason(observation: Observation, case: Case) -> str | None:
    """Say in plain words why it is not as intended, or only noted though there is an intent."""
    return judge(observation, case).reason


def _objections(observation: Observation, case: Case) -> Iterator[str]:
    if _phase(observation) == "setup":
        yield f"the set-up failed: {_error(observation)}"
    elif observation.result in (Result.CRASHED, Result.TIMED_OUT):
        yield _ENDINGS[observation.result].word
    else:
        yield from _OBJECTIONS[case.intent](observation)
        if case.intent in _RIVALS_SEE:
            yield from _rivals(observation, case)


def _rivals(observation: Observation, case: Case) -> Iterator[str]:
    """Where others met an error, or saw what they should not, or not what they should.

    What is not committed is nobody's business; what is shared is seen by all. A private database is
    seen by those alone who come later to the same engine.
    """
    for rival, met in zip(case.rivals, observation.rivals, strict=False):
        who = describe_rival(rival)
        early = rival["when"] == "during"
        to_see = rival["where"] in _RIVALS_SEE[case.intent]
        if met.found is Found.REFUSED:
            yield f"{who} was refused: {met.error}"
        elif met.found is Found.SEES and early:
            yield f"{who} saw what was not committed"
        elif met.found is Found.DOES_NOT_SEE and to_see and not early:
            yield f"{who} did not see the data"
        elif met.found is Found.SEES and not to_see:
            yield f"{who} saw the data"


def _doubts(observation: Observation, intent: Intent) -> Iterator[str]:
    """What keeps a cell without objections from showing that the intent is met."""
    if intent is Intent.SHARED_MEMORY and observation.second_connection is None:
        yield "not asked: no second connection looked for the data"
    yield from _foreign(observation)


def _private_memory(observation: Observation) -> Iterator[str]:
    yield from _memory(observation)
    if observation.shared:
        yield "a second connection saw the data"
    elif observation.second_connection is SecondConnection.SEES:
        yield "a second user was handed the same connection, and saw the data"


def _shared_memory(observation: Observation) -> Iterator[str]:
    yield from _memory(observation)
    if observation.second_connection is SecondConnection.DOES_NOT_SEE:
        yield "no second connection saw the data"


def _memory(observation: Observation) -> Iterator[str]:
    """Data in memory, and no file.

    A temporary file that is gone at the end is no objection: SQLite makes it for a large sort,
    as `temp_store` and the build tell it to, and no connection string can change that.
    """
    yield from _errors(observation)
    yield from _placed(observation, Storage.MEMORY)
    yield from _created(
        e for e in observation.created if e.kept or e.kind is not PathKind.TEMPORARY
    )
    yield from _unasked(observation)
    yield from _modified(observation)


def _temporary(observation: Observation) -> Iterator[str]:
    yield from _errors(observation)
    yield from _placed(observation, Storage.TEMPORARY, Storage.MEMORY)
    yield from _created(e for e in observation.created if e.kept or e.kind is PathKind.DATABASE)
    yield from _unasked(observation)
    yield from _modified(observation)


def _file(observation: Observation) -> Iterator[str]:
    """Data in a file that is asked for, and no other file but what SQLite keeps beside it."""
    yield from _errors(observation)
    yield from _placed(observation, Storage.FILE)
    others = (e for e in observation.created if not e.asked and e.kind not in _BESIDE)
    yield from _created(e for e in others if e.stray or e.outside)
    yield from _unasked(observation)


def _read_only(observation: Observation) -> Iterator[str]:
    """Nothing is written; and the file that is meant, where it is there, can be read."""
    missed = observation.there and observation.result is Result.REFUSED
    if missed or _could_not_read(observation):
        yield from _errors(observation)
    if _settled(observation) or _phase(observation) == "write":
        yield from _placed_in(observation, Storage.FILE, Storage.NONE)
    if _wrote(observation):
        yield "a write went through"
    yield from _created(entry for entry in observation.created if entry.kept)
    yield from _unasked(observation)
    yield from _modified(observation)


def _refuse(observation: Observation) -> Iterator[str]:
    if observation.result is Result.OPENED and _phase(observation) != "sql":
        yield "it was not refused"
    yield from _created(entry for entry in observation.created if entry.kept)


_OBJECTIONS: Mapping[Intent, Callable[[Observation], Iterator[str]]] = {
    Intent.PRIVATE_MEMORY: _private_memory,
    Intent.SHARED_MEMORY: _shared_memory,
    Intent.TEMPORARY: _temporary,
    Intent.FILE: _file,
    Intent.READ_ONLY: _read_only,
    Intent.REFUSE: _refuse,
}
_RIVALS_SEE: Mapping[Intent, Collection[str]] = {
    Intent.FILE: WHERE,
    Intent.SHARED_MEMORY: WHERE,
    Intent.PRIVATE_MEMORY: ("engine", "fork"),
    Intent.TEMPORARY: ("engine", "fork"),
}
"""Who among the rivals is to see the data; of other intents nobody writes any."""
_BESIDE = {PathKind.JOURNAL, PathKind.WAL, PathKind.SHM, PathKind.LOCK, PathKind.TEMPORARY}
_PLACES = {
    Storage.MEMORY: "in memory",
    Storage.FILE: "in a file",
    Storage.TEMPORARY: "in a temporary file",
    Storage.NONE: "in an unknown place",
}
_THINGS = {
    PathKind.DATABASE: "a database file",
    PathKind.JOURNAL: "a journal",
    PathKind.WAL: "a write-ahead log",
    PathKind.SHM: "a shared-memory index",
    PathKind.TEMPORARY: "a temporary file",
    PathKind.LOCK: "a lock",
    PathKind.OTHER: "a file",
}
_STEPS = {
    "open": "opening",
    "sql": "a statement",
    "write": "writing",
    "backup": "the backup",
    "second_connection": "a second connection",
    "close": "closing",
    "reopen": "reopening",
}


def _errors(observation: Observation) -> Iterator[str]:
    if observation.result is Result.REFUSED:
        yield f"it was refused: {_error(observation)}"
    elif observation.error is not None:
        step = _STEPS.get(observation.error.phase, observation.error.phase)
        yield f"{step} failed: {_error(observation)}"
    elif observation.second_connection is SecondConnection.REFUSED:
        yield "a second connection was refused"
    yield from _foreign(observation)


def _foreign(observation: Observation) -> Iterator[str]:
    """Of names that were refused, which system understands them if this one does not."""
    refused = observation.result is Result.REFUSED or _phase(observation) in ("sql", "backup")
    for name in observation.foreign if refused else ():
        system = system_of(name)
        if system is not None:
            yield f"only {system.value} understands {name}"


def _placed(observation: Observation, *wanted: Storage) -> Iterator[str]:
    if _settled(observation):
        yield from _placed_in(observation, *wanted)


def _placed_in(observation: Observation, *wanted: Storage) -> Iterator[str]:
    if observation.storage not in wanted:
        yield f"the data is {_PLACES[observation.storage]}"


def _created(entries: Iterable[Created]) -> Iterator[str]:
    for entry in entries:
        thing = "a stray file" if entry.stray else _THINGS[entry.kind]
        yield f"{thing} appeared: {entry.path}"


def _unasked(observation: Observation) -> Iterator[str]:
    for path in observation.unasked:
        yield f"an existing file that is not asked for was opened: {path}"


def _modified(observation: Observation) -> Iterator[str]:
    for path in observation.modified:
        yield f"a file was modified: {path}"


def _settled(observation: Observation) -> bool:
    """Whether it came so far that the data has a place."""
    opened = observation.result is Result.OPENED
    return opened and _phase(observation) not in _STEPS_AFTER_OPEN


def _wrote(observation: Observation) -> bool:
    """Whether a write went through: a second connection is asked only after one."""
    return observation.second_connection is not None


def _could_not_read(observation: Observation) -> bool:
    """Whether a statement that only reads failed, or a look through another connection."""
    error = observation.error
    if error is None or observation.result is not Result.OPENED:
        return False
    return error.phase in _LOOKS or (error.phase == "sql" and is_query(error.statement or ""))


def _phase(observation: Observation) -> str | None:
    return None if observation.error is None else observation.error.phase


def _error(observation: Observation) -> str:
    error = observation.error
    return "no error was recorded" if error is None else f"{error.type}: {error.message}"
