"""A driver that removes the file of a database while it is open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matrix.probe.drivers.sqlite3 import Driver as Sqlite3
else:
    from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3


class Driver(Sqlite3):
    def connect(self, target: Any, options: dict[str, Any]) -> Any:
        connection = super().connect(target, options)
        if target == "removed.db":
            Path(target).unlink()
        return connection
