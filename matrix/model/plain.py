"""Values as plain JSON, and the one form in which this project writes JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

Json = Any
"""What `json.loads` returns: the one place where a type says no more."""

_ATOMS = frozenset({str, int, float, bool, type(None)})


def canonical(value: Json) -> str:
    """One line of JSON in the one form in which this project writes it.

    Keys sorted, no spaces, ASCII only, so that strings which are not UTF-8
    (held with surrogateescape) survive the round trip.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def to_plain(record: Any) -> dict[str, Json]:
    """All fields of a dataclass as `json.loads` would return them.

    Enums become their values, tuples lists, dataclasses objects. `matrix.model.codec` reads them.
    """
    plain: dict[str, Json] = _WRITERS[type(record)](record)
    return plain


def _plain(value: Any) -> Json:
    kind = type(value)
    return value if kind in _ATOMS else _WRITERS[kind](value)


class _Writers(dict[type, Callable[[Any], Json]]):
    """How the values of a type are written; worked out once for each type."""

    def __missing__(self, kind: type) -> Callable[[Any], Json]:
        self[kind] = _writer(kind)
        return self[kind]


_WRITERS = _Writers()


def _writer(kind: type) -> Callable[[Any], Json]:
    if is_dataclass(kind):
        names = [each.name for each in fields(kind)]
        return lambda record: {name: _plain(getattr(record, name)) for name in names}
    if issubclass(kind, Enum):
        return {member: member.value for member in kind}.__getitem__
    if issubclass(kind, Mapping):
        return lambda mapping: {key: _plain(inner) for key, inner in mapping.items()}
    if issubclass(kind, tuple | list):
        return lambda items: [_plain(inner) for inner in items]
    return lambda other: other
