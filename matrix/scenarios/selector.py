"""Selectors: which cases, scenarios and cells a pattern means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import count

from matrix.errors import UsageError
from matrix.limits import PATTERN_CHARACTERS
from matrix.model.braces import alternatives


@dataclass(frozen=True, slots=True)
class Selector:
    """Selects ids by patterns, one of which must match: `Selector.parse(["mode", "*=uri*"])`.

    `*` is any text, `?` any character, `{a,b}` either of them; `[` and `]` are themselves.
    A pattern matches a whole id, or what the id belongs to: of the cell `mode/memory[x=y] @ stack`
    also the case `mode/memory[x=y]`, the scenario `mode/memory` and the topic `mode`.
    No pattern at all selects everything.
    """

    patterns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for pattern in self.patterns:
            _compiled(pattern)

    @classmethod
    def parse(cls, patterns: Iterable[str]) -> Selector:
        """Raises UsageError for a pattern that is empty or whose braces do not pair."""
        return cls(tuple(patterns))

    def __call__(self, identifier: str) -> bool:
        names = _belongs_to(identifier)
        return not self.patterns or any(
            _compiled(pattern).fullmatch(name) for pattern in self.patterns for name in names
        )


@lru_cache(maxsize=4_096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(_expression(pattern), re.DOTALL)


def _belongs_to(identifier: str) -> tuple[str, ...]:
    """The id itself, then its case, its scenario and its topic."""
    case = identifier.partition(" @ ")[0]
    scenario = case.partition("[")[0]
    topic = scenario.partition("/")[0]
    return tuple(dict.fromkeys((identifier, case, scenario, topic)))


def _expression(pattern: str) -> str:
    if not pattern:
        raise UsageError("an empty pattern selects nothing", hint="leave it out, or write '*'")
    globs = alternatives(pattern)
    return "|".join(map(_linear, globs, count()))


def _linear(glob: str, number: int) -> str:
    """A regular expression for a glob whose time grows with the text, and not faster.

    What stands between two `*` is taken where it first fits, and never tried again further on: the
    lookahead and the reference to what it found keep the engine from going back.
    """
    first, *rest = re.sub(r"\*+", "*", glob).split("*")
    if not rest:
        return _fixed(first)
    *between, last = rest
    groups = (f"g{number}_{index}" for index in count())
    inner = (f"(?=(?P<{name}>.*?{_fixed(part)}))(?P={name})"
             for name, part in zip(groups, between, strict=False))  # fmt: skip
    return f"{_fixed(first)}{''.join(inner)}.*{_fixed(last)}"


def _fixed(part: str) -> str:
    return "".join("." if sign == "?" else re.escape(sign) for sign in part)


def is_too_much(patterns: Iterable[str]) -> bool:
    """Whether the patterns of a document stand for more than its limit together."""
    characters = 0
    for pattern in dict.fromkeys(patterns):
        characters += _characters(pattern)
        if characters > PATTERN_CHARACTERS:
            return True
    return False


def _characters(pattern: str) -> int:
    try:
        return sum(map(len, alternatives(pattern)))
    except UsageError:  # another check names it
        return 0


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern matches a text as a whole; here a text is just a text, and no id."""
    return _compiled(pattern).fullmatch(text) is not None
