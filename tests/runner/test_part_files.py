"""Part files: every line that is read from them is one that was written to them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from matrix.runner.part_files import StackParts

LINES = [b'{"case":"a","size":1}', b'{"case":"b","size":22}', b'{"case":"c","size":3}']


@pytest.fixture
def parts(tmp_path: Path) -> StackParts:
    directory = tmp_path / "sqlite3@3.11"
    directory.mkdir()
    parts = StackParts(directory)
    parts.append("0", LINES[:2])
    parts.append("0", LINES[2:])
    return parts


def test_lines_are_read_as_they_were_written(parts: StackParts) -> None:
    assert list(parts) == list(parts) == LINES
    assert parts.mend() == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"22", b"23"),
        (b'"size":22', b'"size":2'),
        (b'"b"', b'"a"'),
        (b"22}\n", b"22}"),
        (b"22}\n", b"22}\n\n"),
        (b'"b",', b'"b",\n'),
        (b"22", b"\0\0"),
    ],
    ids=lambda change: change.decode(),
)
def test_an_edited_line_is_dropped_and_the_others_stay(
    tmp_path: Path, parts: StackParts, old: bytes, new: bytes
) -> None:
    (file,) = tmp_path.glob("*/*")
    file.write_bytes(file.read_bytes().replace(old, new, 1))
    kept = [line for line in LINES if line in list(parts)]
    assert list(parts) == kept != []
    assert (parts.mend() > 0) or kept == LINES
    assert parts.mend() == 0
    assert list(parts) == kept


def test_a_line_that_was_cut_off_does_not_spoil_the_next(tmp_path: Path, parts: StackParts) -> None:
    (file,) = tmp_path.glob("*/*")
    file.write_bytes(file.read_bytes()[:-5])
    assert parts.mend() == 1
    parts.append("0", [LINES[2]])
    assert list(parts) == LINES


def test_the_lines_of_another_stack_do_not_fit(tmp_path: Path, parts: StackParts) -> None:
    other = tmp_path / "apsw@3.11"
    shutil.copytree(tmp_path / "sqlite3@3.11", other)
    assert list(StackParts(other)) == []
    assert StackParts(other).mend() == len(LINES)
