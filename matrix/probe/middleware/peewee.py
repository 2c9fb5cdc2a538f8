"""peewee: `SqliteDatabase(target, **options)`, or `playhouse.db_url.connect` for a URL."""

from __future__ import annotations

from typing import Any, Dict, Optional

import peewee
from playhouse import db_url

from ..drivers import Rows
from ..plugins import Unavailable
from . import in_another_thread


def check(driver: Any) -> None:
    """Refuse a driver that peewee, which chooses for itself, has not chosen."""
    chosen = peewee.sqlite3
    if chosen not in (getattr(driver, "module", None), getattr(driver, "dbapi2", None)):
        name, version = chosen.__name__.partition(".")[0], chosen.sqlite_version
        raise Unavailable("peewee chooses %s (SQLite %s) instead" % (name, version))


def version() -> str:
    return str(peewee.__version__)


class Session:
    """One database: connected in this thread, and in another one."""

    pool: Optional[str] = None

    def __init__(self, driver: Any, target: Any, options: Dict[str, Any]) -> None:
        self._driver = driver
        self._target = target
        self._options = options
        self._database: Any = None

    def open(self) -> None:
        is_url = str(self._target).startswith(("sqlite:", "sqlite+pool:"))
        create = db_url.connect if is_url else peewee.SqliteDatabase
        self._database = create(self._target, **self._options)
        self._database.connect()

    def execute(self, sql: str) -> Rows:
        return list(self._database.execute_sql(sql).fetchall())

    def in_transaction(self) -> bool:
        return bool(self._database.connection().in_transaction)

    def look(self, sql: str) -> Rows:
        return in_another_thread(self._driver, lambda: self._look(sql))

    def _look(self, sql: str) -> Rows:
        with self._database.connection_context():
            return self.execute(sql)

    def close(self) -> None:
        if self._database is not None:
            self._database.close()

    def reopen(self, sql: str) -> Rows:
        try:
            self._database.connect()
            return self.execute(sql)
        finally:
            self._database.close()
