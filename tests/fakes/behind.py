"""A driver that makes a file behind everybody's back: neither by SQLite nor by Python."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matrix.probe.drivers.sqlite3 import Driver as Sqlite3
else:
    from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3


class Driver(Sqlite3):
    def connect(self, target: Any, options: dict[str, Any]) -> Any:
        if "behind" in target:
            ctypes.CDLL(None).creat(b"made-by-nobody", 0o600)
        return super().connect(target, options)
