"""The drivers, as their documents say that they are used."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
from typing import Any


class DbApi:
    """`sqlite3` or `pysqlite3`."""

    def __init__(self, name: str, uri: str) -> None:
        if uri != "as-built":
            found = importlib.util.find_spec("_sqlite3")
            assert found is not None
            library = ctypes.CDLL(found.origin)
            library.sqlite3_config(17, ctypes.c_int(uri == "on"))  # SQLITE_CONFIG_URI
        self.module: Any = importlib.import_module(name)

    def connect(self, target: Any, options: dict[str, Any]) -> Any:
        return self.module.connect(target, **options)

    def connect_plainly(self, path: str) -> Any:
        return self.module.connect(path, isolation_level=None)

    def run(self, connection: Any, sql: str) -> list[Any]:
        rows: list[Any] = connection.execute(sql).fetchall()
        return rows

    def in_transaction(self, connection: Any) -> bool:
        return bool(connection.in_transaction)


class Apsw:
    def __init__(self, uri: str) -> None:
        self.module: Any = importlib.import_module("apsw")
        if uri != "as-built":
            self.module.shutdown()
            self.module.config(self.module.SQLITE_CONFIG_URI, int(uri == "on"))
            self.module.initialize()

    def connect(self, target: Any, options: dict[str, Any]) -> Any:
        options = dict(options)
        names = options.pop("flags", None)
        if options.pop("uri", False):
            names = names or ["READWRITE", "CREATE", "URI"]
        if names is not None:
            bits = (getattr(self.module, f"SQLITE_OPEN_{name}") for name in names)
            options["flags"] = sum(bits)
        return self.module.Connection(target, **options)

    def connect_plainly(self, path: str) -> Any:
        return self.module.Connection(path)

    def run(self, connection: Any, sql: str) -> list[Any]:
        return list(connection.execute(sql))

    def in_transaction(self, connection: Any) -> bool:
        return not connection.getautocommit()


def load_driver(name: str, uri: str) -> Any:
    """The driver, with URIs `on`, `off` or as they are built."""
    return Apsw(uri) if name == "apsw" else DbApi(name, uri)


def name_of(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}".replace("builtins.", "")
