"""Cases that a user hands in, one JSON object a line, checked with the models of scenarios."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from pydantic import Field

from matrix.documents.yaml_model import Position, Positions, quoted, validate
from matrix.errors import DocumentError, Problem
from matrix.limits import BATCH_LINES, CASE_BYTES, PROBLEMS
from matrix.model import Case
from matrix.model.read_json import parse_json
from matrix.scenarios.axes import CaseSettings
from matrix.scenarios.options import option_flaws


class CaseRecord(CaseSettings):
    """A case as a user hands it in: only the target is needed."""

    id: str | None = Field(default=None, min_length=1, description="A name; default: its line.")
    target: str = Field(description="The string under test.")


def load_cases(path: Path) -> tuple[Case, ...]:
    """Read a file of cases; DocumentError with the problems of all its lines."""
    try:
        file = path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        message = f"cannot be read: {reason.lower()}"
        raise DocumentError([_problem(str(path), 1, 1, message)]) from None
    with file:
        return parse_cases(_lines(file), str(path))


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file, one at a time; of one that is too long, the beginning."""
    while line := file.readline(CASE_BYTES + 1):
        yield line


def parse_cases(lines: Iterable[bytes], path: str) -> tuple[Case, ...]:
    """Read cases from lines; empty ones are passed over, a case without an id gets its line's."""
    cases: dict[str, Case] = {}
    problems: list[Problem] = []
    for number, line in enumerate(lines, 1):
        if number > BATCH_LINES:
            problems.append(_problem(path, number, 1, f"more than {BATCH_LINES:,} lines"))
        if len(line) > CASE_BYTES:
            problems.append(_problem(path, number, 1, f"a line of more than {CASE_BYTES:,} bytes"))
        if len(problems) >= PROBLEMS or number > BATCH_LINES or len(line) > CASE_BYTES:
            break
        if not line.strip():
            continue
        try:
            case = _parse_case(line, path, number)
        except DocumentError as error:
            problems.extend(error.problems)
            continue
        if case.id in cases:
            message = f"the id {quoted(case.id)} is already taken"
            problems.append(_problem(path, number, 1, message))
        cases[case.id] = case
    if problems:
        raise DocumentError(problems[:PROBLEMS])
    return tuple(cases.values())


def _parse_case(line: bytes, path: str, number: int) -> Case:
    try:
        data = parse_json(line)
    except ValueError as error:
        column = getattr(error, "colno", 1)
        raise DocumentError([_problem(path, number, column, f"not JSON: {error}")]) from None
    if isinstance(data, dict):
        data = {key: value for key, value in data.items() if value is not None}
    positions = Positions(path, {(): Position(number, 1)}, {})
    record = validate(data, CaseRecord, positions)
    flaws = list(option_flaws(record.connect, lambda text: [text]))
    if flaws:
        raise DocumentError([positions.problem(f.at, f.message, f.hint) for f in flaws])
    settings = {name: record.plain(name) for name in CaseSettings.model_fields}
    return Case(id=record.id or f"batch/{number}", target=record.target, **settings)


def _problem(path: str, line: int, column: int, message: str) -> Problem:
    return Problem(path=path, line=line, column=column, key="", message=message)
