"""In a thread, in a process."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any

SECONDS = 60
"""How long a case may take."""
READY = "ready\n"
"""What a process says before it goes on, so that somebody else may look around."""


class Thread:
    """A thread of its own, until it ends."""

    def __init__(self) -> None:
        self._actions: queue.Queue[Callable[[], Any] | None] = queue.Queue()
        self._answers: queue.Queue[tuple[Any, Exception | None]] = queue.Queue()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def _live(self) -> None:
        for action in iter(self._actions.get, None):
            self._answers.put(outcome(action))

    def run(self, action: Callable[[], Any]) -> Any:
        self._actions.put(action)
        value, error = self._answers.get()
        if error is not None:
            raise error
        return value

    def end(self) -> None:
        self._actions.put(None)
        self._thread.join()


def outcome(action: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return action(), None
    except Exception as error:
        return None, error


def elsewhere(action: Callable[[], Any]) -> Any:
    """What `action` gives in a thread of its own."""
    thread = Thread()
    try:
        return thread.run(action)
    finally:
        thread.end()


def fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return os.fork()


def in_a_process(
    action: Callable[[Any], Any], look_around: Callable[[], None] | None = None
) -> dict[str, Any]:
    """What a process of its own answers; how it ended, if it does not.

    `action` gets the line to write READY to, and to wait on.
    """
    ours, theirs = socket.socketpair()
    process = fork()
    if not process:
        ours.close()
        signal.alarm(SECONDS)
        with theirs.makefile("rw") as line:
            try:
                answer = action(line)
            except BaseException:
                answer = {"broken": traceback.format_exc()}
            line.write(json.dumps(answer) + "\n")
            line.flush()
            os._exit(0)
    theirs.close()
    with ours.makefile("rw") as line:
        text = line.readline()
        if text == READY:
            assert look_around is not None
            look_around()
            line.write("go on\n")
            line.flush()
            text = line.readline()
    ours.close()
    _, status = os.waitpid(process, 0)
    if text:
        answer = json.loads(text) or {}
        if "broken" in answer:
            raise RuntimeError(answer["broken"])
        return dict(answer)
    ending = "timed_out" if os.WTERMSIG(status) == signal.SIGALRM else "crashed"
    return {"result": ending, "error": None, "rivals": [], "status": status}
