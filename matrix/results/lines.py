"""The lines of result files, and what can be read off them without parsing JSON.

A line is a record in canonical JSON, so its keys are sorted: an observation begins with `case` and
ends with `warnings`, no nested object follows its `stack`, and `intent` follows the `id` of a case.
All code that relies on this order is here. Importing this module checks that records have it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from matrix.model import Case, Json, Observation, Result, canonical

_TEXT = rb'([^"\\]*(?:\\.[^"\\]*)*)'
_WARNINGS = b',"warnings":['
_END = re.compile(re.escape(_WARNINGS) + rb'(?:"(?:[^"\\]|\\.)*",?)*\]\}')


@dataclass(frozen=True, slots=True)
class LineForm:
    """The lines of one kind of file; the first group of `pattern` is the id as JSON has it."""

    pattern: re.Pattern[bytes]

    def ids(self, lines: Iterable[bytes]) -> list[str | None]:
        """The id of each line; None for a line that does not have it in its place."""
        found = map(self.pattern.match, lines)
        return [None if match is None else _text(match[1]) for match in found]

    def id_of(self, line: bytes) -> str | None:
        return self.ids([line])[0]


CELLS = LineForm(re.compile(rb'\{"case":"' + _TEXT + rb'"'))
"""Observations, in the file of a stack."""

CASES = LineForm(re.compile(rb'.*"id":"' + _TEXT + rb'","intent":'))
"""Cases. The last `id` counts: an option before it may have that name too."""


def _text(raw: bytes) -> str | None:
    """The text between quotes; None where it is no JSON."""
    try:
        text = raw.decode()
        return json.loads(f'"{text}"') if "\\" in text else text
    except ValueError:
        return None


def case_of_line(line: bytes) -> str | None:
    """The case of an observation; None if the line is incomplete."""
    end = line.rfind(_WARNINGS)
    if end < 0 or _END.fullmatch(line, end) is None:
        return None
    return CELLS.id_of(line)


def is_of_case(line: bytes, case: str) -> bool:
    """Whether a line begins as an observation of this case."""
    return line.startswith(b'{"case":' + canonical(case).encode() + b",")


def stack_replacer(old: str, new: str) -> Callable[[bytes], bytes]:
    """A function that gives an observation's line with `new` in place of the stack `old`.

    A line of another stack stays as it is.
    """
    before, after = (b"," + canonical({"stack": each})[1:-1].encode() for each in (old, new))

    def replaced(line: bytes) -> bytes:
        start, found, rest = line.rpartition(before)
        return start + after + rest if found else line

    return replaced


def _line(record: Case | Observation) -> bytes:
    return canonical(record.to_json()).encode()


def _check_order_of_keys() -> None:
    """Raise RuntimeError if records are not written as the functions above expect."""
    nested: dict[str, Json] = {"args": [], "kwargs": {"case": "x", "stack": "old", "warnings": ["x"]}}
    seen = Observation(
        case='"\\', stack="old", result=Result.OPENED, passed=nested, warnings=('"]}',)
    )
    line = _line(seen)
    case = Case(id='"\\', target="", connect={"id": "x", "intent": "x"})
    fits = (
        CELLS.id_of(line) == case_of_line(line) == seen.case
        and case_of_line(line[:-1]) is None
        and is_of_case(line, seen.case)
        and stack_replacer("old", "new")(line) == _line(replace(seen, stack="new"))
        and CASES.id_of(_line(case)) == case.id
    )
    if not fits:
        raise RuntimeError(f"{__name__} does not fit the fields of observations and cases")


_check_order_of_keys()
