"""The worker: one process, one stack, cases in and observations out."""

from __future__ import annotations

import ctypes
import errno
import hmac
import json
import os
import re
import shutil
import signal
import sys
import traceback
from typing import Any, Dict, Iterator, List, Optional, Tuple

from . import PROTOCOL, machine, sign
from .case import CaseRun
from .contain import contain
from .fingerprint import take_fingerprint
from .observe import Observer
from .outside import Outside
from .places import Places
from .plugins import Unavailable, load_plugin
from .recorder import Recorder
from .syscalls import SystemCallLog


class Worker:
    """A stack, ready to perform cases."""

    def __init__(self, hello: Dict[str, Any]) -> None:
        if hello["protocol"] != PROTOCOL:
            raise Unavailable("this probe speaks protocol %d" % PROTOCOL)
        self._hello = hello
        self._scratch = hello["scratch"]
        self._count = 0
        _die_with(hello["parent"])
        sys.path[:0] = hello["overlays"]
        self._driver = _load_driver(hello)
        self._middleware = _load_middleware(hello["middleware"], self._driver)
        outside = Outside(self._scratch, hello["outside_lock"])
        processes = getattr(self._driver, "processes", None)
        self._calls = _system_call_log(self._driver, outside)
        self._observer = Observer(self._calls, processes)
        self._recorder = Recorder(self._driver)
        parts = (self._recorder, self._observer, outside)
        self._run = CaseRun(self._driver, self._middleware, *parts)
        self._bare_run = CaseRun(self._driver, None, *parts)
        self._free_descriptor = _lowest_free_descriptor()
        if hello["contain"]:
            contain([self._scratch], [os.devnull])

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
        if machine.is_failure(observation) and self._observe(case) != observation:
            raise machine.fails(errno.EIO, self._scratch)
        return _CANONICAL.encode(observation)

    def _observe(self, case: Dict[str, Any]) -> Dict[str, Any]:
        places = self._next_places()
        run = self._bare_run if case["via"] is None else self._run
        try:
            observation = run.perform(case, places)
            self._dirt = self._find_dirt(case, places)
            self._check_machine(observation)
        finally:
            places.remove()
        observation["stack"] = self._hello["stack"]
        return observation

    def _check_machine(self, observation: Dict[str, Any]) -> None:
        """Raise MachineFails where the machine may be why a case failed."""
        failure = machine.is_failure(observation)
        if failure or machine.is_refusal(observation):
            machine.check(self._scratch, allocate=failure)
        self._check_shortage()

    def _check_shortage(self) -> None:
        if self._calls is not None and self._calls.shortage is not None:
            raise machine.fails(self._calls.shortage, self._scratch)

    @property
    def dirt(self) -> Optional[str]:
        """Why this process wants to be replaced: what the last case left behind in it."""
        return self._dirt

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
        places = Places(self._scratch, self._count)
        places.make()
        return places


_SWITCHES = re.compile(r"_store_directory|_heap_limit", re.IGNORECASE)
"""PRAGMAs that hold for every connection of the process."""

_CASES_PER_PROCESS = 2000

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def _die_with(parent: int) -> None:
    """End with the tool, however it ends, even where SQLite loops in C (Linux)."""
    if sys.platform.startswith("linux"):
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)
        try:
            os.kill(parent, 0)
        except ProcessLookupError:  # it ended before we could ask
            os._exit(1)


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
        yield json.loads(self._in.readline())
        for line in self._in:
            digest, _, text = line.rstrip("\n").partition(" ")
            if not hmac.compare_digest(digest, sign(self.token, text)):
                os._exit(1)  # the tool did not send this
            yield json.loads(text)

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


def _start(hello: Dict[str, Any]) -> Tuple[Worker, Dict[str, Any]]:
    """A worker and the fingerprint of its stack; MachineFails where the machine fails."""
    machine.raise_limits()
    machine.check(hello["scratch"])
    try:
        worker = Worker(hello)
        return worker, worker.fingerprint()
    except MemoryError:
        raise machine.fails(errno.ENOMEM, hello["scratch"]) from None
    except OSError as error:
        if error.errno in machine.SHORTAGES:
            raise machine.fails(error.errno, error.filename or hello["scratch"]) from None
        raise


def main() -> int:
    """Serve until the input ends."""
    channel = Channel()
    messages = channel.messages()
    hello = next(messages)
    channel.token = hello["token"]
    scratch = hello["scratch"]
    try:
        worker, fingerprint = _start(hello)
    except machine.MachineFails as error:
        channel.send_stuck(error)
        return 1
    except Exception as error:
        kind = type(error).__name__
        channel.send(kind="fatal", error={"type": kind, "message": str(error)})
        return 1
    channel.send(kind="ready", protocol=PROTOCOL, fingerprint=fingerprint)
    for message in messages:
        if message["kind"] == "quit":
            break
        if not _perform_all(worker, message["cases"], channel):
            break
    os.chdir(os.path.dirname(scratch))
    shutil.rmtree(scratch, ignore_errors=True)
    channel.send(kind="bye")
    return 0
