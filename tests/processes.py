"""The processes that a test's own run has started, and nobody else's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_PROC = Path("/proc")

needs_proc = pytest.mark.skipif(
    not (_PROC / "self" / "environ").exists(), reason="this system has no /proc to look for workers"
)


def workers_of(scratch: Path) -> list[int]:
    """The workers whose directories lie below `scratch`: their environment names it."""
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if b"SQLITE_TMPDIR=" + os.fsencode(scratch) in environment:
                found.append(int(entry.name))
    return found


def children_of(process: int) -> list[int]:
    """The processes that this one has started and that are there now."""
    try:
        text = (_PROC / str(process) / "task" / str(process) / "children").read_text()
        tasks = [entry.name for entry in (_PROC / str(process) / "task").iterdir()]
        for task in tasks:
            if task != str(process):
                text += " " + (_PROC / str(process) / "task" / task / "children").read_text()
    except OSError:
        return []
    return [int(number) for number in text.split()]
