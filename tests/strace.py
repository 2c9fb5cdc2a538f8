"""What the kernel was asked to create, read from a trace of `strace`.

It shares nothing with the probe: no hook, no listing, only the calls of the process.
With `-D` the traced process stays a child of the tool, under the number that the tool knows.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_SCRIPT = """#!/bin/sh
exec strace -D -f -q -xx -s 4096 -e trace=%file -o {traces}/$$ {python} "$@"
"""
_LINE = re.compile(r"(?P<pid>\d+) +(?P<rest>.*)")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)")
_CALL = re.compile(
    r"(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+|\?)(?:<[^>]*>\S*)?(?: .*)?"
)
_END = re.compile(r"(?P<pid>\d+) +\+\+\+ (?:exited with|killed by) .*")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def _works() -> bool:
    if sys.platform != "linux" or shutil.which("strace") is None:
        return False
    tried = subprocess.run(
        ["strace", "-qq", "-o", "/dev/null", sys.executable, "-c", ""],
        capture_output=True,
        check=False,
    )
    return tried.returncode == 0


needs_strace = pytest.mark.skipif(
    not _works(), reason="strace is not here, or may not trace (apt-get install strace)"
)


def write_wrapper(directory: Path) -> tuple[Path, Path]:
    """A stand-in for this Python that runs under `strace`; the directory that traces go to."""
    traces = directory / "traces"
    traces.mkdir()
    wrapper = directory / "python"
    wrapper.write_text(_SCRIPT.format(traces=traces, python=sys.executable))
    wrapper.chmod(0o755)
    return wrapper, traces


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its name, its arguments as they stand, the paths among them, and how it went."""

    pid: int
    name: str
    arguments: str
    paths: tuple[str, ...]
    went_well: bool


def parse_trace(path: Path) -> Iterator[Call]:
    """The calls of a trace, in the order in which they ended."""
    unfinished: dict[str, str] = {}
    for line in _whole_trace(path):
        found = _LINE.fullmatch(line)
        assert found is not None, line
        pid, rest = found["pid"], found["rest"]
        if rest.endswith("<unfinished ...>"):
            unfinished[pid] = rest.removesuffix("<unfinished ...>").rstrip()
            continue
        resumed = _RESUMED.fullmatch(rest)
        if resumed is not None:
            rest = unfinished.pop(pid) + resumed[1].lstrip()
        call = _CALL.fullmatch(rest)
        if call is None or call["result"] == "?":
            continue
        paths = tuple(_decode(text) for text in _STRING.findall(call["arguments"]))
        yield Call(int(pid), call["name"], call["arguments"], paths, int(call["result"]) >= 0)


def _whole_trace(path: Path) -> list[str]:
    """The lines of a trace once the tracer is through: it ends after the process that it traces."""
    deadline = time.monotonic() + 30
    while True:
        lines = path.read_text("ascii").splitlines()
        first = lines[0].split()[0] if lines else None
        ends = {found["pid"] for found in map(_END.fullmatch, lines) if found}
        if first in ends:
            return lines
        assert time.monotonic() < deadline, f"the trace {path} has no end"
        time.sleep(0.01)


def _decode(text: str) -> str:
    return os.fsdecode(bytes.fromhex(text.replace("\\x", "")))


@dataclass(slots=True)
class Traced:
    """What one case created and could not create; of the former, what stayed where it ran."""

    number: int
    created: set[str] = field(default_factory=set)
    tried: set[str] = field(default_factory=set)
    stayed: set[str] = field(default_factory=set)


@dataclass(slots=True)
class TracedWorker:
    """Follows a worker's calls, and tells which case created what.

    `<scratch>/<number>` is made when a case begins, and the worker leaves `<scratch>/<number>/dir`
    for `<scratch>` when it ends; whatever is created in between is of that case.
    """

    scratch: Path
    cases: list[Traced] = field(default_factory=list)
    _there: set[str] = field(default_factory=set)
    _ended: bool = False

    def follow(self, calls: Iterator[Call]) -> None:
        for call in calls:
            if call.went_well:
                self._take(call)
            elif "O_CREAT" in call.arguments or call.name.startswith("mkdir"):
                self._try(call.paths[0])

    def _take(self, call: Call) -> None:
        if call.name in ("mkdir", "mkdirat"):
            made = Path(call.paths[0])
            if made.parent == self.scratch and made.name.isdigit():
                self.cases.append(Traced(int(made.name)))
                self._ended = False
                self._there.add(call.paths[0])
                return
            self._create(call.paths[0])
        elif call.name == "chdir" and Path(call.paths[0]) == self.scratch and self.cases:
            self._end()
        elif "O_TMPFILE" in call.arguments:
            self._create(f"{call.paths[0]}/(unnamed)")
        elif "O_CREAT" in call.arguments:
            self._create(call.paths[0])
        elif call.name.startswith("symlink"):
            self._create(call.paths[1])
        elif call.name in ("unlink", "unlinkat", "rmdir"):
            self._there.discard(self._absolute(call.paths[0]))

    def _absolute(self, path: str) -> str:
        """A path of a call; a relative one begins in the directory of the case."""
        number = self.cases[-1].number if self.cases else 0
        return os.path.normpath(self.scratch / f"{number:05}" / "dir" / path)

    def _create(self, path: str) -> None:
        path = self._absolute(path)
        if path in self._there or not self.cases or self._ended:
            return
        if not path.endswith("(unnamed)"):
            self._there.add(path)
        self.cases[-1].created.add(path)

    def _try(self, path: str) -> None:
        path = self._absolute(path)
        if self.cases and not self._ended and path not in self._there and not Path(path).exists():
            self.cases[-1].tried.add(path)

    def _end(self) -> None:
        case, self._ended = self.cases[-1], True
        below = f"{self.scratch}/{case.number:05}/"
        case.stayed = {path for path in self._there if path.startswith(below)}
