"""The work of cases inside a stack, for scripts/bench.py: bare, or observed by the probe.

The bare work is what the probe's drivers and middlewares do for a case, with the same thin wrapper
around the driver, in a fresh directory; nothing is hooked, listed, recorded or stored.
It reads a job, a JSON object, from standard input, and writes the cost to standard output.
Like the probe, it needs only the standard library.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path, PurePath
from resource import RUSAGE_CHILDREN, RUSAGE_SELF
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent))

from matrix.probe.case import INSERT, LOOK, TABLE
from matrix.probe.middleware import BareSession
from matrix.probe.places import Places
from matrix.probe.plugins import load_plugin
from matrix.probe.setup import set_up
from matrix.probe.worker import Worker

WARM_UP = 4
"""How many cases are performed before the clock starts."""


class Bare:
    """A stack without an observer; `perform` has the signature of the probe's `Worker`."""

    def __init__(self, hello: dict[str, Any]) -> None:
        sys.path[:0] = hello["overlays"]
        self._scratch = hello["scratch"]
        self._count = 0
        named, above = hello["driver"], hello["middleware"]
        self._driver = load_plugin("drivers", named["name"], named["path"]).Driver(hello["library"])
        self._driver.name = named["name"]
        if hello["uri"] != "as-built":
            self._driver.force_uri(hello["uri"] == "on")
        self._driver.recorder = _NoRecorder()
        self._through: Any = BareSession
        if above is not None:
            module = load_plugin("middleware", above["name"], above["path"])
            if hasattr(module, "check"):
                module.check(self._driver)
            self._through = module.Session

    def perform(self, case: dict[str, Any]) -> None:
        self._count += 1
        places = Places(self._scratch, self._count, "benchmrk")
        places.make()
        try:
            self._work(case, places)
        except Exception:  # a refusal is work too
            pass
        finally:
            places.remove()

    def _work(self, case: dict[str, Any], places: Places) -> None:
        set_up(self._driver, case["setup"], places)
        kind = BareSession if case["via"] is None else self._through
        options = places.fill(case["connect"])
        session = kind(self._driver, _target(case, places), options)
        try:
            session.open()
            for sql in case["sql"]:
                session.execute(places.fill(sql))
            if case["write"]:
                _write(session, case["write_to"])
                if case.get("second") is None:
                    session.look(LOOK)
                else:
                    self._look_from(kind(self._driver, places.fill(case["second"]), options))
        finally:
            session.close()

    @staticmethod
    def _look_from(session: Any) -> None:
        session.open()
        try:
            session.execute(LOOK)
        finally:
            session.close()


class _NoRecorder:
    """Takes the place of the recorder, which a middleware notifies when a thread ends."""

    def close_thread(self) -> None:
        pass


def _target(case: dict[str, Any], places: Places) -> Any:
    text = places.fill(case["target"])
    if case["target_type"] == "bytes":
        return os.fsencode(text)
    return PurePath(text) if case["target_type"] == "path" else text


def _write(session: Any, schema: str) -> None:
    quoted = '"{}"'.format(schema.replace('"', '""'))
    session.execute(f"PRAGMA {quoted}.cache_size=10")
    if not session.in_transaction():
        session.execute("BEGIN")
    session.execute(f"CREATE TABLE {quoted}.{TABLE}(x)")
    session.execute(INSERT % quoted)
    session.execute("COMMIT")
    session.execute(f"PRAGMA {quoted}.journal_mode")


def _loop(worker: Any, cases: list[dict[str, Any]]) -> None:
    for case in cases:
        worker.perform(case)


def _forks(worker: Any, cases: list[dict[str, Any]]) -> None:
    """Fork once per case, from a process that has imported the driver."""
    for case in cases:
        child = os.fork()
        if child == 0:
            worker.perform(case)
            os._exit(0)
        os.waitpid(child, 0)


def _observed(hello: dict[str, Any]) -> Worker:
    return Worker(hello, hello["scratch"], None, lambda **_: None)


_WORK = {"bare": Bare, "observed": _observed}
_WAYS: dict[str, Callable[[Any, list[dict[str, Any]]], None]] = {"loop": _loop, "fork": _forks}


def prepare(job: dict[str, Any]) -> Any:
    """The object that performs the cases of a job, with its directories created."""
    scratch = job["hello"]["scratch"]
    for name in ("tmp", "home"):
        Path(scratch, name).mkdir(exist_ok=True)
    os.chdir(scratch)
    warnings.simplefilter("ignore")
    job["hello"]["parent"] = os.getppid()
    return _WORK[job["work"]](job["hello"])


def _cpu() -> float:
    """CPU seconds of this process and the children that it has waited for."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (RUSAGE_SELF, RUSAGE_CHILDREN))


def main() -> None:
    """Perform the cases of the job and write their cost, without the start of the process."""
    job = json.load(sys.stdin)
    worker = prepare(job)
    _loop(worker, job["cases"][:WARM_UP])
    wall, cpu = time.perf_counter(), _cpu()
    _WAYS[job["way"]](worker, job["cases"])
    cost = {"wall": time.perf_counter() - wall, "cpu": _cpu() - cpu}
    json.dump(cost, sys.stdout)


if __name__ == "__main__":
    main()
