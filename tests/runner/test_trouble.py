"""A full disk and an unwritable directory end a run with a clear message."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import SCENARIOS

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
    assert "No space left on device" in done.stderr
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
