"""JSON and TOML from outside, checked before a parser sees them.

Python's parsers call themselves for each list in a list, and have no limit of their own: a file of
brackets ends them. Numbers that no JSON may hold are refused, too.
"""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn

from matrix.limits import NESTING
from matrix.model.plain import Json

JSON_TEXTS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
TOML_TEXTS = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"?|\'[^\'\n]*\'?|#[^\n]*|[\[\]{}]',
    re.DOTALL,
)
"""Texts and comments, whose brackets do not count, and brackets."""


def parse_json(content: str | bytes) -> Json:
    """What a text of JSON says; ValueError, with a message for people, for what is none."""
    text = content.decode("utf-8") if isinstance(content, bytes) else content
    if is_nested_too_deeply(text, JSON_TEXTS):
        raise ValueError(TOO_DEEP)
    return _DECODER.decode(text)


TOO_DEEP = f"nested more than {NESTING} levels deep"


def is_nested_too_deeply(text: str, texts: re.Pattern[str]) -> bool:
    """Whether more brackets are open at once than the limit allows."""
    if text.count("[") + text.count("{") <= NESTING:
        return False
    depth = 0
    for found in texts.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > NESTING:
            return True
    return False


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(_OUT_OF_RANGE)
    return number


def _int(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(_OUT_OF_RANGE)
    return int(digits)


_MOST_DIGITS = 19  # as many as a 64-bit integer has with its sign
_OUT_OF_RANGE = "a number out of range"
_DECODER = json.JSONDecoder(parse_constant=_constant, parse_float=_float, parse_int=_int)
