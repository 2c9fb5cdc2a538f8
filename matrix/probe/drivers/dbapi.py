"""What stdlib `sqlite3` and the modules derived from it have in common."""

from __future__ import annotations

import ctypes
import importlib
import os
from typing import Any, Dict, Mapping, Optional

from ..named import checked
from ..plugins import Unavailable
from ..syscalls import LibraryTable
from . import Rows

SQLITE_CONFIG_URI = 17
SQLITE_OK = 0


class DbapiDriver:
    """A driver with `connect(database, **options)` and the interface of stdlib `sqlite3`."""

    package = "sqlite3"
    extension = "_sqlite3"
    shim: Optional[str] = None
    autocommit: Mapping[str, Any] = {"isolation_level": None}

    def __init__(self, library: Optional[str]) -> None:
        self._library = None
        if library is not None:
            # The extension binds to these symbols, because they are loaded first and globally.
            self._library = ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
        self.module: Any = importlib.import_module(self.package)
        self.dbapi2: Any = importlib.import_module(self.package + ".dbapi2")

    @property
    def version(self) -> str:
        return str(self.dbapi2.version)

    def library(self) -> ctypes.CDLL:
        """The SQLite library that the extension uses, to call its C interface."""
        if self._library is None:
            extension = importlib.import_module(self.extension).__file__
            if extension is None:
                raise Unavailable("SQLite is built into this Python and exports no symbols")
            self._library = ctypes.CDLL(_beside(extension))
        if not hasattr(self._library, "sqlite3_vfs_find"):
            raise Unavailable("this driver hides the symbols of its SQLite")
        return self._library

    def force_uri(self, on: bool) -> None:
        library = self.library()
        configure = library.sqlite3_config
        configure.argtypes = [ctypes.c_int]
        library.sqlite3_shutdown()
        code = configure(SQLITE_CONFIG_URI, ctypes.c_int(on))
        library.sqlite3_initialize()
        if code != SQLITE_OK:
            raise Unavailable("sqlite3_config(SQLITE_CONFIG_URI) returned %d" % code)

    def system_calls(self) -> Any:
        return LibraryTable(self.library())

    def record(self, recorder: Any) -> None:
        """Replace `connect` wherever a user or a middleware looks it up."""
        original = self.dbapi2.connect

        def connect(*args: Any, **kwargs: Any) -> Any:
            return recorder.opening(original, args, kwargs)

        self.module.connect = self.dbapi2.connect = connect
        if hasattr(self.dbapi2, "enable_shared_cache"):  # removed in Python 3.12
            self._record_switch(recorder)

    def _record_switch(self, recorder: Any) -> None:
        original = self.dbapi2.enable_shared_cache

        def enable_shared_cache(*args: Any) -> None:
            recorder.switched = True
            original(*args)

        self.module.enable_shared_cache = self.dbapi2.enable_shared_cache = enable_shared_cache

    def connect(self, target: Any, options: Dict[str, Any]) -> Any:
        return self.module.connect(target, **options)

    def execute(self, connection: Any, sql: str) -> Rows:
        cursor = connection.cursor()
        try:
            return list(cursor.execute(sql).fetchall())
        finally:
            cursor.close()

    def database_list(self, connection: Any) -> Rows:
        factory, connection.text_factory = connection.text_factory, os.fsdecode
        try:
            return self.execute(connection, "PRAGMA database_list")
        finally:
            connection.text_factory = factory

    def in_transaction(self, connection: Any) -> bool:
        return bool(connection.in_transaction)

    def close(self, connection: Any) -> None:
        connection.close()

    def backup(self, connection: Any, target: Any, options: Dict[str, Any]) -> None:
        copy = self.connect(target, options)
        try:
            connection.backup(copy)
        finally:
            copy.close()

    def dbapi(self, name: Optional[str]) -> Any:
        if name is None:
            return self.dbapi2
        own = (self.package, self.package + ".dbapi2")
        return importlib.import_module(checked("module", name, own))


def _beside(extension: str) -> str:
    """The file with SQLite's symbols: on Windows the DLL next to the extension, else itself."""
    if os.name == "nt":
        dll = os.path.join(os.path.dirname(extension), "sqlite3.dll")
        return dll if os.path.exists(dll) else extension
    return extension
