"""The versions of a package on the index, as listed by pip, or by the pip that uv runs."""

from __future__ import annotations

import re
import subprocess
import sys

from matrix.errors import ProvisionError, ProvisionFailure, UsageError
from matrix.model.versions import version_of
from matrix.stacks.installer import REFUSALS, complaint, failure_in, no_installer, run_installer
from matrix.stacks.interpreters import find_uv

_LIST = re.compile(r"^Available versions: (.+)$", re.MULTILINE)
_SECONDS = 120


def versions_on_index(distribution: str, python: str, *, pre: bool = False) -> tuple[str, ...]:
    """The versions that claim to support this Python, newest first; some may have no wheel for it.

    `pre`: include pre-releases. Raises UsageError if there are none, ProvisionError if the index
    does not answer.
    """
    # pip reports a failed connection only in the warning about a retry
    command = [*_pip(), "--retries", "1", "index", "versions"]
    command += ["--python-version", python, distribution]
    command += ["--pre"] if pre else []
    try:
        done = run_installer(command, seconds=_SECONDS)
    except subprocess.TimeoutExpired:
        message = f"{distribution}: no answer within {_SECONDS} s"
        raise ProvisionError(message, failure=ProvisionFailure.INDEX_UNREACHED) from None
    found = _LIST.search(done.stdout)
    if found is not None:
        listed = (version.strip() for version in found[1].split(","))
        return tuple(version for version in listed if version_of(version) is not None)
    failure = failure_in(done.stderr)
    if failure is ProvisionFailure.INDEX_UNREACHED:
        raise ProvisionError(f"{distribution}: the index does not answer", failure=failure)
    if failure in REFUSALS:
        message = f"{distribution}: the index has no such package, or none for Python {python}"
        raise UsageError(message)
    raise ProvisionError(f"{distribution}: {complaint(done.stderr)}", failure=failure)


def _pip() -> list[str]:
    """The command for pip: that of this Python, else one that uv fetches."""
    own = [sys.executable, "-m", "pip"]
    if run_installer([*own, "--version"]).returncode == 0:
        return [*own, "--disable-pip-version-check"]
    uv = find_uv()
    if uv is None:
        raise no_installer()
    return [uv, "tool", "run", "--quiet", "pip"]
