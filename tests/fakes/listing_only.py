"""Stdlib `sqlite3` with its table of system calls out of reach, as on a driver that hides it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matrix.probe.drivers.sqlite3 import Driver as Sqlite3
    from matrix.probe.plugins import Unavailable
else:
    from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3
    from sqlite_matrix_probe.plugins import Unavailable


class Driver(Sqlite3):
    def system_calls(self) -> Any:
        raise Unavailable("out of reach")
