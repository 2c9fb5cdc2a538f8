"""Others who use the database, here, in a thread or in a process."""

from __future__ import annotations

import json
import os
import signal
import socket
from typing import Any

from .apart import Thread, fork
from .drivers import name_of
from .sessions import finds


class Guest:
    """What a rival does, step by step; it holds a connection from `come` to `go`."""

    def __init__(self, connection: Any, does: str, *, borrowed: bool) -> None:
        self._connection, self._does, self._borrowed = connection, does, borrowed

    def come(self) -> None:
        if not self._borrowed:
            self._connection.open()
        run = self._connection.run
        run("PRAGMA busy_timeout=0")
        run("SELECT count(*) FROM sqlite_master")
        if self._does == "read":
            run("BEGIN")
            run("SELECT count(*) FROM sqlite_master")
        elif self._does == "write":
            if not self._connection.in_transaction():
                run("BEGIN IMMEDIATE")
            run("CREATE TABLE IF NOT EXISTS by_a_rival(x)")
            run("INSERT INTO by_a_rival VALUES (1)")
        elif self._does == "roll-back" and self._connection.in_transaction():
            run("ROLLBACK")

    def end(self) -> None:
        if self._connection.in_transaction():
            self._connection.run("COMMIT")

    def look(self) -> bool:
        return finds(self._connection.run)

    def go(self) -> None:
        if not self._borrowed:
            self._connection.close()


def step_of(guest: Guest, step: str) -> tuple[Any, str | None]:
    try:
        return getattr(guest, step)(), None
    except Exception as error:
        return None, f"{name_of(error)}: {error}"


class Here:
    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    def ask(self, step: str) -> tuple[Any, str | None]:
        return step_of(self._guest, step)

    def end(self) -> None:
        """Nothing of its own goes away."""


class InThread:
    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._thread = Thread()

    def ask(self, step: str) -> tuple[Any, str | None]:
        found: tuple[Any, str | None] = self._thread.run(lambda: step_of(self._guest, step))
        return found

    def end(self) -> None:
        self._thread.end()


class InProcess:
    def __init__(self, guest: Guest) -> None:
        ours, theirs = socket.socketpair()
        self._process = fork()
        if not self._process:
            ours.close()
            with theirs.makefile("rw") as line:
                for step in line:
                    line.write(json.dumps(step_of(guest, step.strip())) + "\n")
                    line.flush()
            os._exit(0)
        theirs.close()
        self._line = ours.makefile("rw")
        ours.close()

    def ask(self, step: str) -> tuple[Any, str | None]:
        self._line.write(step + "\n")
        self._line.flush()
        value, error = json.loads(self._line.readline())
        return value, error

    def end(self) -> None:
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)


class Rival:
    """One rival: where it is, and what came of it."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.found: str | None = None
        self.error: str | None = None
        self.place: Any = None
        self._came = False

    def come(self) -> None:
        self._came = True
        if self._succeeds("come") and self.spec["when"] != "before":
            self.look(written=True)

    def look(self, *, written: bool) -> None:
        if not self._came or self.found is not None or not self._succeeds("end"):
            return
        if self.spec["does"] == "write":
            self.found = "wrote"
        elif written:
            value, self.error = self.place.ask("look")
            self.found = {True: "sees", False: "does_not_see", None: "refused"}[value]

    def _succeeds(self, step: str) -> bool:
        _, self.error = self.place.ask(step)
        if self.error is not None:
            self.found = "refused"
        return self.error is None

    def go(self) -> None:
        if self.place is not None:
            self.place.ask("go")
            self.place.end()
