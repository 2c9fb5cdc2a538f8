"""What appeared on the disk during a case: when, what it is, and whether it stayed."""

from __future__ import annotations

import os
import re
import sys
from typing import Any, Dict, List, NamedTuple, Optional, Set

from .places import Places
from .syscalls import Event, Held, SystemCallLog

STAGES = ("open", "sql", "write", "second_connection", "close", "exit")


class Appeared(NamedTuple):
    """A path that was not there before: the stage, and how it was made."""

    path: str
    stage: str
    what: str


class Observer:
    """Looks through the log of SQLite's system calls where there is one, and at directories.

    The listing is an independent witness: it also sees what others than SQLite create. Without a
    log it is all there is, with the descriptors that the process holds, where the system lists
    them; `transients_complete` says which.
    """

    def __init__(self, log: Optional[SystemCallLog]) -> None:
        self.log = log
        self._held_by_us = set(_descriptors()) if log is None else set()

    @property
    def name(self) -> str:
        if self.log is not None:
            return "vfs-hook+listing"
        return "listing+descriptors" if _DESCRIPTORS else "listing"

    @property
    def transients_complete(self) -> bool:
        return self.log is not None

    def begin(self, places: Places) -> None:
        """Take what is there now as given: everything later has appeared."""
        self._places = places
        self._appeared: Dict[str, Appeared] = {}
        self._removed: Set[str] = set()
        self._given = _contents(places.dir)
        self._directories = [places.dir, places.around]
        self._directories += [p for p in self._given if os.path.isdir(p) and not os.path.islink(p)]
        if self.log is None:
            self._directories += [places.tmp, os.sep]
        self._known = {path for d in self._directories for path in self._listed(d)}
        if self.log is not None:
            self.log.take()

    def enter(self, stage: str) -> None:
        """Whatever appears from now on appears in this stage."""
        self._stage = stage
        if self.log is not None:
            self.log.stage = stage

    def look(self) -> None:
        """Take in what has appeared since the last look."""
        if self.log is not None:
            for event in self.log.take():
                self._note(event)
        for directory in self._directories:
            for path in self._listed(directory):
                if path not in self._known:
                    self._known.add(path)
                    self._appear(path, self._stage, "listing")

    def held(self) -> Dict[int, Held]:
        """The files held open now, by descriptor."""
        if self.log is not None:
            return self.log.held()
        return {fd: h for fd, h in _held_files().items() if fd not in self._held_by_us}

    def created(self) -> List[Appeared]:
        """All that appeared, in order."""
        return list(self._appeared.values())

    def modified(self) -> List[str]:
        """Files that were there before, and hold something else now."""
        return [
            path
            for path, content in self._given.items()
            if os.path.lexists(path) and _content(path) != content
        ]

    def removed(self) -> List[str]:
        return [path for path in self._given if not os.path.lexists(path)]

    def _listed(self, directory: str) -> List[str]:
        """What is in a directory; where others write, too, what bears the name of this case."""
        paths = _entries(directory)
        if directory != os.sep:
            return paths
        return [path for path in paths if self._places.name in path]

    def _note(self, event: Event) -> None:
        path = os.path.normpath(os.path.join(self._places.dir, os.fsdecode(event.path)))
        if event.what == "unnamed":
            path = os.path.join(path, "(unnamed)")
        if event.what in ("create", "mkdir", "unnamed"):
            self._known.add(path)
            self._appear(path, event.stage, event.what)

    def _appear(self, path: str, stage: str, what: str) -> None:
        if path not in self._given:
            self._appeared.setdefault(path, Appeared(path, stage, what))


def _entries(directory: str) -> List[str]:
    try:
        return [os.path.join(directory, name) for name in os.listdir(directory)]
    except OSError:
        return []


def _contents(directory: str) -> Dict[str, Any]:
    """Everything below a directory, with what it holds."""
    found: Dict[str, Any] = {}
    for path in _entries(directory):
        found[path] = _content(path)
        if os.path.isdir(path) and not os.path.islink(path):
            found.update(_contents(path))
    return found


def _content(path: str) -> Any:
    if os.path.islink(path):
        return os.readlink(path)
    if not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        return file.read()


_DEVICES = re.compile(r"/(proc|dev)/(?!shm/)")
_DESCRIPTORS = next((d for d in ("/proc/self/fd", "/dev/fd") if os.path.isdir(d)), None)


def _descriptors() -> List[int]:
    """The open descriptors, without the one that the listing itself took."""
    names = os.listdir(_DESCRIPTORS) if _DESCRIPTORS else []
    return [int(name) for name in names if _is_open(int(name))]


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _held_files() -> Dict[int, Held]:
    """The files that this process holds open, where the system can tell (Linux)."""
    if not sys.platform.startswith("linux"):
        return {}
    found = {}
    for descriptor in _descriptors():
        try:
            path = os.readlink("/proc/self/fd/%d" % descriptor)
            status = os.fstat(descriptor)
        except OSError:
            continue
        if path.startswith("/") and not _DEVICES.match(path):
            found[descriptor] = Held(os.fsencode(path), status.st_size, status.st_nlink == 0)
    return found
