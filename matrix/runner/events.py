"""The events of a run, which it yields as values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from matrix.model import Fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class StackReady:
    """A stack is ready, with this fingerprint."""

    stack: str
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class StackUnavailable:
    """A stack is not available on this machine."""

    stack: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CellsDone:
    """`count` more cells of a stack have been observed."""

    stack: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesDropped:
    """`count` lines of an interrupted run are damaged: their cases are run again."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CellLost:
    """Workers died on a case repeatedly: the cell records it, and the run continues."""

    stack: str
    case: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StackDone:
    """Every cell of a stack has been observed; `lines` are its observations, unsorted.

    They can be iterated over more than once, as long as the part files exist.
    """

    stack: str
    fingerprint: Fingerprint
    lines: Iterable[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An internal error, which ends the run."""

    error: BaseException


Event = StackReady | StackUnavailable | LinesDropped | CellsDone | CellLost | StackDone | Failed
