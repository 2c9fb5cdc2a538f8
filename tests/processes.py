"""The processes that a test's own run has started, and nobody else's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_PROC = Path("/proc")

needs_proc = pytest.mark.skipif(
    not (_PROC / "self" / "cmdline").exists(), reason="this system has no /proc to look for workers"
)


def workers_of(scratch: Path) -> list[int]:
    """The processes of workers whose directories lie below `scratch`: their last argument."""
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if len(arguments) > 2 and arguments[-2].startswith(os.fsencode(scratch)):
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
