"""What happens during a run, as values: the run yields them, writers read them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from matrix.model import Fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class StackReady:
    """A stack stands, and this is what it is."""

    stack: str
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class StackUnavailable:
    """A stack cannot be had on this machine."""

    stack: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CellsDone:
    """So many more cells of a stack have been observed."""

    stack: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CellLost:
    """A worker went down on a case, twice: the cell says so, and the run goes on."""

    stack: str
    case: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StackDone:
    """Every cell of a stack has been observed; `lines` are its observations, unsorted.

    They may be iterated over more than once, for as long as the part files are there.
    """

    stack: str
    fingerprint: Fingerprint
    lines: Iterable[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An error of ours, which ends the run."""

    error: BaseException


Event = StackReady | StackUnavailable | CellsDone | CellLost | StackDone | Failed
