"""What changed in a cell, as a code: changes with one code are of one sort.

    from matrix.comparison.change_code import code_of, sentence
    code = code_of(change)
    code.model_dump(exclude_none=True)  # {"aspect": "outcome", "old": "memory", "new": "stray"}
    sentence(code)  # "memory → stray file"

A code holds the names that result files have, and texts of SQLite and of libraries; how it reads
for people may change, and what somebody accepted stays accepted.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from matrix.comparison.compare import Change, StackChange
from matrix.comparison.diff import (
    ASPECTS,
    NOT_COMPARABLE,
    WARNINGS,
    Aspect,
    ChangeKind,
    aspect_label,
    gist,
)
from matrix.documents.yaml_model import Record, quoted, suggest
from matrix.model import Json
from matrix.model.outcome import Outcome, outcome
from matrix.text import cut

OUTCOME, CELL, STACK, ARGUMENTS = "outcome", "cell", "stack", "arguments"
"""What is no aspect of an observation: its outcome; the whole cell or stack, which is gone or not
comparable; the positional arguments that reach the driver, which differ from case to case."""

_OUTCOMES = {member.name.lower(): member for member in Outcome}
_KINDS = {kind.value: kind for kind in ChangeKind}
_NAMED_BY_OUTCOME = (
    "ending",
    "strays",
    "unasked",
    "files",
    "error",
    "storage",
    "second_connection",
    "reopened",
)
"""The aspects that show in the outcome of a cell, if it is another one."""
_PATHS = ("unasked", "tried", "conflicts", "modified", "removed", "opened", "side_names", "details")
_TEMPORARY = "{tmp}"
"""Begins the names of SQLite's own temporary files, which are called alike in every case."""
_NOTHING = "none"
_LONGEST = 120


class Presence(str, Enum):
    """Whether there are files: their names differ from case to case."""

    NONE = _NOTHING
    SOME = "some"
    OTHERS = "others"


class ChangeCode(Record):
    """What changed: in which aspect, and what was seen before and now, by the names of both.

    One of the two is absent where it says nothing: warnings that are only new have no `old`.
    """

    aspect: str = Field(
        description="An aspect of the observation, or outcome, arguments, cell or stack"
    )
    old: str | None = Field(
        default=None, validate_default=True, description="What was seen before, as a code"
    )
    new: str | None = Field(
        default=None, validate_default=True, description="What is seen now, as a code"
    )

    @field_validator("aspect")
    @classmethod
    def _known_aspect(cls, name: str) -> str:
        known = (OUTCOME, ARGUMENTS, CELL, STACK, *ASPECTS)
        if name not in known:
            raise _unknown("aspect", name, known)
        return name

    @field_validator("old", "new")
    @classmethod
    def _known_code(cls, code: str | None, info: ValidationInfo) -> str | None:
        aspect, side = info.data.get("aspect"), info.field_name
        known: Collection[str] | None = None
        if aspect == OUTCOME:
            known = _OUTCOMES
        elif aspect in (CELL, STACK) and side == "new":
            known = _KINDS
        if known is not None and code not in known:
            raise _unknown(f"{side} {aspect}", code, known)
        return code


def _unknown(what: str, word: str | None, known: Collection[str]) -> PydanticCustomError:
    message = f"the {what} is missing" if word is None else f"no {what} is called {quoted(word)}"
    context = {"message": message, "hint": suggest(word or "", known)}
    return PydanticCustomError("unknown", "{message}", context)


def code_of(change: Change) -> ChangeCode:
    """The code of a change: that of its worst aspect, or of the whole cell."""
    if not change.aspects or change.kind in NOT_COMPARABLE:
        return ChangeCode(aspect=CELL, new=change.kind.value)
    passed = next((aspect for aspect in change.aspects if aspect.name == "passed"), None)
    if passed is not None and _arguments(passed.old) != _arguments(passed.new):
        return ChangeCode(aspect=ARGUMENTS)
    return _code_of_outcome(change) or _code_of_aspect(change.aspects[0])


def code_of_stack(change: StackChange) -> ChangeCode:
    """The code of a stack that is gone, added or unavailable."""
    return ChangeCode(aspect=STACK, new=change.kind.value)


def sentence(code: ChangeCode) -> str:
    """The code in a few words, for people."""
    old, new = code.old or _NOTHING, code.new or _NOTHING
    if code.aspect in (CELL, STACK):
        return _KINDS[new].word
    if code.aspect == ARGUMENTS:
        return "another string reaches the driver"
    if code.aspect == OUTCOME:
        return f"{_OUTCOMES[old].word} → {_OUTCOMES[new].word}"
    if code.aspect == WARNINGS:
        return _warnings_in_words(code)
    return f"{aspect_label(code.aspect)}: {old} → {new}"


def _warnings_in_words(code: ChangeCode) -> str:
    if code.old is None:
        return f"now warns: {code.new}"
    if code.new is None:
        return f"no longer warns: {code.old}"
    return f"other warnings: {code.old} → {code.new}"


def _arguments(passed: Json) -> Json:
    return None if passed is None else passed["args"]


def _code_of_outcome(change: Change) -> ChangeCode | None:
    """The outcomes before and now, where the worst aspect shows in them."""
    if change.old is None or change.new is None:
        return None
    if change.aspects[0].name not in _NAMED_BY_OUTCOME:
        return None
    old, new = outcome(change.old), outcome(change.new)
    if old is new:
        return None
    return ChangeCode(aspect=OUTCOME, old=old.name.lower(), new=new.name.lower())


def _code_of_aspect(aspect: Aspect) -> ChangeCode:
    if aspect.name == WARNINGS:
        return _code_of_warnings(aspect)
    before, after = gist(aspect.old, aspect.new)
    if aspect.name in _PATHS and not (before + after).startswith(_TEMPORARY):
        old = Presence.SOME if aspect.old else Presence.NONE
        come = Presence.OTHERS if aspect.old else Presence.SOME
        new = come if aspect.new else Presence.NONE
        return ChangeCode(aspect=aspect.name, old=old.value, new=new.value)
    return ChangeCode(
        aspect=aspect.name, old=_short(before) or _NOTHING, new=_short(after) or _NOTHING
    )


def _code_of_warnings(aspect: Aspect) -> ChangeCode:
    gone = [text for text in aspect.old if text not in aspect.new]
    come = [text for text in aspect.new if text not in aspect.old]
    if gone and come:
        before, after = gist(gone, come)
        return ChangeCode(aspect=WARNINGS, old=_short(before), new=_short(after))
    return ChangeCode(
        aspect=WARNINGS, old=_gists(gone) if gone else None, new=_gists(come) if come else None
    )


def _gists(texts: Collection[str]) -> str:
    return _short("; ".join(gist("", text)[1] for text in texts))


def _short(text: str) -> str:
    """Texts that agree so far are of one sort: what follows is often a name of the case."""
    return cut(text, _LONGEST)
