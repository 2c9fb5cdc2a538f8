"""A progress that remembers what it was told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from matrix.runner.progress import Advance


@dataclass
class Watcher:
    """`counts`: for each thing that was counted, how many of how many were done."""

    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @contextmanager
    def count(self, noun: str, total: int) -> Iterator[Advance]:
        self.counts[noun] = (0, total)

        def advance(count: int, _now: str = "", /) -> None:
            self.counts[noun] = (self.counts[noun][0] + count, total)

        yield advance

    def note(self, text: str) -> None:
        self.notes.append(text)
