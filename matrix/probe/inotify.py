"""What the kernel reports to appear in directories (Linux), for when SQLite cannot be hooked."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from typing import Dict, Iterator, List

_IN_MOVED_TO, _IN_CREATE = 0x80, 0x100
_IN_NONBLOCK, _IN_CLOEXEC = os.O_NONBLOCK if hasattr(os, "O_NONBLOCK") else 0, 0o2000000
_HEADER = struct.Struct("iIII")


class Inotify:
    """Watches directories; sees short-lived files in them, but not anywhere else.

    Raises OSError if the system has no inotify.
    """

    def __init__(self) -> None:
        if not sys.platform.startswith("linux"):
            raise OSError("inotify is Linux's")
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        self._watched: Dict[int, str] = {}

    def watch(self, directories: List[str]) -> None:
        """Watch these directories from now on, and only these."""
        for watch in self._watched:
            self._libc.inotify_rm_watch(self._fd, watch)
        self._watched = {}
        list(self.appeared())
        for directory in directories:
            path = os.fsencode(directory)
            watch = self._libc.inotify_add_watch(self._fd, path, _IN_CREATE | _IN_MOVED_TO)
            if watch >= 0:
                self._watched[watch] = directory

    def appeared(self) -> Iterator[str]:
        """The paths that have appeared since the last call, in order."""
        while True:
            try:
                buffer = os.read(self._fd, 1 << 16)
            except BlockingIOError:
                return
            offset = 0
            while offset < len(buffer):
                watch, _, _, length = _HEADER.unpack_from(buffer, offset)
                offset += _HEADER.size
                name = buffer[offset : offset + length].rstrip(b"\0")
                offset += length
                if watch in self._watched:
                    yield os.path.join(self._watched[watch], os.fsdecode(name))
