"""The situation of a case, in words: all that it does besides opening, writing and closing.

A case without one is plain, and shows what its string does. The others show where that ends: a
recipe's limits are what goes wrong in a situation, while all is well in the plain cases.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from matrix.model import Case, Intent
from matrix.model.sql import names_in_sql

_KEYWORDS = re.compile(r"(?:[A-Z]+\b ?)+(?:\w+ ?= ?\w+)?")
_IDLE = re.compile(r"SELECT\b|PRAGMA busy_timeout\b")
_SHARED_CACHE = "cache=shared"


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a case that puts its string into a situation.

    `words`: what it adds, one phrase for each; none where it is as in a plain case.
    `by_others`: whether other users bring it about. A user knows the statements that they run and
    the files that they have, and can keep a limit; of the others they know nothing.
    """

    words: Callable[[Case], Iterator[str]]
    by_others: bool = False


def _setup(case: Case) -> Iterator[str]:
    """What is there before: of directories those alone that the string names."""
    for step in case.setup:
        statements = str(step.get("sql")).lower()
        if step.get("keep_wal"):
            yield "beside a write-ahead log that was left behind"
        elif "=wal" in statements.replace(" ", ""):
            yield "on a database in WAL mode"
        elif "db" in step and case.intent is Intent.READ_ONLY:
            continue  # there has to be something to read
        elif "mkdir" not in step or str(step["mkdir"]) in case.target:
            yield f"with {_there(step)} already there"


def _there(step: Mapping[str, Any]) -> str:
    things = {
        "db": "a database",
        "empty": "an empty file",
        "mkdir": "a directory",
        "symlink": "a symbolic link",
    }
    return next((thing for key, thing in things.items() if key in step), "a file")


def _before(case: Case) -> Iterator[str]:
    for step in case.before:
        log = "=wal" in str(step.get("sql")).lower().replace(" ", "")
        yield f"after a writer{' in WAL mode' if log else ''} was killed"


def _permissions(case: Case) -> Iterator[str]:
    for path, each in case.permissions.items():
        place = "the directory" if path == "." else path
        facts = [f"{name} {value}" for name, value in each.items() if value is not None]
        yield f"with {' and '.join(facts)} on {place}"


def _rivals(case: Case) -> Iterator[str]:
    for rival in case.rivals:
        who, does = _said(_WHERE, rival, "where"), _said(_DOES, rival, "does")
        shares = _SHARED_CACHE in f"{rival.get('target')} {rival.get('connect')}"
        how = f" with {_SHARED_CACHE}" if shares else ""
        time = str(rival.get("when") or "before")
        if time == "before":
            yield f"while {who} {does}{how}"
        else:
            yield f"when {who} {does}{how} {_WHEN.get(time, time)}"


_WHERE = {
    "same": "another connection",
    "thread": "another thread",
    "process": "another process",
    "engine": "another user of the engine",
    "fork": "a forked child",
}
_DOES = {
    "open": "has it open",
    "read": "reads it",
    "write": "writes to it",
    "roll-back": "rolls back",
}
_WHEN = {"during": "before the commit", "after": "after the commit"}


def _said(words: Mapping[str, str], rival: Mapping[str, Any], key: str) -> str:
    """A value of a rival in words, by default the first; one that is not known says itself."""
    value = str(rival.get(key) or next(iter(words)))
    return words.get(value, value)


def _sql(case: Case) -> Iterator[str]:
    """What changes something, by its keywords: `after ATTACH and CREATE TABLE`."""
    found = [(_KEYWORDS.match(statement), statement) for statement in case.sql]
    heads = [text if head is None else head[0].strip() for head, text in found]
    told = dict.fromkeys(head for head in heads if not _IDLE.match(head))
    if told:
        yield f"after {' and '.join(told)}"


def _thread(case: Case) -> Iterator[str]:
    if case.second_in_thread:
        yield "for a second connection in another thread"


PARTS: Mapping[str, Part] = {
    "setup": Part(_setup),
    "before": Part(_before, by_others=True),
    "permissions": Part(_permissions, by_others=True),
    "rivals": Part(_rivals, by_others=True),
    "sql": Part(_sql),
    "second_in_thread": Part(_thread),
}
"""Every field of a case that can put it into a situation, in the order of the words."""

OTHER_STRINGS = frozenset({"second", "backup"})
"""The fields that hold further strings, as ATTACH and VACUUM INTO do."""
STRING_ITSELF = frozenset({"target", "target_type", "via", "connect"})
"""The fields of a case that a way is made of."""
NO_SITUATION = frozenset({"id", "write", "write_to", "intent", "drivers", "reopen"})
"""Those that neither change what is asked nor what happens around it.

A case that writes nothing, and does nothing else, shows nothing of its string. What is opened once
more at the end was plain until then.
"""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a case does besides opening, writing and closing; nothing in a plain case."""

    words: str
    by_others: bool

    @property
    def is_plain(self) -> bool:
        return not self.words


def names_others(case: Case) -> bool:
    """Whether the case is about another string as well, to which what went wrong may be due."""
    others = (*(getattr(case, name) for name in OTHER_STRINGS), *names_in_sql(tuple(case.sql)))
    return any(name is not None for name in others)


def situation_of(case: Case) -> Situation:
    """The situation of a case, in words that stand before a colon."""
    said = {name: tuple(dict.fromkeys(part.words(case))) for name, part in PARTS.items()}
    words = [each for name in PARTS for each in said[name]]
    return Situation(" and ".join(words), any(said[n] for n, p in PARTS.items() if p.by_others))
