"""Which versions of a package there are: the index is asked, by pip, or by the pip that uv runs."""

from __future__ import annotations

import re
import subprocess
import sys

from matrix.errors import ProvisionError, UsageError
from matrix.stacks.installer import UNREACHED, complaint
from matrix.stacks.interpreters import find_uv

_LIST = re.compile(r"^Available versions: (.+)$", re.MULTILINE)
_SECONDS = 120
_UNKNOWN = "No matching distribution found"


def versions_on_index(distribution: str, python: str, *, pre: bool = False) -> tuple[str, ...]:
    """The versions that say they support this Python, newest first; some may have no wheel for it.

    `pre`: pre-releases too.
    Raises UsageError for a package of which there is none, ProvisionError where nobody answers.
    """
    # the words on a connection that fails are in the warning of a retry, and nowhere else
    command = [*_pip(), "--retries", "1", "index", "versions"]
    command += ["--python-version", python, distribution]
    command += ["--pre"] if pre else []
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ProvisionError(f"{distribution}: no answer within {_SECONDS} s") from None
    found = _LIST.search(done.stdout)
    if found is not None:
        return tuple(version.strip() for version in found[1].split(","))
    if UNREACHED.search(done.stderr):
        raise ProvisionError(f"{distribution}: the index does not answer")
    if _UNKNOWN in done.stderr:
        message = f"{distribution}: the index has no such package, or none for Python {python}"
        raise UsageError(message)
    raise ProvisionError(f"{distribution}: {complaint(done.stderr)}")


def _pip() -> list[str]:
    """The words that call pip: that of this Python, else one that uv fetches."""
    own = [sys.executable, "-m", "pip"]
    if subprocess.run([*own, "--version"], capture_output=True, check=False).returncode == 0:
        return [*own, "--disable-pip-version-check"]
    uv = find_uv()
    if uv is None:
        raise ProvisionError("neither uv nor pip is here", hint="python -m pip install uv")
    return [uv, "tool", "run", "--quiet", "pip"]
