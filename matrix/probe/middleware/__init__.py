"""What may stand between the user and the driver, and the bare driver itself.

A middleware is a module with `version()`, its own version, and a class `Session`:

- `Session(driver, target, options)`: the user's string and keyword arguments, nothing done yet.
- `open()`: what the user does to get a first connection.
- `execute(sql)`: one statement on it; its rows. `in_transaction()`.
- `look(sql)`: one statement on a second connection, obtained as the middleware's user would while
  the first is in use, and given back; its rows.
- `close()`: what the user does at the end.
- `pool`: the class name of the pool, once open, or None.
"""

from __future__ import annotations

from typing import Any, Dict, Optional

from ..drivers import Rows


class BareSession:
    """No middleware: the driver's own connect, in the user's words."""

    pool: Optional[str] = None

    def __init__(self, driver: Any, target: Any, options: Dict[str, Any]) -> None:
        self._driver = driver
        self._target = target
        self._options = options

    def open(self) -> None:
        self._connection = self._driver.connect(self._target, self._options)

    def execute(self, sql: str) -> Rows:
        rows: Rows = self._driver.execute(self._connection, sql)
        return rows

    def in_transaction(self) -> bool:
        return bool(self._driver.in_transaction(self._connection))

    def look(self, sql: str) -> Rows:
        connection = self._driver.connect(self._target, self._options)
        try:
            rows: Rows = self._driver.execute(connection, sql)
            return rows
        finally:
            self._driver.close(connection)

    def close(self) -> None:
        self._driver.close(self._connection)
