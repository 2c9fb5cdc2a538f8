"""What installs packages here: uv, else pip; and what it says when it cannot."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from matrix.errors import MatrixError, ProvisionError
from matrix.stacks.interpreters import find_uv

UNREACHED = re.compile("fetch|connect|network|timed out|resolve host|temporary failure", re.I)
"""What installers say where the way to the index is the trouble, not the package."""


def installer(python: Path) -> list[str]:
    """The words that install: uv, else pip."""
    uv = find_uv()
    if uv is not None:
        return [uv, "pip", "install", "--quiet", "--python", str(python)]
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    probe = subprocess.run([*pip[:3], "--version"], capture_output=True, check=False)
    if probe.returncode != 0:
        raise ProvisionError("neither uv nor pip is here", hint="python -m pip install uv")
    return pip


def complaint(stderr: str) -> str:
    """The last words of an installer, on one line."""
    lines = [line.strip(" │╰─▶×").strip() for line in stderr.splitlines()]
    of_pip = [line for line in lines if line.startswith("ERROR: ")][-1:]
    words = " ".join(of_pip or filter(None, lines))
    return re.sub(r"https?://\S+", "the index", words)[-400:] or "could not be installed"


def find_installer() -> str:
    """What installs here, for people: `uv 0.13.9`, `pip`, or the reason why nothing does."""
    uv = find_uv()
    if uv is not None:
        done = subprocess.run([uv, "--version"], capture_output=True, text=True, check=False)
        return done.stdout.strip()
    try:
        installer(Path(sys.executable))
    except MatrixError as error:
        return str(error)
    return "pip"
