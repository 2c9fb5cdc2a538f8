"""What runs that were killed have left is cleared away, and what others have planted is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from matrix.runner.scratch import scratch_directory

needs_root = pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can make another user's files"
)


def left_behind(parent: Path) -> Path:
    """The scratch directory of a run that is over."""
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    scratch = parent / f"sqlite-matrix-{done.stdout.strip()}-x"
    worker = scratch / "0" / "1"
    worker.mkdir(parents=True)
    scratch.chmod(0o700)
    return scratch


def start_a_run(parent: Path) -> None:
    with scratch_directory(parent):
        pass


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    path = tmp_path / "shared"
    path.mkdir()
    return path


def test_what_a_killed_run_has_left_is_removed(parent: Path) -> None:
    scratch = left_behind(parent)
    start_a_run(parent)
    assert not scratch.exists()


def test_a_directory_that_others_can_write_to_is_left_alone(parent: Path) -> None:
    scratch = left_behind(parent)
    scratch.chmod(0o777)
    start_a_run(parent)
    assert scratch.exists()


@needs_root
def test_a_directory_of_another_user_is_left_alone(parent: Path) -> None:
    scratch = left_behind(parent)
    os.chown(scratch, 65534, 65534)
    start_a_run(parent)
    assert scratch.exists()


def test_a_link_to_a_directory_is_left_alone(parent: Path, tmp_path: Path) -> None:
    scratch = left_behind(parent)
    elsewhere = tmp_path / "elsewhere"
    scratch.rename(elsewhere)
    scratch.symlink_to(elsewhere, target_is_directory=True)
    start_a_run(parent)
    assert elsewhere.exists()
