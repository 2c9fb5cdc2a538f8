"""What differs between two observations of one case, aspect by aspect, worst first.

An aspect is one thing that an observation says: which stray files there were, where the data was,
whether a second connection saw it. Where a coarse aspect differs, the finer ones that follow from
it are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from matrix.model import Created, Json, Observation, PathKind, Result, Storage
from matrix.model.observation import BEHAVIOUR


class ChangeKind(str, Enum):
    """What a change is, worst first."""

    word: str

    def __new__(cls, value: str, word: str) -> ChangeKind:
        member = str.__new__(cls, value)
        member._value_ = value
        member.word = word
        return member

    STRAY = "stray", "newly creates a stray file"
    CRASHED = "crashed", "newly crashes or times out"
    CREATES = "creates", "newly creates a file"
    STORAGE = "storage", "stores its data elsewhere"
    SHARING = "sharing", "is shared differently"
    ERROR = "error", "raises a different error, or none"
    MODIFIED = "modified", "modifies other files"
    UNAVAILABLE = "unavailable", "stack no longer available"
    STACK_GONE = "stack-gone", "stack removed"
    GONE = "gone", "cell removed"
    RECOVERED = "recovered", "no longer crashes or times out"
    NO_STRAY = "no-stray", "no longer creates a stray file"
    NO_FILE = "no-file", "no longer creates a file"
    PASSED = "passed", "a different call reaches the driver"
    OPENED = "opened", "SQLite opens a different file name"
    SIDE_FILES = "side-files", "different side files"
    POOL = "pool", "a different pool"
    WARNINGS = "warnings", "different warnings"
    MESSAGE = "message", "a different error message"
    OTHER = "other", "a different detail"
    STALE = "stale", "an accepted change that is no longer seen"
    SAW_LESS = "saw-less", "not comparable: one observation saw less"
    EDITED = "edited", "not comparable: the case was edited"
    STACK_ADDED = "stack-added", "stack added"
    ADDED = "added", "cell added"

    @property
    def rank(self) -> int:
        return _RANKS[self]


_RANKS = {kind: rank for rank, kind in enumerate(ChangeKind)}
MIRRORED: Mapping[ChangeKind, ChangeKind] = {
    a: b
    for one, other in (
        (ChangeKind.STRAY, ChangeKind.NO_STRAY),
        (ChangeKind.CRASHED, ChangeKind.RECOVERED),
        (ChangeKind.CREATES, ChangeKind.NO_FILE),
        (ChangeKind.GONE, ChangeKind.ADDED),
        (ChangeKind.STACK_GONE, ChangeKind.STACK_ADDED),
    )
    for a, b in ((one, other), (other, one))
}
"""The kinds that become each other when old and new are swapped."""


NOT_COMPARABLE = frozenset({ChangeKind.EDITED, ChangeKind.SAW_LESS})
"""The kinds of a cell of which old and new say nothing of each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspect:
    """One thing that differs: its name, both values, and the kinds of change that this makes."""

    name: str
    old: Json
    new: Json
    kinds: tuple[ChangeKind, ...]

    @property
    def label(self) -> str:
        """Its name for people."""
        return aspect_label(self.name)

    @property
    def rank(self) -> int:
        return min(kind.rank for kind in self.kinds)


def aspect_label(name: str) -> str:
    """The name of an aspect for people."""
    return _LABELS.get(name, name.replace("_", " "))


WARNINGS = "warnings"
_LABELS = {
    "ending": "ended",
    "strays": "stray files",
    "error": "raised while",
    "error_type": "class of the error",
    "side_files": "kinds of side files",
    "side_names": "side files",
    "details": "when files appeared, and their sizes",
    "passed": "passed to the driver",
    "tried": "files that it could not create",
    "modified": "modified files",
    "removed": "removed files",
    "opened": "opened by SQLite",
    "unasked": "existing files that are not asked for",
}
_ENDED_BADLY = (Result.CRASHED, Result.TIMED_OUT, Result.UNAVAILABLE)
_DERIVED = (
    "ending",
    "strays",
    "files",
    "error",
    "error_type",
    "error_text",
    "side_files",
    "side_names",
    "details",
)
"""The aspects that are made of several fields of an observation, or of a part of one."""
_IN_PARTS = ("created", "error")
"""Fields that become several aspects each."""
ASPECTS = (*_DERIVED, *(name for name in BEHAVIOUR if name not in _IN_PARTS))
"""The names of all aspects."""
_FOLLOWS = {
    "error": ("ending",),
    "result": ("ending", "error"),
    "error_type": ("ending", "error"),
    "error_text": ("ending", "error", "error_type"),
    "side_names": ("side_files",),
    "details": ("strays", "files", "side_files", "side_names"),
}
"""For each finer aspect the coarser ones beside which it is left out."""

_KINDS = {
    "storage": ChangeKind.STORAGE,
    "second_connection": ChangeKind.SHARING,
    "reopened": ChangeKind.SHARING,
    "reused": ChangeKind.SHARING,
    "rivals": ChangeKind.SHARING,
    "error": ChangeKind.ERROR,
    "result": ChangeKind.ERROR,
    "error_type": ChangeKind.ERROR,
    "error_text": ChangeKind.MESSAGE,
    "modified": ChangeKind.MODIFIED,
    "removed": ChangeKind.MODIFIED,
    "passed": ChangeKind.PASSED,
    "opened": ChangeKind.OPENED,
    "unasked": ChangeKind.OPENED,
    "side_files": ChangeKind.SIDE_FILES,
    "side_names": ChangeKind.SIDE_FILES,
    "details": ChangeKind.SIDE_FILES,
    "tried": ChangeKind.SIDE_FILES,
    "journal_mode": ChangeKind.SIDE_FILES,
    "pool": ChangeKind.POOL,
    WARNINGS: ChangeKind.WARNINGS,
}
_AFTER_OPEN = ("storage", "second_connection", "reopened", "journal_mode", "opened")
"""What an observation has no value for where an error came first."""

_OF_LISTS = {
    "strays": (ChangeKind.STRAY, ChangeKind.NO_STRAY),
    "files": (ChangeKind.CREATES, ChangeKind.NO_FILE),
}
_AROUND = 3
"""How many of the words around a difference are shown."""

_SEEN_BY_SOME = ("strays", "files", "side_files", "side_names", "tried", "storage", "details")
"""The aspects in which an observer that sees less may differ."""


# Complex only by count: one loop or comprehension for each field, and hardly a branch.
def aspects_of(observation: Observation) -> dict[str, Json]:
    """Everything that an observation says, by the name of the aspect."""
    error = observation.error
    lasting = [e for e in observation.created if not e.stray and _lasts(e)]
    beside = [e for e in observation.created if not e.stray and not _lasts(e)]
    rest = {k: v for k, v in observation.behaviour().items() if k not in _IN_PARTS}
    return {
        "ending": observation.result.value if observation.result in _ENDED_BADLY else None,
        "strays": sorted(entry.path for entry in observation.strays),
        "files": sorted(entry.path for entry in lasting),
        "error": None if error is None else error.phase,
        "error_type": None if error is None else error.type,
        "error_text": None if error is None else error.message,
        "side_files": sorted({entry.kind.value for entry in beside}),
        "side_names": sorted(entry.path for entry in beside),
        "details": [entry.to_json() for entry in observation.created],
        **rest,
    }


def differing_aspects(old: Observation, new: Observation) -> tuple[Aspect, ...]:
    """The aspects in which two observations differ, worst first."""
    before, after = aspects_of(old), aspects_of(new)
    names = [name for name in before if before[name] != after[name]]
    ended = {"ending", "error"} & set(names)
    names = [n for n in names if not (ended and n in _AFTER_OPEN and _lacks(before[n], after[n]))]
    found = [
        Aspect(name=n, old=before[n], new=after[n], kinds=_kinds(n, before[n], after[n]))
        for n in names
        if not set(_FOLLOWS.get(n, ())) & set(names)
    ]
    return tuple(sorted(found, key=lambda aspect: aspect.rank))


def saw_less(old: Observation, new: Observation, aspects: tuple[Aspect, ...]) -> bool:
    """Whether all that differs may be due to one observer's having seen less than the other."""
    if (old.observer, old.transients_complete) == (new.observer, new.transients_complete):
        return False
    if any(aspect.name not in _SEEN_BY_SOME for aspect in aspects):
        return False
    if old.transients_complete == new.transients_complete:
        return True
    less, full = (old, new) if new.transients_complete else (new, old)
    shown = {entry.path for entry in less.created}
    missed = [entry for entry in full.created if entry.path not in shown]
    return (
        shown <= {entry.path for entry in full.created}
        and set(less.tried) <= set(full.tried)
        and all(not entry.kept or entry.outside for entry in missed)
        and less.storage in (full.storage, Storage.NONE)
    )


def gist(old: Json, new: Json) -> tuple[str, str]:
    """Two values as texts, without what they share, for putting changes alike together.

    What is quoted in them stands for anything.
    """
    before, after = (_template(" ".join(words)) for words in _apart(old, new))
    return before, after


def excerpts(old: Json, new: Json) -> tuple[str, str]:
    """Two values as texts, without what they share at their ends: what a reader has to see."""
    (start, end), before, after = _shared(old, new)
    found = []
    for words in (before, after):
        cut = slice(max(0, start - _AROUND), len(words) - max(0, end - _AROUND))
        head, tail = "…" * (start > _AROUND), "…" * (end > _AROUND)
        found.append(head + " ".join(words[cut]) + tail)
    return found[0], found[1]


def _apart(old: Json, new: Json) -> tuple[list[str], list[str]]:
    """The words in which two values differ, whole."""
    (start, end), before, after = _shared(old, new)
    return before[start : len(before) - end], after[start : len(after) - end]


def _shared(old: Json, new: Json) -> tuple[tuple[int, int], list[str], list[str]]:
    """How many words two values have in common at the start and at the end, and their words."""
    before, after = _words(old), _words(new)
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    return (start, end), before, after


def _lacks(old: Json, new: Json) -> bool:
    return bool({None, Storage.NONE.value} & {old, new})


def _lasts(entry: Created) -> bool:
    return entry.kept or entry.kind is PathKind.DATABASE


def _kinds(name: str, old: Json, new: Json) -> tuple[ChangeKind, ...]:
    if name == "ending":
        found = ((new, ChangeKind.CRASHED), (old, ChangeKind.RECOVERED))
        return tuple(kind for ending, kind in found if ending is not None)
    if name in _OF_LISTS:
        more, less = _OF_LISTS[name]
        found = ((set(new) - set(old), more), (set(old) - set(new), less))
        return tuple(kind for paths, kind in found if paths) or (ChangeKind.SIDE_FILES,)
    return (_KINDS.get(name, ChangeKind.OTHER),)


def _words(value: Json) -> list[str]:
    texts = value if isinstance(value, list) else [value]
    return " ".join("none" if text is None else str(text) for text in texts).split()


def _template(text: str) -> str:
    return re.sub(r"'[^']*'(, '[^']*')*", "'…'", text)
