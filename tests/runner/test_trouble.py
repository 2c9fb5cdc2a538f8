"""What the machine lacks ends a run with a clear message, and is never an observation."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from matrix.errors import MachineError
from tests.builders import make_case
from tests.conftest import ObserveOn
from tests.paths import SCENARIOS
from tests.tool import command, contents, environment, run_tool, write_small

_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")


def _can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        [*_NAMESPACE, "mount -t tmpfs none /mnt"], capture_output=True, check=False
    )
    return tried.returncode == 0


needs_mount = pytest.mark.skipif(
    not _can_mount(), reason="no file system can be mounted in a namespace here"
)


def run_where(mount: str, directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the tool in a directory, with a file system mounted in its `results` or `scratch`."""
    select = ("--stack", "sqlite3", "--select", "file-uris", "-j", "1", "-o", "results")
    command = " ".join((sys.executable, "-m", "matrix", "run", str(SCENARIOS), *select, *words))
    script = f"mount -t tmpfs {mount}; {command}; code=$?; cat results/.parts/*/*; exit $code"
    return subprocess.run(
        [*_NAMESPACE, script], capture_output=True, text=True, check=False, cwd=directory
    )


@needs_mount
def test_a_full_results_directory_ends_the_run_and_keeps_what_was_observed(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    done = run_where("-o size=48k none results", tmp_path)
    assert done.returncode == 3
    assert "No space left on device; make room" in done.stderr
    assert "Traceback" not in done.stderr
    kept = done.stdout.splitlines()[:-1]  # the last one may be torn
    assert kept
    assert all(json.loads(line.partition(" ")[2])["case"] for line in kept)


@needs_mount
def test_a_full_scratch_directory_is_never_taken_for_an_observation(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    done = run_where("-o size=16m none scratch", tmp_path, "--scratch", "scratch")
    assert done.returncode == 3
    assert "No space left on device" in done.stderr
    assert "--resume" in done.stderr
    assert done.stdout == ""


@needs_mount
def test_a_read_only_results_directory_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    done = run_where("-o ro none results", tmp_path)
    assert done.returncode == 3
    assert "Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr


@needs_mount
def test_a_disk_that_a_case_fills_is_no_behaviour(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    driver = write_driver(
        tmp_path,
        "if 'x3' in target:",
        "    with open('../../filler', 'wb', 0) as file:",
        "        while file.write(bytes(1 << 20)) == 1 << 20: pass",
    )
    write_small(tmp_path)
    words = ("-m", "matrix", "run", "scenarios", "--stack", str(driver), "-j1", "-o", "results")
    command = " ".join((sys.executable, *words, "--scratch", "scratch"))
    script = f"mount -t tmpfs -o size=48m none scratch; {command}; code=$?; cat results/.parts/*/*"
    done = subprocess.run(
        [*_NAMESPACE, f"{script}; exit $code"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 3
    assert "No space left on device; make room" in done.stderr
    kept = [json.loads(line.partition(" ")[2])["case"] for line in done.stdout.splitlines()]
    assert kept
    assert not [case for case in kept if "=3" in case]


def write_driver(directory: Path, *before_connect: str) -> Path:
    """A driver that does something before it connects; `seen` names a file to remember by."""
    driver = directory / "troubled.py"
    lines = [
        "import os, resource, sqlite3",
        "from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3",
        f"seen = {str(directory / 'seen')!r}",
        "class Driver(Sqlite3):",
        "    def connect(self, target, options):",
        *(f"        {line}" for line in before_connect),
        "        return super().connect(target, options)",
    ]
    driver.write_text("\n".join(lines))
    return driver


def with_limit(limit: str, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the tool where the shell limits something."""
    return subprocess.run(
        ["sh", "-c", f'ulimit {limit} && exec "$@"', "sh", *command(*arguments)],
        cwd=cwd, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_limit_on_the_size_of_files_is_lifted_or_ends_the_run(tmp_path: Path) -> None:
    scenarios = write_small(tmp_path)
    arguments = ("run", scenarios, "--stack=sqlite3", "-j1", "--resume")
    assert run_tool(*arguments, "-o", "free", cwd=tmp_path).returncode == 0
    lifted = with_limit("-S -f 2000", *arguments, "-o", "lifted", cwd=tmp_path)
    assert lifted.returncode == 0, lifted.stderr
    limited = with_limit("-f 2000", *arguments, "-o", "limited", cwd=tmp_path)
    assert limited.returncode == 3
    assert "File too large; make room, or raise the limit (ulimit)" in limited.stderr
    assert not [name for name in contents(tmp_path / "limited") if name.startswith(".parts/sq")]
    assert run_tool(*arguments, "-o", "limited", cwd=tmp_path).returncode == 0
    cells = {
        name: [text for file, text in contents(tmp_path / name).items() if "sqlite3@" in file]
        for name in ("free", "lifted", "limited")
    }
    assert cells["free"] == cells["lifted"] == cells["limited"] != []


def test_too_few_descriptors_end_the_run(tmp_path: Path) -> None:
    scenarios = write_small(tmp_path)
    done = with_limit("-n 28", "run", scenarios, "--stack=sqlite3", "-j1", "-o", "o", cwd=tmp_path)
    assert done.returncode == 3
    assert "Too many open files" in done.stderr
    assert "Traceback" not in done.stderr
    assert not [name for name in contents(tmp_path / "o") if name.startswith("sqlite3")]


def test_an_open_that_fails_for_want_of_descriptors_is_no_refusal(
    tmp_path: Path, observe_on: ObserveOn
) -> None:
    driver = write_driver(
        tmp_path,
        "soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)",
        "free = os.open('/dev/null', os.O_RDONLY)",
        "os.close(free)",
        "resource.setrlimit(resource.RLIMIT_NOFILE, (free if 'few' in target else soft, hard))",
        "try:",
        "    return super().connect(target, options)",
        "finally:",
        "    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))",
    )
    with pytest.raises(MachineError, match="Too many open files"):
        observe_on(str(driver), make_case(target="few.db"))


def test_a_failure_that_does_not_happen_again_is_none_of_the_stack(
    tmp_path: Path, observe_on: ObserveOn
) -> None:
    once = write_driver(
        tmp_path,
        "if 'bad' in target and not hasattr(self, 'failed'):",
        "    self.failed = True",
        "    raise sqlite3.OperationalError('disk I/O error')",
    )
    with pytest.raises(MachineError, match="Input/output error; make room"):
        observe_on(str(once), make_case(target="bad.db"))


def test_a_failure_that_a_case_asks_for_is_behaviour(observe_on: ObserveOn) -> None:
    case = make_case(target="x.db", sql=("PRAGMA max_page_count=2",))
    (seen,) = observe_on("sqlite3", case)
    assert seen.error is not None
    assert seen.error.message == "database or disk is full"
