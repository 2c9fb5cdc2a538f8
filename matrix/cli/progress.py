"""Progress on standard error: a bar on a terminal, an occasional line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from matrix.cli.common import say
from matrix.foreign import document, visible
from matrix.runner.progress import Advance, Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

_QUIET_SECONDS = 5.0


class TerminalProgress:
    """A `Progress` on standard error."""

    def __init__(self) -> None:
        self._bar: Bar | None = None

    @contextmanager
    def count(self, noun: str, total: int) -> Iterator[Advance]:
        if not sys.stderr.isatty():
            with _lines(noun, total) as advance:
                yield advance
            return
        with _bar() as bar:
            self._bar = bar
            task = bar.add_task(noun, total=total, now="")
            try:
                yield lambda count, now="": bar.update(task, advance=count, now=visible(now))
            finally:
                self._bar = None

    def note(self, text: str) -> None:
        if self._bar is not None:
            shown = document(visible(text))
            self._bar.console.print(shown, markup=False, highlight=False, soft_wrap=True)
        else:
            say(text)


@contextmanager
def _lines(noun: str, total: int) -> Iterator[Advance]:
    """A line every few seconds, and one at the end."""
    began = printed = time.monotonic()
    done = 0

    def print_line() -> None:
        nonlocal printed
        printed = time.monotonic()
        say(f"{done:,}/{total:,} {noun}, {printed - began:.1f} s")

    def advance(count: int, _now: str = "", /) -> None:
        nonlocal done
        done += count
        if time.monotonic() - printed > _QUIET_SECONDS:
            print_line()

    yield advance
    print_line()


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[now]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    )


PROGRESS: Progress = TerminalProgress()
