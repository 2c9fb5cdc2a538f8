"""The text of a file that people write, read once and up to a limit."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from matrix.errors import DocumentError, Problem
from matrix.limits import DOCUMENT_BYTES


def load_text(path: Path) -> str:
    """The text; raises DocumentError where it cannot be read, is too large, or is not UTF-8."""
    try:
        with path.open("rb") as file:
            content = file.read(DOCUMENT_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        _fail(path, 1, 1, "the file cannot be read", reason.lower())
    if len(content) > DOCUMENT_BYTES:
        _fail(path, 1, 1, f"more than {DOCUMENT_BYTES:,} bytes", "split the file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode()
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"the byte 0x{error.object[error.start]:02x} is not UTF-8"
        _fail(path, line, column, message, "save the file as UTF-8")


def _fail(path: Path, line: int, column: int, message: str, hint: str) -> NoReturn:
    problem = Problem(
        path=str(path), line=line, column=column, key="", message=message, hint=hint
    )  # fmt: skip
    raise DocumentError([problem]) from None
