"""Results of several machines as one set: the same cases, each stack under a name of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from matrix.errors import ResultsError
from matrix.model import Case
from matrix.results.store import ResultSet, StackResults, load_results
from matrix.model.stack_id import StackId, stack_order

_HOME = "linux"
"""The system that is not named in a stack's name."""
_MOST_SHOWN = 5


def merge_results(directories: Sequence[Path]) -> ResultSet:
    """Load and join; ResultsError where the cases differ, or a stack was seen twice or in part.

    A stack of another system than Linux has it in its name: `apsw==3.54.1.0[os=darwin]@3.11`.
    """
    sets = [(directory, load_results(directory)) for directory in directories]
    first, found = sets[0]
    stacks: dict[str, StackResults] = {}
    for directory, results in sets:
        _same_cases(first, found, directory, results)
        system = _system(results.stacks)
        for stack in results.stacks:
            _complete(directory, stack, results.cases)
            named = _renamed(stack, _name(stack.stack, system))
            if named.stack in stacks:
                raise ResultsError(
                    f"{directory}: {stack.stack} was measured on {system} already",
                    hint="merge one run of each system",
                )
            stacks[named.stack] = named
    ordered = sorted(stacks.values(), key=lambda stack: stack_order(stack.stack))
    return ResultSet(scenarios=found.scenarios, cases=found.cases, stacks=tuple(ordered))


def _same_cases(first: Path, found: ResultSet, directory: Path, results: ResultSet) -> None:
    if results.cases == found.cases:
        return
    ids = (id_ for id_ in {**found.cases, **results.cases}
           if results.cases.get(id_) != found.cases.get(id_))  # fmt: skip
    raise ResultsError(
        f"{directory}: other cases than in {first}: {', '.join(islice(ids, _MOST_SHOWN))}, …",
        hint="run the same scenarios on every machine",
    )


def _complete(directory: Path, stack: StackResults, cases: Mapping[str, Case]) -> None:
    """Refuse a stack of which a case is missing that it could run."""
    if stack.fingerprint is None:
        return
    driver = stack.fingerprint.driver
    missing = [
        case.id
        for case in cases.values()
        if case.via == stack.middleware
        and case.fits_driver(driver)
        and case.id not in stack.observations
    ]
    if missing:
        raise ResultsError(
            f"{directory}: {stack.stack} lacks {len(missing)} of its cases: "
            f"{', '.join(missing[:_MOST_SHOWN])}{', …' if len(missing) > _MOST_SHOWN else ''}",
            hint="run it again until it finishes",
        )


def _system(stacks: Iterable[StackResults]) -> str:
    """The system that these stacks ran on, as Python calls it: `linux`, `darwin`, `win32`."""
    prints = (stack.fingerprint for stack in stacks)
    return next((p.platform.partition("-")[0] for p in prints if p is not None), _HOME)


def _name(stack: str, system: str) -> str:
    parsed = StackId.parse(stack)
    if parsed is None or system == _HOME:
        return stack
    return str(replace(parsed, options={"os": system, **parsed.options}))


def _renamed(stack: StackResults, name: str) -> StackResults:
    if name == stack.stack:
        return stack
    seen = {id_: replace(each, stack=name) for id_, each in stack.observations.items()}
    return replace(stack, stack=name, observations=seen)
