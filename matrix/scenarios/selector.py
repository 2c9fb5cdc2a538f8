"""Selectors: which cases, scenarios and cells a pattern means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from matrix.errors import UsageError


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


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(_expression(pattern), re.DOTALL)


def _belongs_to(identifier: str) -> tuple[str, ...]:
    """The id itself, then its case, its scenario and its topic."""
    case = identifier.partition(" @ ")[0]
    scenario = case.partition("[")[0]
    topic = scenario.partition("/")[0]
    return tuple(dict.fromkeys((identifier, case, scenario, topic)))


_SIGNS = {"*": ".*", "?": ".", "{": "(?:", "}": ")"}


def _expression(pattern: str) -> str:
    if not pattern:
        raise UsageError("an empty pattern selects nothing", hint="leave it out, or write '*'")
    depth = 0
    parts = []
    for sign in pattern:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if depth < 0:
            break
        inside = {",": "|"} if depth else {}
        parts.append((_SIGNS | inside).get(sign) or re.escape(sign))
    if depth:
        missing = "{" if depth < 0 else "}"
        hint = "alternatives are written {a,b}; '[' and ']' are literal"
        raise UsageError(f"the pattern '{pattern}' lacks a '{missing}'", hint=hint)
    return "".join(parts)


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern matches a text as a whole; here a text is just a text, and no id."""
    return _compiled(pattern).fullmatch(text) is not None
