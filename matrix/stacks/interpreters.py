"""The Python interpreters on this machine, by minor version."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from matrix.errors import ProvisionError, ProvisionFailure

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The version of the Python that runs this tool, as stacks name it: `3.11`."""

OLDEST = (3, 8)
"""The oldest Python that can run the code inside a stack."""

NEUTRAL = Path(os.sep).resolve()
"""A directory with no project in it or above it: installers read settings that lie there."""


@lru_cache
def find_python(version: str) -> Path:
    """The interpreter of this minor version, from pyenv, from the PATH, or managed by uv.

    Raises ProvisionError if none starts.
    """
    if version == RUNNING:
        return Path(sys.executable)
    if _numbers(version) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        message = f"a stack needs Python {oldest} or newer, not {version}"
        raise ProvisionError(message, failure=ProvisionFailure.NO_PYTHON)
    for candidate in _candidates(version):
        if _answers(candidate, version):
            return candidate
    raise ProvisionError(
        f"Python {version} is not installed",
        hint=f"uv python install {version}",
        failure=ProvisionFailure.NO_PYTHON,
    )


def _candidates(version: str) -> Iterator[Path]:
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    of_pyenv = root.glob(f"versions/{version}.*/bin/python")
    yield from sorted(of_pyenv, key=lambda path: _numbers(path.parts[-3]), reverse=True)
    on_path = shutil.which(f"python{version}")
    if on_path is not None:
        yield Path(on_path)
    uv = find_uv()
    if uv is not None:
        found = _run([uv, "python", "find", "--no-python-downloads", version])
        if found:
            yield Path(found)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def _answers(python: Path, version: str) -> bool:
    """Whether it starts and has this version; a shim may not."""
    question = "import sys; print('%d.%d' % sys.version_info[:2])"
    return _run([str(python), "-I", "-S", "-c", question]) == version


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, cwd=NEUTRAL, capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def find_uv() -> str | None:
    """The uv beside this Python, or on the PATH."""
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.is_file() else shutil.which("uv")
