"""What an overlay holds: a note in it has a digest of every file, so that any change is noticed.

The compiled modules are among the files. They are made when the overlay is, in the mode in which
Python does not look at their sources, so that no run adds or changes one.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from matrix.stacks.catalogue import Package

NOTE = "sqlite-matrix-overlay.json"
"""The note in every complete overlay."""


def complete(directory: Path, package: Package, python: Path) -> None:
    """Compile what was installed, and write the note."""
    compileall = ["-m", "compileall", "-qq", "--invalidation-mode", "unchecked-hash"]
    subprocess.run(
        [str(python), "-I", "-S", *compileall, str(directory)],
        stdin=subprocess.DEVNULL, capture_output=True, check=False,
    )  # fmt: skip
    (directory / NOTE).write_text(json.dumps(_note(directory, package)), "utf-8")


def is_whole(directory: Path, package: Package) -> bool:
    """Whether an overlay is as it was made, of this package with these hashes."""
    try:
        note = json.loads((directory / NOTE).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(note == _note(directory, package))


def _note(directory: Path, package: Package) -> dict[str, object]:
    return {
        "requirement": package.requirement,
        "pins": sorted(each.hashed_line for each in package.locked),
        "digest": f"sha256:{_digest(directory)}",
    }


def _digest(directory: Path) -> str:
    """A digest of the paths and the content of all files but the note."""
    digest = hashlib.sha256()
    start = len(os.fsencode(directory)) + 1
    for entry in sorted(_files(os.fsencode(directory)), key=lambda entry: entry.path):
        name = entry.path[start:]
        if name != NOTE.encode():
            digest.update(b"%d:%s%s" % (len(name), name, _content(entry)))
    return digest.hexdigest()


def _files(directory: bytes) -> Iterator[os.DirEntry[bytes]]:
    """Everything but directories; links are not followed. Django has 4,600 files: no Path here."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            else:
                yield entry


def _content(entry: os.DirEntry[bytes]) -> bytes:
    """What is there: the digest of a file, where a link leads, or only that it is neither."""
    if entry.is_file(follow_symlinks=False):
        with open(entry.path, "rb", buffering=0) as file:  # noqa: PTH123
            return b"f" + hashlib.sha256(file.read()).digest()
    return b"l" + os.readlink(entry.path) + b"\0" if entry.is_symlink() else b"?"  # noqa: PTH115
