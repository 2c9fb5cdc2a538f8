"""aiosqlite: `await aiosqlite.connect(target, **options)`, a connection in a thread of its own."""

from __future__ import annotations

import asyncio
import importlib
import os
import threading
from typing import Any, Awaitable, Dict, Optional

from ..drivers import Rows
from . import stand_in

_LEAVE_SECONDS = 5.0


def check(driver: Any) -> None:
    stand_in(driver)
    importlib.import_module("aiosqlite")


def version() -> str:
    import aiosqlite

    return str(aiosqlite.__version__)


class Loop:
    """The event loop of one session, and the threads that connections start in it."""

    def __init__(self) -> None:
        self._before = set(threading.enumerate())
        self._loop = asyncio.new_event_loop()

    def run(self, awaitable: Awaitable[Any]) -> Any:
        return self._loop.run_until_complete(awaitable)

    def close(self) -> None:
        """Close the loop once the threads have ended, which still talk to it."""
        for thread in set(threading.enumerate()) - self._before:
            thread.join(_LEAVE_SECONDS)
        self._loop.close()


class Session:
    """One loop: a first connection awaited, a second one beside it."""

    pool: Optional[str] = None

    def __init__(self, _driver: Any, target: Any, options: Dict[str, Any]) -> None:
        self._target = target
        self._options = options
        self._loop = Loop()
        self._connection: Any = None

    def open(self) -> None:
        self._connection = self._loop.run(self._connect())

    def _connect(self) -> Any:
        import aiosqlite

        return aiosqlite.connect(self._target, **self._options)

    def execute(self, sql: str) -> Rows:
        return list(self._loop.run(self._connection.execute_fetchall(sql)))

    def database_list(self) -> Rows:
        return list_databases(self._connection, self._loop)

    def in_transaction(self) -> bool:
        return bool(self._connection.in_transaction)

    def look(self, sql: str) -> Rows:
        return list(self._loop.run(self._look(sql)))

    async def _look(self, sql: str) -> Any:
        async with self._connect() as connection:
            return await connection.execute_fetchall(sql)

    def close(self) -> None:
        try:
            if self._connection is not None:
                self._loop.run(self._connection.close())
        finally:
            self._loop.close()

    def reopen(self, sql: str) -> Rows:
        self._loop = Loop()
        try:
            self.open()
            return self.execute(sql)
        finally:
            self.close()


def list_databases(connection: Any, loop: Loop) -> Rows:
    """The rows of the PRAGMA, from an aiosqlite connection; file names may be of any bytes."""
    factory, connection.text_factory = connection.text_factory, os.fsdecode
    try:
        return list(loop.run(connection.execute_fetchall("PRAGMA database_list")))
    finally:
        connection.text_factory = factory
