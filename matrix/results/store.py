"""The result files: what was observed, in bytes that are identical for identical content.

A results directory holds `cases.jsonl` and one `<stack-id>.jsonl` per stack, each a document of
`matrix.results.file_format` whose lines are sorted by case id.
"""

from __future__ import annotations

import gc
import hashlib
import heapq
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO

from matrix.files import is_directory, is_file
from matrix.errors import ResultsError
from matrix.limits import LINE_BYTES
from matrix.model import Case, Fingerprint, Observation, ScenarioInfo, canonical
from matrix.model.codec import read_case, read_observation, read_scenario_info, reader_of
from matrix.model.stack_id import StackId, stack_order
from matrix.results.file_format import (
    CASES_FILE,
    RUN_AGAIN,
    SCHEMA,
    ResultFile,
    damage_of,
    parse_record,
    reading,
    write_document,
)
from matrix.results.lines import case_of_line, stack_replacer

_STRETCH = 10_000
"""How many observations are sorted at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackResults:
    """What one stack showed, by case id; either a fingerprint or the reason why there is none."""

    stack: str
    fingerprint: Fingerprint | None = None
    unavailable: str | None = None
    observations: Mapping[str, Observation] = field(default_factory=dict)

    @property
    def middleware(self) -> str | None:
        """The name of what stands on top of the driver; known of an unavailable stack too."""
        if self.fingerprint is not None:
            return self.fingerprint.middleware
        parsed = StackId.parse(self.stack)
        return None if parsed is None else parsed.middleware


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultSet:
    """A results directory in memory: cases by id in order, stacks in their natural order."""

    scenarios: tuple[ScenarioInfo, ...]
    cases: Mapping[str, Case]
    stacks: tuple[StackResults, ...]


def write_cases(directory: Path, scenarios: Iterable[ScenarioInfo], cases: Iterable[Case]) -> None:
    """Write `cases.jsonl`: the scenarios and cases that the observations of all stacks refer to."""
    header = {
        "kind": "cases",
        "schema": SCHEMA,
        "scenarios": [scenario.to_json() for scenario in scenarios],
    }
    ordered = sorted(cases, key=lambda case: case.id)
    lines = (canonical(case.to_json()).encode() for case in ordered)
    write_document(directory / CASES_FILE, header, lines)


def write_stack(
    directory: Path,
    stack: str,
    fingerprint: Fingerprint,
    lines: Iterable[str | bytes],
) -> int:
    """Write what a stack showed, and return the number of observations.

    `lines` are canonical observations as the workers wrote them, in any order, with or without
    a line end. A line that a killed worker left incomplete is no observation; of two complete
    ones of the same case, the last counts.
    """
    with _sorted_by_case(lines) as ordered:
        return _write_stack_document(directory, stack, fingerprint=fingerprint, lines=ordered)


def write_unavailable_stack(directory: Path, stack: str, reason: str) -> None:
    """Write that a stack was not available, and why: it is shown, never dropped."""
    _write_stack_document(directory, stack, unavailable=reason)


@contextmanager
def _sorted_by_case(lines: Iterable[str | bytes]) -> Iterator[Iterator[bytes]]:
    """The last complete line of each case, by case id; however many, few are in memory at once.

    Sorted stretches go to files without a name, which are merged.
    """
    with ExitStack() as files:
        stretches: list[IO[bytes]] = []
        stretch: dict[str, bytes] = {}

        def put_aside() -> None:
            file = files.enter_context(tempfile.TemporaryFile())
            file.writelines(stretch[case] + b"\n" for case in sorted(stretch))
            file.seek(0)
            stretches.append(file)
            stretch.clear()

        for line in lines:
            raw = (line.encode() if isinstance(line, str) else line).strip()
            case = case_of_line(raw)
            if case is not None:
                stretch[case] = raw
            if len(stretch) == _STRETCH:
                put_aside()
        if not stretches:
            yield (stretch[case] for case in sorted(stretch))
            return
        put_aside()
        merged = heapq.merge(*map(_with_cases, stretches), key=itemgetter(0))
        # Of equal keys, `merge` gives those of the earlier stretch first.
        yield (list(same)[-1][1] for _, same in groupby(merged, key=itemgetter(0)))


def _with_cases(file: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    for line in file:
        raw = line.rstrip(b"\n")
        yield case_of_line(raw) or "", raw


def result_files(directory: Path) -> tuple[Path, tuple[Path, ...]]:
    """The file of cases and those of the stacks; ResultsError where there are no results."""
    if is_file(directory):
        raise ResultsError(f"{directory}: not a directory", hint="name the one that it is in")
    if not is_directory(directory):
        raise ResultsError(f"{directory}: no such directory", hint=_RUN_FIRST)
    cases = directory / CASES_FILE
    if not is_file(cases):
        raise ResultsError(
            f"{directory}: holds no results, {CASES_FILE} is missing", hint=_RUN_FIRST
        )
    others = (file for file in directory.glob("*.jsonl") if file.name != CASES_FILE)
    return cases, tuple(sorted(others))


def spoilt(directory: Path) -> list[str]:
    """What is wrong with each file of a results directory as a whole: header, end, digest."""
    cases, stacks = result_files(directory)
    problems = map(damage_of, (cases, *stacks))
    return [f"{problem}; {RUN_AGAIN}" for problem in problems if problem is not None]


def load_results(directory: Path) -> ResultSet:
    """Read a results directory; ResultsError if any file of it cannot be trusted."""
    cases_file, stack_files = result_files(directory)
    with _collector_paused():
        scenarios, cases = _load_cases(cases_file)
        alike: dict[bytes, Observation] = {}
        stacks = [_load_stack(file, cases, alike) for file in stack_files]
    return ResultSet(
        scenarios=scenarios,
        cases=cases,
        stacks=tuple(sorted(stacks, key=lambda results: stack_order(results.stack))),
    )


_RUN_FIRST = "`sqlite-matrix run` writes one"


def _load_cases(path: Path) -> tuple[tuple[ScenarioInfo, ...], dict[str, Case]]:
    document = ResultFile(path, "cases")
    with reading(path, 1):
        header = document.header
        scenarios = tuple(map(read_scenario_info, header["scenarios"]))
    cases: dict[str, Case] = {}
    for number, line in enumerate(document.lines(), start=2):
        record = parse_record(path, number, line)
        with reading(path, number):
            case = read_case(record)
        if case.id in cases:
            raise ResultsError(f"{path}:{number}: duplicate case {case.id!a}", hint=RUN_AGAIN)
        cases[case.id] = case
    return scenarios, dict(sorted(cases.items()))


def _load_stack(
    path: Path, cases: Mapping[str, Case], alike: dict[bytes, Observation]
) -> StackResults:
    """Read one stack.

    `alike`: the observations read so far, by a digest of their lines without the stack. Equal ones
    are parsed once and share their parts, over all stacks.
    """
    document = ResultFile(path, "stack")
    stack, fingerprint, unavailable = stack_of(document)
    observations: dict[str, Observation] = {}
    unnamed = stack_replacer(stack, "")
    for number, line in enumerate(document.lines(), start=2):
        key = hashlib.blake2b(unnamed(line), digest_size=16).digest()
        if key in alike:
            observation = replace(alike[key], stack=stack)
        else:
            record = parse_record(path, number, line)
            with reading(path, number):
                observation = alike[key] = read_observation(record)
        problem = _misplaced(observation, stack, cases, observations)
        if problem is not None:
            raise ResultsError(f"{path}:{number}: {problem}", hint=RUN_AGAIN)
        observations[observation.case] = observation
    return StackResults(
        stack=stack,
        fingerprint=fingerprint,
        unavailable=unavailable,
        observations=observations,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _StackHeader:
    """The header of a stack's file, besides its kind and its schema."""

    stack: str
    fingerprint: Fingerprint | None
    unavailable: str | None


_read_header = reader_of(_StackHeader, unknown="ignore")


def stack_of(document: ResultFile) -> tuple[str, Fingerprint | None, str | None]:
    """From the header of a stack's file: its name, its fingerprint, or why it was unavailable."""
    path = document.path
    with reading(path, 1):
        header = _read_header(document.header)
    if path.name != f"{header.stack}.jsonl":
        raise ResultsError(f"{path}:1: holds the results of {header.stack}", hint="rename it back")
    if (header.fingerprint is None) == (header.unavailable is None):
        raise ResultsError(f"{path}:1: neither or both of fingerprint and unavailable")
    return header.stack, header.fingerprint, header.unavailable


def _misplaced(
    observation: Observation,
    stack: str,
    cases: Mapping[str, Case],
    seen: Mapping[str, Observation],
) -> str | None:
    if observation.stack != stack:
        return f"an observation of the stack {observation.stack}"
    if observation.case not in cases:
        return f"an observation of a case that {CASES_FILE} does not list: {observation.case!a}"
    if observation.case in seen:
        return f"duplicate case {observation.case!a}"
    return None


def _write_stack_document(
    directory: Path,
    stack: str,
    *,
    fingerprint: Fingerprint | None = None,
    unavailable: str | None = None,
    lines: Iterable[bytes] = (),
) -> int:
    header = {
        "kind": "stack",
        "schema": SCHEMA,
        "stack": stack,
        "fingerprint": None if fingerprint is None else fingerprint.to_json(),
        "unavailable": unavailable,
    }
    return write_document(directory / f"{stack}.jsonl", header, lines)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Pause the cyclic collector: half of the time of a large load, and there are no cycles."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
