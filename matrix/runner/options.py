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
    `contain`: whether the kernel must keep cases from changing files outside their directories:
    by default where it can, with True the run fails where it cannot, with False it is not asked to
    (Linux, Landlock).
    `private_root`: whether workers get a root directory in which all changes are private; by
    default where the kernel allows it. Where they do not, SQLite's calls are redirected.
    `in_place`: whether cases change the files that they name outside their directories, instead of
    only showing what would happen.
    """

    jobs: int | None = None
    timeout: float = 30.0
    scratch: Path | None = None
    contain: bool | None = None
    private_root: bool | None = None
    in_place: bool = False
