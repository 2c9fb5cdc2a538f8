"""A driver that always creates a file, whatever it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matrix.probe.drivers.sqlite3 import Driver as Sqlite3
else:
    from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3


class Driver(Sqlite3):
    def connect(self, target: Any, options: dict[str, Any]) -> Any:
        return super().connect("always.db", {})
