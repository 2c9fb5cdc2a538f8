"""Django: `DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": target}}`.

The options are further keys of that entry. With `TEST` among them the target is its NAME, and the
database is created and destroyed as a test run does it; the entry's own NAME may be given, too.
"""

from __future__ import annotations

import importlib
from typing import Any, Dict, Optional

from ..drivers import Rows
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
    """`django.db.connections["default"]`, in this thread and in another one."""

    pool: Optional[str] = None

    def __init__(self, driver: Any, target: Any, options: Dict[str, Any]) -> None:
        self._driver = driver
        self._entry = {"ENGINE": "django.db.backends.sqlite3", "NAME": target, **options}
        self._is_test = "TEST" in options
        if self._is_test:
            self._entry["TEST"] = {**options["TEST"], "NAME": target}
            self._entry["NAME"] = options.get("NAME", "production.sqlite3")
        self._created = False

    def open(self) -> None:
        from django.conf import settings
        from django.db import connections

        settings.DATABASES = {"default": self._entry}
        connections.settings = connections.configure_settings(None)
        self._connection = connections["default"]
        if self._is_test:
            create = self._connection.creation.create_test_db
            create(verbosity=0, autoclobber=True, serialize=False)
            self._created = True
        self._connection.ensure_connection()

    def execute(self, sql: str) -> Rows:
        return _execute(self._connection, sql)

    def in_transaction(self) -> bool:
        return bool(self._connection.connection.in_transaction)

    def look(self, sql: str) -> Rows:
        return in_another_thread(self._driver, lambda: self._look(sql))

    @staticmethod
    def _look(sql: str) -> Rows:
        from django.db import connections

        try:
            return _execute(connections["default"], sql)
        finally:
            connections.close_all()

    def close(self) -> None:
        from django.db import connections

        try:
            if self._created:
                destroy = self._connection.creation.destroy_test_db
                destroy(self._entry["NAME"], verbosity=0)
            connections.close_all()
        finally:
            del connections["default"]


def _execute(connection: Any, sql: str) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
