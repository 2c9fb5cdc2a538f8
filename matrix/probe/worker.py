"""The worker: one process, one stack, cases in and observations out."""

from __future__ import annotations

import json
import os
import shutil
import sys
import traceback
from typing import Any, Dict, Iterator, List, Optional

from . import PROTOCOL
from .case import CaseRun
from .fingerprint import take_fingerprint
from .observe import Observer
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
        sys.path[:0] = hello["overlays"]
        self._driver = _load_driver(hello)
        self._middleware = _load_middleware(hello["middleware"])
        self._observer = Observer(_system_call_log(self._driver))
        self._recorder = Recorder(self._driver)
        self._run = CaseRun(self._driver, self._middleware, self._recorder, self._observer)
        self._bare_run = CaseRun(self._driver, None, self._recorder, self._observer)

    def fingerprint(self) -> Dict[str, Any]:
        places = self._next_places()
        try:
            return take_fingerprint(
                self._driver, self._middleware, self._hello, self._observer, places
            )
        finally:
            self._recorder.close_thread()
            places.remove()

    def perform(self, case: Dict[str, Any]) -> str:
        """Run a case; its observation as one line of canonical JSON."""
        places = self._next_places()
        run = self._bare_run if case["via"] is None else self._run
        try:
            observation = run.perform(case, places)
        finally:
            places.remove()
        observation["stack"] = self._hello["stack"]
        return json.dumps(observation, sort_keys=True, separators=(",", ":")) + "\n"

    def dirt(self) -> Optional[str]:
        """What the last case left behind in this process, if anything."""
        left = self._recorder.left_open
        if left:
            return "%d connections left open" % left
        held = self._observer.held()
        return "%d files held open" % len(held) if held else None

    def _next_places(self) -> Places:
        self._count += 1
        places = Places(self._scratch, self._count)
        places.make()
        return places


def _load_driver(hello: Dict[str, Any]) -> Any:
    named = hello["driver"]
    driver = load_plugin("drivers", named["name"], named["path"]).Driver(hello["library"])
    driver.name = named["name"]
    if hello["uri"] != "as-built":
        driver.force_uri(hello["uri"] == "on")
    return driver


def _load_middleware(named: Optional[Dict[str, str]]) -> Any:
    return None if named is None else load_plugin("middleware", named["name"], named["path"])


def _system_call_log(driver: Any) -> Optional[SystemCallLog]:
    try:
        return SystemCallLog(driver.system_calls())
    except (Unavailable, OSError, AttributeError):
        return None


class Channel:
    """Messages to and from the tool, on descriptors of their own.

    What a driver or a library prints goes to standard error instead, and what reads standard input
    finds it empty.
    """

    def __init__(self) -> None:
        self._in = os.fdopen(os.dup(0), "r", encoding="ascii")
        self._out = os.fdopen(os.dup(1), "w", encoding="ascii")
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.close(empty)
        os.dup2(2, 1)

    def messages(self) -> Iterator[Dict[str, Any]]:
        for line in self._in:
            yield json.loads(line)

    def send(self, **message: Any) -> None:
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()


def _append(part: str, line: str) -> None:
    """Add a line in one write; the file is not open while a case runs, out of a driver's reach."""
    descriptor = os.open(part, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(descriptor, line.encode("ascii"))
    os.close(descriptor)


def _perform_all(worker: Worker, part: str, cases: List[Dict[str, Any]], channel: Channel) -> bool:
    """Run the cases in order; False where one of them left something behind."""
    for number, case in enumerate(cases, 1):
        try:
            line = worker.perform(case)
        except Exception as error:
            trace = traceback.format_exc()
            channel.send(kind="broken", case=case["id"], message=repr(error), trace=trace)
            os._exit(1)  # what state we are in, nobody knows
        _append(part, line)
        dirt = worker.dirt()
        if dirt is not None:
            channel.send(kind="dirty", count=number, reason=dirt)
            return False
    channel.send(kind="done", count=len(cases))
    return True


def main() -> int:
    """Serve until the input ends."""
    channel = Channel()
    messages = channel.messages()
    hello = next(messages)
    scratch = hello["scratch"]
    try:
        worker = Worker(hello)
        fingerprint = worker.fingerprint()
    except Exception as error:
        kind = type(error).__name__
        channel.send(kind="fatal", error={"type": kind, "message": str(error)})
        return 1
    channel.send(kind="ready", protocol=PROTOCOL, fingerprint=fingerprint)
    for message in messages:
        if message["kind"] == "quit":
            break
        if not _perform_all(worker, hello["part"], message["cases"], channel):
            break
    os.chdir(os.path.dirname(scratch))
    shutil.rmtree(scratch, ignore_errors=True)
    channel.send(kind="bye")
    return 0
