"""SQLite's own table of system calls, and a log of what it creates and removes through it.

SQLite calls the operating system through a table that `sqlite3_vfs.xSetSystemCall` can change
(https://www.sqlite.org/c3ref/vfs.html). A hook there sees every file that the library touches,
wherever it lies and however short it lives, in order, failed attempts included.
"""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set

from .machine import SHORTAGES
from .outside import NotRehearsed, Outside

O_TMPFILE = getattr(os, "O_TMPFILE", 0)


class Event(NamedTuple):
    """One call that creates or removes: `create`, `attempt` (it failed), `remove`, `mkdir`."""

    what: str
    path: bytes
    stage: str


class Held(NamedTuple):
    """A file that SQLite holds open: `anonymous` if no name in the file system leads to it."""

    path: bytes
    size: int
    anonymous: bool


class _Vfs(ctypes.Structure):
    """`struct sqlite3_vfs`, as far as the system calls; methods that are not used are void."""

    _fields_ = [
        ("iVersion", ctypes.c_int),
        ("szOsFile", ctypes.c_int),
        ("mxPathname", ctypes.c_int),
        ("pNext", ctypes.c_void_p),
        ("zName", ctypes.c_char_p),
        ("pAppData", ctypes.c_void_p),
        *(
            (name, ctypes.c_void_p)
            for name in (
                "xOpen",
                "xDelete",
                "xAccess",
                "xFullPathname",
                "xDlOpen",
                "xDlError",
                "xDlSym",
                "xDlClose",
                "xRandomness",
                "xSleep",
                "xCurrentTime",
                "xGetLastError",
                "xCurrentTimeInt64",
            )
        ),
        (
            "xSetSystemCall",
            ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p),
        ),
        ("xGetSystemCall", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)),
    ]


class LibraryTable:
    """The table of a SQLite whose symbols can be seen: a `ctypes.CDLL` of it."""

    def __init__(self, library: ctypes.CDLL) -> None:
        find = library.sqlite3_vfs_find
        find.restype = ctypes.POINTER(_Vfs)
        find.argtypes = [ctypes.c_char_p]
        self._vfs = find(None)

    def get(self, name: str) -> Optional[int]:
        pointer: Optional[int] = self._vfs.contents.xGetSystemCall(self._vfs, name.encode())
        return pointer

    def set(self, name: str, pointer: int) -> None:
        self._vfs.contents.xSetSystemCall(self._vfs, name.encode(), pointer)


_OPEN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_int, use_errno=True)
_CLOSE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, use_errno=True)
_PATH = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, use_errno=True)
_PATH_BUFFER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, use_errno=True)
_READLINK = ctypes.CFUNCTYPE(
    ctypes.c_ssize_t, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t, use_errno=True
)
_PATH_MODE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_int, use_errno=True)
_FILE_MODE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_uint, use_errno=True)
_FILE_OWNER = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_int, ctypes.c_uint, ctypes.c_uint, use_errno=True
)


class SystemCallLog:
    """Hooks a table for the life of the process, and keeps the events until they are taken.

    `shortage` is an error of an `open` that shows the machine to fail; only the process ends it.
    `errno` is as SQLite would have found it: ctypes swaps its private copy in and out.
    Raises OSError where the table has no `open` (Windows).
    """

    def __init__(self, table: Any, outside: Outside) -> None:
        self.stage = ""
        self.shortage: Optional[int] = None
        self._outside = outside
        self._events: List[Event] = []
        self._open_files: Dict[int, bytes] = {}
        self._only_read: Set[int] = set()
        self._kept_alive: List[Any] = []
        self._hook(table, "open", _OPEN, self._open)
        self._hook(table, "close", _CLOSE, self._close)
        self._hook(table, "unlink", _PATH, self._remover)
        self._hook(table, "rmdir", _PATH, self._remover)
        self._hook(table, "mkdir", _PATH_MODE, self._mkdir)
        if outside.redirects:
            self._redirect(table)

    def take(self) -> List[Event]:
        """The events since the last call."""
        events, self._events = self._events, []
        return events

    def held(self) -> Dict[int, Held]:
        """The files that SQLite holds open now, by descriptor."""
        found = {}
        for descriptor, path in self._open_files.items():
            try:
                status = os.fstat(descriptor)
            except OSError:
                continue
            found[descriptor] = Held(path, status.st_size, status.st_nlink == 0)
        return found

    def _hook(self, table: Any, name: str, kind: Any, make: Callable[[Any], Any]) -> None:
        pointer = table.get(name)
        if not pointer:
            raise OSError("SQLite's table of system calls has no " + name)
        replacement = kind(make(kind(pointer)))
        self._kept_alive.append(replacement)
        table.set(name, ctypes.cast(replacement, ctypes.c_void_p).value)

    def _open(self, original: Any) -> Any:
        def open_(path: bytes, flags: int, mode: int) -> int:
            unnamed = bool(O_TMPFILE) and flags & O_TMPFILE == O_TMPFILE
            try:
                place = self._outside.opening(path, flags)
            except NotRehearsed:
                return _denied()
            creates = unnamed or (flags & os.O_CREAT and not os.path.exists(place))
            descriptor: int = original(place, flags, mode)
            if descriptor >= 0:
                self._open_files[descriptor] = path
                if self._outside.is_outside(place):
                    self._only_read.add(descriptor)
            elif ctypes.get_errno() in SHORTAGES:
                self.shortage = ctypes.get_errno()
            if creates:
                what = "attempt" if descriptor < 0 else "unnamed" if unnamed else "create"
                self._add(what, path, descriptor)
            return descriptor

        return open_

    def _close(self, original: Any) -> Any:
        def close(descriptor: int) -> int:
            self._open_files.pop(descriptor, None)
            self._only_read.discard(descriptor)
            result: int = original(descriptor)
            return result

        return close

    def _remover(self, original: Any) -> Any:
        def remove(path: bytes) -> int:
            try:
                result: int = original(self._outside.removing(path))
            except NotRehearsed:
                return _denied()
            if result == 0:
                self._add("remove", path)
            return result

        return remove

    def _mkdir(self, original: Any) -> Any:
        def mkdir(path: bytes, mode: int) -> int:
            try:
                place = self._outside.changing(path)
            except NotRehearsed:
                return _denied()
            creates = not os.path.exists(place)
            result: int = original(place, mode)
            if creates:
                self._add("mkdir" if result == 0 else "attempt", path)
            return result

        return mkdir

    def _add(self, what: str, path: bytes, descriptor: Optional[int] = None) -> None:
        if what in ("create", "mkdir"):
            self._outside.made(path, descriptor)
        self._events.append(Event(what, path, self.stage))

    def _redirect(self, table: Any) -> None:
        """Let the calls that only read find what the others have redirected.

        Owner and mode can be changed through a descriptor that is open for reading, too: SQLite
        gives a journal those of its database, or of the file that a URI names with `modeof`.
        """
        follows = {"access": _PATH_MODE, "stat": _PATH_BUFFER, "lstat": _PATH_BUFFER}
        for name, kind in [*follows.items(), ("readlink", _READLINK)]:
            if table.get(name):
                self._hook(table, name, kind, self._reader(name in ("access", "stat")))
        for name, kind in (("fchmod", _FILE_MODE), ("fchown", _FILE_OWNER)):
            if table.get(name):
                self._hook(table, name, kind, self._changer)

    def _changer(self, original: Any) -> Any:
        def change(descriptor: int, *rest: Any) -> int:
            if descriptor in self._only_read:
                return 0
            result: int = original(descriptor, *rest)
            return result

        return change

    def _reader(self, follow: bool) -> Callable[[Any], Any]:
        def make(original: Any) -> Any:
            def read(path: bytes, *rest: Any) -> int:
                result: int = original(self._outside.reading(path, follow=follow), *rest)
                return result

            return read

        return make


def _denied() -> int:
    """What a call returns that is not made."""
    ctypes.set_errno(errno.EACCES)
    return -1
