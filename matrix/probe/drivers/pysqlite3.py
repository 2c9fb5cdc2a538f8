"""pysqlite3, from the distributions `pysqlite3-binary` and `pysqlite3`."""

from .dbapi import DbapiDriver


class Driver(DbapiDriver):
    """The standard library's driver, built with its own SQLite."""

    package = "pysqlite3"
    extension = "pysqlite3._sqlite3"
