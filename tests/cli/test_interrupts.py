"""Ctrl-C, once and twice, at any moment: exit code 130, no traceback, and `--resume` goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.processes import needs_proc, workers_of
from tests.tool import contents, environment, run_tool, wait_for, write_gate, write_small

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals of POSIX")

SLOW = """
import importlib, pathlib, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
module, _, path = sys.argv.pop(1).partition(":")
there = pathlib.Path(sys.argv.pop(1))
*owners, name = path.split(".")
owner = importlib.import_module(module)
for each in owners:
    owner = getattr(owner, each)
original = getattr(owner, name)
def slow(*words, **options):
    there.touch()
    time.sleep(60)
    return original(*words, **options)
setattr(owner, name, slow)
from matrix.cli import main
main()
"""
"""Runs the tool with one of its functions slowed down, which makes a file when it is entered."""

IN_ORDER = (
    "matrix.runner.worker:WorkerProcess.kill",
    "matrix.runner.worker:WorkerProcess._close",
    "matrix.runner.scratch:shutil.rmtree",
    "matrix.cli:_complain",
)
"""What happens after the first Ctrl-C."""

BEFORE = (
    "matrix.project.run:plan_run",
    "matrix.stacks.provision:Provisioner.provide_all",
    "matrix.results.file_format:_sync_directory",
    "matrix.runner.part_files:StackParts.mend",
    "matrix.project.run:load_results",
)
"""What may take long without any Ctrl-C."""


class Slowed:
    """A run whose driver waits at its gate, and which hangs in one function."""

    def __init__(self, directory: Path, function: str) -> None:
        write_small(directory)
        driver, self.gate, self.waiting = write_gate(directory)
        self.scratch = directory / "scratch"
        self.scratch.mkdir()
        self.directory = directory
        self.there = directory / "there"
        words = ("run", f"--stack={driver}", "--in-place", "-j1", "-o", "o")
        self.words = (*words, "--scratch", str(self.scratch))
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", SLOW, function, str(self.there), *self.words],
            cwd=directory, env=environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
        )  # fmt: skip

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def check(self) -> None:
        _, said = self.process.communicate(timeout=20)
        assert self.process.returncode == 130, said
        assert "Traceback" not in said
        assert "interrupted" in said
        self.gate.touch()
        resumed = run_tool(*self.words, "--resume", cwd=self.directory)
        assert resumed.returncode == 0, resumed.stderr
        assert len([name for name in contents(self.directory / "o") if "@" in name]) == 1
        assert list(self.scratch.iterdir()) == []


@needs_proc
@pytest.mark.parametrize("function", IN_ORDER)
def test_a_second_ctrl_c_leaves_while_the_first_one_cleans_up(
    tmp_path: Path, function: str
) -> None:
    run = Slowed(tmp_path, function)
    wait_for(run.waiting, run.process)
    run.interrupt()
    wait_for(run.there, run.process)
    run.interrupt()
    run.check()
    assert workers_of(run.scratch) == []


@needs_proc
@pytest.mark.parametrize("function", BEFORE)
def test_ctrl_c_twice_ends_whatever_takes_long(tmp_path: Path, function: str) -> None:
    run = Slowed(tmp_path, function)
    run.gate.touch()
    wait_for(run.there, run.process)
    while run.process.poll() is None:
        run.interrupt()
        time.sleep(0.2)
    run.check()
    assert workers_of(run.scratch) == []


def test_a_run_that_ignores_ctrl_c_goes_on_ignoring_it(tmp_path: Path) -> None:
    write_small(tmp_path)
    driver, gate, waiting = write_gate(tmp_path)
    code = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); import matrix.__main__"
    start = f"{code}; matrix.__main__.main()"
    process = subprocess.Popen(
        [sys.executable, "-c", start, "run", f"--stack={driver}", "--in-place", "-o", "o"],
        cwd=tmp_path, env=environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    wait_for(waiting, process)
    process.send_signal(signal.SIGINT)
    gate.touch()
    _, said = process.communicate()
    assert process.returncode == 0, said
