"""sqlean.py, from the distribution of that name: a copy of `sqlite3` with extensions built in."""

from .dbapi import DbapiDriver


class Driver(DbapiDriver):
    """The standard library's driver, built with its own SQLite."""

    package = "sqlean"
    extension = "sqlean._sqlite3"
