"""Code that runs as another user, where the tests run as root."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.paths import ROOT

USER = 12345
_CAN = (
    "import pytest, subprocess, sys, tests.builders; subprocess.check_call([sys.executable, '-V'])"
)


def run_as_other_user(python: str, directory: Path, code: str) -> str:
    """What the code prints; the user may write to the directory."""
    return subprocess.run(
        _command(python, code),
        cwd=directory,
        env=_environment(directory),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout


@contextmanager
def directory_of_other_user() -> Iterator[Path]:
    """A directory of that user's, which is not below one of root's own."""
    with tempfile.TemporaryDirectory(prefix="other-user-") as directory:
        os.chown(directory, USER, USER)
        yield Path(directory)


@functools.cache
def python_of_other_user() -> str | None:
    """A Python that another user can execute, and that finds the tool; None if there is none."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("setpriv") is None:
        return None
    for python in (sys.executable, "/usr/bin/python3"):
        tried = subprocess.run(
            _command(python, _CAN), cwd="/", env=_environment(Path("/")),
            capture_output=True, check=False,
        )  # fmt: skip
        if tried.returncode == 0:
            return python
    return None


def _command(python: str, code: str) -> list[str]:
    user = f"--reuid={USER}", f"--regid={USER}", "--clear-groups"
    return ["setpriv", *user, python, "-B", "-W", "error", "-c", code]


def _environment(directory: Path) -> dict[str, str]:
    paths = (str(ROOT), sysconfig.get_path("purelib"))
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "TMPDIR": str(directory),
        "PYTHONPATH": os.pathsep.join(paths),
    }
