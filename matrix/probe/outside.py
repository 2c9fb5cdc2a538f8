"""What a case does outside its own directories, of which nothing reaches the machine's files.

A string may name any place. In a private root (`privateroot`) everything may be changed, because
every change is private. Without one, SQLite's system calls are redirected to copies below the
scratch directory. `InPlace` does it for real, for those who ask for it, and then removes what the
case created, but nothing else.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from contextlib import ExitStack, suppress
from typing import Any, BinaryIO, Callable, Dict, Iterable, List, Optional, Set, Tuple
from urllib.parse import unquote_to_bytes

from .paths import real_path, without_links_above
from .privateroot import LAYERS_SIZE, PrivateRoot

COPY_LIMIT = LAYERS_SIZE // 2
"""Bytes: a larger file is not copied to rehearse what would happen to it."""
_CONTENT_LIMIT = 16 << 20
"""Bytes: of a larger file, as of one that cannot be read, size and time say whether it changed."""
HARMLESS = tuple("/dev/" + name for name in ("null", "zero", "full", "random", "urandom"))
"""Devices that keep nothing of what is written to them."""
_VIEWS = (b"/proc/", b"/sys/")
"""What lies here is no file, but shows the kernel's state; to read it may block."""
_SIDE_FILES = ("", "-wal", "-journal", "-shm")
_CHANGES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


Made = Tuple[str, int, int]
"""A path that a case has created, with its device and its inode."""


class NotRehearsed(Exception):
    """What the case is about to do outside cannot be rehearsed; the message says why."""


class Outside:
    """The base of all ways.

    `given`: the files outside that the case may change, with what they held before.
    `refusal`: why the case cannot be rehearsed, if so; it ends the case without an observation.
    `in_place`: whether the machine's files are changed.
    `sees_changes`: whether it is asked before SQLite changes something.
    """

    redirects = False
    in_place = False
    sees_changes = True

    def __init__(self, scratch: str) -> None:
        self._inside = os.fsencode(os.path.join(scratch, ""))
        self.begin(())

    def begin(self, asked: Iterable[str]) -> None:
        """A case begins; `asked`: the absolute paths that its strings mean."""
        self.given: Dict[str, Any] = {}
        self._created: Set[bytes] = set()
        self.refusal: Optional[str] = None
        self._setting_up = False
        for path in asked:
            for suffix in _SIDE_FILES:
                self._expect(path + suffix)

    def begin_set_up(self, strings: Iterable[str]) -> None:  # noqa: ARG002 -- below
        """A set-up begins, which may change nothing outside; `strings`: all of the case."""
        self.begin(())
        self._setting_up = True

    def opening(self, path: bytes, flags: int) -> bytes:
        """Where to open what is about to be opened."""
        return self.changing(path) if flags & _CHANGES else self.reading(path)

    def changing(self, path: bytes) -> bytes:
        """Where to change what is about to be created or changed; raises NotRehearsed."""
        if self.is_outside(path):
            self._before_change(os.path.normpath(path))
        return path

    def removing(self, path: bytes) -> bytes:
        """Where to remove what is about to be removed; raises NotRehearsed."""
        return self.changing(path)

    def reading(self, path: bytes, *, follow: bool = True) -> bytes:  # noqa: ARG002 -- below
        """Where to read; `follow`: whether the call that reads follows links."""
        return path

    def python_changes(self, path: str) -> bool:
        """Python code is about to change this path; raises NotRehearsed. False if it is ours."""
        self.changing(os.fsencode(path))
        return True

    def made(self, path: bytes, descriptor: Optional[int]) -> None:  # noqa: ARG002 -- below
        """The case has created this path."""
        self._created.add(os.path.normpath(path))

    def where(self, path: str) -> str:
        """Where to find what a path names, as the case would."""
        return path

    def is_outside(self, path: bytes) -> bool:
        """Whether a path, which may contain `..`, lies outside the scratch directory."""
        return not (os.path.normpath(path) + b"/").startswith(self._inside)

    def refuse(self, reason: str) -> NotRehearsed:
        """The exception to raise; the first reason is the one that the user sees."""
        self.refusal = self.refusal or reason
        return NotRehearsed(reason)

    def leave(self, created: List[str]) -> Optional[str]:
        """The case has ended: take back its changes; why they cannot be, where they cannot.

        `created`: what it made outside its own directories.
        """
        for path in reversed(created):  # the newest first, so that directories are empty by then
            if path.startswith(os.fsdecode(self._inside)):
                remove(path)
        return None

    def _before_change(self, path: bytes) -> None:
        """Keep what an existing file holds."""
        name = os.fsdecode(path)
        if self._setting_up:
            raise self.refuse("the set-up would change " + name)
        if name in self.given or path in self._created:
            return
        try:
            status = os.lstat(path)
        except OSError:
            return
        if stat.S_ISREG(status.st_mode):
            self._check_size(name, status.st_size)
            self.given[name] = content_outside(name)

    def _expect(self, path: str) -> None:
        """A file that the case may change; there is no harm in a file that it does not."""
        raw = os.fsencode(path)
        try:
            with suppress(ValueError):  # no path
                if self.is_outside(raw) and os.path.isfile(raw):
                    self.changing(raw)
        except NotRehearsed:
            if self.sees_changes:  # it counts only if the case does change it
                self.refusal = None

    def _check_size(self, name: str, size: int) -> None:
        if size > COPY_LIMIT:
            raise self.refuse("%s is larger than %d MiB" % (name, COPY_LIMIT >> 20))


class InPrivateRoot(Outside):
    """All changes are private, and stay until the process ends: what was created is removed."""

    def __init__(self, scratch: str, root: PrivateRoot) -> None:
        self._root = root
        self._fixed = tuple(map(os.fsencode, root.fixed))
        self._used = _usage()
        super().__init__(scratch)

    def settle(self) -> None:
        """From now on, what is there is what every case finds."""
        self._used = _usage()

    def leave(self, created: List[str]) -> Optional[str]:
        for path in reversed(created):
            remove(path)
        changed = any(content_outside(path) != content for path, content in self.given.items())
        if changed or _usage() != self._used:
            return "a file outside the scratch directory changed"
        return None

    def _before_change(self, path: bytes) -> None:
        if os.fsdecode(path) in HARMLESS:
            return
        for fixed in self._fixed:
            if path == fixed or path.startswith(fixed + b"/"):
                reason = "%s is on a file system that cannot be layered" % os.fsdecode(path)
                raise self.refuse(reason)
        if self._root.foreign:
            self._check_owner(path)
        super()._before_change(path)

    def removing(self, path: bytes) -> bytes:
        place = super().removing(path)
        if os.fsdecode(os.path.dirname(path)) in self._root.sticky and _is_anothers(path):
            raise self.refuse("%s belongs to another user" % os.fsdecode(path))
        return place

    def _check_owner(self, path: bytes) -> None:
        """A user namespace cannot copy what another user owns, though its group may write to it."""
        if not os.path.lexists(path):
            path = os.path.dirname(path)
        if not os.access(path, os.W_OK):
            return  # it will fail, as it would
        if os.path.isfile(path) and os.lstat(path).st_gid != os.getegid():
            raise self.refuse("%s belongs to another group" % os.fsdecode(path))
        while os.lstat(path).st_uid == os.geteuid() and not os.path.ismount(path):
            path = os.path.dirname(path)
        if os.lstat(path).st_uid != os.geteuid():
            raise self.refuse("%s belongs to another user" % os.fsdecode(path))

    def _expect(self, path: str) -> None:
        super()._expect(path)
        if path in self.given and os.access(path, os.W_OK):
            with suppress(OSError):  # it will fail in the case, too
                os.close(os.open(path, os.O_RDWR))  # now it is ours, and stays the same file


class Redirected(Outside):
    """Without a private root: SQLite's calls are redirected to copies below `<scratch>/outside`."""

    redirects = True

    def __init__(self, scratch: str) -> None:
        self._copies = os.fsencode(os.path.join(scratch, "outside"))
        self._gone: Set[bytes] = set()
        super().__init__(scratch)

    def opening(self, path: bytes, flags: int) -> bytes:
        return path if self._stays_inside(path) else super().opening(path, flags)

    def _stays_inside(self, path: bytes) -> bool:
        """Whether a path is one of the scratch directory with neither `..` nor a link in it."""
        if not path.startswith(self._inside) or b"/../" in path:
            return False
        end = len(self._inside)
        while end > 0:
            end = path.find(b"/", end) + 1
            if os.path.islink(path[: end - 1] if end else path):
                return False
        return True

    def changing(self, path: bytes) -> bytes:
        real = real_path(path)
        if not self.is_outside(real):
            return path
        if real.startswith(_VIEWS):
            raise self.refuse(
                "%s shows the state of the kernel, which cannot be copied" % os.fsdecode(path)
            )
        self._before_change(os.path.normpath(path))
        copy = self._copies + real
        if os.path.lexists(copy):
            return copy
        if self._is_there(real):
            return copy if self._copy(real, copy) else path
        if not self._may_create(real):
            return path
        self._make_directories(copy)
        return copy

    def _copy(self, real: bytes, copy: bytes) -> bool:
        """Make a copy to change; False where a change will fail, as it would, or leaves nothing."""
        status = os.stat(real)
        kind = stat.S_IFMT(status.st_mode)
        if not os.access(real, os.R_OK | os.W_OK) or kind in (stat.S_IFDIR, stat.S_IFSOCK):
            return False
        if kind in (stat.S_IFCHR, stat.S_IFBLK):
            if os.fsdecode(real) not in HARMLESS:
                raise self.refuse("%s is a device" % os.fsdecode(real))
            return False
        self._check_size(os.fsdecode(real), status.st_size)
        self._make_directories(copy)
        if kind == stat.S_IFIFO:
            os.mkfifo(copy)
        else:
            shutil.copyfile(real, copy)
        shutil.copystat(real, copy)
        return True

    def removing(self, path: bytes) -> bytes:
        real = without_links_above(path)
        if not self.is_outside(real):
            return path
        copy = self._copies + real
        if not self._is_there(real):
            return copy
        if not os.access(os.path.dirname(real), os.W_OK | os.X_OK):
            return path if not os.path.lexists(copy) else copy
        if os.path.isdir(real):
            raise self.refuse("%s is a directory that was there before" % os.fsdecode(real))
        self._before_change(os.path.normpath(path))
        self._gone.add(real)
        self._make_directories(copy)
        with open(copy, "ab"):  # something that can be removed in its place
            return copy

    def reading(self, path: bytes, *, follow: bool = True) -> bytes:
        if self._stays_inside(path):
            return path
        real = real_path(path) if follow else without_links_above(path)
        copy = self._copies + real
        return copy if real in self._gone or os.path.lexists(copy) else path

    def python_changes(self, path: str) -> bool:
        """Only SQLite's calls can be redirected."""
        raw = os.fsencode(path)
        if raw.startswith(self._copies):
            return False
        if path != os.devnull and self.is_outside(real_path(raw)):
            raise self.refuse("Python code would change %s" % path)
        return True

    def where(self, path: str) -> str:
        follow = not os.path.islink(path)
        return os.fsdecode(self.reading(os.fsencode(path), follow=follow))

    def leave(self, created: List[str]) -> Optional[str]:
        self._gone.clear()
        shutil.rmtree(self._copies, ignore_errors=True)
        return super().leave(created)

    def _is_there(self, real: bytes) -> bool:
        return real not in self._gone and os.path.lexists(real)

    def _may_create(self, real: bytes) -> bool:
        parent = os.path.dirname(real)
        if self._is_there(parent):
            return os.access(parent, os.W_OK | os.X_OK)
        return os.path.isdir(self._copies + parent)

    @staticmethod
    def _make_directories(copy: bytes) -> None:
        os.makedirs(os.path.dirname(copy), exist_ok=True)

    def _expect(self, path: str) -> None:
        """Copies are made when they are needed."""
        if os.path.isfile(path) and self.is_outside(os.fsencode(real_path(path))):
            try:
                self._before_change(os.fsencode(path))
            except NotRehearsed:
                self.refusal = None


class Refusing(Redirected):
    """Without a private root, for a driver whose calls cannot be redirected."""

    redirects = False

    def begin_set_up(self, strings: Iterable[str]) -> None:
        super().begin_set_up(strings)
        if may_lead_outside(strings):
            self.refuse("it may change a file outside its directory")


class InPlace(Outside):
    """For real. What the case creates is removed in the end, by device and inode.

    `tell` is called with all that the case has created so far, so that the tool can remove it if
    this process dies.
    """

    in_place = True

    def __init__(self, scratch: str, tell: Callable[[List[Made]], None]) -> None:
        self._tell = tell
        self._made: List[Made] = []
        super().__init__(scratch)

    def made(self, path: bytes, descriptor: Optional[int]) -> None:
        super().made(path, descriptor)
        if self.is_outside(path) and os.path.lexists(path):
            status = os.lstat(path) if descriptor is None else os.fstat(descriptor)
            name = os.path.abspath(os.fsdecode(path))
            self._made.append((name, status.st_dev, status.st_ino))
            self._tell(self._made)

    def leave(self, created: List[str]) -> Optional[str]:
        if self._made:
            for made in reversed(self._made):
                remove_same(*made)
            self._made = []
            self._tell(self._made)
        return super().leave(created)

    def _check_size(self, name: str, size: int) -> None:
        """Nothing is copied."""


def remove_same(path: str, device: int, inode: int) -> None:
    """Remove a file or an empty directory if it is still the one that was created there."""
    try:
        status = os.lstat(path)
    except OSError:
        return
    if (status.st_dev, status.st_ino) == (device, inode):
        remove(path)


def remove(path: str) -> None:
    """Remove a file or an empty directory, if it is there."""
    try:
        kind = stat.S_IFMT(os.lstat(path).st_mode)
        if kind == stat.S_IFDIR:
            os.rmdir(path)
        elif kind in (stat.S_IFREG, stat.S_IFLNK):  # never a device, whatever was seen
            os.unlink(path)
    except OSError:
        pass


def content_of(path: str, kept_open: Optional[List[BinaryIO]] = None) -> Any:
    """What a path holds, to compare: the target of a link, the bytes of a file, else its kind.

    Of a file that is large, or that cannot be read: its size and time. None if nothing is there.
    `kept_open`: the file stays open, in this list. Where this process has a connection to it, to
    close it would end the locks of the connection: https://www.sqlite.org/howtocorrupt.html, 2.2.
    """
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            return os.readlink(path)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return stat.S_IFMT(status.st_mode)
    if status.st_size <= _CONTENT_LIMIT:
        with suppress(OSError), ExitStack() as opened:
            file = opened.enter_context(open(path, "rb"))
            if kept_open is not None:
                kept_open.append(file)
                opened.pop_all()
            return file.read()
    return status.st_size, status.st_mtime_ns


def content_outside(path: str) -> Any:
    """The same for a path that may lead to a file that shows the state of the kernel."""
    if os.path.islink(path) or not real_path(os.fsencode(path)).startswith(_VIEWS):
        return content_of(path)
    return os.path.getsize(path) if os.path.isfile(path) else None


def _is_anothers(path: bytes) -> bool:
    return os.path.lexists(path) and os.lstat(path).st_uid != os.geteuid()


def may_lead_outside(strings: Iterable[str]) -> bool:
    """Whether strings may name something outside: by an absolute path, `..`, or an expression.

    For where nothing can be redirected. It may say so of a string that does not.
    """
    for text in strings:
        if _NAMES_A_FILE.search(text) and _COMPUTES.search(_LITERAL.sub("?", text)):
            return True
        decoded = unquote_to_bytes(text.replace("{dir}", "dir")).decode("utf-8", "replace")
        if _LEADS_OUTSIDE.search(_URL.sub("", decoded)):
            return True
    return False


_URL = re.compile(r"^(?!file:)[a-z0-9_]+(\+[a-z0-9_]+)?://(/(?!/))?")
_NAMES_A_FILE = re.compile(r"\b(attach|vacuum)\b", re.IGNORECASE)
_LITERAL = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]""")
_COMPUTES = re.compile(r"[(|>]|\bx\?", re.IGNORECASE)
"""A function, an operator, or the bytes of a text: what a statement may make a name of."""
_LEADS_OUTSIDE = re.compile(r"(?<![\w.-])[/\\]|\b[A-Za-z]:[/\\]|(?<![\w.])\.\.(?![\w.])")


def _usage() -> Tuple[int, int]:
    """The free blocks and files of the layers, which no other process uses."""
    status = os.statvfs("/")
    return status.f_bfree, status.f_ffree
