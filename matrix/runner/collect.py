"""A run from its first event to its results: held in memory, or written to result files."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Any

from matrix.model import Case, Observation, ScenarioInfo
from matrix.model.codec import read_observation
from matrix.model.stack_id import stack_order
from matrix.results.lines import case_of_line
from matrix.results.store import (
    ResultSet,
    StackResults,
    remove_results,
    write_cases,
    write_stack,
    write_unavailable_stack,
)
from matrix.runner.engine import Run
from matrix.runner.events import Event, StackDone, StackUnavailable
from matrix.stacks.provision import Provided, Unprovided

Work = Sequence[tuple[Provided | Unprovided, Sequence[Case]]]
"""Stacks, each with the cases that it runs."""


def observe(work: Work, scenarios: Sequence[ScenarioInfo] = (), **execution: Any) -> ResultSet:
    """Run cases on stacks, and give what was observed; nothing is stored.

    `execution`: the keyword arguments of `Run`, such as `jobs` and `timeout`.
    """
    with tempfile.TemporaryDirectory(prefix="sqlite-matrix-") as parts:
        run = Run(work, parts=Path(parts), **execution)
        stacks = collect(run.events())
    cases = {case.id: case for _, cases in work for case in cases}
    return ResultSet(
        scenarios=tuple(scenarios),
        cases={name: cases[name] for name in sorted(cases)},
        stacks=stacks,
    )


def measure(
    directory: Path, work: Work, scenarios: Iterable[ScenarioInfo], **execution: Any
) -> Generator[Event, None, None]:
    """Run cases on stacks and write the result files; what happens is yielded on.

    The directory holds the new result files and no older ones once the last event is taken.
    `execution`: the keyword arguments of `Run`.
    """
    cases = {case.id: case for _, cases in work for case in cases}
    used = {case.scenario for case in cases.values()}
    directory.mkdir(parents=True, exist_ok=True)
    remove_results(directory)
    with tempfile.TemporaryDirectory(prefix="sqlite-matrix-") as parts:
        yield from store(directory, Run(work, parts=Path(parts), **execution).events())
    write_cases(directory, [each for each in scenarios if each.id in used], cases.values())


def store(directory: Path, events: Iterable[Event]) -> Generator[Event, None, None]:
    """Write the result file of each stack as it is through; the events are yielded on."""
    for event in events:
        if isinstance(event, StackDone):
            write_stack(directory, event.stack, event.fingerprint, event.lines)
        elif isinstance(event, StackUnavailable):
            write_unavailable_stack(directory, event.stack, event.reason)
        yield event


def collect(events: Iterable[Event]) -> tuple[StackResults, ...]:
    """What the stacks of a run showed, in their natural order."""
    found: list[StackResults] = []
    for event in events:
        if isinstance(event, StackUnavailable):
            found.append(StackResults(stack=event.stack, unavailable=event.reason))
        elif isinstance(event, StackDone):
            observations = _observations(event.lines)
            found.append(
                StackResults(
                    stack=event.stack,
                    fingerprint=event.fingerprint,
                    observations={name: observations[name] for name in sorted(observations)},
                )
            )
    return tuple(sorted(found, key=lambda stack: stack_order(stack.stack)))


def _observations(lines: Iterable[bytes]) -> dict[str, Observation]:
    whole = (line for line in lines if case_of_line(line) is not None)
    read = (read_observation(json.loads(line)) for line in whole)
    return {observation.case: observation for observation in read}
