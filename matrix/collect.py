"""A run held in memory: for one string, for a batch, for tests."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from matrix.events import Event, StackDone, StackUnavailable
from matrix.execute import Run
from matrix.model import Case, Observation, ScenarioInfo
from matrix.provision import Provided, Unprovided
from matrix.results import ResultSet, StackResults, case_of_line
from matrix.stackid import stack_order


def observe(
    work: Sequence[tuple[Provided | Unprovided, Sequence[Case]]],
    scenarios: Sequence[ScenarioInfo] = (),
    **execution: Any,
) -> ResultSet:
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
    read = (Observation.from_json(json.loads(line)) for line in whole)
    return {observation.case: observation for observation in read}
