"""What a scenario and the values of its axes are made of: settings, set-up steps, axes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from math import factorial
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    RootModel,
    Tag,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from matrix.documents.yaml_model import (
    Flaw,
    FromPlain,
    KeyPath,
    Record,
    Shape,
    Shorthand,
    quoted,
    suggest,
)
from matrix.model import Intent, Json, TargetType
from matrix.plugins import builtin_names, plugin_names
from matrix.scenarios.template import iter_texts

Text = Annotated[str, Field(min_length=1)]
Label = Annotated[str, Shape("[A-Za-z0-9._+-]+", "a label is letters, digits and '._+-'")]
TextAsLabel = Annotated[
    str, Shape("[A-Za-z0-9._+-]+", "it needs a label: write a mapping, 'label: text'")
]
ParameterLabel = Annotated[
    str, Shape("[A-Za-z0-9._+]+", "'-' joins these labels: keep it out of them")
]


@dataclass(frozen=True)
class PluginName:
    """The name of a plugin that is installed: `kind` is `drivers` or `middleware`."""

    kind: str

    def _check(self, name: str) -> str:
        known = plugin_names(self.kind)
        if name in known:
            return name
        context = {"name": quoted(name), "hint": suggest(name, known)}
        raise PydanticCustomError("plugin", "{name} is not known", context)

    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(kind))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """An editor offers the built-in names, and takes others."""
        return {"anyOf": [{"enum": builtin_names(self.kind)}, handler(schema)]}


Middleware = Annotated[str, PluginName("middleware")]
Driver = Annotated[str, PluginName("drivers")]


def _inside(name: str) -> str:
    """Raises for a name that leads out of the case's directory."""
    plain = name.replace("\\", "/").removeprefix("{dir}/")
    if not plain.startswith("/") and ":/" not in plain and ".." not in plain.split("/"):
        return name
    context = {"name": quoted(name), "hint": "write a path below it, such as data/x.db"}
    raise PydanticCustomError("inside", "{name} leads out of the case's directory", context)


Inside = Annotated[Text, AfterValidator(_inside)]
"""A path below the case's directory."""


class Database(Record):
    """A database that is there before the open."""

    db: Inside = Field(description="Its name, in the case's directory.")
    sql: FromPlain[tuple[str, ...]] = Field(default=(), description="Statements that fill it.")
    keep_wal: bool = Field(default=False, description="Leave its write-ahead log in place.")


class EmptyFile(Record):
    """A file without content that is there before the open."""

    empty: Inside = Field(description="Its name.")


class TextFile(Record):
    """A file that is not a database, and is there before the open."""

    file: Inside = Field(description="Its name.")
    text: str = Field(description="What it holds.")


class Directory(Record):
    """A directory that is there before the open."""

    mkdir: Inside = Field(description="Its name.")


class Symlink(Record):
    """A symbolic link that is there before the open."""

    symlink: Inside = Field(description="Its name.")
    to: Text = Field(description="What it points to.")


_STEPS = {
    "db": Database,
    "empty": EmptyFile,
    "file": TextFile,
    "mkdir": Directory,
    "symlink": Symlink,
}


def _step_kind(value: Json) -> str | None:
    for key, kind in _STEPS.items():
        if isinstance(value, kind) or (isinstance(value, dict) and key in value):
            return f"({key})"
    return None


Step = Annotated[
    Annotated[Database, Tag("(db)")]
    | Annotated[EmptyFile, Tag("(empty)")]
    | Annotated[TextFile, Tag("(file)")]
    | Annotated[Directory, Tag("(mkdir)")]
    | Annotated[Symlink, Tag("(symlink)")],
    Discriminator(
        _step_kind,
        custom_error_type="step",
        custom_error_message="needs a mapping with one of the keys db, empty, file, mkdir, symlink",
    ),
]


class CaseSettings(Record):
    """How a target is opened and used: given by a scenario, changed by the values of its axes."""

    target_type: FromPlain[TargetType] = Field(
        default=TargetType.STR, description="The Python type in which the target is handed over."
    )
    via: Middleware | None = Field(
        default=None,
        description="The middleware between user and driver; absent for the bare driver.",
    )
    connect: Mapping[str, Json] = Field(
        default={}, description="Keyword arguments of the driver's connect, or of create_engine."
    )
    setup: FromPlain[tuple[Step, ...]] = Field(
        default=(), description="What is there before the open."
    )
    sql: FromPlain[tuple[str, ...]] = Field(default=(), description="Statements after the open.")
    write: bool = Field(default=True, description="Whether a transaction of about 2 MB is written.")
    write_to: Text = Field(default="main", description="The schema that it is written to.")
    second: str | None = Field(
        default=None,
        description="The target of the second connection, opened on its own (under SQLAlchemy from "
        "a second engine); absent for one more connection as the first was had.",
    )
    second_in_thread: bool = Field(
        default=False,
        description="Whether the bare driver's second connection is opened in another thread; the"
        " table of middlewares tells where theirs is.",
    )
    backup: str | None = Field(
        default=None,
        description="A name that the open connection's database is copied to, after the write, with"
        " the driver's own backup and the same connect options; for the bare driver.",
    )
    reopen: bool = Field(
        default=False,
        description="Whether the target is opened once more after everything has been closed, and"
        " asked for what was written.",
    )
    intent: FromPlain[Intent] = Field(
        default=Intent.OBSERVE, description="What a user means by the string."
    )
    drivers: Annotated[FromPlain[tuple[Driver, ...]], Field(min_length=1)] | None = Field(
        default=None, description="Only on these drivers; absent for all."
    )

    def templates(self) -> Iterator[tuple[KeyPath, str]]:
        """The texts with placeholders, each with the way inward to it."""
        for name in ("connect", "setup", "sql", "second", "backup"):
            yield from iter_texts(self.plain(name), (name,))

    def plain(self, name: str) -> Json:
        """A setting as plain data: the steps of the set-up as mappings, all their keys written."""
        value = getattr(self, name)
        return tuple(step.model_dump() for step in value) if name == "setup" else value


class Value(CaseSettings):
    """A value of an axis: its text, and the settings that hold for the cases with it."""

    text: str = Field(default="", description="What stands for {axis}.")

    @property
    def changes(self) -> frozenset[str]:
        """The names of the settings that it gives."""
        return frozenset(self.model_fields_set - {"text"})


def _text_value(text: str) -> Json:
    return {"text": text}


class AxisBase:
    """What the three ways of writing an axis share."""

    def choices(self) -> Iterator[tuple[str, Value]]:
        """Its labels and values, in order, one at a time: a permutation may have millions."""
        raise NotImplementedError

    def count(self) -> int:
        """How many choices there are."""
        raise NotImplementedError

    def has(self, label: str) -> bool:
        raise NotImplementedError

    def longest(self, length: Callable[[str], int]) -> int:
        """The most characters that the text of a value has, measured by `length`."""
        return max((length(text) for _, text in self.texts()), default=0)

    def longest_label(self) -> int:
        """The characters of the longest label."""
        return max((len(label) for label, _ in self.choices()), default=0)

    def given(self) -> Iterable[CaseSettings]:
        """The values that may give settings."""
        return ()

    def texts(self) -> Iterator[tuple[KeyPath, str]]:
        """The texts that its values are made of, each with the way inward to it."""
        raise NotImplementedError

    def templates(self) -> Iterator[tuple[KeyPath, str]]:
        """The texts in the settings of its values, likewise."""
        return iter(())

    def options(self) -> Iterator[tuple[str, Mapping[str, Json]]]:
        """The label and the `connect` of each value that gives one."""
        return iter(())

    def changes(self) -> bool:
        """Whether a value of it gives a setting."""
        return False

    def flaws(self) -> Iterator[Flaw]:
        """Labels that are no labels, or that stand twice."""
        return iter(())


_ROOT = ConfigDict(frozen=True, strict=True)


class Texts(
    AxisBase, RootModel[Annotated[FromPlain[tuple[TextAsLabel, ...]], Field(min_length=1)]]
):
    """An axis written as a list of texts, each its own label."""

    model_config = _ROOT

    def choices(self) -> Iterator[tuple[str, Value]]:
        return iter(self._choices.items())

    @cached_property
    def _choices(self) -> Mapping[str, Value]:
        return {text: Value(text=text) for text in self.root}

    def count(self) -> int:
        return len(self.root)

    def has(self, label: str) -> bool:
        return label in self._choices

    def texts(self) -> Iterator[tuple[KeyPath, str]]:
        return (((index,), text) for index, text in enumerate(self.root))

    def flaws(self) -> Iterator[Flaw]:
        return _repeats(self.root, ())


class Labelled(
    AxisBase,
    RootModel[
        Annotated[
            Mapping[Label, Annotated[Value, Shorthand(_text_value, "a text or a mapping")]],
            Field(min_length=1),
        ]
    ],
):
    """An axis written as a mapping of labels to values."""

    model_config = _ROOT

    def choices(self) -> Iterator[tuple[str, Value]]:
        return iter(self.root.items())

    def count(self) -> int:
        return len(self.root)

    def has(self, label: str) -> bool:
        return label in self.root

    def given(self) -> Iterable[CaseSettings]:
        return self.root.values()

    def texts(self) -> Iterator[tuple[KeyPath, str]]:
        return (((label, "text"), value.text) for label, value in self.root.items())

    def templates(self) -> Iterator[tuple[KeyPath, str]]:
        for label, value in self.root.items():
            yield from (((label, *at), text) for at, text in value.templates())

    def options(self) -> Iterator[tuple[str, Mapping[str, Json]]]:
        return ((label, value.connect) for label, value in self.root.items() if value.connect)

    def changes(self) -> bool:
        return any(value.changes for value in self.root.values())


def _list_or_mapping(value: Json) -> str | None:
    if isinstance(value, list | tuple):
        return "(list)"
    return "(mapping)" if isinstance(value, dict) else None


Parameters = Annotated[
    Annotated[FromPlain[tuple[str, ...]], Field(min_length=1), Tag("(list)")]
    | Annotated[Mapping[ParameterLabel, str], Field(min_length=1), Tag("(mapping)")],
    Discriminator(
        _list_or_mapping,
        custom_error_type="parts",
        custom_error_message="needs a list of parameters, or a mapping of labels to parameters",
    ),
]


class Permute(AxisBase, Record):
    """An axis of every order of some parameters, each labelled with their names in its order."""

    permute: Parameters = Field(description="The parameters: name=value, or label: name=value.")
    join: str = Field(default="&", description="What stands between two of them.")

    def choices(self) -> Iterator[tuple[str, Value]]:
        for order in permutations(self._parts()):
            yield (
                "-".join(label for label, _ in order),
                Value(text=self.join.join(text for _, text in order)),
            )

    def count(self) -> int:
        return factorial(len(self.permute))

    def longest(self, length: Callable[[str], int]) -> int:
        joints = max(len(self.permute) - 1, 0)
        return sum(length(text) for _, text in self._parts()) + joints * length(self.join)

    def longest_label(self) -> int:
        return sum(len(label) + 1 for label, _ in self._parts())

    def has(self, label: str) -> bool:
        return sorted(label.split("-")) == sorted(name for name, _ in self._parts())

    def texts(self) -> Iterator[tuple[KeyPath, str]]:
        yield from iter_texts(self.permute, ("permute",))
        yield ("join",), self.join

    def flaws(self) -> Iterator[Flaw]:
        """Names that would give one label to two orders."""
        if isinstance(self.permute, Mapping):
            return
        names = [name for name, _ in self._parts()]
        advice = "give labels: permute: {label: text, ...}"
        for index, name in enumerate(names):
            if not re.fullmatch("[A-Za-z0-9._+]+", name):
                yield Flaw(("permute", index), f"{quoted(name)} cannot be part of a label", advice)
        for flaw in _repeats(names, ("permute",)):
            yield flaw._replace(hint=advice)

    def _parts(self) -> list[tuple[str, str]]:
        if isinstance(self.permute, Mapping):
            return list(self.permute.items())
        return [(text.partition("=")[0], text) for text in self.permute]


def _repeats(names: Sequence[str], at: KeyPath) -> Iterator[Flaw]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield Flaw((*at, index), f"the label {quoted(name)} is used twice")
        seen.add(name)


def _axis_kind(value: Json) -> str | None:
    if isinstance(value, Mapping):
        return "(permute)" if "permute" in value else "(labels)"
    kinds = ((list, "(texts)"), (Texts, "(texts)"), (Labelled, "(labels)"), (Permute, "(permute)"))
    return next((kind for type_, kind in kinds if isinstance(value, type_)), None)


Axis = Annotated[
    Annotated[Texts, Tag("(texts)")]
    | Annotated[Labelled, Tag("(labels)")]
    | Annotated[Permute, Tag("(permute)")],
    Discriminator(
        _axis_kind,
        custom_error_type="axis",
        custom_error_message="needs a list of texts, a mapping of labels to values, or 'permute'",
    ),
]
