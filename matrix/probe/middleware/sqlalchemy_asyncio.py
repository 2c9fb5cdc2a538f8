"""SQLAlchemy's asyncio extension: `create_async_engine("sqlite+aiosqlite:///…", **options)`.

The option `poolclass` is a class of `sqlalchemy.pool`, named by a string.
"""

from __future__ import annotations

import importlib
from typing import Any, Dict, Optional

import sqlalchemy

from ..drivers import Rows
from . import stand_in
from .aiosqlite import Loop, list_databases
from .sqlalchemy import pool_class


def check(driver: Any) -> None:
    stand_in(driver)
    importlib.import_module("sqlalchemy.dialects.sqlite.aiosqlite")
    importlib.import_module("sqlalchemy.ext.asyncio")
    importlib.import_module("aiosqlite")


def version() -> str:
    import aiosqlite

    return "%s (aiosqlite %s)" % (sqlalchemy.__version__, aiosqlite.__version__)


class Session:
    """One engine in one loop: a first connection checked out, a second one beside it."""

    def __init__(self, _driver: Any, target: str, options: Dict[str, Any]) -> None:
        self._target = target
        self._options = options
        self._loop = Loop()
        self._engine: Any = None
        self._connection: Any = None

    @property
    def pool(self) -> Optional[str]:
        return None if self._engine is None else type(self._engine.sync_engine.pool).__name__

    def open(self) -> None:
        from sqlalchemy.ext.asyncio import create_async_engine

        arguments = dict(self._options)
        if "poolclass" in arguments:
            arguments["poolclass"] = pool_class(arguments["poolclass"])
        self._engine = create_async_engine(self._target, **arguments)
        self._connection = self._loop.run(self._engine.connect())

    def execute(self, sql: str) -> Rows:
        return list(self._loop.run(_execute(self._connection, sql)))

    def database_list(self) -> Rows:
        return list_databases(self._loop.run(_aiosqlite(self._connection)), self._loop)

    def in_transaction(self) -> bool:
        return bool(self._loop.run(_aiosqlite(self._connection)).in_transaction)

    def look(self, sql: str) -> Rows:
        return list(self._loop.run(self._look(sql)))

    async def _look(self, sql: str) -> Any:
        async with self._engine.connect() as connection:
            return await _execute(connection, sql)

    def close(self) -> None:
        try:
            if self._connection is not None:
                self._loop.run(self._connection.close())
            if self._engine is not None:
                self._loop.run(self._engine.dispose())
        finally:
            self._loop.close()

    def reopen(self, sql: str) -> Rows:
        """Check out from the engine again, whose pool has been disposed of, in a new loop."""
        self._connection, self._loop = None, Loop()
        try:
            self._connection = self._loop.run(self._engine.connect())
            return self.execute(sql)
        finally:
            self.close()


async def _aiosqlite(connection: Any) -> Any:
    """The aiosqlite connection below one of SQLAlchemy's."""
    return (await connection.get_raw_connection()).driver_connection


async def _execute(connection: Any, sql: str) -> Any:
    """Run a statement as it is: no compiling, no transaction of SQLAlchemy's."""
    return await (await _aiosqlite(connection)).execute_fetchall(sql)
