"""How cases are kept from changing the machine, which depends on what the kernel allows."""

from __future__ import annotations

import json
import os
import posixpath
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from matrix.errors import MatrixError
from matrix.model import Case, Json
from matrix.model.meaning import meaning_of
from matrix.probe.privateroot import HOME
from matrix.runner.options import RunOptions

PROBE = Path(__file__).parents[1] / "probe" / "__main__.py"
_TRY_SECONDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """What the workers of a run are set up with.

    `private_root`: every change outside a case's directories is private to its worker; otherwise
    SQLite's calls are redirected to copies. `landlock`: the kernel denies every other change.
    `in_place`: neither; cases change the machine's files.
    """

    private_root: bool
    landlock: bool
    in_place: bool = False

    def to_json(self) -> dict[str, Json]:
        root = "private" if self.private_root else "shared"
        return {"root": root, "contain": self.landlock, "in_place": self.in_place}

    def __str__(self) -> str:
        if self.in_place:
            return "none: cases change the files that they name"
        root = "a private root directory" if self.private_root else "redirected calls of SQLite"
        return root + (" and Landlock" if self.landlock else "")


NO_KERNEL = Isolation(private_root=False, landlock=False)
"""The isolation that needs nothing of the kernel: SQLite's calls are redirected."""


def choose_isolation(options: RunOptions, scratch: Path) -> Isolation:
    """The best isolation that this machine allows.

    Raises MatrixError where `options` ask for more.
    """
    if options.in_place:
        return Isolation(private_root=False, landlock=False, in_place=True)
    able = _try(scratch)
    private_root = bool(able["private_root"]) and options.private_root is not False
    landlock = bool(able["landlock"]) and options.contain is not False
    if options.contain and not (private_root or landlock):
        raise MatrixError(
            f"cases cannot be contained: {able['reason']}, and the kernel has no Landlock",
            hint="use Linux 5.13 or newer, or leave out --contain",
        )
    return Isolation(private_root=private_root, landlock=landlock)


def directories_named(cases: Iterable[Case]) -> frozenset[str]:
    """The directories in which cases name files outside their own; for users other than root.

    They get layers of their own in a private root, as far as they exist.
    """
    if not hasattr(os, "geteuid") or os.geteuid() == 0:
        return frozenset()
    home = f"{HOME}/0/dir"
    names = (name.replace("{dir}", home) for case in cases for name in _names(case))
    paths = (posixpath.normpath(posixpath.join(home, name)) for name in names)
    return frozenset(posixpath.dirname(path) for path in paths if not path.startswith(f"{HOME}/"))


def _names(case: Case) -> Iterator[str]:
    yield from meaning_of(case).elsewhere
    yield from (str(step["to"]) for step in case.setup if "to" in step)


@contextmanager
def alone_in_place(options: RunOptions) -> Iterator[None]:
    """Wait until no other run of this user works in place: two could name the same file."""
    if not options.in_place:
        yield
        return
    directory = user_cache_path("sqlite-matrix", appauthor=False)
    directory.mkdir(parents=True, exist_ok=True)
    with FileLock(directory / "in-place.lock"):
        yield


def _try(scratch: Path) -> dict[str, Json]:
    """What the kernel allows a process that this one starts."""
    nothing = {"private_root": False, "landlock": 0, "reason": "this is not Linux"}
    if not sys.platform.startswith("linux"):
        return nothing
    with tempfile.TemporaryDirectory(prefix="try-", dir=scratch) as directory:
        question = json.dumps({"kind": "try", "scratch": directory, "token": ""})
        try:
            tried = subprocess.run(
                [sys.executable, "-I", "-S", str(PROBE)],
                input=question.encode() + b"\n",
                capture_output=True,
                timeout=_TRY_SECONDS,
                check=True,
            )
            return {**nothing, **json.loads(tried.stdout)}
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            return {**nothing, "reason": f"the attempt failed ({error})"}
