"""SQLAlchemy: `create_engine(target, **options)`, and connections from its pool.

Options that are objects in Python are named by strings: `module`, a DB-API module;
`poolclass`, a class of `sqlalchemy.pool`; `creator`, `{"target", ...}`, a call of the driver.
"""

from __future__ import annotations

import logging
import threading
from typing import Any, Dict, List, Optional

import sqlalchemy
import sqlalchemy.pool

from ..drivers import Rows

# What the pool logs while it is taken down is not for the user of the tool.
logging.getLogger("sqlalchemy").addHandler(logging.NullHandler())


def version() -> str:
    return str(sqlalchemy.__version__)


class Session:
    """One engine: a first connection checked out, a second one in another thread."""

    def __init__(self, driver: Any, target: str, options: Dict[str, Any]) -> None:
        self._driver = driver
        self._target = target
        self._options = options
        self._engine: Any = None
        self._connection: Any = None

    @property
    def pool(self) -> Optional[str]:
        return None if self._engine is None else type(self._engine.pool).__name__

    def open(self) -> None:
        self._engine = sqlalchemy.create_engine(self._target, **self._arguments())
        self._connection = self._engine.connect()

    def _arguments(self) -> Dict[str, Any]:
        """The user's keyword arguments, and `module=` for a driver that is not SQLAlchemy's own."""
        arguments = dict(self._options)
        if "poolclass" in arguments:
            arguments["poolclass"] = getattr(sqlalchemy.pool, arguments["poolclass"])
        if "creator" in arguments:
            call = dict(arguments["creator"])
            target = call.pop("target")
            arguments["creator"] = lambda: self._driver.connect(target, call)
        if "module" in arguments or self._driver.name != "sqlite3":
            arguments["module"] = self._driver.dbapi(arguments.get("module"))
        return arguments

    def execute(self, sql: str) -> Rows:
        return _execute(self._connection, sql)

    def in_transaction(self) -> bool:
        return bool(self._connection.connection.in_transaction)

    def look(self, sql: str) -> Rows:
        """Check out once more in another thread, as a second user of the engine would."""
        answer: List[Any] = []
        thread = threading.Thread(target=self._look, args=(sql, answer))
        thread.start()
        thread.join()
        rows, error = answer
        if error is not None:
            raise error
        found: Rows = rows
        return found

    def _look(self, sql: str, answer: List[Any]) -> None:
        try:
            connection = self._engine.connect()
            try:
                answer.extend((_execute(connection, sql), None))
            finally:
                connection.close()
        except Exception as error:
            answer[:] = (None, error)
        finally:
            # A connection may only be closed in the thread that opened it.
            self._driver.recorder.close_thread()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._engine is not None:
            self._engine.dispose()


def _execute(connection: Any, sql: str) -> Rows:
    """Run a statement as it is: no compiling, no transaction of SQLAlchemy's."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []
    finally:
        cursor.close()
