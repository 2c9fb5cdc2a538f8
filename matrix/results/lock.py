"""One run at a time writes to a results directory; the lock of a killed one is free."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path

from filelock import FileLock, Timeout

from matrix.errors import ResultsError
from matrix.results.leftovers import remove_leftover

_LOCK = ".lock"
_HOLDER = ".holder"
"""Who holds the lock. It is a file of its own, since some versions of filelock empty theirs."""


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a results directory, which is created; ResultsError where another run has it."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in (_LOCK, _HOLDER):
        if (directory / name).is_dir():
            remove_leftover(directory / name)
    lock = FileLock(str(directory / _LOCK))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ResultsError(
            f"{directory}: {_holder(directory)} is writing to it",
            hint="wait until it has finished, or name another directory",
        ) from None
    try:
        (directory / _HOLDER).write_text(json.dumps(_this_process()), "utf-8")
        yield
    finally:
        with suppress(OSError):  # Windows removes no open file; there, filelock does it afterwards
            for name in (_HOLDER, _LOCK):
                (directory / name).unlink(missing_ok=True)
        lock.release()


def _this_process() -> dict[str, str]:
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    return {"process": str(os.getpid()), "machine": platform.node(), "since": now}


def _holder(directory: Path) -> str:
    """Who holds the lock, in words; a run that has just begun may not have said so."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads((directory / _HOLDER).read_text("utf-8"))
        machine = "" if found["machine"] == platform.node() else f" on {found['machine']}"
        return f"process {found['process']}{machine}, since {found['since']},"
    return "another run"
