"""Installs stacks on this machine as overlays: one directory per package, version and Python.

An overlay is built in a temporary directory and then renamed, so that it is never incomplete. A
truncated or modified one is built again. Several runs can share a cache, since each overlay has a
lock.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from matrix.errors import ProvisionError, ProvisionFailure
from matrix.stacks.catalogue import Package
from matrix.stacks.hashed import install_hashed
from matrix.stacks.installer import REFUSALS, complaint, failure_in, installer, run_installer
from matrix.stacks.interpreters import find_python
from matrix.stacks.overlay import complete, is_whole
from matrix.stacks.spec import Library, Stack

LAYOUT = "verified"
"""The directory of overlays with digests; older versions of the tool have theirs beside it."""
REFUSED = ".refused"
"""The suffix of a file which records, for a day, that the index did not have a package."""
_AT_ONCE = 4
_REFUSAL_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided:
    """A stack that can be started: its interpreter, its overlays, and its SQLite library."""

    stack: Stack
    python: Path
    overlays: tuple[Path, ...]
    library: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unprovided:
    """A stack that this machine cannot provide: the reason, with a hint, and the failure."""

    stack: Stack
    reason: str
    failure: ProvisionFailure | None = None


def default_cache() -> Path:
    """Where overlays are kept unless the user chooses another directory."""
    return user_cache_path("sqlite-matrix", appauthor=False)


class Provisioner:
    """Provides stacks from a cache, and fills the cache from the package index.

    `offline`: use only the cache, not the index.
    """

    def __init__(self, cache: Path | None = None, *, offline: bool = False) -> None:
        self.cache = cache or default_cache()
        self.offline = offline

    def provide(self, stack: Stack) -> Provided | Unprovided:
        """Provide one stack; a failure is returned, not raised."""
        return self._provide(stack, set())

    def _provide(self, stack: Stack, verified: set[Path]) -> Provided | Unprovided:
        """Provide one stack; `verified` are the overlays that need no second look."""
        try:
            python = find_python(stack.python)
            overlays = tuple(
                self._overlay(p, stack.python, python, verified) for p in stack.packages
            )
            library = self._library(stack.library, stack.python, python, verified)
        except ProvisionError as error:
            return Unprovided(stack=stack, reason=str(error), failure=error.failure)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            reason = f"the cache cannot be used: {where}{error.strerror or error}"
            return Unprovided(
                stack=stack,
                reason=f"{reason}; use --cache to choose another one",
                failure=ProvisionFailure.CACHE_UNUSABLE,
            )
        return Provided(stack=stack, python=python, overlays=overlays, library=library)

    def provide_all(self, stacks: Sequence[Stack]) -> Iterator[Provided | Unprovided]:
        """Provide stacks, several at once, in their order; each overlay is verified once."""
        verified: set[Path] = set()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            yield from pool.map(lambda stack: self._provide(stack, verified), stacks)

    def _library(
        self, library: Library | None, version: str, python: Path, verified: set[Path]
    ) -> Path | None:
        if library is None or library.package is None:
            return None if library is None else Path(library.file)
        overlay = self._overlay(library.package, version, python, verified)
        found = sorted(overlay.glob(library.file))
        if not found:
            message = f"{library.package.requirement} contains no {library.file}"
            raise ProvisionError(message, failure=ProvisionFailure.NO_LIBRARY)
        return found[0]

    def _overlay(self, package: Package, version: str, python: Path, verified: set[Path]) -> Path:
        if not package.fits(version):
            what = "has no wheel for" if package.wheel else "does not support"
            message = f"{package.requirement} {what} Python {version}"
            raise ProvisionError(message, failure=ProvisionFailure.NOT_FOR_PYTHON)
        directory = self.cache / LAYOUT / f"py{version}" / _directory_name(package)
        if directory in verified or is_whole(directory, package):
            verified.add(directory)
            return directory
        if self.offline:
            raise ProvisionError(
                f"{package.requirement} for Python {version} is not in the cache",
                hint="run once without --offline",
                failure=ProvisionFailure.OFFLINE,
            )
        directory.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{directory}.lock"):
            if not is_whole(directory, package):
                _check_refusal(directory)
                _install(package, version, python, directory)
        verified.add(directory)
        return directory


def _directory_name(package: Package) -> str:
    """`apsw-3.54.1.0`; pinned with hashes, a directory of its own for this file of pins."""
    name = package.requirement.replace("==", "-")
    if not package.hashes:
        return name
    lines = sorted(each.hashed_line for each in package.locked)
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return f"{name}-{digest[:12]}"


def _check_refusal(directory: Path) -> None:
    """Raises ProvisionError if the index did not have the package less than a day ago."""
    note = directory.with_name(f"{directory.name}{REFUSED}")
    try:
        fresh = time.time() - note.stat().st_mtime < _REFUSAL_SECONDS
    except OSError:
        return
    if not fresh:
        return
    try:
        refusal = json.loads(note.read_text("utf-8"))
        message, failure = refusal["message"], ProvisionFailure(refusal["failure"])
    except (OSError, ValueError, KeyError, TypeError):
        return  # written by another version of this tool: ask the index again
    raise ProvisionError(message, failure=failure)


def _remember_refusal(directory: Path, error: ProvisionError) -> None:
    if error.failure is None or error.failure not in REFUSALS:
        return
    refusal = {"failure": error.failure.value, "message": error.message}
    note = directory.with_name(f"{directory.name}{REFUSED}")
    note.write_text(json.dumps(refusal), "utf-8")


def _install(package: Package, version: str, python: Path, directory: Path) -> None:
    """Install a package with its dependencies into a separate directory."""
    place = Path(tempfile.mkdtemp(prefix=f"{directory.name}.", dir=directory.parent.resolve()))
    aside = place / "overlay"
    aside.mkdir()
    aside.chmod(0o755)  # a cache may serve several users
    try:
        if package.hashes:
            lines = place / "requirements.txt"

            def install(requirements: list[str]) -> None:
                lines.write_text("".join(f"{line}\n" for line in requirements), "utf-8")
                options = ["--no-deps", "--require-hashes", "--requirement", str(lines)]
                _run(package, python, aside, options)

            install_hashed(package, version, aside, install)
        else:
            _run(package, python, aside, [package.requirement])
        complete(aside, package, python)
        if directory.exists():
            directory.rename(place / "before")  # at once: a process may still write into it
        aside.rename(directory)
    except ProvisionError as error:
        if not package.hashes:
            _remember_refusal(directory, error)
        raise
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _run(package: Package, python: Path, target: Path, what: list[str]) -> None:
    command = [*installer(python), "--target", str(target)]
    if package.wheel:
        command += ["--only-binary", ":all:"]
    done = run_installer([*command, *what])
    if done.returncode != 0:
        message = f"{package.requirement}: {complaint(done.stderr)}"
        raise ProvisionError(message, failure=failure_in(f"{done.stdout}\n{done.stderr}"))
