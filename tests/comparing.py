"""Result directories for tests that compare them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from matrix.comparison.compare import Change, compare_results
from matrix.model import Case, Observation, canonical
from matrix.results.store import (
    ResultSet,
    StackResults,
    write_cases,
    write_stack,
    write_unavailable_stack,
)
from tests.builders import make_case, make_fingerprint, make_results, make_stack

STACK = "sqlite3@3.11"
CASE = "topic/scenario[form=plain]"


def write_results(directory: Path, results: ResultSet) -> Path:
    """Write a result set as a run does."""
    write_cases(directory, results.scenarios, results.cases.values())
    for stack in results.stacks:
        if stack.fingerprint is None:
            write_unavailable_stack(directory, stack.stack, stack.unavailable or "")
        else:
            lines = [canonical(each.to_json()) for each in stack.observations.values()]
            write_stack(directory, stack.stack, stack.fingerprint, lines)
    return directory


def write(directory: Path, *stacks: StackResults, cases: Iterable[Case] | None = None) -> Path:
    """Write stacks with the cases that they were observed in."""
    if cases is None:
        names = {name for stack in stacks for name in stack.observations}
        cases = [make_case(name) for name in names]
    return write_results(directory, make_results(cases, stacks))


def stack(name: str = STACK, *observations: Observation, **fingerprint: Any) -> StackResults:
    """A stack with a fingerprint of these facts."""
    return make_stack(name, observations, fingerprint=make_fingerprint(**fingerprint))


def changes(old: Path, new: Path) -> tuple[Change, ...]:
    return compare_results(old, new).changes


def one_change(tmp_path: Path, before: Observation, after: Observation) -> Change:
    """The change between two observations of one cell."""
    old = write(tmp_path / "old", stack(STACK, before))
    new = write(tmp_path / "new", stack(STACK, after))
    (change,) = changes(old, new)
    return change


def kinds(change: Change) -> list[str]:
    return [kind.value for kind in change.kinds]
