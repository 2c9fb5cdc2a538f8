"""Whether this machine has what a case needs: room on the disk, descriptors, memory.

What fails for want of them is no behaviour of a stack. A case may also ask for such a failure, as
with `PRAGMA max_page_count`: so the machine is asked, not the message.
"""

from __future__ import annotations

import errno
import mmap
import os
import re
import tempfile
from typing import Any, Dict, List, Optional

try:
    import resource
except ImportError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

SHORTAGES = frozenset(
    getattr(errno, name)
    for name in ("EAGAIN", "EDQUOT", "EFBIG", "EIO", "EMFILE", "ENFILE", "ENOMEM", "ENOSPC")
    if hasattr(errno, name)
)
"""The errors of the operating system that no string and no library can ask for."""

_ROOM = 32 << 20
"""Bytes: with less on the disk, in a file or in memory, a case may fail for want of it."""
_ALLOCATED = 4 << 20
"""Bytes: twice what a case writes; in memory, to allocate costs as much as to write."""
_FILES = 100
_DESCRIPTORS = 24
_FAILURES = re.compile(
    r"disk i/o|is full|no space|too large|quota|input/output|out of memory|memoryerror|nomem|"
    r"cannot allocate|too many open|start new thread|temporarily unavailable|has ended",
    re.IGNORECASE,
)
_REFUSALS = re.compile(r"unable to open|cantopen", re.IGNORECASE)


class MachineFails(OSError):
    """The machine failed, not the stack."""


def fails(number: Optional[int], path: str) -> MachineFails:
    number = number or errno.EIO
    return MachineFails(number, os.strerror(number), path)


def raise_limits() -> None:
    """Lift the limit on the size of files that the caller's shell set, as far as it may be."""
    if resource is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def check_room(scratch: str) -> None:
    """Raise MachineFails where the disk is as good as full."""
    if hasattr(os, "statvfs"):
        status = os.statvfs(scratch)
        room = status.f_bavail * status.f_frsize
        if room < _ROOM or (status.f_files and status.f_favail < _FILES):
            raise fails(errno.ENOSPC, scratch)


def check(scratch: str, *, allocate: bool = False) -> None:
    """Raise MachineFails where a limit is near; `allocate`: also where only use shows it."""
    check_room(scratch)
    try:
        with tempfile.TemporaryFile(dir=scratch) as file:
            file.truncate(_ROOM)
            if allocate and hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, _ALLOCATED)
        _open_some()
        mmap.mmap(-1, _ROOM).close()
    except OSError as error:
        raise fails(error.errno, scratch) from error


def is_failure(observation: Dict[str, Any]) -> bool:
    """Whether a case ended with an error that a failing machine causes, too."""
    return _error_matches(_FAILURES, observation)


def is_refusal(observation: Dict[str, Any]) -> bool:
    """The same for an error that usually has another cause."""
    return _error_matches(_REFUSALS, observation)


def _error_matches(pattern: "re.Pattern[str]", observation: Dict[str, Any]) -> bool:
    error = observation["error"]
    if error is None:
        return False
    return pattern.search("%s %s" % (error["type"], error["message"])) is not None


def _open_some() -> None:
    opened: List[int] = []
    try:
        for _ in range(_DESCRIPTORS):
            opened.append(os.open(os.devnull, os.O_RDONLY))  # noqa: PERF401 -- closed if one fails
    finally:
        for descriptor in opened:
            os.close(descriptor)
