"""A driver that raises an error of its own at the opening of every name with "refused" in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matrix.probe.drivers.sqlite3 import Driver as Sqlite3
else:
    from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3


class Refusal(Exception):
    pass


class Driver(Sqlite3):
    def connect(self, target: Any, options: dict[str, Any]) -> Any:
        if "refused" in target:
            raise Refusal(f"not {target}")
        return super().connect(target, options)
