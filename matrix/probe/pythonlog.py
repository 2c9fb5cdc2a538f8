"""What Python code creates and removes, by the interpreter's own audit events (PEP 578).

SQLite is C and raises none of them; a middleware that makes a directory does.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Callable, Dict, Set, Tuple


class PythonLog:
    """Paths that Python was about to create or to remove since the log was last cleared."""

    def __init__(self) -> None:
        self.active = False
        self.clear()
        self._events: Dict[str, Callable[[Tuple[Any, ...]], None]] = {
            "open": self._open,
            "os.mkdir": lambda args: self._add(self.created, args[0]),
            "os.rename": lambda args: self._rename(args[0], args[1]),
            "os.symlink": lambda args: self._add(self.created, args[1]),
            "os.link": lambda args: self._add(self.created, args[1]),
            "os.remove": lambda args: self._add(self.removed, args[0]),
            "os.rmdir": lambda args: self._add(self.removed, args[0]),
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
        if isinstance(flags, int) and flags & os.O_CREAT:
            self._add(self.created, path)

    def _rename(self, source: Any, target: Any) -> None:
        self._add(self.removed, source)
        self._add(self.created, target)

    @staticmethod
    def _add(paths: Set[str], path: Any) -> None:
        if isinstance(path, (str, bytes)):
            paths.add(os.path.abspath(os.fsdecode(path)))
