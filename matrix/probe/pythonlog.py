"""What Python code creates and removes, by the interpreter's own audit events (PEP 578).

SQLite is C and raises none of them; a middleware that makes a directory does.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Callable, Dict, Optional, Set, Tuple


class PythonLog:
    """Paths that Python was about to create or to remove since the log was last cleared.

    `guard` is called before each change with its path, and may raise to prevent it; it returns
    whether the path is a case's at all.
    """

    def __init__(self, guard: Callable[[str], bool]) -> None:
        self.active = False
        self._guard = guard
        self.clear()
        self._events: Dict[str, Callable[[Tuple[Any, ...]], Any]] = {
            "open": self._open,
            "os.mkdir": lambda args: self._create(args[0]),
            "os.rename": lambda args: self._rename(args[0], args[1]),
            "os.symlink": lambda args: self._create(args[1]),
            "os.link": lambda args: self._create(args[1]),
            "os.remove": lambda args: self._remove(args[0]),
            "os.rmdir": lambda args: self._remove(args[0]),
            "os.truncate": lambda args: self._change(args[0]),
            "os.chmod": lambda args: self._change(args[0]),
            "os.chown": lambda args: self._change(args[0]),
            "os.utime": lambda args: self._change(args[0]),
            "os.setxattr": lambda args: self._change(args[0]),
        }
        sys.addaudithook(self._hook)

    def clear(self) -> None:
        self.created: Set[str] = set()
        self.removed: Set[str] = set()

    def _hook(self, event: str, args: Tuple[Any, ...]) -> None:
        if self.active and event in self._events:
            self._events[event](args)

    def _open(self, args: Tuple[Any, ...]) -> None:
        path, _, flags = args
        if isinstance(flags, int) and flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR | os.O_TRUNC):
            self._create(path) if flags & os.O_CREAT else self._change(path)

    def _rename(self, source: Any, target: Any) -> None:
        self._remove(source)
        self._create(target)

    def _create(self, path: Any) -> None:
        name = self._change(path)
        if name is not None and not os.path.lexists(name):
            self.created.add(name)

    def _remove(self, path: Any) -> None:
        name = self._change(path)
        if name is not None:
            self.removed.add(name)

    def _change(self, path: Any) -> Optional[str]:
        """The absolute path, which the guard has let through; None if it is none."""
        if not isinstance(path, (str, bytes)):
            return None
        name = os.path.abspath(os.fsdecode(path))
        return name if self._guard(name) else None
