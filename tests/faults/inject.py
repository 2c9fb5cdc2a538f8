"""Runs the tool again and again, each time with another call that fails; a line of JSON for each.

python inject.py CONTROL DIRECTORY STEP FIRST SPEC...: with the shim preloaded, its control file, a
directory that holds `scenarios/`, and which of the calls fail: FIRST, FIRST + STEP and so on.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import sys
from pathlib import Path

from matrix.cli import main
from matrix.model import Json
from matrix.runner import worker

_PASSED_ON = ("LD_PRELOAD", "FAULTS")
_RESUMES = 3


class Control:
    """The file that the shim maps."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def set(self, at: int) -> None:
        """Let the call with this number fail; 0: none, -1: none, but count."""
        with self._path.open("r+b") as file:
            file.write(struct.pack("ii512x", at, 0))

    def read(self) -> tuple[int, str]:
        """How many calls there were, and which one failed."""
        _, count, what = struct.unpack("ii512s", self._path.read_bytes())
        return count, what.partition(b"\0")[0].decode()


def pass_on() -> None:
    """Preload the shim in workers, too, for the scratch directory as they see it."""
    original = worker._environment

    def with_faults(scratch: str) -> dict[str, str]:
        passed = {name: os.environ[name] for name in _PASSED_ON}
        return {**original(scratch), **passed, "FAULTS_ROOT": scratch, "FAULTS_WHO": "worker"}

    worker._environment = with_faults


def run(directory: Path, name: str, specs: list[str], control: Control, at: int) -> tuple[int, str]:
    """Run the tool in a process of its own; its exit code, and what it said."""
    said = directory.parent / "said"
    process = os.fork()
    if process:
        _, status = os.waitpid(process, 0)
        return os.waitstatus_to_exitcode(status), said.read_text("utf-8", "replace")
    code = 99
    try:
        output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(directory)
        control.set(at)
        words = ["run", *(f"--stack={spec}" for spec in specs), "-j1", "--resume", "--offline"]
        main([*words, "-o", name, "--scratch", "scratch", "--format", "csv"])
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def stored(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.glob("*.jsonl")}


def inject(directory: Path, specs: list[str], control: Control, at: int) -> Json:
    """Let one call fail, then resume until the run succeeds."""
    code, said = run(directory, "faulty", specs, control, at)
    count, what = control.read()
    control.set(0)  # this process, too, opens files there
    codes = [code]
    right = code != 0 or stored(directory / "faulty") == stored(directory / "whole")
    while codes[-1] != 0 and len(codes) <= _RESUMES:
        codes.append(run(directory, "faulty", specs, control, 0)[0])
    same = stored(directory / "faulty") == stored(directory / "whole")
    left = sorted(path.name for path in (directory / "faulty").iterdir())
    scratch = sorted(path.name for path in (directory / "scratch").iterdir())
    shutil.rmtree(directory / "faulty")
    return {
        "at": at, "count": count, "what": what, "codes": codes, "right": right, "same": same,
        "left": left, "scratch": scratch, "said": said,
    }  # fmt: skip


def everything(directory: Path, specs: list[str], control: Control, first: int, step: int) -> None:
    code, said = run(directory, "whole", specs, control, -1)
    count, _ = control.read()
    print(json.dumps({"count": count, "code": code, "said": said}), flush=True)
    for at in range(first, count + 1, step):
        print(json.dumps(inject(directory, specs, control, at)), flush=True)


if __name__ == "__main__":
    pass_on()
    control_file, place, step, first, *names = sys.argv[1:]
    everything(Path(place), names, Control(Path(control_file)), int(first), int(step))
