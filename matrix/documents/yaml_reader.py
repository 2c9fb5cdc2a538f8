"""From YAML text to plain data, with the place of every key and value.

Only texts, whole numbers, `true`/`false` and `null` are read, so that `3.40` and `on` stay texts.
`matrix.documents.yaml_model` is the door to this; nothing else needs it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

import yaml

from matrix.errors import DocumentError, Problem
from matrix.limits import DOCUMENT_CHARACTERS, DOCUMENT_VALUES, NESTING
from matrix.model import Json

KeyPath = tuple[str | int, ...]
"""The way from the top of a document to a value in it: keys and indices."""

_TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"(?:0|-?[1-9][0-9]{0,17})\Z")
_BOOL = re.compile(r"(?:true|false)\Z")


class Position(NamedTuple):
    """Where something stands; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Positions:
    """Where the values and the keys of the document at `path` stand."""

    path: str
    values: Mapping[KeyPath, Position]
    keys: Mapping[KeyPath, Position] = field(default_factory=dict)

    def known(self, at: KeyPath) -> KeyPath:
        """The longest beginning of `at` that the document holds."""
        while at and at not in self.values:
            at = at[:-1]
        return at

    def at(self, at: KeyPath) -> Position:
        """The place of the value, or of the nearest one around it."""
        return self.values.get(self.known(at), Position(1, 1))

    def problem(
        self, at: KeyPath, message: str, hint: str | None = None, *, of_key: bool = False
    ) -> Problem:
        """A problem with the value at `at`, or with its key."""
        place = self.keys.get(at, self.at(at)) if of_key else self.at(at)
        return problem(self.path, place, message, hint, key=dotted(at))


def dotted(at: KeyPath) -> str:
    """`scenarios[0].axes.order`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in at)
    return "".join(parts).removeprefix(".")


def problem(
    path: str, place: Position, message: str, hint: str | None, *, key: str = ""
) -> Problem:
    """A problem at a place in the file at `path`."""
    line, column = place
    return Problem(path=path, line=line, column=column, key=key, message=message, hint=hint)


def read_yaml(text: str, path: str) -> tuple[Json, Positions, list[Problem]]:
    """Plain data, where it stands, and what is wrong in it but does not keep it from being read.

    Raises DocumentError for what is not YAML at all.
    """
    try:
        node = _compose(text, path)
        if node is None or (isinstance(node, yaml.ScalarNode) and node.tag == _TAG + "null"):
            _fail(path, Position(1, 1), "the file is empty")
        reading = _Reading(path)
        return reading.value(node, ()), reading.positions, reading.problems
    except _TooLarge as error:
        _fail(path, error.place, str(error), "split the file")


def _fail(path: str, place: Position, message: str, hint: str | None = None) -> NoReturn:
    raise DocumentError([problem(path, place, message, hint)]) from None


def _end_of(text: str) -> Position:
    return Position(text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1)


class _Loader(yaml.SafeLoader):
    """PyYAML without its floats, dates, octals, and words for true and false, and with limits."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own class attribute

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._nodes = 0
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        is_key = isinstance(parent, yaml.MappingNode) and index is None
        self._nodes += not is_key
        self._depth += 1
        place = _place(self.peek_event().start_mark)  # type: ignore[no-untyped-call]  # PyYAML
        _check_size(place, nodes=self._nodes, depth=self._depth)
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _TooLarge(Exception):
    """A limit that a document exceeds, and where."""

    def __init__(self, place: Position, message: str) -> None:
        super().__init__(message)
        self.place = place


def _check_size(place: Position, *, nodes: int = 0, characters: int = 0, depth: int = 0) -> None:
    """Raises _TooLarge."""
    if depth > NESTING:
        raise _TooLarge(place, f"nested more than {NESTING} levels deep")
    if nodes > DOCUMENT_VALUES:
        raise _TooLarge(place, f"more than {DOCUMENT_VALUES:,} values")
    if characters > DOCUMENT_CHARACTERS:
        raise _TooLarge(place, f"more than {DOCUMENT_CHARACTERS:,} characters, with its aliases")


_Loader.add_implicit_resolver(_TAG + "int", _INT, list("-0123456789"))
_Loader.add_implicit_resolver(_TAG + "bool", _BOOL, ["t", "f"])
_Loader.add_implicit_resolver(_TAG + "null", re.compile(r"(?:null|)\Z"), ["n", ""])


class _Words(NamedTuple):
    """A part of what PyYAML says, the same for who wrote the file, and which of its marks to show.

    `opening` is the mark where the thing began that is not closed.
    """

    said: str
    message: str
    hint: str | None = None
    opening: bool = False


_QUOTES = "put the text in quotes"
_PLAIN_WORDS = (
    _Words("'\\t'", "a tab where only spaces are allowed", "indent with spaces"),
    _Words(
        "mapping values are not",
        "a ': ' where no key is allowed",
        f"check the indentation, or {_QUOTES}",
    ),
    _Words(
        "<block end>",
        "this does not fit what comes before it",
        "check the indentation, and the quotes around a text that begins with {, [, ' or \"",
    ),
    _Words("expected ':'", "a key that is not followed by ': '", "write 'key: value'"),
    _Words("',' or", "a { or [ that is not closed", f"close it, or {_QUOTES}", True),
    _Words("end of stream", "a quote that is not closed", None, True),
    _Words("undefined alias", "an alias without an anchor", f"for a text with *, {_QUOTES}"),
    _Words("another document", "a second document", "keep one; remove the '---' between them"),
    _Words("cannot start any token", "a text cannot begin with this character", _QUOTES),
    _Words("unknown escape", "an unknown escape", "in single quotes a backslash is itself"),
)


def _compose(text: str, path: str) -> yaml.Node | None:
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        message = f"the character U+{ord(text[error.position]):04X} is not allowed in YAML"
        _fail(path, _end_of(text[: error.position]), message)
    try:
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        plain = _Words("", f"not YAML: {error.problem}")
        words = next((w for w in _PLAIN_WORDS if w.said in str(error.problem)), plain)
        mark = error.context_mark if words.opening else error.problem_mark
        _fail(path, _place(mark or loader.get_mark()), words.message, words.hint)
    except (ValueError, ArithmeticError):  # PyYAML's own, for escapes and versions out of range
        _fail(path, _place(loader.get_mark()), "an escape or a number out of range")


def _place(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1)


class _Reading:
    """One walk over a tree of nodes, which collects positions and problems on its way."""

    def __init__(self, path: str) -> None:
        self.problems: list[Problem] = []
        self._values: dict[KeyPath, Position] = {}
        self._keys: dict[KeyPath, Position] = {}
        self._around: list[yaml.Node] = []
        self._characters = 0
        self.positions = Positions(path, self._values, self._keys)

    def value(self, node: yaml.Node, at: KeyPath) -> Json:
        self._values[at] = place = _place(node.start_mark)
        self._characters += len(node.value) if isinstance(node, yaml.ScalarNode) else 0
        _check_size(
            place, nodes=len(self._values), characters=self._characters, depth=len(self._around)
        )
        if node in self._around:
            return self._wrong(at, "holds itself", "remove the alias")
        self._around.append(node)
        value = self._inside(node, at)
        self._around.pop()
        return value

    def _inside(self, node: yaml.Node, at: KeyPath) -> Json:
        kind = node.tag.removeprefix(_TAG)
        if isinstance(node, yaml.MappingNode) and kind == "map":
            return self._mapping(node, at)
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            return [self.value(child, (*at, index)) for index, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and kind in ("str", "int", "bool", "null"):
            return self._scalar(node, kind, at)
        return self._wrong(at, f"unsupported tag '{kind}'", "write the value without it")

    def _scalar(self, node: yaml.ScalarNode, kind: str, at: KeyPath) -> Json:
        text: str = node.value
        if kind == "str":
            return text
        if kind == "int" and _INT.match(text):
            return int(text)
        if kind == "bool" and _BOOL.match(text):
            return text == "true"
        if kind == "null":
            return None
        return self._wrong(at, f"'{text}' does not fit its tag '{kind}'", "remove the tag")

    def _mapping(self, node: yaml.MappingNode, at: KeyPath) -> dict[str, Json]:
        data: dict[str, Json] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, at)
            inner = (*at, key)
            if key in data:
                first = self._keys[inner].line
                place = _place(key_node.start_mark)
                self._note(place, inner, "is written twice", f"first on line {first}")
                continue
            self._keys[inner] = _place(key_node.start_mark)
            data[key] = self.value(value_node, inner)
        return data

    def _key(self, node: yaml.Node, at: KeyPath) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self._note(_place(node.start_mark), at, "has a key that is not a text", None)
            return ""
        key: str = node.value
        if node.tag != _TAG + "str":
            hint = f'write it in quotes: "{key}"'
            self._note(_place(node.start_mark), (*at, key), "the key is not a text", hint)
        elif key == "<<" and not node.style:
            hint = "write the keys out"
            self._note(_place(node.start_mark), (*at, key), "merge keys are not supported", hint)
        return key

    def _wrong(self, at: KeyPath, message: str, hint: str) -> None:
        self._note(self._values[at], at, message, hint)

    def _note(self, place: Position, at: KeyPath, message: str, hint: str | None) -> None:
        self.problems.append(problem(self.positions.path, place, message, hint, key=dotted(at)))
