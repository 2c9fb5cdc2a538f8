"""Linux's calls that Python 3.8 does not have, through the C library."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

IS_LINUX = sys.platform.startswith("linux")

O_PATH = getattr(os, "O_PATH", 0o10000000)

_libc = ctypes.CDLL(None, use_errno=True) if IS_LINUX else None


def call(name: str, *arguments: Any) -> int:
    """Call a function of the C library; raises OSError if it fails or does not exist."""
    result: int = getattr(_libc, name, _missing)(*arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, "%s: %s" % (name, os.strerror(error)))
    return result


def system_call(number: int, *arguments: Any) -> int:
    """Make a system call that the C library has no function for."""
    return call("syscall", ctypes.c_long(number), *arguments)


def process_control(option: int, value: int) -> None:
    """`prctl` with one argument."""
    call("prctl", option, *map(ctypes.c_ulong, (value, 0, 0, 0)))


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """`mount`; empty strings stand for what a kind of mount does not need."""
    texts = [os.fsencode(text) or None for text in (source, target, kind)]
    call("mount", *texts, ctypes.c_ulong(flags), options.encode() or None)


def _missing(*_arguments: Any) -> int:
    ctypes.set_errno(38)  # ENOSYS
    return -1
