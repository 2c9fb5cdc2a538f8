"""A run from its first event to its results: kept in memory, or written to result files."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from matrix.errors import MatrixError, NothingRanError
from matrix.model import Case, Observation, ScenarioInfo
from matrix.model.codec import read_observation
from matrix.model.stack_id import stack_order
from matrix.results.leftovers import remove_results
from matrix.results.lines import case_of_line
from matrix.results.store import (
    ResultSet,
    StackResults,
    write_cases,
    write_stack,
    write_unavailable_stack,
)
from matrix.runner.engine import Run
from matrix.runner.events import (
    CellLost,
    CellsDone,
    Event,
    LinesDropped,
    StackDone,
    StackUnavailable,
)
from matrix.runner.options import RunOptions
from matrix.runner.progress import SILENT, Progress
from matrix.stacks.provision import Provided, Provisioner, Unprovided
from matrix.stacks.spec import Stack
from matrix.text import many

Work = Sequence[tuple[Provided | Unprovided, Sequence[Case]]]
"""Stacks, each with the cases to run on it."""


def provide(
    provisioner: Provisioner, stacks: Sequence[Stack], progress: Progress = SILENT
) -> list[Provided | Unprovided]:
    """Provide stacks, in their order."""
    provided = []
    with progress.count("stacks provided", len(stacks)) as advance:
        for each in provisioner.provide_all(stacks):
            advance(1, each.stack.id)
            provided.append(each)
    return provided


def share_out(provided: Iterable[Provided | Unprovided], cases: Sequence[Case]) -> Work:
    """Each stack with the cases that apply to it."""
    return [(each, [case for case in cases if each.stack.runs_case(case)]) for each in provided]


def observe(
    work: Work, scenarios: Sequence[ScenarioInfo] = (), *, options: RunOptions = RunOptions()
) -> ResultSet:
    """Run cases on stacks and return what was observed, without storing it."""
    with tempfile.TemporaryDirectory(prefix="sqlite-matrix-") as parts:
        run = Run(work, parts=Path(parts), options=options)
        stacks = collect(run.events())
    cases = {case.id: case for _, cases in work for case in cases}
    return ResultSet(
        scenarios=tuple(scenarios),
        cases={name: cases[name] for name in sorted(cases)},
        stacks=stacks,
    )


def observe_stacks(provided: Iterable[Provided | Unprovided]) -> tuple[StackResults, ...]:
    """Start each stack once: its fingerprint, or why it cannot run."""
    return observe([(each, ()) for each in provided]).stacks


def measure(
    directory: Path,
    work: Work,
    scenarios: Iterable[ScenarioInfo] = (),
    *,
    options: RunOptions = RunOptions(),
    progress: Progress = SILENT,
) -> dict[str, str]:
    """Run cases on stacks and write result files. Returns the stacks that could not run, and why.

    At the end the directory contains the new result files and no older ones.
    """
    cases = {case.id: case for _, cases in work for case in cases}
    used = {case.scenario for case in cases.values()}
    directory.mkdir(parents=True, exist_ok=True)
    for line in remove_results(directory):
        progress.note(line)
    with tempfile.TemporaryDirectory(prefix="sqlite-matrix-") as parts:
        events = Run(work, parts=Path(parts), options=options).events()
        missing = follow(store(directory, events), work, progress)
    write_cases(directory, [each for each in scenarios if each.id in used], cases.values())
    return missing


def follow(events: Generator[Event, None, None], work: Work, progress: Progress) -> dict[str, str]:
    """Consume the events of a run. Returns the stacks that could not run, with the reasons."""
    missing: dict[str, str] = {}
    total = sum(len(cases) for each, cases in work if isinstance(each, Provided))
    with progress.count("cells", total) as advance, closing(events):
        for event in events:
            if isinstance(event, CellsDone):
                advance(event.count, event.stack)
            elif isinstance(event, StackUnavailable):
                missing[event.stack] = event.reason
                progress.note(f"unavailable: {event.stack}: {event.reason}")
            elif isinstance(event, CellLost):
                progress.note(f"lost: {event.case} on {event.stack}: {event.how}")
            elif isinstance(event, LinesDropped):
                lines = many(event.count, "damaged line")
                progress.note(f"{lines} of the interrupted run dropped: to be run again")
    return missing


def check_ran(work: Work, missing: Mapping[str, str]) -> None:
    """Raises NothingRanError, with the reasons, if no stack could run."""
    if len(missing) == len(work):
        reasons = (f"{name}: {reason}" for name, reason in missing.items())
        raise NothingRanError("no stack could be run", *reasons)


def check_conflicts(results: ResultSet) -> None:
    """Raises MatrixError if the hook and the directory listing disagree in a cell."""
    found = [
        f"{observation.case} on {stack.stack}: {conflict}"
        for stack in results.stacks
        for observation in stack.observations.values()
        for conflict in observation.conflicts
    ]
    if found:
        count = many(len(found), "cell")
        message = f"the hook and the directory listing disagree in {count}"
        raise MatrixError(message, *found[:20])


def store(directory: Path, events: Iterable[Event]) -> Generator[Event, None, None]:
    """Write the result file of each stack when it is done; passes the events on."""
    for event in events:
        if isinstance(event, StackDone):
            write_stack(directory, event.stack, event.fingerprint, event.lines)
        elif isinstance(event, StackUnavailable):
            write_unavailable_stack(directory, event.stack, event.reason)
        yield event


def collect(events: Iterable[Event]) -> tuple[StackResults, ...]:
    """The results of the stacks of a run, in natural order."""
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
