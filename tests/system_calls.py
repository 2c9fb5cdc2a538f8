"""The C library's calls, as SQLite makes them, and as somebody makes them whom nobody watches."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

needs_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="the C library's functions are called as on Linux"
)


class Table:
    """A table of system calls over the C library's own."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)
        self.hooked: dict[str, Any] = {}

    def get(self, name: str) -> int | None:
        return ctypes.cast(getattr(self._library, name), ctypes.c_void_p).value

    def set(self, name: str, pointer: int) -> None:
        self.hooked[name] = pointer

    def function(self, name: str, *arguments: type) -> Callable[..., int]:
        kind = ctypes.CFUNCTYPE(ctypes.c_int, *arguments, use_errno=True)
        return kind(self.hooked[name])


class Sqlite:
    """What SQLite does with files, through a table that may be hooked."""

    def __init__(self, table: Table) -> None:
        path, number = ctypes.c_char_p, ctypes.c_int
        self._open = table.function("open", path, number, number)
        self._close = table.function("close", number)
        self._unlink = table.function("unlink", path)
        self._rmdir = table.function("rmdir", path)
        self._mkdir = table.function("mkdir", path, number)

    def open(self, path: str | Path, flags: int = os.O_RDWR | os.O_CREAT) -> int:
        """The descriptor, or -1."""
        return self._open(os.fsencode(path), flags, 0o600)

    def close(self, descriptor: int) -> None:
        assert self._close(descriptor) == 0

    def create(self, path: str | Path) -> None:
        self.close(self.open(path))

    def remove(self, path: str | Path) -> None:
        assert self._unlink(os.fsencode(path)) == 0

    def rmdir(self, path: str | Path) -> None:
        assert self._rmdir(os.fsencode(path)) == 0

    def mkdir(self, path: str | Path) -> None:
        assert self._mkdir(os.fsencode(path), 0o700) == 0


def create_unseen(path: str | Path) -> None:
    """Make an empty file, with neither a hook nor the interpreter's audit to see it."""
    library = ctypes.CDLL(None)
    assert library.close(library.creat(os.fsencode(path), 0o600)) == 0


def remove_unseen(path: str | Path) -> None:
    assert ctypes.CDLL(None).unlink(os.fsencode(path)) == 0
