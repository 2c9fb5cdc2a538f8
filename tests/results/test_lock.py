"""A results directory belongs to one run at a time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from matrix.errors import ResultsError
from matrix.results.lock import locked
from tests.tool import run_tool, start_tool, wait_for, write_gate, write_small

HOLDS = """
import sys, time
from pathlib import Path
from matrix.results.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_refused_and_learns_who_has_the_directory(tmp_path: Path) -> None:
    refusal = rf"process {os.getpid()}, since .* UTC, is writing to it; wait until it has finished"
    with locked(tmp_path), pytest.raises(ResultsError, match=refusal), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(ResultsError, match=f"process {process.pid},"), locked(tmp_path):
            pass
        process.kill()
    assert list(tmp_path.iterdir())
    with locked(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("holder", ["", "null", '{"process": "1"}', "\0"])
def test_a_holder_that_has_not_said_who_it_is_is_another_run(tmp_path: Path, holder: str) -> None:
    with locked(tmp_path):
        (tmp_path / ".holder").write_text(holder)
        with pytest.raises(ResultsError, match="another run is writing to it"), locked(tmp_path):
            pass


def test_empty_directories_in_place_of_its_files_are_replaced(tmp_path: Path) -> None:
    for name in (".lock", ".holder"):
        (tmp_path / name).mkdir()
    with locked(tmp_path):
        assert (tmp_path / ".lock").is_file()


def test_a_run_into_the_directory_of_another_one_is_refused_at_once(tmp_path: Path) -> None:
    scenarios = write_small(tmp_path)
    driver, gate, waiting = write_gate(tmp_path)
    arguments = ("run", scenarios, f"--stack={driver}", "--in-place", "-j1", "-o", "out")
    first = start_tool(*arguments, cwd=tmp_path)
    wait_for(waiting, first)
    second = run_tool(*arguments, "--resume", cwd=tmp_path)
    assert second.returncode == 2
    assert re.search(rf"^out: process {first.pid}, since .*; wait .*\n", second.stderr, re.MULTILINE)
    gate.touch()
    _, said = first.communicate()
    assert first.returncode == 0, said
    assert run_tool("report", "csv", "out", cwd=tmp_path).returncode == 0
