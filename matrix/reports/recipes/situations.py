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
from matrix.model.rivals import describe_rival
from matrix.model.sql import names_in_sql

_KEYWORDS = re.compile(r"(?:[A-Z]+\b ?)+(?:\w+ ?= ?\w+)?")
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
        log = "=wal" in str(step["sql"]).lower().replace(" ", "")
        yield f"after a writer was killed{' in WAL mode' if log else ''}"


def _permissions(case: Case) -> Iterator[str]:
    for path, wanted in case.permissions.items():
        what = "the directory" if path == "." else path
        yield f"with {' '.join(_permission(what, wanted))}"


def _permission(what: str, wanted: Mapping[str, Any]) -> Iterator[str]:
    yield what
    if wanted["owner"] is not None:
        yield "of another user"
    if wanted["mode"] is not None:
        yield f"in mode {wanted['mode']}"


def _rivals(case: Case) -> Iterator[str]:
    for rival in case.rivals:
        words = f"beside {describe_rival(rival)}"
        shares = _SHARED_CACHE in f"{rival['target']} {rival['connect']}"
        yield f"{words} with {_SHARED_CACHE}" if shares else words


def _sql(case: Case) -> Iterator[str]:
    """Whatever is not read alone, by its keywords: `after ATTACH and CREATE TABLE`.

    How long it waits for a lock is no situation: who waits in vain meets the same error later.
    """
    asked = [sql for sql in case.sql if "busy_timeout" not in sql.lower()]
    found = [(_KEYWORDS.match(statement), statement) for statement in asked]
    heads = [text if head is None else head[0].strip() for head, text in found]
    told = dict.fromkeys(head for head in heads if head.split()[:1] != ["SELECT"])
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

NAMES_OTHERS = frozenset({"second", "backup"})
"""The fields that hold strings of their own, as ATTACH and VACUUM INTO do."""
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
    return bool(case.second or case.backup is not None or names_in_sql(tuple(case.sql)))


def situation_of(case: Case) -> Situation:
    """The situation of a case, in words that stand before a colon."""
    said = {name: tuple(dict.fromkeys(part.words(case))) for name, part in PARTS.items()}
    words = [each for name in PARTS for each in said[name]]
    return Situation(" and ".join(words), any(said[n] for n, p in PARTS.items() if p.by_others))
