"""Progress reports, independent of how they are shown.

Code that takes long gets a `Progress`, and does not print by itself.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Advance(Protocol):
    """Called inside `Progress.count`: `count` more are done; `now` is what is being worked on."""

    def __call__(self, count: int, now: str = "", /) -> None: ...


class Progress(Protocol):
    """Receives the progress of a task, and messages for the user."""

    def count(self, noun: str, total: int) -> AbstractContextManager[Advance]:
        """Count up to `total`; `noun` is what is counted: `cells`, `stacks provided`."""
        ...

    def note(self, text: str) -> None:
        """Show a line that stays, even while something is being counted."""
        ...


class _Silent:
    def count(self, _noun: str, _total: int) -> AbstractContextManager[Advance]:
        return nullcontext(_ignore)

    def note(self, text: str) -> None:
        pass


def _ignore(_count: int, _now: str = "", /) -> None:
    pass


SILENT: Progress = _Silent()
"""Shows nothing."""
