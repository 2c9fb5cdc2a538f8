"""The package installer, uv or else pip, and the reasons why an installation failed.

Neither has machine-readable errors, so `failure_in` reads their output. No other code does.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from matrix.errors import ProvisionError, ProvisionFailure
from matrix.stacks.interpreters import NEUTRAL, find_uv

_UNREACHED = re.compile(
    r"Failed to fetch|error sending request|network was disabled"  # uv
    r"|returned a 403 Forbidden|401 Unauthorized"  # uv, before "no such package"
    r"|connection broken by|Could not fetch URL|There was a problem confirming the ssl"  # pip
    r"|timed out|Temporary failure in name resolution|Name or service not known",
    re.IGNORECASE,
)
_WRONG_HASH = re.compile(
    r"Hash mismatch for|Hash-checking is required|In `?--require-hashes`? mode"  # uv
    r"|DO NOT MATCH THE HASHES|Hashes are required in --require-hashes mode"  # pip
)
_NOT_FOR_PYTHON = re.compile(r"does not satisfy Python")
_NO_WHEEL = re.compile(r"has no (?:usable )?wheels")
_NOT_ON_INDEX = re.compile(r"No solution found|No matching distribution found")

REFUSALS = frozenset(
    {ProvisionFailure.NOT_FOR_PYTHON, ProvisionFailure.NO_WHEEL, ProvisionFailure.NOT_ON_INDEX}
)
"""The failures where the index answered, but has nothing that fits."""


def installer(python: Path) -> list[str]:
    """The install command: uv, else pip."""
    uv = find_uv()
    if uv is not None:
        # copied, not linked: what changes an overlay does not change uv's cache
        return [uv, "pip", "install", "--quiet", "--link-mode", "copy", "--python", str(python)]
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    probe = run_installer([*pip[:3], "--version"])
    if probe.returncode != 0:
        raise no_installer()
    return pip


def run_installer(
    command: Sequence[str], *, seconds: float | None = None, without: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run uv or pip where no project can redirect it to another index.

    Both read settings from the current directory or those above it (`uv.toml`, `setup.cfg`), and
    Python runs a `pip` that lies there. In the root directory only the user's own settings count.
    `without`: environment variables that it does not get.
    """
    return subprocess.run(
        command, cwd=NEUTRAL, env={k: v for k, v in os.environ.items() if k not in without},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip


def no_installer() -> ProvisionError:
    """The error for a machine without an installer."""
    return ProvisionError(
        "neither uv nor pip is installed",
        hint="python -m pip install uv",
        failure=ProvisionFailure.NO_INSTALLER,
    )


def failure_in(output: str) -> ProvisionFailure:
    """Why uv or pip failed, judged by its whole output.

    An unreachable index is checked before what the index has, because pip then also says that there
    is no such package.
    pip says the same of a package that does not fit and, if it did not retry, of an index that does
    not answer, so NOT_ON_INDEX is not always exact.
    """
    for pattern, failure in (
        (_WRONG_HASH, ProvisionFailure.WRONG_HASH),
        (_UNREACHED, ProvisionFailure.INDEX_UNREACHED),
        (_NOT_FOR_PYTHON, ProvisionFailure.NOT_FOR_PYTHON),
        (_NO_WHEEL, ProvisionFailure.NO_WHEEL),
        (_NOT_ON_INDEX, ProvisionFailure.NOT_ON_INDEX),
    ):
        if pattern.search(output):
            return failure
    return ProvisionFailure.INSTALL_FAILED


def complaint(stderr: str) -> str:
    """The final error message of an installer, on one line."""
    lines = [line.strip(" │╰─▶×").strip() for line in stderr.splitlines()]
    of_pip = [line for line in lines if line.startswith("ERROR: ")][-1:]
    words = " ".join(of_pip or filter(None, lines))
    return re.sub(r"https?://\S+", "the index", words)[-400:] or "could not be installed"


def find_installer() -> str:
    """The installer to show to users: `uv 0.13.9`, or `pip`; raises ProvisionError without one."""
    uv = find_uv()
    if uv is not None:
        done = run_installer([uv, "--version"])
        return done.stdout.strip()
    installer(Path(sys.executable))
    return "pip"
