"""What a program holds: a connection of a driver, or an engine of SQLAlchemy."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from .apart import Thread


class Bare:
    """A connection of the driver."""

    def __init__(self, driver: Any, target: Any, options: dict[str, Any]) -> None:
        self._driver, self._target, self._options = driver, target, options
        self._connection: Any = None

    def open(self) -> None:
        self._connection = self._driver.connect(self._target, self._options)

    def run(self, sql: str) -> list[Any]:
        rows: list[Any] = self._driver.run(self._connection, sql)
        return rows

    def in_transaction(self) -> bool:
        return bool(self._driver.in_transaction(self._connection))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def look(self, sql: str) -> tuple[list[Any], bool]:
        """What another connection to the same target finds, and whether it is this one again."""
        other = Bare(self._driver, self._target, self._options)
        other.open()
        try:
            return other.run(sql), False
        finally:
            other.close()

    def reopen(self, sql: str) -> list[Any]:
        return self.look(sql)[0]


class Engine:
    """An engine of SQLAlchemy, with its first connection checked out."""

    def __init__(self, url: str, options: dict[str, Any], *, kept: bool) -> None:
        self._url, self._options = url, dict(options)
        self._kept = kept
        self._second: Thread | None = None
        self._engine: Any = None
        self._connection: Any = None
        self._made: list[tuple[int, Any]] = []

    def open(self) -> None:
        import sqlalchemy

        pool = self._options.pop("poolclass", None)
        if pool is not None:
            self._options["poolclass"] = getattr(sqlalchemy.pool, pool)
        self._engine = sqlalchemy.create_engine(self._url, **self._options)
        sqlalchemy.event.listen(self._engine, "connect", self._note)
        self._connection = self._engine.connect()

    def _note(self, connection: Any, _record: Any) -> None:
        self._made.append((threading.get_ident(), connection))

    def close_here(self) -> None:
        """Close what this thread has opened, which no other may."""
        for thread, connection in self._made:
            if thread == threading.get_ident():
                connection.close()

    def run(self, sql: str) -> list[Any]:
        return run_below(self._connection, sql)

    def in_transaction(self) -> bool:
        return bool(self._connection.connection.dbapi_connection.in_transaction)

    def checkout(self) -> Checkout:
        return Checkout(self)

    def connect(self) -> Any:
        return self._engine.connect()

    def give_back(self) -> None:
        self._connection.close()
        self._connection = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._engine is not None:
            self._engine.dispose()
        if self._second is not None:
            self._second.run(self.close_here)
            self._second.end()

    def look(self, sql: str) -> tuple[list[Any], bool]:
        """What another thread finds that checks a connection out and gives it back."""
        first = self._connection.connection.dbapi_connection

        def check_out() -> tuple[list[Any], bool]:
            connection = self._engine.connect()
            try:
                again = connection.connection.dbapi_connection is first
                return run_below(connection, sql), again
            finally:
                connection.close()

        self._second = Thread()
        try:
            found: tuple[list[Any], bool] = self._second.run(check_out)
            return found
        finally:
            if not self._kept:
                self._second.run(self.close_here)

    def reopen(self, sql: str) -> list[Any]:
        connection = self._engine.connect()
        try:
            return run_below(connection, sql)
        finally:
            connection.close()
            self._engine.dispose()


class Checkout:
    """One more connection of an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Any = None

    def open(self) -> None:
        self._connection = self._engine.connect()

    def run(self, sql: str) -> list[Any]:
        return run_below(self._connection, sql)

    def in_transaction(self) -> bool:
        return bool(self._connection.connection.dbapi_connection.in_transaction)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.close_here()


def run_below(connection: Any, sql: str) -> list[Any]:
    """Run a statement on the driver's connection, past SQLAlchemy's own transactions."""
    cursor = connection.connection.cursor()
    cursor.execute(sql)
    rows: list[Any] = cursor.fetchall() if cursor.description else []
    return rows


def finds(run: Callable[[str], Any]) -> bool:
    """Whether the case's table is there."""
    try:
        run("SELECT count(*) FROM by_the_case")
    except Exception as error:
        if "no such table" in str(error):
            return False
        raise
    return True
