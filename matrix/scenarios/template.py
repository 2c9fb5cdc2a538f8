"""Texts with placeholders: `{axis}` is put in now, `{dir}` and `{name}` when the case runs.

`{{` and `}}` are literal braces. They stay doubled while texts are put into texts, and become
single in `finish` alone, so that a literal brace is never taken for a placeholder on the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from matrix.model import Json

RUN_TIME = ("dir", "name")
"""The placeholders that are filled in when a case runs."""

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_LEFT_IN = re.compile(r"\{(?:dir|name)\}")


class TemplateError(ValueError):
    """A text whose braces cannot be read; `hint` says how to write it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def placeholders(template: str) -> tuple[str, ...]:
    """The names in braces, in order."""
    return tuple(token[1] for token in _TOKEN.finditer(template) if token[1] is not None)


def check(template: str) -> None:
    """Raises TemplateError for a brace that stands alone, and as `finish` does."""
    for token in _TOKEN.finditer(template):
        if token[0] in ("{", "}"):
            hint = f"write '{token[0] * 2}' for a literal brace"
            raise TemplateError(f"'{token[0]}' stands alone", hint)
    finish(template)


def substitute(template: str, texts: Mapping[str, str]) -> str:
    """Put in the texts, themselves templates; other placeholders and doubled braces stay."""
    if "{" not in template:
        return template
    return _TOKEN.sub(lambda token: texts.get(token[1] or "", token[0]), template)


def finish(template: str) -> str:
    """Make doubled braces single; raises TemplateError where they then spell a placeholder."""
    if "{" not in template and "}" not in template:
        return template
    text = _TOKEN.sub(_single, template)
    if len(_LEFT_IN.findall(text)) != len([n for n in placeholders(template) if n in RUN_TIME]):
        message = "literal braces spell '{dir}' or '{name}', which a run fills in"
        raise TemplateError(message, "choose another text between the braces")
    return text


def _single(token: re.Match[str]) -> str:
    return token[0][0] if token[0] in ("{{", "}}") else token[0]


def fill(value: Json, texts: Mapping[str, str]) -> Json:
    """Finish every text in plain data, with the texts put in; keys stay as they are."""
    if isinstance(value, str):
        return finish(substitute(value, texts))
    if isinstance(value, Mapping):
        return {key: fill(inner, texts) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [fill(inner, texts) for inner in value]
    return value


def iter_texts(
    value: Json, at: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every text in plain data, with the way inward to it."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from iter_texts(inner, (*at, key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from iter_texts(inner, (*at, index))
