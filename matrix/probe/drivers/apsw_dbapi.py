"""A DB-API module over apsw, just enough for SQLAlchemy's SQLite dialect (`module=`).

apsw is not a DB-API driver. This layer adds what SQLAlchemy needs and passes the file name on to
`apsw.Connection` unchanged; `uri` becomes a flag. Reports name it as the stack's shim.
"""

from __future__ import annotations

import threading
from typing import Any, List, Optional, Tuple

import apsw

apilevel = "2.0"
threadsafety = 1
paramstyle = "qmark"
version, version_info = "2.6.0", (2, 6, 0)  # the version of pysqlite with this interface
sqlite_version = (
    apsw.sqlitelibversion() if hasattr(apsw, "sqlitelibversion") else apsw.sqlite_lib_version()
)
sqlite_version_info = tuple(int(part) for part in sqlite_version.split("."))
PARSE_DECLTYPES, PARSE_COLNAMES = 1, 2

Error = apsw.Error
Warning = InterfaceError = DatabaseError = InternalError = Error
OperationalError = NotSupportedError = DataError = Error
IntegrityError = apsw.ConstraintError
Binary = bytes


class ProgrammingError(apsw.Error):  # type: ignore[misc]  # mypy runs without apsw
    """A connection was used in a way that the interface forbids."""


open_connection = apsw.Connection


def connect(  # noqa: PLR0917
    database: str,
    timeout: float = 5.0,
    detect_types: int = 0,  # noqa: ARG001
    isolation_level: Optional[str] = "",  # noqa: ARG001
    check_same_thread: bool = True,
    cached_statements: int = 128,  # noqa: ARG001
    uri: bool = False,
) -> Connection:
    """Open with the keywords of stdlib `sqlite3.connect`; `uri` becomes a flag."""
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    if uri:
        flags |= apsw.SQLITE_OPEN_URI
    connection = open_connection(database, flags=flags)
    connection.setbusytimeout(int(timeout * 1000))
    return Connection(connection, check_same_thread)


class Connection:
    """A connection that begins a transaction before the first change, as `sqlite3` does."""

    def __init__(self, connection: Any, check_same_thread: bool) -> None:
        self._connection = connection
        self._thread = threading.get_ident() if check_same_thread else None

    @property
    def apsw(self) -> Any:
        """The underlying connection; as in `sqlite3`, for the thread that opened it only."""
        if self._thread not in (None, threading.get_ident()):
            raise ProgrammingError("this connection was opened in another thread")
        return self._connection

    @property
    def in_transaction(self) -> bool:
        return not self.apsw.getautocommit()

    def cursor(self, *_args: Any) -> Cursor:
        return Cursor(self)

    def execute(self, sql: str, parameters: Any = ()) -> Cursor:
        return self.cursor().execute(sql, parameters)

    def commit(self) -> None:
        if self.in_transaction:
            self.apsw.cursor().execute("COMMIT")

    def rollback(self) -> None:
        if self.in_transaction:
            self.apsw.cursor().execute("ROLLBACK")

    def close(self) -> None:
        self.apsw.close()

    def create_function(self, name: str, count: int, function: Any, **_options: Any) -> None:
        if hasattr(self.apsw, "create_scalar_function"):
            self.apsw.create_scalar_function(name, function, count)
        else:
            self.apsw.createscalarfunction(name, function, count)


class Cursor:
    """Reads all rows at once, because apsw runs a statement only as far as its rows are read."""

    arraysize = 1
    rowcount = -1

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.description: Optional[Tuple[Any, ...]] = None
        self._rows: List[Tuple[Any, ...]] = []

    @property
    def lastrowid(self) -> int:
        return int(self.connection.apsw.last_insert_rowid())

    def execute(self, sql: str, parameters: Any = ()) -> Cursor:
        changes = sql.lstrip()[:7].upper().startswith(("INSERT", "UPDATE", "DELETE", "REPLACE"))
        if changes and not self.connection.in_transaction:
            self.connection.apsw.cursor().execute("BEGIN")
        cursor = self.connection.apsw.cursor()
        self.description = None
        cursor.setexectrace(self._describe)
        self._rows = list(cursor.execute(sql, tuple(parameters)))
        return self

    def _describe(self, cursor: Any, _sql: str, _bindings: Any) -> bool:
        columns = cursor.getdescription()
        self.description = tuple((c[0], *[None] * 6) for c in columns) or None
        return True

    def executemany(self, sql: str, many: Any) -> Cursor:
        for parameters in many:
            self.execute(sql, parameters)
        return self

    def fetchone(self) -> Optional[Tuple[Any, ...]]:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int = 1) -> List[Tuple[Any, ...]]:
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    def fetchall(self) -> List[Tuple[Any, ...]]:
        rows, self._rows = self._rows, []
        return rows

    def close(self) -> None:
        self._rows = []
