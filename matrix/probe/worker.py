"""The worker: one process, one stack, cases in and observations out."""

from __future__ import annotations

import errno
import hmac
import json
import os
import re
import shutil
import sys
import traceback
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from . import PROTOCOL, machine, sign
from .case import CaseRun
from .contain import contain, landlock_version
from .fingerprint import take_fingerprint
from .limits import Limits, drop_rights
from .observe import Observer
from .outside import HARMLESS, InPlace, InPrivateRoot, Outside, Redirected, Refusing
from .places import Places
from .plugins import Unavailable, load_plugin
from .privateroot import HOME, PrivateRoot
from .recorder import Recorder
from .session import run_worker, try_private_root
from .syscalls import SystemCallLog


class Worker:
    """A stack, ready to perform cases."""

    def __init__(
        self,
        hello: Dict[str, Any],
        scratch: str,
        root: Optional[PrivateRoot],
        tell: Callable[..., None],
    ) -> None:
        if hello["protocol"] != PROTOCOL:
            raise Unavailable("this probe speaks protocol %d" % PROTOCOL)
        self._hello = hello
        self._scratch = scratch
        self._count = 0
        drop_rights(as_user=root is not None and root.foreign)
        sys.dont_write_bytecode = True
        sys.path[:0] = hello["overlays"]
        self._driver = _load_driver(hello)
        self._middleware = _load_middleware(hello["middleware"], self._driver)
        outside = self._outside(root, tell)
        log = _system_call_log(self._driver, outside)
        if log is None and isinstance(outside, Redirected):
            outside = Refusing(self._scratch)
        outside.sees_changes = log is not None
        processes = getattr(self._driver, "processes", None)
        self._calls = log
        self._observer = Observer(log, outside, processes)
        self._recorder = Recorder(self._driver)
        parts = (self._recorder, self._observer, outside)
        self._run = CaseRun(self._driver, self._middleware, *parts)
        self._bare_run = CaseRun(self._driver, None, *parts)
        self._free_descriptor = _lowest_free_descriptor()
        self._limits = Limits()
        if hello["contain"]:
            directories = [self._scratch] if root is None else ["/"]
            contain(directories, [path for path in HARMLESS if os.path.exists(path)])
        if isinstance(outside, InPrivateRoot):
            outside.settle()

    def _outside(self, root: Optional[PrivateRoot], tell: Callable[..., None]) -> Outside:
        if self._hello["in_place"]:
            return InPlace(self._scratch, lambda made: tell(kind="made", paths=made))
        return Redirected(self._scratch) if root is None else InPrivateRoot(self._scratch, root)

    def fingerprint(self) -> Dict[str, Any]:
        places = self._next_places()
        try:
            fingerprint = take_fingerprint(
                self._driver, self._middleware, self._hello, self._observer, places
            )
        finally:
            self._recorder.close_thread()
            places.remove()
        self._check_shortage()
        return fingerprint

    def perform(self, case: Dict[str, Any]) -> str:
        """Run a case; its observation as one line of canonical JSON.

        Raises MachineFails where the machine failed, which would be no observation: where it lacks
        something, and where a failure does not happen a second time.
        """
        machine.check_room(self._scratch)
        observation = self._observe(case)
        again = machine.is_failure(observation) and self._dirt is None
        if again and self._observe(case) != observation:
            raise machine.fails(errno.EIO, self._scratch)
        return _CANONICAL.encode(observation)

    def _observe(self, case: Dict[str, Any]) -> Dict[str, Any]:
        self._limits.begin()
        places = self._next_places()
        run = self._bare_run if case["via"] is None else self._run
        try:
            observation = run.perform(case, places)
            failed = machine.is_failure(observation)
            exceeded = self._limits.exceeded() if failed else None
            if exceeded:
                run.give_up(observation, "limit", exceeded)
            elif failed:
                machine.check(self._scratch, allocate=True)
            elif self._calls is None and machine.is_refusal(observation):
                machine.check(self._scratch)
            self._check_shortage()
            self._dirt = run.leave() or exceeded or self._find_dirt(case, places)
        finally:
            places.remove()
        observation["stack"] = self._hello["stack"]
        return observation

    def _check_shortage(self) -> None:
        """Raise MachineFails where SQLite's calls have met a machine that fails."""
        if self._calls is not None and self._calls.shortage is not None:
            raise machine.fails(self._calls.shortage, self._scratch)

    @property
    def dirt(self) -> Optional[str]:
        """Why this process wants to be replaced: what the last case left behind in it."""
        return self._dirt

    def leave(self) -> None:
        """Remove what is in the scratch directory."""
        os.chdir(os.sep)
        for name in os.listdir(self._scratch):
            shutil.rmtree(os.path.join(self._scratch, name), ignore_errors=True)

    def _find_dirt(self, case: Dict[str, Any], places: Places) -> Optional[str]:
        if self._recorder.left_open:
            return "%d connections left open" % self._recorder.left_open
        if self._observer.held():
            return "%d files held open" % len(self._observer.held())
        if _lowest_free_descriptor() != self._free_descriptor:
            return "a descriptor left open"
        if os.getcwd() != places.dir:
            return "the current directory changed"
        if self._recorder.switched or _SWITCHES.search(json.dumps([case["sql"], case["setup"]])):
            return "a switch of the whole process changed"
        return "used up" if self._count > _CASES_PER_PROCESS else None

    def _next_places(self) -> Places:
        self._count += 1
        places = Places(self._scratch, self._count, self._hello["worker"])
        places.make()
        return places


_SWITCHES = re.compile(r"_store_directory|_heap_limit", re.IGNORECASE)
"""PRAGMAs that hold for every connection of the process."""

_CASES_PER_PROCESS = 2000

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def _lowest_free_descriptor() -> int:
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.close(descriptor)
    return descriptor


def _load_driver(hello: Dict[str, Any]) -> Any:
    named = hello["driver"]
    driver = load_plugin("drivers", named["name"], named["path"]).Driver(hello["library"])
    driver.name = named["name"]
    if hello["uri"] != "as-built":
        driver.force_uri(hello["uri"] == "on")
    return driver


def _load_middleware(named: Optional[Dict[str, str]], driver: Any) -> Any:
    if named is None:
        return None
    middleware = load_plugin("middleware", named["name"], named["path"])
    if hasattr(middleware, "check"):
        middleware.check(driver)
    return middleware


def _system_call_log(driver: Any, outside: Outside) -> Optional[SystemCallLog]:
    try:
        return SystemCallLog(driver.system_calls(), outside)
    except (Unavailable, OSError, AttributeError):
        return None


class Channel:
    """Messages to and from the tool, on descriptors of their own.

    What a driver or a library prints goes to standard error instead, and what reads standard input
    finds it empty. A program that a case starts can open both through /proc, but does not know the
    token that `hello` brings: each line that is sent begins with it, and each that comes after
    `hello` with a digest that is made with it.
    """

    token = ""

    def __init__(self) -> None:
        self._in = os.fdopen(os.dup(0), "r", encoding="ascii")
        self._out = os.fdopen(os.dup(1), "w", encoding="ascii")
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.close(empty)
        os.dup2(2, 1)

    def messages(self) -> Iterator[Dict[str, Any]]:
        """What the tool sends after `hello`."""
        for line in self._in:
            digest, _, text = line.rstrip("\n").partition(" ")
            if not hmac.compare_digest(digest, sign(self.token, text)):
                os._exit(1)  # the tool did not send this
            yield json.loads(text)

    def receive(self) -> Dict[str, Any]:
        """The first message."""
        message: Dict[str, Any] = json.loads(self._in.readline())
        return message

    def fail(self, error: Exception) -> None:
        """Say that this stack is not available."""
        kind = type(error).__name__
        self.send(kind="fatal", error={"type": kind, "message": str(error)})

    def send(self, **message: Any) -> None:
        self.send_line(json.dumps(message))

    def send_stuck(self, error: OSError) -> None:
        where = error.filename or os.getcwd()
        self.send(kind="stuck", message="%s: %s" % (where, error.strerror or error))

    def send_line(self, line: str) -> None:
        self._out.write(self.token + line + "\n")
        self._out.flush()


def _perform_all(worker: Worker, cases: List[Dict[str, Any]], channel: Channel) -> bool:
    """Run the cases in order; False where one of them left something behind."""
    for number, case in enumerate(cases, 1):
        try:
            channel.send_line(worker.perform(case))
        except BrokenPipeError:  # nobody listens any more
            os._exit(1)
        except OSError as error:
            channel.send_stuck(error)
            os._exit(1)
        except Exception:
            channel.send(kind="broken", case=case["id"], message=traceback.format_exc())
            os._exit(1)  # what state we are in, nobody knows
        if worker.dirt is not None:
            channel.send(kind="dirty", count=number, reason=worker.dirt)
            return False
    channel.send(kind="done", count=len(cases))
    return True


def _start(
    hello: Dict[str, Any], root: Optional[PrivateRoot], channel: Channel
) -> Tuple[Worker, Dict[str, Any]]:
    """A worker and the fingerprint of its stack; MachineFails where the machine fails."""
    scratch = hello["scratch"] if root is None else HOME
    machine.raise_limits()
    machine.check(scratch)
    try:
        worker = Worker(hello, scratch, root, channel.send)
        return worker, worker.fingerprint()
    except MemoryError:
        raise machine.fails(errno.ENOMEM, scratch) from None
    except OSError as error:
        if error.errno in machine.SHORTAGES:
            raise machine.fails(error.errno, error.filename or scratch) from None
        raise


def main() -> int:
    """Serve until the input ends."""
    channel = Channel()
    hello = channel.receive()
    channel.token = hello["token"]
    if hello["kind"] == "try":
        channel.send(**_try(hello["scratch"]))
        return 0
    try:
        return run_worker(hello, lambda root: _serve(hello, root, channel))
    except OSError as error:
        channel.fail(error)
        return 1


def _try(scratch: str) -> Dict[str, Any]:
    """What isolation the kernel allows."""
    able = {"kind": "tried", "landlock": landlock_version(), "private_root": True, "reason": ""}
    try:
        try_private_root(scratch)
    except OSError as error:
        able.update(private_root=False, reason="no private root is allowed (%s)" % error)
    return able


def _serve(hello: Dict[str, Any], root: Optional[PrivateRoot], channel: Channel) -> int:
    try:
        worker, fingerprint = _start(hello, root, channel)
    except machine.MachineFails as error:
        channel.send_stuck(error)
        return 1
    except Exception as error:
        channel.fail(error)
        return 1
    channel.send(kind="ready", protocol=PROTOCOL, fingerprint=fingerprint)
    for message in channel.messages():
        if message["kind"] == "quit":
            break
        if not _perform_all(worker, message["cases"], channel):
            break
    worker.leave()
    channel.send(kind="bye")
    return 0
