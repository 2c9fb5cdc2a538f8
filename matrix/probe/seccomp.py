"""A process that can start no other: a filter of its system calls.

https://www.kernel.org/doc/html/latest/userspace-api/seccomp_filter.html. It cannot be undone, and
goes with the process into the program that it becomes. New threads are allowed.
"""

from __future__ import annotations

import ctypes
import errno
import platform
from typing import List, Optional, Tuple

from .linux import IS_LINUX, PR_SET_NO_NEW_PRIVS, call, process_control

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2
_CLONE_THREAD = 0x10000
_CLONE3 = 435
_ALLOW = 0x7FFF0000
_ERROR = 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_OTHER_NUMBERS = 0x40000000
"""From here on, x86-64 has the calls of another interface, x32."""

_MACHINES = {"x86_64": (0xC000003E, 56, (57, 58)), "aarch64": (0xC00000B7, 220, ())}
"""The architecture, and its numbers of `clone`, and of `fork` and `vfork`."""


class _Instruction(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_ushort),
        ("if_true", ctypes.c_ubyte),
        ("if_false", ctypes.c_ubyte),
        ("value", ctypes.c_uint32),
    ]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("first", ctypes.POINTER(_Instruction))]


def forbid_processes() -> None:
    """From now on this process starts no other; nothing happens where that is not possible."""
    lines = _filter(platform.machine()) if IS_LINUX else None
    if lines is None:
        return
    instructions = (_Instruction * len(lines))(*(_Instruction(*line) for line in lines))
    program = _Program(len(lines), instructions)
    process_control(PR_SET_NO_NEW_PRIVS, 1)
    try:
        call("prctl", _PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), ctypes.byref(program), 0, 0)
    except OSError:  # a kernel without filters
        return


def _filter(machine: str) -> Optional[List[Tuple[int, int, int, int]]]:
    """The filter's instructions: the code, two jumps over so many lines, and a value."""
    if machine not in _MACHINES:
        return None
    architecture, clone, forks = _MACHINES[machine]
    refused = (_RETURN, 0, 0, _ERROR | errno.EPERM)
    allowed = (_RETURN, 0, 0, _ALLOW)
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        refused,
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _OTHER_NUMBERS),
        refused,
        (_EQUAL, 0, 1, _CLONE3),  # whose flags a filter cannot read; the C library then uses clone
        (_RETURN, 0, 0, _ERROR | errno.ENOSYS),
    ]
    for number in forks:
        lines += [(_EQUAL, 0, 1, number), refused]
    return [
        *lines,
        (_EQUAL, 1, 0, clone),
        allowed,
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 1, 0, _CLONE_THREAD),
        refused,
        allowed,
    ]
