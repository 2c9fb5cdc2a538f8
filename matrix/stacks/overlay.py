"""What an overlay holds: a note in it has a digest of every file, so that any change is noticed.

The compiled modules are among the files. They are made when the overlay is, in the mode in which
Python does not look at their sources, so that no run adds or changes one.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
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
    for name, path in sorted(_files(directory)):
        if name != NOTE.encode():
            digest.update(b"%d:%s%s" % (len(name), name, _content(path)))
    return digest.hexdigest()


def _files(directory: Path) -> Iterator[tuple[bytes, Path]]:
    """Everything but directories, with its name; links to directories are not followed."""
    for root, directories, names in os.walk(directory):
        here = Path(root)
        links = [name for name in directories if (here / name).is_symlink()]
        for path in (here / name for name in (*names, *links)):
            yield os.fsencode(path.relative_to(directory)), path


def _content(path: Path) -> bytes:
    """What is at a path: the digest of a file, where a link leads, or only that it is neither."""
    mode = path.lstat().st_mode
    if stat.S_ISREG(mode):
        return b"f" + hashlib.sha256(path.read_bytes()).digest()
    return b"l" + os.fsencode(path.readlink()) + b"\0" if stat.S_ISLNK(mode) else b"?"
