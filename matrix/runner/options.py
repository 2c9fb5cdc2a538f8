"""The options for running cases."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How to run cases.

    `jobs`: the number of worker processes; by default one per core.
    `timeout`: seconds after which a case is killed.
    `scratch`: where to create the directories of the cases; by default in memory if possible, else
    the temporary directory.
    `contain`: whether to block writes outside the directories of a case (Linux, Landlock).
    """

    jobs: int | None = None
    timeout: float = 30.0
    scratch: Path | None = None
    contain: bool = False
