"""A driver that prints, and one that writes to every descriptor there is, as a name tells it to."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matrix.probe.drivers.sqlite3 import Driver as Sqlite3
else:
    from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3


class Driver(Sqlite3):
    def connect(self, target: Any, options: dict[str, Any]) -> Any:
        if "print" in target:
            print("garbage", flush=True)
            os.write(1, b"garbage\n")
            os.write(2, b"garbage\n")
        if "noise" in target:
            for descriptor in range(3, 64):
                with contextlib.suppress(OSError):
                    os.write(descriptor, b"{}\n[1]\n\xff garbage")
        return super().connect(target, options)
