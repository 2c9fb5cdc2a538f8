"""What is asked: a case, and the scenario that it comes from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from matrix.model.codec import Json, canonical, to_plain


class Intent(str, Enum):
    """What a user means by a connection string."""

    PRIVATE_MEMORY = "private-memory"
    SHARED_MEMORY = "shared-memory"
    TEMPORARY = "temporary"
    FILE = "file"
    READ_ONLY = "read-only"
    REFUSE = "refuse"
    OBSERVE = "observe"


class TargetType(str, Enum):
    """The Python type in which a target is handed to the driver."""

    STR = "str"
    BYTES = "bytes"
    PATH = "path"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One concrete combination that a scenario expands to.

    `{dir}` in the target, an option or a statement stands for the case's own directory,
    `{name}` for a name that no other case uses.
    `second`: the target of the second connection; None means the same way in once more.
    `second_in_thread`: whether the bare driver's second connection is had in another thread.
    `backup`: the name that the driver copies the database to; None means no copy.
    `reopen`: whether the target is opened once more after everything was closed.
    `drivers` limits the case to those drivers; None means all.
    """

    id: str
    target: str
    target_type: TargetType = TargetType.STR
    via: str | None = None
    connect: Mapping[str, Json] = field(default_factory=dict)
    setup: Sequence[Mapping[str, Json]] = ()
    sql: Sequence[str] = ()
    write: bool = True
    write_to: str = "main"
    second: str | None = None
    second_in_thread: bool = False
    backup: str | None = None
    reopen: bool = False
    intent: Intent = Intent.OBSERVE
    drivers: tuple[str, ...] | None = None

    def fits_driver(self, driver: str) -> bool:
        """Whether it is one for this driver."""
        return self.drivers is None or driver in self.drivers

    @property
    def scenario(self) -> str:
        """The id of the scenario it comes from: `topic/scenario`."""
        return self.id.partition("[")[0]

    def to_json(self) -> dict[str, Json]:
        return {**to_plain(self), "setup": [dict(step) for step in self.setup]}

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Case:
        """Read a case that this project wrote; `scenarios.jsonl` reads those from outside."""
        drivers = value.get("drivers")
        return cls(
            id=value["id"],
            target=value["target"],
            target_type=TargetType(value.get("target_type", "str")),
            via=value.get("via"),
            connect=value.get("connect", {}),
            setup=tuple(value.get("setup", ())),
            sql=tuple(value.get("sql", ())),
            write=value.get("write", True),
            write_to=value.get("write_to", "main"),
            second=value.get("second"),
            second_in_thread=value.get("second_in_thread", False),
            backup=value.get("backup"),
            reopen=value.get("reopen", False),
            intent=Intent(value.get("intent", "observe")),
            drivers=None if drivers is None else tuple(drivers),
        )

    @property
    def digest(self) -> str:
        """A short hash of what the case does: two cases with one digest are comparable.

        What is not asked for is left out, so that a key that is new changes no case without it.
        """
        asked = ((k, v) for k, v in self.to_json().items() if v is not None and v is not False)
        content = {key: value for key, value in asked if key not in ("id", "intent")}
        return hashlib.sha256(canonical(content).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioInfo:
    """What a reader is told of a scenario: `id` is `topic/scenario`.

    `then`: what was seen when it was reported; None for what nobody reported.
    """

    id: str
    title: str
    question: str
    references: tuple[str, ...] = ()
    then: str | None = None

    def to_json(self) -> dict[str, Json]:
        return to_plain(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> ScenarioInfo:
        return cls(
            id=value["id"],
            title=value["title"],
            question=value["question"],
            references=tuple(value["references"]),
            then=value.get("then"),
        )
