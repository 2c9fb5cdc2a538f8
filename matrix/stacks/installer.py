"""What installs packages here: uv, else pip; and why an installation failed.

Neither says in a form for programs why it failed, so that `failure_in` reads its text: the only
place that does.
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
    r"|returned a 403 Forbidden|401 Unauthorized"  # uv, before it says that there is no package
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
"""The failures that the index decides: it answered, and has nothing that fits."""


def installer(python: Path) -> list[str]:
    """The words that install: uv, else pip."""
    uv = find_uv()
    if uv is not None:
        return [uv, "pip", "install", "--quiet", "--python", str(python)]
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    probe = subprocess.run([*pip[:3], "--version"], capture_output=True, check=False)
    if probe.returncode != 0:
        raise no_installer()
    return pip


def no_installer() -> ProvisionError:
    """The error where nothing installs."""
    return ProvisionError(
        "neither uv nor pip is here",
        hint="python -m pip install uv",
        failure=ProvisionFailure.NO_INSTALLER,
    )


def failure_in(output: str) -> ProvisionFailure:
    """Why uv or pip failed, by all that it wrote.

    The index that was not reached comes first: pip goes on to say that there is no such package.
    It says the same of a package that does not fit, and, without a retry to report, of an index
    that does not answer: so NOT_ON_INDEX is as far as its words go.
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
    """The last words of an installer, on one line."""
    lines = [line.strip(" │╰─▶×").strip() for line in stderr.splitlines()]
    of_pip = [line for line in lines if line.startswith("ERROR: ")][-1:]
    words = " ".join(of_pip or filter(None, lines))
    return re.sub(r"https?://\S+", "the index", words)[-400:] or "could not be installed"


def find_installer() -> str:
    """What installs here, for people: `uv 0.13.9`, or `pip`; ProvisionError where nothing does."""
    uv = find_uv()
    if uv is not None:
        done = subprocess.run([uv, "--version"], capture_output=True, text=True, check=False)
        return done.stdout.strip()
    installer(Path(sys.executable))
    return "pip"
