"""The package installer, uv or else pip, and the reasons why an installation failed.

Neither has machine-readable errors, so `failure_in` reads their output. No other code does.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from matrix.errors import ProvisionError, ProvisionFailure
from matrix.stacks.interpreters import find_uv

_UNREACHED = re.compile(
    r"Failed to fetch|error sending request|network was disabled"  # uv
    r"|returned a 403 Forbidden|401 Unauthorized"  # uv, before "no such package"
    r"|connection broken by|Could not fetch URL|There was a problem confirming the ssl"  # pip
    r"|timed out|Temporary failure in name resolution|Name or service not known",
    re.IGNORECASE,
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
        return [uv, "pip", "install", "--quiet", "--python", str(python)]
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    probe = subprocess.run([*pip[:3], "--version"], capture_output=True, check=False)
    if probe.returncode != 0:
        raise no_installer()
    return pip


def no_installer() -> ProvisionError:
    """The error for a machine without an installer."""
    return ProvisionError(
        "neither uv nor pip is installed",
        hint="python -m pip install uv",
        failure=ProvisionFailure.NO_INSTALLER,
    )


def failure_in(output: str) -> ProvisionFailure:
    """Why uv or pip failed, judged by its whole output.

    An unreachable index is checked first, because pip then also says that there is no such package.
    pip says the same of a package that does not fit and, if it did not retry, of an index that does
    not answer, so NOT_ON_INDEX is not always exact.
    """
    for pattern, failure in (
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
        done = subprocess.run([uv, "--version"], capture_output=True, text=True, check=False)
        return done.stdout.strip()
    installer(Path(sys.executable))
    return "pip"
