"""The command, run as a user does: its exit code, what it says, and where."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

# As in a terminal: who starts tests in the background may have Ctrl-C switched off for them.
_START = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from matrix.cli import main; main()"
)
_QUIET = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM")

SMALL = """
id: small
title: Small
question: Where does the data go?
references: [https://www.sqlite.org/uri.html]
scenarios:
  - id: memory
    title: Memory
    question: Is it memory?
    intent: private-memory
    target: "file:{name}?mode=memory"
    axes:
      uri: {default: "", "true": {connect: {uri: true}}}
  - id: file
    title: A file
    question: Is it a file?
    intent: file
    target: "x{number}.db"
    axes:
      number: ["1", "2", "3", "4", "5", "6"]
""".replace("[https", "\n  - https").replace("uri.html]", "uri.html")

GATE = """
import os, time
from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3


class Driver(Sqlite3):
    def connect(self, target, options):
        with open({log!r}, "a") as log:
            print(target, file=log)
        if "x4" in target and not os.path.exists({gate!r}):
            open({waiting!r}, "a").close()
            while not os.path.exists({gate!r}):
                time.sleep(0.05)
        return super().connect(target, options)
"""


def environment(**changes: str) -> dict[str, str]:
    """The caller's environment without what steers a terminal."""
    kept = {name: value for name, value in os.environ.items() if name not in _QUIET}
    return {**kept, **changes}


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-W", "error", "-c", _START, *map(str, arguments)]


def run_tool(
    *arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment() if env is None else env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def start_tool(*arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*arguments),
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def write_small(directory: Path) -> Path:
    """A directory with one topic of eight cases, which run in a moment."""
    scenarios = directory / "scenarios"
    scenarios.mkdir()
    (scenarios / "small.yaml").write_text(SMALL, "utf-8")
    return scenarios


def write_gate(directory: Path) -> tuple[Path, Path, Path]:
    """A driver that waits at a case in the middle until a gate is there.

    Gives the driver, the gate, and the file that says that it waits; what it opens, it writes to
    the file `opened`.
    """
    driver, gate, waiting = (directory / name for name in ("gated.py", "gate", "waiting"))
    log = str(directory / "opened")
    Path(log).touch()  # what a case creates is removed, and what was there stays
    driver.write_text(GATE.format(gate=str(gate), waiting=str(waiting), log=log))
    return driver, gate, waiting


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    """Until a path is there, or a minute is over, or the process is."""
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, f"{path} does not appear"
        time.sleep(0.01)


def wait_for_cells(output: Path, count: int, process: subprocess.Popen[str]) -> Path:
    """Until a run has kept so many cells in one part file, which is returned."""
    deadline = time.monotonic() + 60
    while True:
        for part in (output / ".parts").glob("*/*.jsonl"):
            if part.read_bytes().count(b"\n") == count:
                return part
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, f"{output} does not get {count} cells"
        time.sleep(0.01)


def contents(directory: Path) -> dict[str, bytes]:
    """Every file below a directory, whole."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
