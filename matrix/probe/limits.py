"""What a worker may use: memory, the size of a file, and rights that no case needs."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
from contextlib import suppress
from typing import List, Optional

from .linux import IS_LINUX, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, call, process_control

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MEMORY = 4 << 30
"""Bytes of address space; SQLite's memdb alone may take 1 GiB, and as much again to grow."""
FILE_SIZE = 512 << 20
"""Bytes of one file."""
_ONE_ALLOCATION = 2 << 30
"""Bytes: SQLite allocates less at a time, so less is left where an allocation fails."""

_KEPT_CAPABILITIES = (0, 1, 3, 4, 6, 7)
"""CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETGID and SETUID: how root differs from others in files."""
_CAPABILITY_VERSION_3 = 0x20080522

_FILE_TOO_LARGE = "a file would be larger than %d MiB" % (FILE_SIZE >> 20)
_met_by_child: List[str] = []


class Limits:
    """Limits of this process and of those that it starts; lower ones stay as they are."""

    def __init__(self) -> None:
        self._file_too_large = False
        if resource is None:
            return
        for name, limit in (("AS", MEMORY), ("FSIZE", FILE_SIZE), ("CORE", 0)):
            kind = getattr(resource, "RLIMIT_" + name, None)
            if kind is not None:
                resource.setrlimit(kind, (_lower(resource.getrlimit(kind)[1], limit),) * 2)
        signal.signal(signal.SIGXFSZ, self._note_file)

    def begin(self) -> None:
        """A case begins: what the processes of others have met does not count for it."""
        _met_by_child.clear()

    def exceeded(self) -> Optional[str]:
        """Which limit this process, or one that it started, has met, if any."""
        if self._file_too_large:
            return _FILE_TOO_LARGE
        return _met_by_child[0] if _met_by_child else _memory_exceeded("self")

    def _note_file(self, *_: object) -> None:
        self._file_too_large = True


def note_child(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Of a process that has failed or is about to end: note the limit that it has met, if any."""
    exceeded = _memory_exceeded(str(process.pid))
    if exceeded is None:
        with suppress(subprocess.TimeoutExpired):
            if process.wait(seconds) == -getattr(signal, "SIGXFSZ", 0):
                exceeded = _FILE_TOO_LARGE
    if exceeded is not None:
        _met_by_child.append(exceeded)


def _memory_exceeded(process: str) -> Optional[str]:
    if _peak(process) > MEMORY - _ONE_ALLOCATION:
        return "it needs more than %d MiB of memory" % (MEMORY >> 20)
    return None


def _peak(process: str) -> int:
    """The most address space that a process has had, in bytes, where Linux tells it."""
    try:
        with open("/proc/%s/status" % process, encoding="ascii", errors="replace") as file:
            found = re.search(r"VmPeak:\s+(\d+) kB", file.read())
    except OSError:
        return 0
    return 0 if found is None else int(found[1]) << 10


def drop_rights(as_user: bool) -> None:
    """Give up what root may do besides files; in a user namespace, where root is nobody, all."""
    if not IS_LINUX:
        return
    process_control(PR_SET_NO_NEW_PRIVS, 1)
    kept = () if as_user or os.geteuid() != 0 else _KEPT_CAPABILITIES
    for capability in range(64):
        if capability not in kept:
            try:
                process_control(PR_CAPBSET_DROP, capability)
            except OSError:  # there are no more, or this process may not, and has none
                break
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()
    call("capget", header, sets)
    mask = sets[1] & sum(1 << capability for capability in kept)
    call("capset", header, (ctypes.c_uint32 * 6)(mask, mask, 0, 0, 0, 0))


def _lower(hard: int, limit: int) -> int:
    return limit if hard == resource.RLIM_INFINITY else min(hard, limit)
