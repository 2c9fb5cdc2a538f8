"""Where the directories of the cases are made; cleared away even after a run that was killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from matrix.probe.outside import NOTE, remove_noted

_PREFIX = "sqlite-matrix-"
_MEMORY_FILE_SYSTEM = Path("/dev/shm")


def default_scratch() -> Path:
    """A file system in memory where there is one: seven times faster, the same observations."""
    if os.access(_MEMORY_FILE_SYSTEM, os.W_OK):
        return _MEMORY_FILE_SYSTEM
    return Path(tempfile.gettempdir())


@contextmanager
def scratch_directory(parent: Path) -> Iterator[Path]:
    """A directory for one run, which bears the number of its process."""
    _sweep(parent)
    directory = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Remove what runs that were killed have left: scratch, and what their cases made outside."""
    for old in parent.glob(f"{_PREFIX}*"):
        process = old.name.removeprefix(_PREFIX).partition("-")[0]
        if process.isdigit() and not _is_alive(int(process)):
            for note in old.glob(f"*/*/{NOTE}"):
                remove_noted(str(note.parent))
            shutil.rmtree(old, ignore_errors=True)


def _is_alive(process: int) -> bool:
    """Whether a process may still run; where asking would end it (Windows), it does."""
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
