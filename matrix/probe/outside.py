"""What cases create outside the worker's own directories: one case at a time, noted, removed.

A string may name any place of the machine, and two strings the same one. The first to create
something outside holds a lock until it has been removed. What is about to be created is noted in a
file before, so that whoever finds the process dead can remove it; a path that existed before is
never noted, and never touched.
"""

from __future__ import annotations

import os
import stat
from typing import List, Optional

try:
    import fcntl
except ImportError:  # Windows: two runs at once may meet outside
    fcntl = None  # type: ignore[assignment]

NOTE = "outside"


class Outside:
    """The keeper of one worker; `scratch` is what lies inside, all share the directory `lock`."""

    def __init__(self, scratch: str, lock: str) -> None:
        self._inside = os.fsencode(os.path.join(scratch, ""))
        self._note = os.path.join(scratch, NOTE)
        self._lock = lock
        self._held: Optional[int] = None

    def enter(self, path: bytes) -> None:
        """Before something may be created at a path: outside, wait until nobody else is there."""
        if self._held is None and not path.startswith(self._inside) and fcntl is not None:
            self._held = os.open(self._lock, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(self._held, fcntl.LOCK_EX)

    def creating(self, path: bytes) -> None:
        """A path that does not exist is about to be created."""
        if not path.startswith(self._inside):
            with open(self._note, "ab") as note:
                note.write(os.path.abspath(path) + b"\0")

    def leave(self, paths: List[str]) -> None:
        """Remove what a case created outside, and let the next one in."""
        for path in reversed(paths):  # the newest first, so that directories are empty by then
            remove(os.fsencode(path))
        if self._held is not None:
            remove_noted(os.path.dirname(self._note))
            os.close(self._held)
            self._held = None


def remove_noted(scratch: str) -> None:
    """Remove what the note in a scratch directory names: its process has not come to do it."""
    note = os.path.join(scratch, NOTE)
    try:
        with open(note, "rb") as file:
            paths = file.read().split(b"\0")[:-1]
    except FileNotFoundError:
        return
    for path in reversed(paths):
        remove(path)
    os.unlink(note)


def remove(path: bytes) -> None:
    """Remove a file or an empty directory, if it is there."""
    try:
        kind = stat.S_IFMT(os.lstat(path).st_mode)
        if kind == stat.S_IFDIR:
            os.rmdir(path)
        elif kind in (stat.S_IFREG, stat.S_IFLNK):  # never a device, whatever was seen
            os.unlink(path)
    except OSError:
        pass
