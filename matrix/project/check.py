"""A check: a connection string, or a few cases, on the stacks of this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from matrix.errors import NothingRanError, NothingSelectedError
from matrix.model import (
    Case,
    Failure,
    Intent,
    Observation,
    Result,
    ScenarioInfo,
    TargetType,
)
from matrix.results.store import ResultSet, StackResults
from matrix.runner.collect import observe, provide
from matrix.runner.options import RunOptions
from matrix.runner.progress import SILENT, Progress
from matrix.stacks.catalogue import Catalogue
from matrix.stacks.provision import Provisioner
from matrix.stacks.spec import Stack, parse_stack, with_middleware

CHECKED = ScenarioInfo(id="check", title="", question="")
"""The scenario of the cases for a single string."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Cases, and the stacks to run them on.

    `named`: the user named each of the stacks, and each runs every case. A case through a
    middleware that the stack lacks runs on the same stack with the newest version of the
    middleware. Otherwise each stack runs only the cases of its kind.
    """

    cases: tuple[Case, ...]
    stacks: tuple[Stack, ...]
    named: bool
    catalogue: Catalogue
    infos: tuple[ScenarioInfo, ...] = ()

    def place(self, stack: Stack, case: Case) -> Stack | None:
        """The stack that runs a case in place of `stack`; None if none does."""
        if self.named:
            return stack_for(case, stack, self.catalogue)
        return stack if stack.runs(case.via) else None


def stack_for(case: Case, stack: Stack, catalogue: Catalogue) -> Stack:
    """The stack, with the newest version of the case's middleware if the stack lacks it."""
    if case.via is None or stack.runs(case.via):
        return stack
    return with_middleware(stack, case.via, catalogue)


def cases_of_target(
    target: str,
    *,
    via: str | None = None,
    uri: bool | None = None,
    target_type: TargetType = TargetType.STR,
    intent: Intent = Intent.OBSERVE,
    sql: Sequence[str] = (),
) -> tuple[Case, ...]:
    """The cases for a string: a `file:` target with and without URIs, unless `uri` is given.

    For a URL such as `sqlite:///x.db` SQLAlchemy is the default.
    """
    if via is None and target.startswith(("sqlite:", "sqlite+")):
        via = "sqlalchemy-asyncio" if target.startswith("sqlite+aiosqlite:") else "sqlalchemy"
    ways = [uri] if uri is not None else [False, True] if target.startswith("file:") else [False]
    if via is not None:
        ways = [False]
    return tuple(
        Case(
            id=f"{CHECKED.id}[uri={'on' if way else 'off'}]" if len(ways) > 1 else CHECKED.id,
            target=target,
            target_type=target_type,
            via=via,
            connect={"uri": True} if way else {},
            intent=intent,
            sql=tuple(sql),
        )
        for way in ways
    )


def with_middleware_stacks(
    stacks: Sequence[Stack], cases: Sequence[Case], catalogue: Catalogue
) -> tuple[Stack, ...]:
    """These stacks, plus stdlib sqlite3 under each middleware that the cases need and none has."""
    vias = dict.fromkeys(case.via for case in cases if case.via is not None)
    lacking = [via for via in vias if not any(stack.runs(via) for stack in stacks)]
    bare = parse_stack("sqlite3", catalogue)
    return (*stacks, *(with_middleware(bare, via, catalogue) for via in lacking))


def run_check(
    check: Check,
    *,
    provisioner: Provisioner,
    options: RunOptions = RunOptions(),
    progress: Progress = SILENT,
) -> ResultSet:
    """Run a check; a stack that cannot run here is among the results, with the reason."""
    asked = [(check.place(stack, case), case) for stack in check.stacks for case in check.cases]
    cells = [(stack, case) for stack, case in asked if stack is not None]
    if not cells:
        raise NothingSelectedError("no stack of the set runs these cases", hint="name a --stack")
    return run_cells(
        cells, check.infos, provisioner=provisioner, options=options, progress=progress
    )


def run_cells(
    cells: Iterable[tuple[Stack, Case]],
    infos: Sequence[ScenarioInfo] = (),
    *,
    provisioner: Provisioner,
    options: RunOptions = RunOptions(),
    progress: Progress = SILENT,
) -> ResultSet:
    """Run cases on stacks, each cell once; `infos` describes the scenarios of the cases."""
    found: dict[Stack, dict[str, Case]] = {}
    for stack, case in cells:
        found.setdefault(stack, {})[case.id] = case
    provided = provide(provisioner, list(found), progress)
    work = [(each, tuple(found[each.stack].values())) for each in provided]
    return observe(work, infos, options=options)


def check_any_ran(results: ResultSet) -> None:
    """Raises NothingRanError, with the reasons, if no stack could run."""
    if all(stack.unavailable is not None for stack in results.stacks):
        reasons = (f"{stack.stack}: {stack.unavailable}" for stack in results.stacks)
        raise NothingRanError(*reasons)


def answers(check: Check, results: ResultSet) -> Iterator[Observation]:
    """One observation per stack and case, in the order of both; none is left out."""
    found = {stack.stack: stack for stack in results.stacks}
    for stack in check.stacks:
        for case in check.cases:
            place = check.place(stack, case)
            if place is not None:
                yield _observation(found[place.id], case)


def _observation(stack: StackResults, case: Case) -> Observation:
    """What was observed, or that the stack is unavailable."""
    if case.id in stack.observations:
        return stack.observations[case.id]
    failure = Failure(phase="provision", type="unavailable", message=stack.unavailable or "")
    return Observation(case=case.id, stack=stack.stack, result=Result.UNAVAILABLE, error=failure)
