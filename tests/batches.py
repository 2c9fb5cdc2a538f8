"""Cases that run in one go, with one worker for all of a stack, as starting one takes longest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matrix.model import Case, Observation
from tests.builders import make_case
from tests.conftest import ObserveOn

See = Callable[[Case], Observation]


class Batch:
    """The cases of one stack; a call adds one."""

    def __init__(self, stack: str) -> None:
        self.stack = stack
        self.cases: list[Case] = []

    def __call__(self, target: str = "x.db", **fields: Any) -> Case:
        case = make_case(f"{self.stack}/{len(self.cases)}", target=target, **fields)
        self.cases.append(case)
        return case


def see_in(observe_on: ObserveOn, *batches: Batch) -> See:
    """What is seen in a case; the first that is asked for runs its whole batch."""
    found: dict[str, Observation] = {}

    def see(case: Case) -> Observation:
        if case.id not in found:
            (batch,) = [each for each in batches if case in each.cases]
            found.update((seen.case, seen) for seen in observe_on(batch.stack, *batch.cases))
        return found[case.id]

    return see


def error_of(seen: Observation) -> tuple[str, str, str]:
    """The stage of the error, its type and its message."""
    assert seen.error is not None
    return seen.error.phase, seen.error.type, seen.error.message
