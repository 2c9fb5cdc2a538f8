"""Containment: after `contain`, this process can write below some directories only (Landlock).

https://docs.kernel.org/userspace-api/landlock.html. Everything else can be read, and an attempt
to change it fails with EACCES. It cannot be undone, and child processes inherit it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import List

from .plugins import Unavailable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PR_SET_NO_NEW_PRIVS = 38
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
_CHANGES = _WRITE_FILE | sum(1 << bit for bit in range(4, 13))  # remove and make, of each kind
_REFER = 1 << 13


class _Ruleset(ctypes.Structure):
    _fields_ = [("handled_access_fs", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32)]


def contain(directories: List[str], files: List[str]) -> None:
    """Allow changes below these directories and to these files only.

    Raises Unavailable if the kernel has no Landlock (Linux before 5.13, or switched off).
    """
    if not sys.platform.startswith("linux"):
        raise Unavailable("containment needs Landlock, which only Linux has")
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG)
    if version < 1:
        raise Unavailable("containment needs Landlock: Linux 5.13 or newer with Landlock enabled")
    handled = _CHANGES | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    attributes = _Ruleset(handled)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    ruleset = _checked(libc.syscall(_CREATE_RULESET, ctypes.byref(attributes), size, 0))
    for path in directories:
        _allow(libc, ruleset, path, handled)
    for path in files:
        _allow(libc, ruleset, path, handled & (_WRITE_FILE | _TRUNCATE))
    _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, access: int) -> None:
    descriptor = os.open(path, getattr(os, "O_PATH", 0o10000000) | os.O_CLOEXEC)
    rule = _PathBeneath(access, descriptor)
    _checked(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0))
    os.close(descriptor)


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result
