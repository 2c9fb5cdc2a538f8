"""Cases, scenarios, fingerprints and observations, read from JSON.

The readers follow from the fields of the dataclasses: a value of another type than its field's is
a ValueError that says where it is and what it should be. Nothing is converted, but that lists
become tuples and words become members of enums. A field that an older file lacks gets its default.

They take what `json.loads` returns, not text: pydantic refuses text with lone surrogates, in which
names that are not UTF-8 are held. `matrix.model.plain` writes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from pydantic_core import CoreSchema, SchemaValidator, ValidationError
from pydantic_core import core_schema as core

from matrix.model.case import Case, ScenarioInfo
from matrix.model.fingerprint import Fingerprint
from matrix.model.observation import Observation
from matrix.model.plain import Json

T = TypeVar("T")


def reader_of(
    kind: type[T],
    *,
    required: Collection[str] = (),
    unknown: Literal["forbid", "ignore"] = "forbid",
) -> Callable[[Json], T]:
    """The reader of a dataclass.

    `required`: the keys that every file has had, although their fields have defaults.
    `unknown`: what becomes of keys that no field has.
    """
    validate = SchemaValidator(_record(kind, required, unknown)).validate_python

    def read(value: Json) -> T:
        try:
            return validate(value)  # type: ignore[no-any-return]  # it makes a `kind`
        except ValidationError as error:
            raise ValueError("; ".join(map(_describe, error.errors(include_url=False)))) from None

    return read


def _record(
    kind: type, required: Collection[str] = (), unknown: Literal["forbid", "ignore"] = "forbid"
) -> CoreSchema:
    hints = get_type_hints(kind)
    entries = [
        core.dataclass_field(
            each.name,
            _schema(hints[each.name])
            if each.name in required
            else _with_default(each, _schema(hints[each.name])),
            kw_only=True,
        )
        for each in fields(kind)
    ]
    arguments = core.dataclass_args_schema(kind.__name__, entries, extra_behavior=unknown)
    return core.dataclass_schema(kind, arguments, [each.name for each in fields(kind)], slots=True)


def _with_default(of: Field[Any], schema: CoreSchema) -> CoreSchema:
    if of.default_factory is not MISSING:
        return core.with_default_schema(schema, default_factory=of.default_factory)
    if of.default is not MISSING:
        return core.with_default_schema(schema, default=of.default)
    return schema


_PLAIN: Mapping[Any, CoreSchema] = {
    Any: core.any_schema(),
    bool: core.bool_schema(strict=True),
    int: core.int_schema(strict=True),
    str: core.str_schema(strict=True),
}


def _schema(kind: Any) -> CoreSchema:
    """What may stand in a field of this type."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType and inner[1:] == (type(None),):
        return core.nullable_schema(_schema(inner[0]))
    if origin in (tuple, Sequence):
        return core.tuple_variable_schema(_schema(inner[0]))
    if origin is Mapping:
        return core.dict_schema(*map(_schema, inner))
    if isinstance(kind, type) and is_dataclass(kind):
        return _record(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return core.enum_schema(kind, list(kind), sub_type="str")
    raise TypeError(f"no way to read {kind}")


_FAULTS = {
    "missing": "is missing",
    "unexpected_keyword_argument": "unknown key",
}
_SHOWN = 80


def _describe(fault: Mapping[str, Any]) -> str:
    """One thing that is wrong: `created.0.size: should be a valid integer, not 'big'`."""
    what = _FAULTS.get(fault["type"])
    if what is None:
        given = ascii(fault["input"])[:_SHOWN]
        what = f"{fault['msg'].replace('Input should', 'should')}, not {given}"
    where = ".".join(map(str, fault["loc"]))
    return f"{where}: {what}" if where else what


read_case = reader_of(Case, unknown="ignore")
read_scenario_info = reader_of(ScenarioInfo, required=("references",), unknown="ignore")
read_fingerprint = reader_of(Fingerprint)
_read_observation = reader_of(
    Observation,
    required=(
        "error",
        "storage",
        "created",
        "modified",
        "removed",
        "second_connection",
        "warnings",
    ),
)


def read_observation(data: Any) -> Observation:
    """An observation from JSON; ValueError where it has another shape."""
    seen = _read_observation(data)
    if seen.passed is not None:
        passed = {name: type(value) for name, value in seen.passed.items()}
        if passed != {"args": list, "kwargs": dict}:
            raise ValueError("passed: not a list of args and a mapping of kwargs")
    return seen
