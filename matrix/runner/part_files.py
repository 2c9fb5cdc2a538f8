"""Part files: what a run has observed so far, one line per cell, each behind its checksum.

They exist from the start of a run until its results are complete, so that an interrupted run can
be resumed. The tool alone writes them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from matrix.results.file_format import writing

_CHECKSUM = len(b"01234567 ")


class StackParts:
    """The part files of one stack, in a directory with its name.

    Iterating reads the observations from the disk, each time again; damaged lines are left out.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seed = zlib.crc32(directory.name.encode())  # a line of another stack does not fit

    def __iter__(self) -> Iterator[bytes]:
        for part in self._files():
            with part.open("rb") as file:
                yield from (line[_CHECKSUM:-1] for line in file if self._is_whole(line))

    def append(self, name: str, lines: Iterable[bytes]) -> None:
        """Add observations, which have no line ends, to one of the files."""
        data = b"".join(self._checksum(line) + line + b"\n" for line in lines)
        part = self._directory / f"{name}.jsonl"
        with writing(part), part.open("ab") as file:
            file.write(data)

    def mend(self) -> int:
        """Drop the damaged lines, such as one that was cut off; returns how many there were."""
        return sum(map(self._mend, self._files()))

    def _files(self) -> list[Path]:
        return sorted(self._directory.glob("*.jsonl"))

    def _mend(self, part: Path) -> int:
        with part.open("rb") as file:
            damaged = sum(not self._is_whole(line) for line in file)
        if damaged:
            mended = part.with_suffix(".tmp")
            with part.open("rb") as file, mended.open("wb") as whole:
                whole.writelines(line for line in file if self._is_whole(line))
            mended.replace(part)
        return damaged

    def _is_whole(self, line: bytes) -> bool:
        end = line[-1:] == b"\n"
        return end and line[:_CHECKSUM] == self._checksum(line[_CHECKSUM:-1])

    def _checksum(self, line: bytes) -> bytes:
        return b"%08x " % zlib.crc32(line, self._seed)
