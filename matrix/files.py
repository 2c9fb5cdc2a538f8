"""Whether something is there. A name that the system refuses, such as one too long, is not.

`Path.exists` and its like raise OSError for such names before Python 3.14.
"""

from __future__ import annotations

from pathlib import Path


def exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
