"""Ctrl-C: the first one ends the command in order, a second one at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

from matrix.errors import EXIT_INTERRUPTED

_SHOW_CURSOR = b"\x1b[?25h"  # a progress bar hides it


class Interrupts:
    """Takes the place of Python's handler inside a `with`, unless the caller has another one.

    `happened`: the user has pressed Ctrl-C. Once the command has ended for it, more are ignored.
    """

    def __init__(self) -> None:
        self.happened = False
        is_main = threading.current_thread() is threading.main_thread()
        self._ours = is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler

    def __enter__(self) -> Interrupts:
        if self._ours:
            signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        if self._ours:
            after = signal.SIG_IGN if self.happened else signal.default_int_handler
            signal.signal(signal.SIGINT, after)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self.happened:
            _leave()
        self.happened = True
        raise KeyboardInterrupt


def _leave() -> NoReturn:
    """Exit now; the workers end with this process, and the next run removes what they leave."""
    if sys.stderr.isatty():
        os.write(2, _SHOW_CURSOR)
    os.write(2, b"sqlite-matrix: interrupted again, leaving at once\n")
    os._exit(EXIT_INTERRUPTED)
