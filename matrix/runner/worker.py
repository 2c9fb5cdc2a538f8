"""One worker process, seen from the tool: a probe that runs a stack, and the pipes to it."""

from __future__ import annotations

import json
import os
import queue
import secrets
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from matrix.errors import MachineError
from matrix.model import Case, Fingerprint, Json
from matrix.model.codec import read_fingerprint
from matrix.model.meaning import meaning_of
from matrix.plugins import find_plugin
from matrix.probe import PROTOCOL, sign
from matrix.probe.machine import SHORTAGES
from matrix.probe.outside import remove_same
from matrix.probe.privateroot import HOME
from matrix.runner.isolation import NO_KERNEL, PROBE, Isolation
from matrix.stacks.provision import Provided

_OBSERVATION = b'{"case":'
"""How a line that is an observation begins, and no message does."""
_START_SECONDS = 60.0
_KILL_SECONDS = 5.0
_LISTEN_SECONDS = 5.0
"""How long the pipe of an ended process is read on; a process that it left behind may hold it."""
_KEPT_VARIABLES = ("PATH", "TZ", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT")
"""The variables of the caller's environment that a worker gets; the latter are for Windows."""


class WorkerDied(Exception):
    """The process ended unexpectedly; `how` says how."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class StackRefused(Exception):
    """The stack cannot run in this process; the message says why."""


class WorkerProcess:
    """A started probe, whose directories are below `scratch`."""

    def __init__(
        self,
        provided: Provided,
        *,
        scratch: Path,
        isolation: Isolation = NO_KERNEL,
        named: Iterable[str] = (),
    ) -> None:
        self._stack = provided.stack.id
        library = provided.stack.library
        self._sqlite = None if library is None else library.version
        self._made: list[tuple[str, int, int]] = []
        for name in ("tmp", "home"):
            (scratch / name).mkdir(parents=True)
        self._errors = scratch / "stderr"
        with self._errors.open("wb") as errors:
            try:
                self._process = subprocess.Popen(
                    [str(provided.python), "-I", "-S", "-X", "utf8", str(PROBE), str(scratch)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    cwd=scratch,
                    env=_environment(HOME if isolation.private_root else str(scratch)),
                    start_new_session=True,
                )
            except OSError as error:
                if error.errno in SHORTAGES:
                    raise MachineError(f"{self._stack}: no process: {error.strerror}") from None
                raise StackRefused(f"{provided.python} does not start: {error.strerror}") from None
        self._messages: queue.Queue[Json] = queue.Queue()
        self._observed: deque[bytes] = deque()
        self._token = secrets.token_hex(8)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        with suppress(WorkerDied):  # `ready` reports it
            greeting = hello(provided, scratch, self._token)
            self._send({**greeting, **isolation.to_json(), "named": sorted(named)})

    def ready(self) -> Fingerprint:
        """Wait until the stack is ready; raises StackRefused or WorkerDied if it fails to start."""
        message = self.receive(_START_SECONDS)
        if message is None:
            self.kill()
            raise StackRefused(f"did not start within {_START_SECONDS:.0f} s")
        if message["kind"] == "fatal":
            error = message["error"]
            raise StackRefused(f"{error['type']}: {error['message']}")
        fingerprint = read_fingerprint(message["fingerprint"])
        if self._sqlite not in (None, fingerprint.sqlite):
            self.kill()
            raise StackRefused(f"SQLite {fingerprint.sqlite} was loaded, not {self._sqlite}")
        return fingerprint

    def send_cases(self, cases: Sequence[Case]) -> None:
        """Send cases, each with the file names that its strings mean."""
        ready = [{**case.to_json(), **meaning_of(case).to_json()} for case in cases]
        self._send({"kind": "cases", "cases": ready})

    def receive(self, seconds: float) -> Json | None:
        """The next message, or None if none came in time.

        Raises WorkerDied at the end of input, and MachineError where the probe cannot go on.
        """
        try:
            message = self._messages.get(timeout=seconds)
        except queue.Empty:
            return None
        if message is None:
            raise WorkerDied(self._how_it_ended())
        if message["kind"] == "stuck":
            raise MachineError(f"{self._stack}: {message['message']}")
        return message

    def take_observations(self) -> list[bytes]:
        """The observations that have arrived since the last call; all of them, once it ended."""
        return [self._observed.popleft() for _ in range(len(self._observed))]

    def stop(self) -> None:
        """Ask the worker to quit, and kill it if it does not."""
        try:
            self._send({"kind": "quit"})
            self._process.stdin.close()  # type: ignore[union-attr]  # it was opened as a pipe
            self._process.wait(timeout=5)
        except (WorkerDied, OSError, subprocess.TimeoutExpired):
            self.kill()

    def kill(self) -> None:
        """Kill the process now, and whatever it started.

        The keeper of a worker does it, as it finds what has left the process group, too.
        """
        self._process.terminate()
        try:
            self._process.wait(timeout=_KILL_SECONDS)
        except subprocess.TimeoutExpired:
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._close()

    def _close(self) -> None:
        """Wait for the process and for what it sent, and close its input."""
        self._process.wait()
        self._listener.join(_LISTEN_SECONDS)
        for made in reversed(self._made):
            remove_same(*made)
        with suppress(OSError):  # unsent data is lost with the process
            self._process.stdin.close()  # type: ignore[union-attr]  # it was opened as a pipe

    def last_words(self) -> str:
        """The last line that the process wrote to its standard error, if any."""
        try:
            lines = self._errors.read_text("utf-8", "replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1][:200] if lines else ""

    def _send(self, message: Json) -> None:
        text = json.dumps(message)
        digest = "" if message["kind"] == "hello" else sign(self._token, text) + " "
        try:
            self._process.stdin.write(f"{digest}{text}\n".encode())  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]
        except OSError:
            raise WorkerDied(self._how_it_ended()) from None

    def _listen(self) -> None:
        """Hear each line; queue None when the output ends, or a line is none of the probe's."""
        assert self._process.stdout is not None
        token = self._token.encode()
        with self._process.stdout as lines:
            for line in lines:
                if not (line.startswith(token) and line.endswith(b"\n")):
                    break
                if not self._hear(line[len(token) : -1]):
                    break
            self._messages.put(None)
            for _ in lines:  # keep reading, so that the process does not block on a full pipe
                pass

    def _hear(self, line: bytes) -> bool:
        """Put an observation or a message where it is waited for; False where it is neither."""
        if line.startswith(_OBSERVATION):
            self._observed.append(line)
            return True
        try:
            message = json.loads(line)
        except ValueError:
            return False
        if not isinstance(message, dict) or "kind" not in message:
            return False
        if message["kind"] == "made":
            self._made = message["paths"]
        else:
            self._messages.put(message)
        return True

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self.kill()
            return "closed its output, or wrote something that is not a message"
        if code >= 0:
            return f"exited with code {code}"
        return signal.Signals(-code).name


def hello(provided: Provided, scratch: Path, token: str) -> Json:
    """The first message, which configures the probe; what it answers begins with the token."""
    stack = provided.stack
    driver = find_plugin("drivers", stack.driver)
    middleware = None if stack.middleware is None else find_plugin("middleware", stack.middleware)
    return {
        "kind": "hello",
        "protocol": PROTOCOL,
        "stack": stack.id,
        "driver": driver.to_json(),
        "distribution": None if stack.package is None else stack.package.distribution,
        "middleware": None if middleware is None else middleware.to_json(),
        "overlays": [str(path) for path in provided.overlays],
        "uri": stack.uri.value,
        "library": None if provided.library is None else str(provided.library),
        "scratch": str(scratch),
        "token": token,
        "worker": secrets.token_hex(4),
        "parent": os.getpid(),
    }


def _environment(scratch: str) -> dict[str, str]:
    """What a worker needs of the caller's environment, and directories of its own.

    `scratch` is the directory of the worker as it sees it.

    Everything else stays behind: secrets, and whatever steers Python, SQLite or the loader.
    """
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    tmp, home = f"{scratch}/tmp", f"{scratch}/home"
    return kept | {"SQLITE_TMPDIR": tmp, "TMPDIR": tmp, "HOME": home, "LC_ALL": "C.UTF-8"}
