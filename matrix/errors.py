"""The errors that end a command: one root, which carries the exit code.

What a driver raises is never one of these; it is an observation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

EXIT_OK = 0
EXIT_CHANGED = 1
EXIT_USAGE = 2
EXIT_INTERNAL = 3
EXIT_UNAVAILABLE = 4
EXIT_NOTHING_SELECTED = 5
EXIT_INTERRUPTED = 130


class MatrixError(Exception):
    """The root: a message for the user, and the exit code of the command that it ends."""

    exit_code = EXIT_INTERNAL

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(MatrixError):
    """The words of the call are off: an unknown stack, a pattern that does not parse."""

    exit_code = EXIT_USAGE


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing that is wrong in a document, at its place; line and column count from 1."""

    path: str
    line: int
    column: int
    key: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}:{self.column}: "
        text = f"{self.key}: {self.message}" if self.key else self.message
        return where + text + (f"; {self.hint}" if self.hint else "")


class DocumentError(UsageError):
    """One or more documents that do not read; every problem that was found, in order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.path, p.line, p.column, p.message)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ResultsError(MatrixError):
    """A result file that cannot be trusted: cut off, corrupted, newer than this tool, missing."""

    exit_code = EXIT_USAGE


class ProvisionError(MatrixError):
    """A stack that cannot be had on this machine, with the reason."""

    exit_code = EXIT_UNAVAILABLE


class NothingRanError(MatrixError):
    """A run in which no stack could run: never reported as a success."""

    exit_code = EXIT_UNAVAILABLE


class NothingSelectedError(MatrixError):
    """The selection matches no cell."""

    exit_code = EXIT_NOTHING_SELECTED
