"""Texts with alternatives: `a{,x,{y,z}}` stands for `a`, `ax`, `ay` and `az`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from matrix.errors import UsageError
from matrix.limits import ALTERNATIVE_CHARACTERS, NESTING
from matrix.text import cut

_TOKEN = re.compile(r"[{},]|[^{},]+")
_SHOWN = 100


def alternatives(text: str) -> list[str]:
    """What a text stands for, in the order in which it is written.

    Raises UsageError where braces do not pair, or stand for more than is reasonable.
    """
    return _Reading(text).read()


class _Reading:
    """One walk over the braces of a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: Iterator[str] = (found[0] for found in _TOKEN.finditer(text))

    def read(self) -> list[str]:
        found, end = self._sequence(0)
        if end == "}":
            raise self._lacks("{")
        return found

    def _sequence(self, depth: int) -> tuple[list[str], str]:
        """Texts up to a comma or a closing brace inside braces, or to the end; and which it was."""
        parts: list[list[str]] = []
        literal = ""
        for token in self._tokens:
            if token == "}" or (token == "," and depth):
                return self._joined([*parts, [literal]]), token
            if token == "{":
                parts += [[literal], self._group(depth + 1)]
                literal = ""
            else:
                literal += token
        if depth:
            raise self._lacks("}")
        return self._joined([*parts, [literal]]), ""

    def _group(self, depth: int) -> list[str]:
        if depth > NESTING:
            raise self._wrong(f"nests braces more than {NESTING} levels deep")
        found: list[str] = []
        end = ","
        while end == ",":
            more, end = self._sequence(depth)
            found += more
            self._check(sum(map(len, found)) + len(found))
        return found

    def _joined(self, parts: list[list[str]]) -> list[str]:
        """The product of the parts, which is counted before it is made."""
        count, characters = 1, 0
        for part in parts:
            characters = characters * len(part) + sum(map(len, part)) * count
            count *= len(part)
            self._check(characters + count)
        filled = [part for part in parts if part != [""]]
        return ["".join(chosen) for chosen in product(*filled)]

    def _check(self, characters: int) -> None:
        if characters > ALTERNATIVE_CHARACTERS:
            raise self._wrong(
                f"stands for texts of more than {ALTERNATIVE_CHARACTERS:,} characters"
            )

    def _lacks(self, brace: str) -> UsageError:
        return self._wrong(f"lacks a '{brace}'", "alternatives are written {a,b}")

    def _wrong(self, message: str, hint: str = "use fewer {alternatives}") -> UsageError:
        return UsageError(f"the pattern '{cut(self._text, _SHOWN)}' {message}", hint=hint)
