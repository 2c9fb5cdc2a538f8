"""The door for what people write in YAML: one file becomes one frozen model, or a list of problems.

A kind of document is a model that derives from `Record`; `load_document(path, Model)` reads it.
Everything that is wrong is collected, each at its line and column, in plain words.
"""

from __future__ import annotations

import difflib
import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Generic, NamedTuple, TypeVar, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    RootModel,
    ValidationError,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from matrix.documents.files import load_text
from matrix.documents.yaml_reader import KeyPath, Position, Positions, dotted, read_yaml
from matrix.errors import DocumentError, Problem
from matrix.foreign import visible
from matrix.limits import PROBLEMS
from matrix.model import Json
from matrix.text import cut

__all__ = [
    "Document",
    "Flaw",
    "FromPlain",
    "KeyPath",
    "Position",
    "Positions",
    "Record",
    "Shape",
    "Shorthand",
    "dotted",
    "load_document",
    "load_documents",
    "parse_document",
    "quoted",
    "suggest",
    "validate",
]

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

FromPlain = Annotated[T, Field(strict=False)]
"""For a field that is not plain YAML: a tuple, read from a list; an enum, read from a text."""

_MOST_WORDS = 20
"""So many words that are known are listed."""
_MOST_COMPARED = 200
"""So many words that are known are compared letter by letter: those that begin and end alike."""
_LONG = 100
"""Of a text that is wrong so many characters are shown, and none was meant for a longer one."""


class Record(BaseModel):
    """The base of what is read from YAML: frozen, strict, and no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True)
class Shape:
    """A text that fits a pattern as a whole: `Annotated[str, Shape("[a-z]+", "use a-z")]`."""

    pattern: str
    hint: str

    def _check(self, text: str) -> str:
        if re.fullmatch(self.pattern, text):
            return text
        context = {"text": quoted(text), "hint": self.hint}
        raise PydanticCustomError("shape", "{text} does not fit", context)

    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(kind))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$"}


@dataclass(frozen=True)
class Shorthand:
    """A text may stand for the whole value, which `expand` makes of it."""

    expand: Callable[[str], Json]
    wanted: str

    def _check(self, value: Json) -> Json:
        if isinstance(value, str):
            return self.expand(value)
        if isinstance(value, list | dict | BaseModel):
            return value
        message, hint = _needs(self.wanted, value)
        raise PydanticCustomError("shorthand", "{message}", {"message": message, "hint": hint})

    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._check, handler(kind))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(schema)]}


class Flaw(NamedTuple):
    """What is wrong in a document that fits its model; `at` is the way inward to it."""

    at: KeyPath
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Document(Generic[M]):
    """What was read, and where it stands in its file."""

    content: M
    positions: Positions

    def problem(self, flaw: Flaw) -> Problem:
        """The flaw at its line and column, or at those of what is written around it."""
        return self.positions.problem(self.positions.known(flaw.at), flaw.message, flaw.hint)


def load_document(path: Path, model: type[M]) -> tuple[M, Positions]:
    """Read one file; raises DocumentError with all its problems."""
    return parse_document(load_text(path), str(path), model)


def load_documents(
    paths: Iterable[Path], model: type[M]
) -> tuple[tuple[Document[M], ...], tuple[Problem, ...]]:
    """Read many files: those that read, and the problems of those that do not."""
    documents: list[Document[M]] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            documents.append(Document(*load_document(path, model)))
        except DocumentError as error:  # noqa: PERF203 - one broken file must not hide the next
            problems += error.problems
    return tuple(documents), tuple(problems)


def parse_document(text: str, path: str, model: type[M]) -> tuple[M, Positions]:
    """Read the text of the file at `path`; raises DocumentError with all its problems."""
    data, positions, problems = read_yaml(text, path)
    try:
        content = validate(data, model, positions)
    except DocumentError as error:
        told = {(problem.line, problem.column) for problem in problems}
        problems += [p for p in error.problems if (p.line, p.column) not in told]
    if problems:
        raise DocumentError(problems[:PROBLEMS])
    return content, positions


def validate(data: Json, model: type[M], positions: Positions) -> M:
    """Check plain data against a model; raises DocumentError with a Problem for each error."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = (fault for fault in error.errors(include_url=False) if not _follows(fault))
        problems = (_problem(fault, data, model, positions) for fault in faults)
        raise DocumentError(list(islice(problems, PROBLEMS))) from None


def quoted(text: str) -> str:
    """A text as an error quotes it: of a long one, the beginning."""
    return f"'{cut(visible(text), _LONG)}'"


def suggest(word: str, known: Iterable[str]) -> str:
    """A hint for a word that is not known: the one that was meant, or those there are."""
    words = [each for each in dict.fromkeys(known) if len(each) <= _LONG]
    close = difflib.get_close_matches(word, _likely(word, words), n=1)
    if close:
        return f"did you mean '{close[0]}'?"
    more = ", ..." if len(words) > _MOST_WORDS else ""
    return f"known: {', '.join(words[:_MOST_WORDS]) or 'none'}{more}"


def _likely(word: str, words: Sequence[str]) -> Sequence[str]:
    """The words that are worth comparing letter by letter, which takes long."""
    if len(word) > _LONG:
        return ()
    if len(words) <= _MOST_COMPARED:
        return words

    def alike(other: str) -> int:
        return _common(word, other) + _common(word[::-1], other[::-1])

    return heapq.nlargest(_MOST_COMPARED, words, key=alike)


def _common(one: str, other: str) -> int:
    """How many characters two words begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


_WANTED = {
    "string": "a text",
    "int": "a whole number",
    "bool": "true or false",
    "tuple": "a list",
    "list": "a list",
    "dict": "a mapping",
    "mapping": "a mapping",
    "model": "a mapping",
}


def _problem(
    fault: Mapping[str, Any], data: Json, model: type[BaseModel], positions: Positions
) -> Problem:
    at = _inward(fault["loc"], data)
    if fault["type"] == "missing":
        return positions.problem((*at, str(fault["loc"][-1])), "is missing")
    if fault["type"] == "extra_forbidden":
        hint = suggest(str(at[-1]), _allowed(model, at[:-1], data))
        return positions.problem(at, "unknown key", hint, of_key=True)
    return positions.problem(at, *_words(fault), of_key=fault["loc"][-1:] == ("[key]",))


def _follows(fault: Mapping[str, Any]) -> bool:
    """A list that pydantic finds too short because entries of it, told apart, do not read."""
    return bool(fault["type"] == "too_short" and len(fault["input"]) >= fault["ctx"]["min_length"])


def _words(fault: Mapping[str, Any]) -> tuple[str, str | None]:
    kind, given, context = fault["type"], fault["input"], fault.get("ctx", {})
    wanted = _WANTED.get(kind.removesuffix("_type"))
    if wanted is not None:
        return _needs(wanted, given)
    if kind in ("enum", "literal_error"):
        known = re.findall(r"'([^']*)'", context["expected"])
        return f"{quoted(str(given))} is not known", suggest(str(given), known)
    if kind in ("too_short", "string_too_short") and not given:
        return "is empty", None
    if kind == "too_long":
        return f"has more than {context['max_length']} entries", None
    said = fault["msg"].removeprefix("Value error, ").replace("Input should", "should")
    return said, context.get("hint")


def _needs(wanted: str, given: Json) -> tuple[str, str | None]:
    if given is None:
        return f"is empty, but needs {wanted}", None
    return f"needs {wanted}, not {_kind(given)}", _how_to_write(wanted, given)


def _kind(given: Json) -> str:
    if isinstance(given, bool):
        return str(given).lower()
    kinds = {int: "a whole number", str: "a text", dict: "a mapping"}
    return kinds.get(type(given), "a list")


def _how_to_write(wanted: str, given: Json) -> str | None:
    if "a text" in wanted and isinstance(given, bool | int):
        return f'write it in quotes: "{str(given).lower()}"'
    if wanted == "a text" and isinstance(given, dict | list):
        return "a text that begins with { or [ needs quotes"
    if wanted == "a list" and isinstance(given, str):
        return "write it on a line of its own, after '- '"
    if wanted == "true or false" and str(given).lower() in ("true", "false"):
        return f"write {given.lower()}, without quotes"
    if wanted == "a whole number" and isinstance(given, str) and given.isdecimal():
        return f"write {given}, without quotes"
    return None


def _inward(loc: Sequence[str | int], data: Json) -> KeyPath:
    """The part of pydantic's path that is in the data.

    The rest are key checks and the tags of unions: write those as "(tag)", like no key.
    """
    at: list[str | int] = []
    for part in loc:
        inside = isinstance(data, dict) and part in data
        if inside or (isinstance(data, list) and isinstance(part, int) and part < len(data)):
            data = data[part]
            at.append(part)
    return tuple(at)


def _allowed(model: type[BaseModel], at: KeyPath, data: Json) -> list[str]:
    """The keys that are known at this place; where several models may stand, the closest one's."""
    kinds: list[Any] = [model]
    for part in at:
        data = data[part]
        kinds = [inner for kind in kinds for inner in _into(kind, part)]
    fields = [list(kind.model_fields) for kind in kinds if _is_model(kind)]
    return max(fields, key=lambda names: len(data.keys() & set(names)), default=[])


def _into(kind: Any, part: str | int) -> Iterator[Any]:
    """The types that may stand under this key, or at this index, of a type."""
    if _is_model(kind):
        field = kind.model_fields.get(part)
        yield from _unfold(field.annotation) if field else ()
    else:
        inner = [argument for argument in get_args(kind) if argument is not ...]
        yield from _unfold(inner[-1]) if inner else ()


def _unfold(kind: Any) -> Iterator[Any]:
    """The plain types behind unions, annotations and root models."""
    if get_origin(kind) is Annotated:
        yield from _unfold(get_args(kind)[0])
    elif get_origin(kind) in (Union, UnionType):
        for member in get_args(kind):
            yield from _unfold(member)
    elif _is_model(kind) and issubclass(kind, RootModel):
        yield from _unfold(kind.model_fields["root"].annotation)
    else:
        yield kind


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
