"""Whichever process is killed, `run --resume` ends with the same bytes as an undisturbed run.

Five hundred kills take minutes: `tox -e endurance`.
"""

from __future__ import annotations

import filecmp
import os
import random
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.paths import SCENARIOS
from tests.processes import children_of, needs_proc

TOPICS = ("cache", "vfs")
KILLS = 500
EACH = 20  # kills before a run may finish

pytestmark = pytest.mark.endurance


def start(output: Path, scratch: Path) -> int:
    """Start or resume a run in a separate process; its process id."""
    process = os.fork()
    if process:
        return process
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    code = 99
    try:
        code = run(output, scratch)
    finally:
        os._exit(code)


def run(output: Path, scratch: Path) -> int:
    from matrix.cli import main

    words = ["run", str(SCENARIOS), "--stack", "sqlite3", "--stack", "sqlite3[uri=off]", "-j", "2"]
    for topic in TOPICS:
        words += ["--select", topic]
    words += ["--resume", "-o", str(output), "--scratch", str(scratch), "--format", "csv"]
    try:
        main(words)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def ended(process: int) -> int | None:
    """The exit code of a process, negative for a signal; None while it runs."""
    found, status = os.waitpid(process, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@needs_proc
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes(tmp_path: Path) -> None:
    import matrix.runner.collect  # what a run imports is there before the first fork
    import matrix.stacks.catalogue

    matrix.stacks.catalogue.load_catalogue()
    chance = random.Random(20)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    began = time.monotonic()
    assert os.waitstatus_to_exitcode(os.waitpid(start(whole, scratch), 0)[1]) == 0
    usual = time.monotonic() - began
    kills = finished = 0
    code: int | None = None
    while kills < KILLS or code != 0:  # the last word is a run that was let alone
        process = start(killed, scratch)
        while (code := ended(process)) is None:
            time.sleep(chance.uniform(0, usual / 4))
            victims = [process] if chance.random() < 0.5 else children_of(process)
            if kills < min(KILLS, EACH * (finished + 1)) and victims:
                kills += 1
                kill(chance.choice(victims))
        if code == 0:
            finished += 1
            assert names_in(killed) == names_in(whole)
            results = [name for name in names_in(whole) if name.endswith(".jsonl")]
            _, different, errors = filecmp.cmpfiles(whole, killed, results, shallow=False)
            assert (different, errors) == ([], [])
            shutil.rmtree(killed)
        else:
            assert code == -signal.SIGKILL
    print(f"{kills} kills, {finished} runs finished", file=sys.stderr)
    assert not list(scratch.iterdir())


def kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
