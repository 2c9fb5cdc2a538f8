"""Progress on standard error, if that is not a terminal: lines, and notes that stay."""

from __future__ import annotations

import pytest

from matrix.cli.progress import TerminalProgress


def test_without_a_terminal_a_line_is_printed_at_the_end(capfd: pytest.CaptureFixture[str]) -> None:
    progress = TerminalProgress()
    with progress.count("cells", 1200) as advance:
        advance(1000, "sqlite3")
        advance(200)
        progress.note("unavailable: [apsw]")
    out, err = capfd.readouterr()
    note, line = err.splitlines()
    assert out == ""
    assert note == "unavailable: [apsw]"
    assert line.startswith("1,200/1,200 cells, 0.")


def test_a_count_that_fails_ends_without_one(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), TerminalProgress().count("cells", 2):
        raise ZeroDivisionError
    assert capfd.readouterr().err == ""
