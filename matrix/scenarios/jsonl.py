"""Cases that a user hands in, one JSON object a line, checked with the models of scenarios."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field

from matrix.documents.yaml_model import Position, Positions, validate
from matrix.errors import DocumentError, Problem
from matrix.model import Case, Json
from matrix.scenarios.axes import CaseSettings
from matrix.scenarios.options import option_flaws


class CaseRecord(CaseSettings):
    """A case as a user hands it in: only the target is needed."""

    id: str | None = Field(default=None, min_length=1, description="A name; default: its line.")
    target: str = Field(description="The string under test.")


def load_cases(path: Path) -> tuple[Case, ...]:
    """Read a file of cases; DocumentError with the problems of all its lines."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError([_problem(str(path), 1, 1, f"cannot be read: {error}")]) from None
    return parse_cases(text.splitlines(), str(path))


def parse_cases(lines: Iterable[str], path: str) -> tuple[Case, ...]:
    """Read cases from lines; empty ones are passed over, a case without an id gets its line's."""
    cases: dict[str, Case] = {}
    problems: list[Problem] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            case = _parse_case(line, path, number)
        except DocumentError as error:
            problems.extend(error.problems)
            continue
        if case.id in cases:
            problems.append(_problem(path, number, 1, f"the id {case.id!r} is already taken"))
        cases[case.id] = case
    if problems:
        raise DocumentError(problems)
    return tuple(cases.values())


def _parse_case(line: str, path: str, number: int) -> Case:
    try:
        data: Json = json.loads(line)
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
