"""Two sorted files of records, read side by side: the lines in which they differ.

A stretch of each is held at a time, and compared as raw bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from operator import ge
from typing import NamedTuple

from matrix.errors import ResultsError
from matrix.model.selection import Selection
from matrix.results.file_format import RUN_AGAIN, ResultFile
from matrix.results.lines import LineForm

_STRETCH = 1000


class Lines(NamedTuple):
    """The lines of one id, without their ends; None in the file that has none."""

    name: str
    old: bytes | None
    new: bytes | None


class Stretch(NamedTuple):
    """How many of the selected lines are the same in both files, and the others."""

    same: int
    others: list[Lines]


class SortedLines:
    """The lines of a document, sorted by id, each id once; ResultsError where they are not.

    `rewritten` is what a line is compared as, if not as it stands.
    """

    def __init__(
        self,
        document: ResultFile,
        form: LineForm,
        rewritten: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self._document = document
        self._form = form
        self._lines = document.lines() if rewritten is None else map(rewritten, document.lines())
        self._last = ""
        self._taken = 0
        self.held: list[bytes] = []

    def fill(self) -> bool:
        """Hold a stretch, if so much is left; whether there may be more behind it."""
        self.held += islice(self._lines, _STRETCH - len(self.held))
        return len(self.held) == _STRETCH

    def names(self) -> list[str]:
        """The ids of what is held, checked."""
        found = self._form.ids(self.held)
        names = [name for name in found if name is not None]
        if len(names) < len(found):
            self._fail(found.index(None), "not as expected: the id is not where it should be")
        if any(map(ge, [self._last, *names], names)):
            before = [self._last, *names]
            place = next(i for i, name in enumerate(names) if before[i] >= name)
            what = "duplicate case" if before[place] == names[place] else "out of order:"
            self._fail(place, f"{what} {names[place]!a}")
        return names

    def drop(self, count: int, last: str) -> None:
        """So many of what is held are done with, the last of which has this id."""
        self._taken += count
        self._last = last
        del self.held[:count]

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Each id with its line."""
        more = True
        while more:
            more = self.fill()
            names = self.names()
            yield from zip(names, list(self.held), strict=True)
            if names:
                self.drop(len(names), names[-1])

    def _fail(self, place: int, message: str) -> None:
        number = self._taken + place + 2
        raise ResultsError(f"{self._document.path}:{number}: {message}", hint=RUN_AGAIN)


def side_by_side(
    old: SortedLines, new: SortedLines, selection: Selection | None = None
) -> Iterator[Stretch]:
    """The two files, stretch by stretch, until both are at their end."""
    while True:
        more = (old.fill(), new.fill())
        if not old.held and not new.held:
            return
        names = new.names()
        if old.held == new.held:
            same = len(names) if selection is None else sum(map(selection, names))
            for each in (old, new):
                each.drop(len(names), names[-1])
            yield Stretch(same, [])
            continue
        both = (old.names(), names)
        ends = [each[-1] for each, goes_on in zip(both, more, strict=True) if goes_on]
        end = min(ends) if ends else max(both[0][-1:] + both[1][-1:])
        before, after = _take(old, both[0], end), _take(new, both[1], end)
        yield _stretch(before, after, selection)


def _take(lines: SortedLines, names: list[str], end: str) -> dict[str, bytes]:
    """What is held up to the id `end`, which is then done with."""
    done = [name for name in names if name <= end]
    taken = dict(zip(done, lines.held, strict=False))
    if done:
        lines.drop(len(done), done[-1])
    return taken


def _stretch(
    before: dict[str, bytes], after: dict[str, bytes], selection: Selection | None
) -> Stretch:
    names = [n for n in {**before, **after} if selection is None or selection(n)]
    others = [Lines(name, before.get(name), after.get(name)) for name in sorted(names)]
    differing = [each for each in others if each.old != each.new]
    return Stretch(len(others) - len(differing), differing)
