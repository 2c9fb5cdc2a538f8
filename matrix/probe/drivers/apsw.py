"""apsw: SQLite's C interface in Python, with a SQLite of its own."""

from __future__ import annotations

import importlib
from functools import reduce
from typing import Any, Dict, List, Optional

import apsw

from ..named import checked
from ..plugins import Unavailable
from . import Rows

_OPEN_URI = ("SQLITE_OPEN_READWRITE", "SQLITE_OPEN_CREATE", "SQLITE_OPEN_URI")


class _Table:
    """SQLite's table of system calls, through an inert VFS on top of the default one."""

    def __init__(self) -> None:
        default = apsw.vfs_names()[0] if hasattr(apsw, "vfs_names") else apsw.vfsnames()[0]
        self._vfs = apsw.VFS("sqlite-matrix-probe", default)

    def get(self, name: str) -> Optional[int]:
        pointer: Optional[int] = self._vfs.xGetSystemCall(name)
        return pointer

    def set(self, name: str, pointer: int) -> None:
        self._vfs.xSetSystemCall(name, pointer)


class Driver:
    """`apsw.Connection`, with `uri: true` and flags by name as options."""

    shim = "apsw_dbapi"

    def __init__(self, library: Optional[str]) -> None:
        if library is not None:
            raise Unavailable("apsw brings its own SQLite; pin the version of apsw instead")
        self._open = apsw.Connection

    @property
    def version(self) -> str:
        return str(apsw.apsw_version() if hasattr(apsw, "apsw_version") else apsw.apswversion())

    def force_uri(self, on: bool) -> None:
        apsw.shutdown()
        try:
            apsw.config(apsw.SQLITE_CONFIG_URI, int(on))
        except (AttributeError, TypeError) as error:
            raise Unavailable("this apsw cannot set SQLITE_CONFIG_URI: %s" % error) from None
        finally:
            apsw.initialize()

    def system_calls(self) -> Any:
        return _Table()

    def record(self, recorder: Any) -> None:
        """Open every connection through `self._open`; flags are recorded by name."""

        def connection(*args: Any, **kwargs: Any) -> Any:
            return recorder.opening(apsw.Connection, args, kwargs, {"flags": flag_names})

        self._open = connection

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """`apsw.Connection`, recorded."""
        return self._open(*args, **kwargs)

    def connect(self, target: Any, options: Dict[str, Any]) -> Any:
        options = dict(options)
        names = options.pop("flags", None)
        if options.pop("uri", False) and names is None:
            names = _OPEN_URI
        if names is not None:
            options["flags"] = reduce(int.__or__, (_flag(name) for name in names), 0)
        return self.open(target, **options)

    def execute(self, connection: Any, sql: str) -> Rows:
        return list(connection.cursor().execute(sql))

    def database_list(self, connection: Any) -> Rows:
        return self.execute(connection, "PRAGMA database_list")

    def in_transaction(self, connection: Any) -> bool:
        return not connection.getautocommit()

    def close(self, connection: Any) -> None:
        connection.close()

    def backup(self, connection: Any, target: Any, options: Dict[str, Any]) -> None:
        copy = self.connect(target, options)
        try:
            with copy.backup("main", connection, "main") as backup:
                backup.step()
        finally:
            copy.close()

    def dbapi(self, name: Optional[str]) -> Any:
        if name is not None and name != self.shim:
            return importlib.import_module(checked("module", name))
        from . import apsw_dbapi

        apsw_dbapi.open_connection = self.open
        return apsw_dbapi


def flag_names(flags: int) -> List[str]:
    """The names of the open flags that are set."""
    table = apsw.mapping_open_flags
    return sorted(
        name for name, bit in table.items() if isinstance(name, str) and bit and flags & bit == bit
    )


def _flag(name: str) -> int:
    full = name if name.startswith("SQLITE_OPEN_") else "SQLITE_OPEN_" + name
    return int(getattr(apsw, full))
