"""The standard library's driver, with the installed SQLite or another one."""

import platform

from .dbapi import DbapiDriver


class Driver(DbapiDriver):
    """Stdlib `sqlite3`; its version is Python's."""

    @property
    def version(self) -> str:
        return platform.python_version()
