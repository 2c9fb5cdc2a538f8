"""SQLAlchemy: `create_engine(target, **options)`, and connections from its pool.

Options that are objects in Python are named by strings: `module`, a DB-API module;
`poolclass`, a class of `sqlalchemy.pool`; `creator`, `{"target", ...}`, a call of the driver.
The names are those of `..named`. SQLAlchemy looks up the URL's dialect and its `plugin=` itself,
but only in its own package and in the entry points of the stack's packages.
"""

from __future__ import annotations

import logging
from typing import Any, Dict, Optional

import sqlalchemy
import sqlalchemy.pool

from ..drivers import Rows
from ..named import checked
from . import AnotherThread, in_another_thread

# What the pool logs while it is taken down is not for the user of the tool.
logging.getLogger("sqlalchemy").addHandler(logging.NullHandler())


def check(driver: Any) -> None:
    driver.dbapi(None)  # raises Unavailable where there is none


def version() -> str:
    return str(sqlalchemy.__version__)


class Session:
    """One engine: a first connection checked out, a second one in another thread."""

    shared = False

    def __init__(self, driver: Any, target: str, options: Dict[str, Any]) -> None:
        self._driver = driver
        self._target = target
        self._options = options
        self._engine: Any = None
        self._connection: Any = None
        self._second: Optional[AnotherThread] = None

    @property
    def pool(self) -> Optional[str]:
        return None if self._engine is None else type(self._engine.pool).__name__

    def open(self) -> None:
        self._engine = self.create_engine()
        self._connection = self._engine.connect()

    def create_engine(self) -> Any:
        return sqlalchemy.create_engine(self._target, **self._arguments())

    def _arguments(self) -> Dict[str, Any]:
        """The user's keyword arguments, and `module=` for a driver that is not SQLAlchemy's own."""
        arguments = dict(self._options)
        if "poolclass" in arguments:
            arguments["poolclass"] = pool_class(arguments["poolclass"])
        if "creator" in arguments:
            call = dict(arguments["creator"])
            target = call.pop("target")
            connect = self._driver.dbapi(None).connect
            arguments["creator"] = lambda: connect(target, **call)
        if "module" in arguments or self._driver.name != "sqlite3":
            arguments["module"] = self._driver.dbapi(arguments.get("module"))
        return arguments

    def execute(self, sql: str) -> Rows:
        return _execute(self._connection, sql)

    def in_transaction(self) -> bool:
        return bool(self._connection.connection.in_transaction)

    def look(self, sql: str) -> Rows:
        """Check out once more in another thread, as a second user of the engine would."""
        if not self.shared:
            return in_another_thread(self._driver, lambda: self._look(sql))
        self._second = AnotherThread(self._driver)
        rows: Rows = self._second.run(lambda: self._look(sql))
        return rows

    def _look(self, sql: str) -> Rows:
        connection = self._engine.connect()
        try:
            return _execute(connection, sql)
        finally:
            connection.close()

    def checkout(self) -> "Checkout":
        """One more connection of the engine, which is checked out when it is opened."""
        return Checkout(self._engine)

    def give_back(self) -> None:
        """Give the first connection back to the pool."""
        self._connection.close()
        self._connection = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._engine is not None:
            self._engine.dispose()
        if self._second is not None:
            self._second.end()
            self._second = None

    def reopen(self, sql: str) -> Rows:
        """Check out from the engine again, whose pool has been disposed of."""
        self._connection = None
        try:
            self._connection = self._engine.connect()
            return self.execute(sql)
        finally:
            self.close()


class Checkout:
    """A connection of an engine, for a rival."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._connection: Any = None

    def open(self) -> None:
        self._connection = self._engine.connect()

    def execute(self, sql: str) -> Rows:
        return _execute(self._connection, sql)

    def in_transaction(self) -> bool:
        return bool(self._connection.connection.in_transaction)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def pool_class(name: Optional[str]) -> Any:
    """The class of `sqlalchemy.pool` of this name, from the closed list; None is the default."""
    return None if name is None else getattr(sqlalchemy.pool, checked("poolclass", name))


def _execute(connection: Any, sql: str) -> Rows:
    """Run a statement as it is: no compiling, no transaction of SQLAlchemy's."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []
    finally:
        cursor.close()
