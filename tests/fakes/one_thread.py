"""A driver that opens nothing in any thread but the main one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matrix.probe.drivers.sqlite3 import Driver as Sqlite3
else:
    from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3


class Driver(Sqlite3):
    def connect(self, target: Any, options: dict[str, Any]) -> Any:
        if threading.current_thread() is not threading.main_thread():
            raise self.module.OperationalError("this is another thread")
        return super().connect(target, options)
