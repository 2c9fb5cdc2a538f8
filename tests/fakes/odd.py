"""Stdlib `sqlite3` that does something odd, as a target tells it to."""

from __future__ import annotations

import os
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matrix.probe.drivers.sqlite3 import Driver as Sqlite3
else:
    from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3


class Driver(Sqlite3):
    def connect(self, target: Any, options: dict[str, Any]) -> Any:
        if "past" in target:  # nobody records it
            return self.dbapi2.Connection(target)
        if "one-thread" in target and threading.current_thread() is not threading.main_thread():
            raise self.module.OperationalError("this is another thread")
        if "dies" in target:
            os._exit(1)
        if "python" in target:
            Path("by-python").write_text("no database", "utf-8")
            Path("empty-by-python").touch()
            Path("d").mkdir()
        if "warns" in target:
            warnings.warn(f"mind {target}", DeprecationWarning, stacklevel=2)
            warnings.warn(f"mind {target}", DeprecationWarning, stacklevel=2)
            warnings.warn("left open", ResourceWarning, stacklevel=2)
        if "same" in target and target == self._last[0]:
            return self._last[1]
        connection = super().connect(target, options)
        self._last = target, connection
        if "unlinked" in target:
            os.unlink(target)  # noqa: PTH108 -- the probe's Python may be an old one
        return connection

    _last: tuple[Any, Any] = ("", None)

    def close(self, connection: Any) -> None:
        if "late" in self._last[0]:
            Path(f"closed-{len(list(Path().glob('closed-*')))}").touch()
        if connection is not self._last[1] or "same" not in self._last[0]:
            super().close(connection)
