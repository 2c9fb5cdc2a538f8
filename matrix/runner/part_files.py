"""Part files: what workers write during a run, one line per cell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_BLOCK = 1 << 16  # bytes that are read at a time, from the end


class Tail:
    """Counts the lines that have been added to a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size if path.exists() else 0

    def new_lines(self) -> int:
        if not self._path.exists() or self._path.stat().st_size == self._offset:
            return 0
        with self._path.open("rb") as file:
            file.seek(self._offset)
            whole, newline, _torn = file.read().rpartition(b"\n")
        self._offset += len(whole) + len(newline)
        return whole.count(b"\n") + len(newline)


class PartLines:
    """The complete lines of a stack's part files; every iteration reads the files again."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __iter__(self) -> Iterator[bytes]:
        for part in sorted(self._directory.glob("*.jsonl")):
            with part.open("rb") as file:
                yield from (line[:-1] for line in file if line.endswith(b"\n"))


def drop_torn_line(part: Path) -> None:
    """Cut off an incomplete last line."""
    if not part.exists():
        return
    with part.open("r+b") as file:
        size = end = file.seek(0, os.SEEK_END)
        newline = 0
        while end and not newline:
            start = max(0, end - _BLOCK)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n") + 1
            end = start + newline
        if end != size:
            file.truncate(end)
