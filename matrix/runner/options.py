"""How cases are run, whichever cases and wherever."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How cases are run.

    `jobs`: worker processes; by default one for each core.
    `timeout`: seconds after which a case is taken down.
    `scratch`: where the cases' directories are made; by default in memory, if there is such a file
    system.
    `contain`: whether a case is kept from writing outside its directories (Linux, Landlock).
    """

    jobs: int | None = None
    timeout: float = 30.0
    scratch: Path | None = None
    contain: bool = False
