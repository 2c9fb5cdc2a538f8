"""Drivers: the layer between Python and SQLite.

A driver is a module with a class `Driver`, built in (in this directory) or in any other file:

- `Driver(library)`: import it, on the SQLite at the path `library` if that is not None.
- `force_uri(on)`: set SQLITE_CONFIG_URI; raise `plugins.Unavailable` if that is not possible.
- `system_calls()`: a table for `syscalls.SystemCallLog`; raise `Unavailable` likewise.
- `version`: the driver's own version.
- `connect(target, options)`: the call that a user would write, with the user's options.
- `autocommit`, optional: options of `connect` with which no transaction begins implicitly.
- `execute(connection, sql)`: run one statement to completion; return its rows.
- `database_list(connection)`: the rows of the PRAGMA of that name, file names with surrogateescape;
  UnicodeDecodeError where the driver cannot give them.
- `in_transaction(connection)`, `close(connection)`.
- `backup(connection, target, options)`: copy the connection's main database into a target, opened
  as by `connect`, with the driver's own means.
- `record(recorder)`: from now on pass every opening, whoever makes it, through
  `recorder.opening(open, args, kwargs)`, which calls `open(*args, **kwargs)`.
- `dbapi(name)`: the DB-API module to hand to a middleware under `name` (None: the driver's own),
  and `shim`: the name of the layer in this project that makes it one, or None.

It may have `processes()`: the ids of those that hold its files, where that is not this process.
"""

from __future__ import annotations

from typing import Any, List, Tuple

Rows = List[Tuple[Any, ...]]
