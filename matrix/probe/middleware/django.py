"""Django: `DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": target}}`.

The options are further keys of that entry; ENGINE, which Django imports, takes no other name.
With `TEST` among them the target is its NAME, and the database is created and destroyed as a test
run does it; the entry's own NAME may be given, too.
"""

from __future__ import annotations

import importlib
from contextlib import contextmanager
from typing import Any, Dict, Iterator, Optional

from ..drivers import Rows
from ..named import checked
from . import in_another_thread, stand_in


def check(driver: Any) -> None:
    """Set Django up, without a database: each session brings its own."""
    stand_in(driver)
    import django
    from django.conf import settings

    settings.configure(USE_TZ=True)
    django.setup()
    for module in ("backends.sqlite3.base", "migrations.executor"):
        importlib.import_module("django.db." + module)


def version() -> str:
    import django

    return str(django.get_version())


class Session:
    """A handler of its own, as `django.db.connections` is one: a connection for each thread."""

    pool: Optional[str] = None

    def __init__(self, driver: Any, target: Any, options: Dict[str, Any]) -> None:
        self._driver = driver
        self._entry = {"ENGINE": "django.db.backends.sqlite3", "NAME": target, **options}
        checked("ENGINE", self._entry["ENGINE"])
        self._is_test = "TEST" in options
        if self._is_test:
            self._entry["TEST"] = {**options["TEST"], "NAME": target}
            self._entry["NAME"] = options.get("NAME", "production.sqlite3")
        self._name = self._entry["NAME"]

    def open(self) -> None:
        from django.db import ConnectionHandler

        self._connections = ConnectionHandler({"default": self._entry})
        self._connection = self._connections["default"]
        if self._is_test:
            create = self._connection.creation.create_test_db
            with self._as_default():
                create(verbosity=0, autoclobber=True)
        self._connection.ensure_connection()

    @contextmanager
    def _as_default(self) -> Iterator[None]:
        """Make it the default of the process, which is what a test run works on."""
        from django.conf import settings
        from django.db import connections

        settings.DATABASES = self._connections.settings
        connections["default"] = self._connection
        try:
            yield
        finally:
            del connections["default"]

    def in_transaction(self) -> bool:
        return bool(self._connection.connection.in_transaction)

    def look(self, sql: str) -> Rows:
        return in_another_thread(self._driver, lambda: self._look(sql))

    def _look(self, sql: str) -> Rows:
        try:
            return self.execute(sql)
        finally:
            self._connections.close_all()

    def execute(self, sql: str) -> Rows:
        """Run a statement on the connection of this thread."""
        with self._connections["default"].cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def close(self) -> None:
        if self._is_test and self._connection.connection is not None:
            with self._as_default():
                self._connection.creation.destroy_test_db(self._name, verbosity=0)
        self._connections.close_all()

    def reopen(self, sql: str) -> Rows:
        """The next query of the process, or the next test run."""
        if self._is_test:
            self.open()
        try:
            return self.execute(sql)
        finally:
            self.close()
