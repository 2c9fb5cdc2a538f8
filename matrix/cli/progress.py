"""How far it is, on standard error: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from types import TracebackType

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

from matrix.errors import NothingRanError
from matrix.runner.collect import Work
from matrix.runner.events import CellLost, CellsDone, Event, StackUnavailable
from matrix.stacks.provision import Provided

_QUIET_SECONDS = 5.0


class Progress:
    """A context in which `advance` may be called; `noun` says what is counted."""

    def __init__(self, noun: str, total: int) -> None:
        self._noun = noun
        self._total = total
        self._done = 0
        self._began = self._said = time.monotonic()
        self._bar = _bar() if sys.stderr.isatty() else None

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task(self._noun, total=self._total, now="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif kind is None:
            self._say()

    def advance(self, count: int, now: str = "") -> None:
        """So many more are done; `now` is what is being worked on."""
        self._done += count
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done, now=now)
        elif time.monotonic() - self._said > _QUIET_SECONDS:
            self._say()

    def note(self, text: str) -> None:
        """A line that stays."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            click.echo(text, err=True)

    def _say(self) -> None:
        self._said = time.monotonic()
        seconds = self._said - self._began
        click.echo(f"{self._done:,}/{self._total:,} {self._noun}, {seconds:.1f} s", err=True)


def follow(events: Generator[Event, None, None], work: Work) -> dict[str, str]:
    """Take the events of a run, with a word on how far it is.

    Gives the stacks that could not be had, with the reasons.
    """
    missing: dict[str, str] = {}
    total = sum(len(cases) for each, cases in work if isinstance(each, Provided))
    with Progress("cells", total) as progress, closing(events):
        for event in events:
            if isinstance(event, CellsDone):
                progress.advance(event.count, event.stack)
            elif isinstance(event, StackUnavailable):
                missing[event.stack] = event.reason
                progress.note(f"unavailable: {event.stack}: {event.reason}")
            elif isinstance(event, CellLost):
                progress.note(f"lost: {event.case} on {event.stack}: {event.how}")
    return missing


def check_ran(work: Work, missing: Mapping[str, str]) -> None:
    """Raises NothingRanError, with the reasons, where no stack could be had."""
    if len(missing) == len(work):
        reasons = "\n".join(f"{name}: {reason}" for name, reason in missing.items())
        raise NothingRanError(f"no stack could be run\n{reasons}")


def _bar() -> RichProgress:
    return RichProgress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[now]}"),
        console=Console(stderr=True),
        transient=True,
    )
