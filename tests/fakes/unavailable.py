"""A driver that is not available, and says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matrix.probe.plugins import Unavailable
else:
    from sqlite_matrix_probe.plugins import Unavailable


class Driver:
    def __init__(self, library: str | None) -> None:
        raise Unavailable("it is made on Tuesdays only")
