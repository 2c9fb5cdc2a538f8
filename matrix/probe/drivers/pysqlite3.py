"""pysqlite3, from the distributions `pysqlite3-binary` and `pysqlite3`."""

from .dbapi import DbapiDriver


class Driver(DbapiDriver):
    """The driver of the standard library, built with a SQLite of its own."""

    package = "pysqlite3"
    extension = "pysqlite3._sqlite3"
