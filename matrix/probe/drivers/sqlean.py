"""sqlean.py, from the distribution of that name: a copy of `sqlite3` with extensions built in."""

from .dbapi import DbapiDriver


class Driver(DbapiDriver):
    """The driver of the standard library, built with a SQLite of its own."""

    package = "sqlean"
    extension = "sqlean._sqlite3"
