"""The files that hold results: a header, one canonical line per record, a footer.

The footer has the count and a digest of all that stands above it, so that a file which was cut
off or changed is never half believed. A file is read once, block by block, and checked on the way:
what was read of it counts only when the last record has been taken.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO

from matrix.errors import MachineError, ResultsError
from matrix.limits import LINE_BYTES
from matrix.model import Json, canonical
from matrix.model.read_json import parse_json
from matrix.probe.machine import SHORTAGES

CASES_FILE = "cases.jsonl"
SCHEMA = 1
RUN_AGAIN = "run again, or take the file from version control"

_BLOCK = 1 << 20  # bytes that are read at a time


def write_document(path: Path, header: Json, lines: Iterable[bytes]) -> int:
    """Write header, lines and footer in one step: a reader sees the old file or the new one.

    Returns the number of lines, which are taken one at a time.
    """
    with replacing(path) as file:
        digest = hashlib.sha256()
        count = -1  # the header is no record
        for line in chain([canonical(header).encode()], lines):
            digest.update(line + b"\n")
            file.write(line + b"\n")
            count += 1
        footer = {"count": count, "digest": f"sha256:{digest.hexdigest()}"}
        file.write(canonical(footer).encode() + b"\n")
    return count


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Write a file in one step: whoever reads it, even after a power loss, finds a whole one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with writing(path), unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with writing(path):
            unfinished.replace(path)
            _sync_directory(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise MachineError, with the file, where it cannot be written for want of room and the like."""
    try:
        yield
    except OSError as error:
        if error.errno not in SHORTAGES:
            raise
        raise MachineError(f"{path}: {error.strerror}") from error


def _sync_directory(directory: Path) -> None:
    """Make sure that a new name survives a power loss; only POSIX can open a directory."""
    if os.name == "posix":
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL:  # a file system that cannot sync a directory
                raise
        finally:
            os.close(descriptor)


class ResultFile:
    """A file of records. The header is checked at once; `lines` checks the rest while it reads."""

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        with _open(path) as file:
            self._first = file.readline(LINE_BYTES + 1)
        _check_length(path, 1, self._first)
        self.header = _header(path, self._first, kind)

    def lines(self) -> Iterator[bytes]:
        """The raw records, once, without their line ends.

        Raises ResultsError after the last one if the file is not whole.
        """
        return chain.from_iterable(self._blocks())

    def _blocks(self) -> Iterator[list[bytes]]:
        digest = hashlib.sha256(self._first)
        count = 0
        held = b""  # the last line so far, which may turn out to be the footer
        with _open(self.path) as file:
            file.seek(len(self._first))
            while block := file.read(_BLOCK):
                data = held + block
                cut = data.rfind(b"\n", 0, -1) + 1
                held = data[cut:]
                _check_length(self.path, count + 2, held)
                if cut:
                    digest.update(data[:cut])
                    records = data[: cut - 1].split(b"\n")
                    count += len(records)
                    yield records
        self._check_footer(held, count, f"sha256:{digest.hexdigest()}")

    def _check_footer(self, line: bytes, count: int, digest: str) -> None:
        if line and not line.endswith(b"\n"):
            raise ResultsError(f"{self.path}: cut off, the last line has no end", hint=RUN_AGAIN)
        footer = parse_record(self.path, count + 2, line) if line else {}
        if set(footer) != {"count", "digest"}:
            raise ResultsError(f"{self.path}: cut off, the footer is missing", hint=RUN_AGAIN)
        if footer["count"] != count:
            message = f"{self.path}: corrupted, {count} records where the footer says "
            raise ResultsError(message + str(footer["count"]), hint=RUN_AGAIN)
        if footer["digest"] != digest:
            raise ResultsError(f"{self.path}: corrupted, the digest does not fit", hint=RUN_AGAIN)


def damage_of(path: Path) -> str | None:
    """What is wrong with a result file as a whole: header, end, digest; None if nothing is."""
    try:
        kind = "cases" if path.name == CASES_FILE else "stack"
        for _ in ResultFile(path, kind).lines():
            pass
    except ResultsError as error:
        return error.message
    return None


def parse_record(path: Path, number: int, line: bytes) -> dict[str, Json]:
    """A line as JSON; ResultsError with its number for what is none."""
    with reading(path, number):
        value = parse_json(line)
    if not isinstance(value, dict):
        raise ResultsError(f"{path}:{number}: not a JSON object", hint=RUN_AGAIN)
    return value


def read_small(path: Path, hint: str) -> Json:
    """A file beside the results, which is one document of JSON."""
    try:
        with path.open("rb") as file:
            content = file.read(LINE_BYTES + 1)
        if len(content) > LINE_BYTES:
            raise ResultsError(f"{path}: more than {LINE_BYTES:,} bytes", hint=hint)
        return parse_json(content)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ResultsError(f"{path}: cannot be read: {reason}", hint=hint) from error


@contextmanager
def reading(path: Path, number: int) -> Iterator[None]:
    """Turn whatever goes wrong in reading one line into an error that names the line."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = "bad JSON" if isinstance(error, json.JSONDecodeError) else "not as expected"
        message = f"{path}:{number}: {problem}: {type(error).__name__}: {error}"
        raise ResultsError(message, hint=RUN_AGAIN) from error


def _check_length(path: Path, number: int, line: bytes) -> None:
    if len(line) > LINE_BYTES:
        message = f"{path}:{number}: a line of more than {LINE_BYTES:,} bytes"
        raise ResultsError(message, hint=RUN_AGAIN)


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise ResultsError(f"{path}: {error.strerror or error}", hint=RUN_AGAIN) from error


def _header(path: Path, line: bytes, kind: str) -> dict[str, Json]:
    """Refuse what this tool cannot read. The place to migrate older schemas, once there are any."""
    if not line:
        raise ResultsError(f"{path}: is empty", hint=RUN_AGAIN)
    if not line.endswith(b"\n"):
        raise ResultsError(f"{path}: cut off, the last line has no end", hint=RUN_AGAIN)
    header = parse_record(path, 1, line)
    if header.get("kind") != kind:
        raise ResultsError(f"{path}:1: unknown kind {header.get('kind')!a}, expected {kind!a}")
    schema = header.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        message = f"{path}: schema {schema} is newer than this tool, which reads up to {SCHEMA}"
        raise ResultsError(message, hint="update sqlite-matrix")
    if schema != SCHEMA:
        raise ResultsError(f"{path}:1: unknown schema {schema!a}")
    return header
