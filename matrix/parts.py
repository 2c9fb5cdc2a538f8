"""Part files: what workers append while a run is under way, one line per cell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


class Tail:
    """Counts the lines that are added to a file."""

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


def part_lines(directory: Path) -> Iterator[bytes]:
    """The whole lines of a stack's part files."""
    for part in sorted(directory.glob("*.jsonl")):
        content = part.read_bytes()
        yield from content[: content.rfind(b"\n") + 1].splitlines()


def drop_torn_line(part: Path) -> None:
    """Cut off a last line that was not finished."""
    if part.exists():
        content = part.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole != len(content):
            os.truncate(part, whole)
