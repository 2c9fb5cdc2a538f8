"""What appeared on the disk during a case: when, what it is, and whether it stayed."""

from __future__ import annotations

import os
import re
import stat
from typing import Any, BinaryIO, Callable, Dict, List, NamedTuple, Optional, Set

from .inotify import Inotify
from .outside import Outside, content_of, content_outside
from .places import Places
from .pythonlog import PythonLog
from .syscalls import Event, Held, SystemCallLog


class Appeared(NamedTuple):
    """A path that was not there before: the stage, and who saw it made.

    `what`: `create`, `mkdir`, `unnamed` by SQLite; `python`; `inotify`; `listing`.
    """

    path: str
    stage: str
    what: str


class Observer:
    """Holds the log of SQLite's system calls against the directories as they are listed.

    The listing is an independent observer: where the two disagree, that is a conflict. Without a
    log, inotify and the listing are what there is, and the descriptors that the process holds,
    where the system lists them; `transients_complete` says which.
    """

    def __init__(
        self,
        log: Optional[SystemCallLog],
        outside: Outside,
        processes: Optional[Callable[[], List[int]]] = None,
    ) -> None:
        self.log = log
        self._outside = outside
        self._processes = processes
        self._python = PythonLog(outside.python_changes)
        self._inotify = _inotify() if log is None else None
        self._kept_open: List[BinaryIO] = []
        self._held_by_us = set(_descriptors()) if log is None else set()

    @property
    def name(self) -> str:
        if self.log is not None:
            return "vfs-hook+listing"
        names = ["inotify"] if self._inotify is not None else []
        return "+".join([*names, "listing", *(["descriptors"] if _DESCRIPTORS else [])])

    @property
    def transients_complete(self) -> bool:
        return self.log is not None

    def begin(self, places: Places, asked: Set[str]) -> None:
        """Take what is there now as given: everything later has appeared.

        `asked`: the paths that the case's strings mean; what lies there outside is given, too.
        """
        self._places = places
        self._asked = asked
        self._appeared: Dict[str, Appeared] = {}
        self._attempted: Dict[str, None] = {}
        self._conflicts: Dict[str, None] = {}
        self._expected: Dict[str, bool] = {}
        self._given = _contents(places.around, self._kept_open if _CLOSING_UNLOCKS else None)
        self._directories = [p for p, holds in self._given.items() if holds == stat.S_IFDIR]
        self._directories.append(places.around)
        self._outside.begin(path for path in asked if places.is_outside(path))
        if self.log is None:
            self._directories += [places.tmp, os.sep, *self._asked_directories()]
        else:
            self.log.take()
        if self._inotify is not None:
            self._inotify.watch(self._directories)
        self._known = self._list()
        self._python.clear()
        self._python.active = True

    def enter(self, stage: str) -> None:
        """Whatever appears from now on appears in this stage."""
        self._stage = stage
        if self.log is not None:
            self.log.stage = stage

    def look(self) -> None:
        """Take in what has appeared since the last look."""
        self._note_calls()
        if self._inotify is not None:
            for path in filter(self._is_ours, self._inotify.appeared()):
                self._appear(path, self._stage, "inotify")
        for path in filter(self._places.is_outside, self._python.created):
            if os.path.lexists(path):
                self._appear(path, self._stage, "python")
        listed = self._list()
        for path in listed - self._known:
            self._appear(path, self._stage, self._maker(path))
        for path, there in self._expected.items():
            if (path in listed) != there and self._should_list(path):
                state = "created, and is not there" if there else "removed, and is there"
                self._conflicts[self._places.show_path(path) + ": was " + state] = None

    def begin_apart(self) -> None:
        """From now on this is the observer of a child process, which changes nothing outside."""
        self._outside.begin_set_up(())
        self.take_apart()

    def take_apart(self) -> Dict[str, Any]:
        """What was seen in a child process since the last call, for `note_apart` in its parent."""
        events = [] if self.log is None else self.log.take()
        seen = [(event.what, os.fsdecode(event.path)) for event in events]
        return {"events": seen, "refusal": self._outside.refusal}

    def note_apart(self, seen: Dict[str, Any]) -> None:
        """Note what was seen in a child process; before the case begins, it is given."""
        if self._python.active:
            self._note_calls()  # of this process, which came before
            for what, path in seen["events"]:
                self._note(Event(what, os.fsencode(path), self._stage))
        if seen["refusal"] is not None:
            self._outside.refuse(seen["refusal"])

    def end(self) -> None:
        """Nothing more belongs to the case, and none of its connections is open."""
        self._python.active = False
        while self._kept_open:
            self._kept_open.pop().close()

    def held(self) -> Dict[int, Held]:
        """The files held open now, by descriptor."""
        if self.log is not None:
            return self.log.held()
        ours = self._held_by_us.union(file.fileno() for file in self._kept_open)
        found = {fd: h for fd, h in _held_files().items() if fd not in ours}
        for process in [] if self._processes is None else self._processes():
            for fd, file in _held_files(str(process)).items():
                found[-(process << 20) - fd] = file  # no descriptor of this process
        return found

    def given(self) -> Dict[str, Any]:
        """What was there before, with what it held: in the case's own directories, and outside."""
        return {**self._given, **self._outside.given}

    def created(self) -> List[Appeared]:
        """All that appeared, in order."""
        return list(self._appeared.values())

    def attempted(self) -> List[str]:
        """What SQLite tried to create, and could not."""
        return list(self._attempted)

    def conflicts(self) -> List[str]:
        """Where the hook and the listing disagree; such a cell is not to be trusted."""
        return list(self._conflicts)

    def modified(self) -> List[str]:
        """Files that were there before, and hold something else now."""
        where = self._outside.where
        now = {path: content_of(path) for path in self._given}
        now.update((path, content_outside(where(path))) for path in self._outside.given)
        given = self.given()
        return [path for path, holds in now.items() if holds not in (None, given[path])]

    def removed(self) -> List[str]:
        where = self._outside.where
        return [path for path in self.given() if not os.path.lexists(where(path))]

    def _note_calls(self) -> None:
        if self.log is not None:
            for event in self.log.take():
                self._note(event)

    def _note(self, event: Event) -> None:
        path = os.path.normpath(os.path.join(self._places.dir, os.fsdecode(event.path)))
        if event.what == "attempt":
            self._attempted[path] = None
            return
        if event.what == "unnamed":
            path = os.path.join(path, "(unnamed)")
        elif os.path.dirname(path) in self._directories:
            self._expected[path] = event.what != "remove"
        if event.what != "remove":
            self._known.add(path)
            self._appear(path, event.stage, event.what)

    def _should_list(self, path: str) -> bool:
        """Whether a listing shows what SQLite did to a path: if the case's user may list there."""
        return path not in self._python.removed and os.access(os.path.dirname(path), os.R_OK)

    def _maker(self, path: str) -> str:
        """Who made a path that the listing shows, and that SQLite was not seen to make."""
        if path in self._python.created:
            return "python"
        if self.log is not None:
            self._conflicts[self._places.show_path(path) + ": is there, and nobody made it"] = None
        return "listing"

    def _appear(self, path: str, stage: str, what: str) -> None:
        """Note a path that was not there before; what the log has not seen made is told here."""
        if path in self._given or path in self._outside.given or path in self._appeared:
            return
        if what in ("python", "inotify", "listing"):
            self._outside.made(os.fsencode(path), None)
        self._appeared[path] = Appeared(path, stage, what)

    def _list(self) -> Set[str]:
        """The entries of the watched directories."""
        found = {path for directory in self._directories for path in _entries(directory)}
        return found if self.log is not None else set(filter(self._is_ours, found))

    def _is_ours(self, path: str) -> bool:
        """Where others write, too, only what is asked for or bears this case's name is ours."""
        directory, name = os.path.split(path)
        if directory != os.sep and directory not in self._asked_directories():
            return True
        return self._places.name in name or any(path.startswith(asked) for asked in self._asked)

    def _asked_directories(self) -> Set[str]:
        """The directories outside in which the case's strings name a file."""
        return {os.path.dirname(path) for path in self._asked if self._places.is_outside(path)}


_CLOSING_UNLOCKS = os.name == "posix"
"""Whether a process loses its locks on a file when it closes it, however often it has opened it."""


def _inotify() -> Optional[Inotify]:
    try:
        return Inotify()
    except (OSError, AttributeError):
        return None


def _entries(directory: str) -> List[str]:
    try:
        names = os.listdir(directory)
    except OSError:
        return []
    above = directory if directory.endswith(os.sep) else directory + os.sep
    return [above + name for name in names]


def _contents(directory: str, kept_open: Optional[List[BinaryIO]]) -> Dict[str, Any]:
    """Everything below a directory, with what it holds; `kept_open`: see `content_of`."""
    found: Dict[str, Any] = {}
    for path in _entries(directory):
        found[path] = content_of(path, kept_open)
        if found[path] == stat.S_IFDIR:
            found.update(_contents(path, kept_open))
    return found


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


def _held_files(process: str = "self") -> Dict[int, Held]:
    """The files that a process holds open, where the system can tell (Linux)."""
    directory = "/proc/%s/fd" % process
    found = {}
    for name in os.listdir(directory) if os.path.isdir(directory) else ():
        try:
            path = os.readlink(os.path.join(directory, name))
            status = os.stat(os.path.join(directory, name))
        except OSError:
            continue
        if path.startswith("/") and not _DEVICES.match(path):
            found[int(name)] = Held(os.fsencode(path), status.st_size, status.st_nlink == 0)
    return found
