"""A driver whose process ends, or goes astray, as the name of the database tells it to."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matrix.probe.drivers.sqlite3 import Driver as Sqlite3
else:
    from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3


class Driver(Sqlite3):
    def connect(self, target: Any, options: dict[str, Any]) -> Any:
        for word, end in _ENDS.items():
            if word in target:
                end()
        connection = super().connect(target, options)
        if "leak" in target:
            self._leak(target, options)
        return connection

    def _leak(self, target: Any, options: dict[str, Any]) -> None:
        """Open once more, and never close it; in a thread that is gone by then, if so told."""

        def leak() -> None:
            leaked = super(Driver, self).connect(target, options)
            leaked.execute("CREATE TABLE IF NOT EXISTS leaked(x)")

        if "thread" not in target:
            leak()
            return
        thread = threading.Thread(target=leak)
        thread.start()
        thread.join()


def _exit() -> None:
    os._exit(7)


def _segv() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _hang() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(60)


def _chdir() -> None:
    os.chdir(os.environ["TMPDIR"])


def _close_stdout() -> None:
    os.close(1)


_ENDS = {
    "exit": _exit,
    "segv": _segv,
    "hang": _hang,
    "chdir": _chdir,
    "closed": _close_stdout,
}
