"""`sqlite-matrix check`: one string, now, on the stacks of this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from matrix.cli.common import (
    check_conflicts,
    choose_stacks,
    execution_options,
    output_option,
    provide,
    render_table,
    stack_options,
    write_output,
)
from matrix.errors import (
    EXIT_CHANGED,
    EXIT_OK,
    EXIT_UNAVAILABLE,
    NothingRanError,
    NothingSelectedError,
    UsageError,
)
from matrix.model import (
    Case,
    Failure,
    Intent,
    Observation,
    Result,
    ScenarioInfo,
    TargetType,
    canonical,
)
from matrix.model.outcome import Verdict, verdict
from matrix.reports import RENDERERS, render
from matrix.reports.details import render_details
from matrix.results.store import ResultSet, StackResults
from matrix.runner.collect import observe
from matrix.scenarios.jsonl import load_cases
from matrix.stacks.catalogue import Catalogue, load_catalogue
from matrix.stacks.provision import Provisioner
from matrix.stacks.spec import Stack, parse_stack, with_middleware
from matrix.text import many

_SCENARIO = "check"


@click.command("check")
@click.argument("target", required=False)
@stack_options
@execution_options
@click.option(
    "--via",
    metavar="NAME",
    help="Through a middleware: sqlalchemy, django, peewee, ... "
    "A target that begins with sqlite: or sqlite+ goes through SQLAlchemy by itself.",
)
@click.option(
    "--uri/--no-uri",
    default=None,
    help="Ask the driver for URIs, or do not; a file: target is tried both ways by default.",
)
@click.option(
    "--type",
    "target_type",
    type=click.Choice([t.value for t in TargetType]),
    default="str",
    show_default=True,
    help="The Python type of the target.",
)
@click.option(
    "--intent",
    type=click.Choice([i.value for i in Intent]),
    default="observe",
    show_default=True,
    help="What you mean by the string: exit 1 where it is not so.",
)
@click.option("--sql", multiple=True, metavar="SQL", help="A statement after the open. Repeatable.")
@click.option(
    "--batch",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take cases from a file instead, one JSON object a line.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(sorted(RENDERERS)),
    default="table",
    show_default=True,
    help="What to print; jsonl: an observation a line, in the order of the cases, stack by stack.",
)
@output_option
def command(
    target: str | None,
    set_name: str | None,
    specs: tuple[str, ...],
    cache: Path | None,
    offline: bool,
    via: str | None,
    uri: bool | None,
    target_type: str,
    intent: str,
    sql: tuple[str, ...],
    batch: Path | None,
    format_: str,
    output: Path | None,
    **execution: Any,
) -> int:
    """Say what TARGET does: where its data goes, and which files appear.

    Example: sqlite-matrix check 'file:db?mode=memory' --intent private-memory
    """
    if (target is None) == (batch is None):
        raise UsageError("give a target, or a file of cases with --batch")
    if batch is not None:
        cases: Sequence[Case] = load_cases(batch)
    else:
        cases = tuple(_cases(target or "", via, uri, TargetType(target_type), Intent(intent), sql))
    if not cases:
        raise NothingSelectedError(f"{batch} holds no case")
    catalogue = load_catalogue()
    asked = choose_stacks(catalogue, set_name, specs, "quick")
    if not specs and set_name is None:
        asked += tuple(_stacks_for_the_rest(asked, cases, catalogue))
    plan = _plan(asked, cases, catalogue, named=bool(specs))
    provided = provide(Provisioner(cache, offline=offline), list(plan))
    work = [(each, plan[each.stack]) for each in provided]
    infos = [ScenarioInfo(id=_SCENARIO, title="", question="")] if batch is None else []
    results = observe(work, infos, **execution)
    if format_ == "jsonl":
        write_output("".join(_lines(asked, cases, results, named=bool(specs))), output)
    elif format_ == "table" and output is None:
        write_output(render_table(results), None)
        if batch is None:
            write_output(render_details(results), None)
    else:
        write_output(render(format_, results), output)
    check_conflicts(results)
    return _exit_code(results, required=bool(specs))


def _cases(
    target: str,
    via: str | None,
    uri: bool | None,
    target_type: TargetType,
    intent: Intent,
    sql: tuple[str, ...],
) -> Iterator[Case]:
    """The cases that a string stands for: with and without the URI switch, if that is open."""
    if via is None and target.startswith(("sqlite:", "sqlite+")):
        via = "sqlalchemy-asyncio" if target.startswith("sqlite+aiosqlite:") else "sqlalchemy"
    ways = [uri] if uri is not None else [False, True] if target.startswith("file:") else [False]
    if via is not None:
        ways = [False]
    for way in ways:
        yield Case(
            id=f"{_SCENARIO}[uri={'on' if way else 'off'}]" if len(ways) > 1 else _SCENARIO,
            target=target,
            target_type=target_type,
            via=via,
            connect={"uri": True} if way else {},
            intent=intent,
            sql=sql,
        )


def _plan(
    stacks: Sequence[Stack], cases: Sequence[Case], catalogue: Catalogue, *, named: bool
) -> dict[Stack, list[Case]]:
    """Which cases run where.

    A stack that the user named runs them all: those through a middleware that it lacks run on the
    same stack with the newest version of it. Of a set, each stack runs the cases of its kind.
    """
    plan: dict[Stack, list[Case]] = {}
    for stack in stacks:
        for case in cases:
            place = _place(stack, case, catalogue, named=named)
            if place is not None:
                plan.setdefault(place, []).append(case)
    if not plan:
        raise NothingSelectedError("no stack of the set runs these cases", hint="name a --stack")
    return plan


def _place(stack: Stack, case: Case, catalogue: Catalogue, *, named: bool) -> Stack | None:
    """Where a case runs that is asked for on a stack; None for nowhere."""
    if stack.runs(case.via):
        return stack
    if not named:
        return None
    return stack if case.via is None else with_middleware(stack, case.via, catalogue)


def _stacks_for_the_rest(
    stacks: Sequence[Stack], cases: Sequence[Case], catalogue: Catalogue
) -> Iterator[Stack]:
    """Stdlib sqlite3 under each middleware that the cases go through and none of the stacks has."""
    for via in dict.fromkeys(case.via for case in cases):
        if via is not None and not any(stack.runs(via) for stack in stacks):
            yield with_middleware(parse_stack("sqlite3", catalogue), via, catalogue)


def _lines(
    asked: Sequence[Stack], cases: Sequence[Case], results: ResultSet, *, named: bool
) -> Iterator[str]:
    """One observation per case and stack, in the order of both; none is left out."""
    catalogue = load_catalogue()
    found = {stack.stack: stack for stack in results.stacks}
    for stack in asked:
        for case in cases:
            place = _place(stack, case, catalogue, named=named)
            if place is not None:
                observation = _observation(found[place.id], case)
                yield canonical(observation.to_json()) + "\n"


def _observation(stack: StackResults, case: Case) -> Observation:
    """What was seen, or that nothing could be."""
    if case.id in stack.observations:
        return stack.observations[case.id]
    failure = Failure(phase="provision", type="unavailable", message=stack.unavailable or "")
    return Observation(case=case.id, stack=stack.stack, result=Result.UNAVAILABLE, error=failure)


def _exit_code(results: ResultSet, *, required: bool) -> int:
    missing = [stack for stack in results.stacks if stack.unavailable is not None]
    if len(missing) == len(results.stacks):
        raise NothingRanError("\n".join(f"{s.stack}: {s.unavailable}" for s in missing))
    if missing and required:
        click.echo(f"{many(len(missing), 'stack')} unavailable", err=True)
        return EXIT_UNAVAILABLE
    verdicts = (
        verdict(observation, results.cases[name].intent)
        for stack in results.stacks
        for name, observation in stack.observations.items()
    )
    return EXIT_CHANGED if Verdict.NOT_AS_INTENDED in verdicts else EXIT_OK
