"""The Python interpreters of this machine."""

from __future__ import annotations

import sys
from pathlib import Path

from matrix.errors import ProvisionError

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The version of the Python that runs this tool, as stacks name it: `3.11`."""


def find_python(version: str) -> Path:
    """The interpreter of this minor version; ProvisionError where there is none."""
    if version == RUNNING:
        return Path(sys.executable)
    raise ProvisionError(f"Python {version} is not among the Pythons found here")
