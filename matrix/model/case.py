"""A case, and the scenario that it comes from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from matrix.model.plain import Json, canonical, to_plain


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
    `via`: the middleware that opens the target; None means the bare driver.
    `second`: the target of the second connection; None means the same target.
    `second_in_thread`: whether the bare driver's second connection is opened in another thread.
    `backup`: the name that the driver copies the database to; None means no copy.
    `reopen`: whether the target is opened once more after everything was closed.
    `before`: what others did before, in order: `killed` names a database in the case's directory to
    which a process wrote, after the statements in `sql`, until it was killed.
    `rivals`: who else uses the database; each has all of `where`, `when`, `does`, `target` and
    `connect`, which docs/scenarios.md explains; None stands for those of the case.
    `permissions`: by path in the case's directory its `mode`, such as `0444`, and `owner`, which is
    `another` or None; with any, the case runs as a user who is not root.
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
    before: Sequence[Mapping[str, Json]] = ()
    rivals: Sequence[Mapping[str, Json]] = ()
    permissions: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    intent: Intent = Intent.OBSERVE
    drivers: tuple[str, ...] | None = None

    def fits_driver(self, driver: str) -> bool:
        """Whether the case runs on this driver."""
        return self.drivers is None or driver in self.drivers

    @property
    def scenario(self) -> str:
        """The id of the scenario it comes from: `topic/scenario`."""
        return self.id.partition("[")[0]

    def to_json(self) -> dict[str, Json]:
        return to_plain(self)

    @property
    def digest(self) -> str:
        """A short hash of what the case does: two cases with the same digest are comparable.

        Options that are off are left out, so that a new option changes no older case's digest.
        """
        asked = ((k, v) for k, v in self.to_json().items() if v is not None and v is not False)
        content = {key: value for key, value in asked if key not in ("id", "intent")}
        for name in ("before", "rivals", "permissions"):
            if not content[name]:
                del content[name]
        return hashlib.sha256(canonical(content).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioInfo:
    """What reports say about a scenario; `id` is `topic/scenario`.

    `then`: what was seen when the problem was reported; None where there is no report.
    """

    id: str
    title: str
    question: str
    references: tuple[str, ...] = ()
    then: str | None = None

    def to_json(self) -> dict[str, Json]:
        return to_plain(self)
