"""A driver that warns twice at every opening, and of a resource, which is nobody's business."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matrix.probe.drivers.sqlite3 import Driver as Sqlite3
else:
    from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3


class Driver(Sqlite3):
    def connect(self, target: Any, options: dict[str, Any]) -> Any:
        warnings.warn(f"mind {target}", DeprecationWarning, stacklevel=2)
        warnings.warn(f"mind {target}", DeprecationWarning, stacklevel=2)
        warnings.warn("left open", ResourceWarning, stacklevel=2)
        return super().connect(target, options)
