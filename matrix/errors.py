"""The errors that end a command: one root, which carries the exit code.

What a driver raises is never one of these; it is an observation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from matrix.foreign import visible

EXIT_OK = 0
EXIT_CHANGED = 1
EXIT_USAGE = 2
EXIT_INTERNAL = 3
EXIT_UNAVAILABLE = 4
EXIT_NOTHING_SELECTED = 5
EXIT_INTERRUPTED = 130


class MatrixError(Exception):
    """The root: a message for the user, a hint on what to do, and the exit code of the command.

    Each part of the message is one line, whatever is in it: its texts may come from outside.
    `placed`: the message begins with a file, and the line if there is one.
    """

    exit_code = EXIT_INTERNAL
    placed = False

    def __init__(self, *message: str, hint: str | None = None) -> None:
        super().__init__(*message)
        self.lines = message
        self.hint = hint

    @property
    def message(self) -> str:
        return "\n".join(self.lines)

    def __str__(self) -> str:
        shown = "\n".join(map(visible, self.lines))
        return f"{shown}; {visible(self.hint)}" if self.hint else shown


class UsageError(MatrixError):
    """The arguments are wrong: an unknown stack, a pattern that does not parse."""

    exit_code = EXIT_USAGE


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One mistake in a document, and its location; line and column count from 1."""

    path: str
    line: int
    column: int
    key: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}:{self.column}: "
        text = f"{self.key}: {self.message}" if self.key else self.message
        return visible(where + text + (f"; {self.hint}" if self.hint else ""))


class DocumentError(UsageError):
    """One or more invalid documents; every problem that was found, in order."""

    placed = True

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.path, p.line, p.column, p.message)))
        super().__init__(*map(str, self.problems))


class ResultsError(MatrixError):
    """A result file that cannot be trusted: cut off, corrupted, newer than this tool, missing."""

    exit_code = EXIT_USAGE
    placed = True


class ProvisionFailure(Enum):
    """Why something could not be provided."""

    NO_PYTHON = "no-python"
    """No interpreter of the requested version."""
    NO_INSTALLER = "no-installer"
    """Neither uv nor pip."""
    NO_ENVIRONMENT = "no-environment"
    """A virtual environment could not be made, or does not start."""
    NOT_FOR_PYTHON = "not-for-python"
    """The package does not support this Python."""
    NO_WHEEL = "no-wheel"
    """The index has the version, but no wheel of it that fits."""
    NOT_ON_INDEX = "not-on-index"
    """The index has no such package, or no such version."""
    WRONG_HASH = "wrong-hash"
    """A file does not match the hash of its pin, or a dependency of a hashed pin has none."""
    OFFLINE = "offline"
    """It is not in the cache, and the index may not be used."""
    INDEX_UNREACHED = "index-unreached"
    """The index did not answer, or denied access: nothing is known about the package."""
    INSTALL_FAILED = "install-failed"
    """The installer failed for another reason: a full disk, a build that does not work."""
    NO_LIBRARY = "no-library"
    """The package contains no SQLite library."""
    CACHE_UNUSABLE = "cache-unusable"
    """The cache cannot be read or written."""


class ProvisionError(MatrixError):
    """Something that a stack needs is not available on this machine.

    `failure` is None where several things are missing.
    """

    exit_code = EXIT_UNAVAILABLE

    def __init__(
        self, *message: str, hint: str | None = None, failure: ProvisionFailure | None = None
    ) -> None:
        super().__init__(*message, hint=hint)
        self.failure = failure


class NothingRanError(MatrixError):
    """No stack could run, which is never reported as a success."""

    exit_code = EXIT_UNAVAILABLE


class MachineError(MatrixError):
    """The machine fails, not a stack: a full disk, a limit. What was observed before is kept."""

    def __init__(self, message: str) -> None:
        hint = "make room, or raise the limit (ulimit); a run continues with --resume"
        super().__init__(message, hint=hint)


class NothingSelectedError(MatrixError):
    """The selection matches no cell."""

    exit_code = EXIT_NOTHING_SELECTED
