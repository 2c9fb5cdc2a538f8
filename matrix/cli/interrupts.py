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
    """Takes the place of Python's handler; `happened`: the user has pressed Ctrl-C."""

    def __init__(self) -> None:
        self.happened = False

    def install(self) -> None:
        """Handle Ctrl-C, unless the caller ignores it or handles it differently."""
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._handle)

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
