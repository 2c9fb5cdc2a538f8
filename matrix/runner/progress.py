"""How far something is, for whoever wants to show it.

What takes long is given a `Progress`, and neither prints nor knows who listens.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Advance(Protocol):
    """Called inside `Progress.count`: so many more are done, and what is being worked on now."""

    def __call__(self, count: int, now: str = "", /) -> None: ...


class Progress(Protocol):
    """Takes word of how far something is, and what people should read of it."""

    def count(self, noun: str, total: int) -> AbstractContextManager[Advance]:
        """Count up to `total`; `noun` says what: `cells`, `stacks provided`."""
        ...

    def note(self, text: str) -> None:
        """A line that stays, whether something is being counted or not."""
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
