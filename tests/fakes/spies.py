"""A driver that starts a program, which looks for the probe's memory and its files."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matrix.probe.drivers.sqlite3 import Driver as Sqlite3
else:
    from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3

_SPY = "import os, sys; os.open('/proc/%s/%s' % tuple(sys.argv[1:]), os.O_NONBLOCK)"


class Driver(Sqlite3):
    def connect(self, target: Any, options: dict[str, Any]) -> Any:
        if target in ("mem", "fd/1", "fd/2"):
            found = subprocess.run(
                [sys.executable, "-c", _SPY, str(os.getpid()), target],
                check=False,
                capture_output=True,
            )
            raise RuntimeError(found.stderr.decode().strip().rpartition("\n")[2] or "it was let in")
        return super().connect(target, options)
