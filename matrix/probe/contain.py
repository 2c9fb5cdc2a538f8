"""Containment by Landlock: what this process and its children cannot do any more.

https://docs.kernel.org/userspace-api/landlock.html. It cannot be undone. A change outside the given
directories fails with EACCES; so does a TCP connection, where the kernel is new enough to see it.
"""

from __future__ import annotations

import ctypes
import os
from typing import List

from .linux import IS_LINUX, O_PATH, PR_SET_NO_NEW_PRIVS, process_control, system_call

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
_REMOVE = 1 << 4 | 1 << 5
_MAKE_FILES = 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 12  # a link is made by its target's kind
_MAKE_DEVICES = 1 << 6 | 1 << 11
_REFER = 1 << 13
_TCP = 1 << 0 | 1 << 1
_OTHER_PROCESSES = 1 << 0 | 1 << 1  # their abstract sockets, and signals to them


class _Ruleset(ctypes.Structure):
    _fields_ = [
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    ]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32)]


def landlock_version() -> int:
    """The version of the kernel's Landlock; 0 where there is none or it is switched off."""
    if not IS_LINUX:
        return 0
    try:
        return system_call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION_FLAG))
    except OSError:
        return 0


def contain(directories: List[str], files: List[str]) -> None:
    """Allow changes below these directories and to these files only, and no network.

    Raises OSError if the kernel has no Landlock (Linux before 5.13, or switched off).
    """
    version = landlock_version()
    changes = _WRITE_FILE | _REMOVE | _MAKE_FILES
    changes |= (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    rules = _Ruleset(
        changes | _MAKE_DEVICES,
        _TCP if version >= 4 else 0,
        _OTHER_PROCESSES if version >= 6 else 0,
    )
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = system_call(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    for path in directories:
        _allow(ruleset, path, changes)
    for path in files:
        _allow(ruleset, path, changes & (_WRITE_FILE | _TRUNCATE))
    process_control(PR_SET_NO_NEW_PRIVS, 1)
    system_call(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _allow(ruleset: int, path: str, access: int) -> None:
    descriptor = os.open(path, O_PATH | os.O_CLOEXEC)
    rule = _PathBeneath(access, descriptor)
    system_call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    os.close(descriptor)
