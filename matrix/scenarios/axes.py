"""What a scenario and the values of its axes are made of: settings, set-up steps, axes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from math import factorial
from typing import Annotated, Any, Literal

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
from matrix.limits import RIVALS
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


class Killed(Record):
    """A process that wrote to a database before the open, and was killed before it committed."""

    killed: Inside = Field(description="The database, in the case's directory.")
    sql: FromPlain[tuple[str, ...]] = Field(default=(), description="Statements that it ran first.")


class Rival(Record):
    """Another user of the database, with a connection of its own."""

    where: Literal["same", "thread", "process", "engine", "fork"] = Field(
        default="same",
        description="A connection of the bare driver in this thread, in another thread or in"
        " another process; or one more connection of the case's engine, in a thread of its own; or"
        " a child that was forked with the case's connection, and uses that.",
    )
    when: Literal["before", "during", "after"] = Field(
        default="before",
        description="Whether it comes before the open, before the write is committed, or after.",
    )
    does: Literal["open", "read", "write", "roll-back"] = Field(
        default="open",
        description="Whether it only reads the schema, or holds a reading or a writing transaction,"
        " or rolls one back.",
    )
    target: str | None = Field(default=None, description="What it opens; absent for the target.")
    connect: Mapping[str, Json] | None = Field(
        default=None, description="Its options; absent for those of the case."
    )
    times: Annotated[int, Field(ge=1, le=RIVALS)] = Field(
        default=1, description="How many of them there are."
    )

    def plain(self) -> list[Json]:
        return [self.model_dump(exclude={"times"})] * self.times

    def flaw(self, vias: Collection[str | None]) -> Flaw | None:
        """What cannot be of what it says, whichever of `vias` the case goes through."""
        shares = self.where in ("engine", "fork")
        if shares and self.when == "before":
            hint = "write when: during or when: after"
            return Flaw(("when",), f"before the open there is nothing for '{self.where}'", hint)
        if shares and (self.target is not None or self.connect is not None):
            key = "target" if self.target is not None else "connect"
            return Flaw((key,), f"'{self.where}' has the connection of the case")
        if self.where == "engine" and set(vias) == {None}:
            return Flaw(("where",), "the bare driver has no engine", "give via, or another where")
        if not shares and None not in vias and self.target is None:
            hint = "write the name that the driver is to open"
            return Flaw((), "needs a target, which it opens with the bare driver", hint)
        return None


class Permission(Record):
    """What a path in the case's directory permits, and whose it is."""

    mode: Annotated[str, Shape("0[0-7]{3}", "write it as in '0444'")] | None = Field(
        default=None, description="The mode, in quotes, such as '0444'."
    )
    owner: Literal["another"] | None = Field(
        default=None, description="`another` for a user who is not the one of the case."
    )


def _mode(text: str) -> Json:
    return {"mode": text}


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
    before: Annotated[FromPlain[tuple[Killed, ...]], Field(max_length=RIVALS)] = Field(
        default=(), description="What others did before the open, after the set-up."
    )
    rivals: Annotated[FromPlain[tuple[Rival, ...]], Field(max_length=RIVALS)] = Field(
        default=(), description="Who else uses the database, before, beside or after the case."
    )
    permissions: Mapping[Inside, Annotated[Permission, Shorthand(_mode, "a mode")]] = Field(
        default={},
        description="The mode and the owner of paths in the case's directory, `.` for itself; with"
        " any, the case runs as a user who is not root. For the bare driver.",
    )
    intent: FromPlain[Intent] = Field(
        default=Intent.OBSERVE, description="What a user means by the string."
    )
    drivers: Annotated[FromPlain[tuple[Driver, ...]], Field(min_length=1)] | None = Field(
        default=None, description="Only on these drivers; absent for all."
    )

    def templates(self) -> Iterator[tuple[KeyPath, str]]:
        """The texts with placeholders, each with the way inward to it."""
        for name in TEMPLATED:
            yield from iter_texts(self.plain(name), (name,))

    def plain(self, name: str) -> Json:
        """A setting as plain data: steps as mappings, all their keys written."""
        value = getattr(self, name)
        if name in ("setup", "before"):
            return tuple(step.model_dump() for step in value)
        if name == "rivals":
            return tuple(each for rival in value for each in rival.plain())
        if name == "permissions":
            return {path: permission.model_dump() for path, permission in value.items()}
        return value


TEMPLATED = ("connect", "setup", "sql", "second", "backup", "before", "rivals")
"""The settings whose texts may hold placeholders."""


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

    def rivals(self) -> Iterator[tuple[KeyPath, Rival]]:
        """The rivals in its values, each with the way inward to it."""
        return iter(())

    def vias(self) -> frozenset[str | None]:
        """The middlewares that its values give."""
        return frozenset()

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

    def rivals(self) -> Iterator[tuple[KeyPath, Rival]]:
        for label, value in self.root.items():
            yield from (((label, "rivals", n), rival) for n, rival in enumerate(value.rivals))

    def vias(self) -> frozenset[str | None]:
        return frozenset(value.via for value in self.root.values() if "via" in value.changes)

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
