"""The stored bytes depend only on what was run."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.paths import SCENARIOS
from tests.processes import needs_proc, workers_of
from tests.tool import (
    contents,
    run_tool,
    start_tool,
    wait_for,
    wait_for_cells,
    write_gate,
    write_small,
)

TOPICS = ("sharing", "sqlalchemy-pools", "target-types")
SELECTION = [f"--select={topic}" for topic in TOPICS]
STACKS = ["--stack=sqlite3", "--stack=sqlite3[sqlalchemy]"]

needs_posix = pytest.mark.skipif(os.name != "posix", reason="a run is killed by a signal")


def stored(directory: Path) -> dict[str, bytes]:
    """The result files; the side file and the page are left out, since they contain the time."""
    return {name: read for name, read in contents(directory).items() if name.endswith(".jsonl")}


def run(cwd: Path, name: str, *options: str | Path) -> dict[str, bytes]:
    done = run_tool("run", SCENARIOS, *SELECTION, *STACKS, "-o", name, *options, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return stored(cwd / name)


def test_two_runs_give_the_same_bytes_with_any_workers_and_file_system(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    first = run(tmp_path, "first", "-j1")
    assert len(first) == 3  # the cases, two stacks
    assert run(tmp_path, "second", "-j2", "--scratch", scratch) == first
    assert list(scratch.iterdir()) == []


def test_a_run_over_old_results_replaces_them(tmp_path: Path) -> None:
    scenarios = write_small(tmp_path)
    arguments = ("run", scenarios, "--stack=sqlite3", "-o", "out")
    assert run_tool(*arguments, cwd=tmp_path).returncode == 0
    first = stored(tmp_path / "out")
    (of_another_run,) = (tmp_path / "out").glob("sqlite3@*.jsonl")
    shutil.copy(of_another_run, of_another_run.with_name("apsw@3.11.jsonl"))
    assert run_tool(*arguments, cwd=tmp_path).returncode == 0
    assert stored(tmp_path / "out") == first


@needs_posix
@needs_proc
def test_a_run_that_was_killed_ends_with_the_same_bytes(tmp_path: Path) -> None:
    scenarios = write_small(tmp_path)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    driver, gate, waiting = write_gate(tmp_path)
    arguments = ("run", scenarios, f"--stack={driver}", "-j1", "--scratch", scratch)
    process = start_tool(*arguments, "-o", "killed", cwd=tmp_path)
    wait_for(waiting, process)
    wait_for_cells(tmp_path / "killed", 5, process)  # both of memory, x1, x2 and x3
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL

    gate.touch()
    resumed = run_tool(*arguments, "-o", "killed", "--resume", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert workers_of(scratch) == []
    assert list(scratch.iterdir()) == []
    assert run_tool(*arguments, "-o", "whole", cwd=tmp_path).returncode == 0
    assert stored(tmp_path / "killed") == stored(tmp_path / "whole")


@needs_posix
def test_a_resumed_run_does_not_run_again_what_it_has(tmp_path: Path) -> None:
    scenarios = write_small(tmp_path)
    driver, gate, waiting = write_gate(tmp_path)
    arguments = ("run", scenarios, f"--stack={driver}", "-j1", "-o", "out")
    process = start_tool(*arguments, cwd=tmp_path)
    wait_for(waiting, process)
    wait_for_cells(tmp_path / "out", 5, process)
    process.kill()
    process.communicate()
    gate.touch()
    log = tmp_path / "opened"
    log.unlink()
    assert run_tool(*arguments, "--resume", cwd=tmp_path).returncode == 0
    opened = {name for name in log.read_text().split() if name.startswith("x")}
    assert opened == {"x4.db", "x5.db", "x6.db"}


@needs_posix
def test_a_run_that_was_killed_starts_over_without_resume(tmp_path: Path) -> None:
    scenarios = write_small(tmp_path)
    driver, gate, waiting = write_gate(tmp_path)
    arguments = ("run", scenarios, f"--stack={driver}", "-j1", "-o", "out")
    for options, note in (
        ((), "discarding an interrupted run (--resume would continue it)"),
        (("--resume", "--select=small/memory"), "the scenarios have changed since"),
    ):
        process = start_tool(*arguments, cwd=tmp_path)
        wait_for(waiting, process)
        process.kill()
        process.communicate()
        gate.touch()
        done = run_tool(*arguments, *options, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert note in done.stderr
        gate.unlink()
        waiting.unlink()
