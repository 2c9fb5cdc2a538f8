"""The one form in which this project writes JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from typing import Any, TypeVar

_E = TypeVar("_E", bound=Enum)

Json = Any
"""What `json.loads` returns: the one place where a type says no more."""


def canonical(value: Json) -> str:
    """One line of JSON in the one form in which this project writes it.

    Keys sorted, no spaces, ASCII only, so that strings which are not UTF-8
    (held with surrogateescape) survive the round trip.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def to_plain(record: Any) -> dict[str, Json]:
    """The fields of a value as JSON, but for values inside them that have a form of their own."""
    return {each.name: _plain_value(getattr(record, each.name)) for each in fields(record)}


def _plain_value(value: Any) -> Json:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def read_enum(kind: type[_E], value: Json) -> _E | None:
    return None if value is None else kind(value)
