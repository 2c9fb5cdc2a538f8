"""The processes of a worker: one that performs cases, and one that ends whatever is left.

On Linux the process that the tool starts is a keeper, which runs no case. It moves to namespaces
of its own where it may, and forks the worker there. When the worker ends, the keeper ends all that
cases have left running, and then itself in the same way, so that the tool sees what happened.
Elsewhere the process that the tool starts is the worker.
"""

from __future__ import annotations

import errno
import json
import os
import signal
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

from .linux import (
    IS_LINUX,
    PR_SET_CHILD_SUBREAPER,
    PR_SET_DUMPABLE,
    PR_SET_PDEATHSIG,
    process_control,
)
from .privateroot import PrivateRoot, enter_namespaces, enter_private_root

Work = Callable[[Optional[PrivateRoot]], int]


def run_worker(hello: Dict[str, Any], work: Work) -> int:
    """Call `work` in the worker's process with its private root; returns its exit code.

    `work` gets None where `hello["root"]` is not `private`. Raises OSError where a private root is
    not possible; `can_be_private` says so before.
    """
    if not IS_LINUX:
        return work(None)
    root, init = None, 0
    if hello["root"] == "private":
        root, init = _enter(hello["scratch"], hello["named"])
    _end_with(hello["parent"], signal.SIGTERM)
    worker = os.fork()
    if worker == 0:
        _end_with(os.getppid() if not init else None)
        _close_to_others()
        return work(root)
    return _Keeper(worker, init).wait()


def try_private_root(scratch: str) -> None:
    """Make a private root and leave it; raises OSError where that is not possible."""
    _, init = _enter(scratch, ())
    os.kill(init, signal.SIGKILL)


def _enter(scratch: str, named: Iterable[str]) -> Tuple[PrivateRoot, int]:
    """Move to new namespaces and a private root; returns it, and the id of the first process.

    A process is needed that does nothing but be the first one: signals that a process sends to
    itself are lost there, and all others end with it.
    """
    as_user = enter_namespaces()
    reader, writer = os.pipe()
    init = os.fork()
    if init == 0:
        _be_first(scratch, named, as_user, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = json.loads(pipe.read() or b'"the process has ended"')
    if isinstance(answer, str):
        os.kill(init, signal.SIGKILL)
        raise OSError(errno.EPERM, answer)
    return PrivateRoot(*answer), init


def _be_first(scratch: str, named: Iterable[str], as_user: bool, writer: int) -> None:
    """Be the first process of the namespace until it is killed; say what the private root has."""
    try:
        _end_with(None)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that nobody stays as a zombie
        root = enter_private_root(scratch, named, as_user=as_user)
        answer = json.dumps(root)
    except OSError as error:
        answer = json.dumps(str(error))
    with os.fdopen(writer, "wb") as pipe:
        pipe.write(answer.encode())
    for descriptor in (0, 1):
        os.close(descriptor)
    while True:
        signal.pause()


def _end_with(parent: Optional[int], number: int = signal.SIGKILL) -> None:
    """Have this signal sent when the parent ends, however it ends; `parent`: its id, if known."""
    process_control(PR_SET_PDEATHSIG, number)
    if parent is not None:
        try:
            os.kill(parent, 0)
        except ProcessLookupError:  # it ended before we could ask
            os._exit(1)


def _close_to_others() -> None:
    """Let no other process read this one's memory, or open its files, through /proc."""
    process_control(PR_SET_DUMPABLE, 0)


class _Keeper:
    """Waits for the worker."""

    def __init__(self, worker: int, init: int) -> None:
        self._worker = worker
        self._init = init
        _close_to_others()
        process_control(PR_SET_CHILD_SUBREAPER, 1)
        signal.signal(signal.SIGTERM, lambda *_: os.kill(worker, signal.SIGKILL))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # the pipes are the worker's
        os.dup2(2, 1)

    def wait(self) -> int:
        """Wait for the worker, end what it left, and end as it did."""
        status = _status_of(self._worker)
        if self._init:
            os.kill(self._init, signal.SIGKILL)
            os.waitpid(self._init, 0)
        self._end_all()
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            if number != signal.SIGKILL:
                signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        return os.WEXITSTATUS(status)

    @staticmethod
    def _end_all() -> None:
        """Kill and await the children; those of a dead child are ours then, so more than once."""
        while True:
            children = _children()
            for child in children:
                os.kill(child, signal.SIGKILL)
            try:
                if os.waitpid(-1, 0 if children else os.WNOHANG) == (0, 0):
                    return
            except ChildProcessError:
                return


def _status_of(process: int) -> int:
    """Wait for a process, and for whatever else ends meanwhile."""
    while True:
        ended, status = os.wait()
        if ended == process:
            return status


def _children() -> List[int]:
    """The children of this process, where the kernel lists them."""
    try:
        with open("/proc/self/task/%d/children" % os.getpid(), encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return []
