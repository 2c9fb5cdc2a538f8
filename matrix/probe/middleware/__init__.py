"""What may stand between the user and the driver, and the bare driver itself.

A middleware is a module with `version()`, its own version, and a class `Session`:

- `Session(driver, target, options)`: the user's string and keyword arguments, nothing done yet.
- `open()`: what the user does to get a first connection.
- `execute(sql)`: one statement on it; its rows. `in_transaction()`.
- `look(sql)`: one statement on a second connection, obtained as the middleware's user would while
  the first is in use, and given back; its rows.
- `close()`: what the user does at the end. What is open still is closed afterwards if this thread
  opened it; another thread has to close its own.
- `pool`: the class name of the pool, once open, or None.

It may have, too:

- the function `check(driver)`, called once before everything else: import what is needed, and raise
  `plugins.Unavailable` where the middleware cannot go with this driver.
- `Session.reopen(sql)`: after `close`, one statement on a connection that the same user gets anew,
  and closes again; its rows.
- `Session.backup(target)`: copy the main database of the first connection into another name.
- `Session.checkout()`: one more connection of the same pool, with `open`, `execute`,
  `in_transaction` and `close`; `Session.give_back()`, which gives the first one back; and
  `Session.shared`, which is set where others use the pool, and need what `look` leaves in it.
- `Session.database_list()`: as a driver's, where the first connection belongs to another thread.
- `Session.directory`: where a relative name lies by the middleware's documents, if that is not the
  current directory.
"""

from __future__ import annotations

import queue
import sys
import threading
from typing import Any, Callable, Dict, Optional, Tuple

from ..drivers import Rows
from ..drivers.dbapi import DbapiDriver
from ..plugins import Unavailable


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

    def backup(self, target: str) -> None:
        self._driver.backup(self._connection, target, self._options)

    def close(self) -> None:
        self._driver.close(self._connection)

    def reopen(self, sql: str) -> Rows:
        self.open()
        try:
            return self.execute(sql)
        finally:
            self.close()


def stand_in(driver: Any) -> None:
    """Put the driver's module in the place of `sqlite3`, before a middleware imports that.

    So do people with a middleware that knows no other driver:
    `sys.modules["sqlite3"] = sys.modules["pysqlite3"]`.
    """
    if driver.name == "sqlite3":
        return
    if not isinstance(driver, DbapiDriver):
        raise Unavailable("it knows sqlite3 only, and %s cannot stand in for that" % driver.name)
    sys.modules["sqlite3"], sys.modules["sqlite3.dbapi2"] = driver.module, driver.dbapi2


class AnotherThread:
    """A thread that stays until `end`, and then closes what it has opened, as only it may do.

    While it is there, no other thread gets its id, by which `sqlite3` tells them apart.
    """

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._actions: "queue.Queue[Optional[Callable[[], Any]]]" = queue.Queue()
        self._answers: "queue.Queue[Any]" = queue.Queue()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def run(self, action: Callable[[], Any]) -> Any:
        """What `action` gives there; raises what it raises."""
        self._actions.put(action)
        value, error = self._answers.get()
        if error is not None:
            raise error
        return value

    def end(self) -> None:
        self._actions.put(None)
        self._thread.join()

    def _live(self) -> None:
        for action in iter(self._actions.get, None):
            self._answers.put(_outcome(action))
        self._driver.recorder.close_thread()


def _outcome(action: Callable[[], Any]) -> Tuple[Any, Optional[Exception]]:
    """What `action` gives, or what it raises."""
    try:
        return action(), None
    except Exception as error:
        return None, error


def in_another_thread(driver: Any, action: Callable[[], Rows]) -> Rows:
    """What `action` gives in a thread of its own, which then ends."""
    thread = AnotherThread(driver)
    try:
        rows: Rows = thread.run(action)
        return rows
    finally:
        thread.end()
