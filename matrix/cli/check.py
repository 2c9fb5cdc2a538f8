"""`sqlite-matrix check`: run one connection string now, on the stacks of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from matrix.cli.common import (
    allow_missing_option,
    execution_options,
    exit_code_for_missing,
    output_option,
    render_table,
    stack_options,
    write_output,
)
from matrix.cli.progress import PROGRESS
from matrix.errors import (
    EXIT_CHANGED,
    EXIT_OK,
    NothingSelectedError,
    UsageError,
)
from matrix.model import Case, Intent, TargetType
from matrix.model.outcome import Verdict, verdict
from matrix.project.check import (
    CHECKED,
    Check,
    answers,
    cases_of_target,
    check_any_ran,
    run_check,
    with_middleware_stacks,
)
from matrix.project.stacks import choose_stacks
from matrix.reports import RENDERERS, render
from matrix.reports.data import observation_lines
from matrix.reports.details import render_details
from matrix.results.store import ResultSet
from matrix.runner.collect import check_conflicts
from matrix.runner.options import RunOptions
from matrix.scenarios.jsonl import load_cases
from matrix.stacks.catalogue import load_catalogue
from matrix.stacks.provision import Provisioner


@click.command("check")
@click.argument("target", required=False)
@stack_options
@allow_missing_option
@execution_options
@click.option(
    "--via",
    metavar="NAME",
    help="Go through a middleware: sqlalchemy, django, peewee, ... "
    "The default for a target that begins with sqlite: or sqlite+ is SQLAlchemy.",
)
@click.option(
    "--uri/--no-uri",
    default=None,
    help="Turn the driver's URI option on or off; default: off, and both for a file: target.",
)
@click.option(
    "--type",
    "target_type",
    type=click.Choice([t.value for t in TargetType]),
    default="str",
    show_default=True,
    help="The Python type in which the driver gets the target.",
)
@click.option(
    "--intent",
    type=click.Choice([i.value for i in Intent]),
    default="observe",
    show_default=True,
    help="What the string is meant to do; exit with 1 if it does something else.",
)
@click.option(
    "--sql", multiple=True, metavar="SQL", help="A statement to run after opening. Repeatable."
)
@click.option(
    "--batch",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read cases from a file instead, one JSON object per line.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(sorted(RENDERERS)),
    default="table",
    show_default=True,
    help="Output format; jsonl: one observation per line, in the order of the cases, stack by "
    "stack.",
)
@output_option
def command(
    target: str | None,
    set_name: str | None,
    specs: tuple[str, ...],
    allow_missing: bool,
    via: str | None,
    uri: bool | None,
    target_type: str,
    intent: str,
    sql: tuple[str, ...],
    batch: Path | None,
    format_: str,
    output: Path | None,
    provisioner: Provisioner,
    options: RunOptions,
) -> int:
    """Show what TARGET does: where its data goes, and which files appear.

    It is opened in an empty directory, and a table of about 2 MB is written to it. Files of yours
    that it names stay as they are.

    Example: sqlite-matrix check 'file:db?mode=memory' --intent private-memory
    """
    if (target is None) == (batch is None):
        raise UsageError("give a target, or a file of cases with --batch")
    if batch is not None:
        cases = tuple(load_cases(batch))
    else:
        cases = cases_of_target(
            target or "", via=via, uri=uri, target_type=TargetType(target_type),
            intent=Intent(intent), sql=sql,
        )  # fmt: skip
    if not cases:
        raise NothingSelectedError(f"{batch} contains no cases")
    check = _check(cases, set_name, specs, single=batch is None)
    results = run_check(check, provisioner=provisioner, options=options, progress=PROGRESS)
    _write(check, results, format_, output)
    if not options.in_place and any(
        o.outside for s in results.stacks for o in s.observations.values()
    ):
        PROGRESS.note(
            "Files outside stay as they are: this is what would happen to them. "
            "--in-place does it for real."
        )
    check_conflicts(results)
    required = not allow_missing and (bool(specs) or set_name is not None)
    return _exit_code(results, required=required)


def _check(
    cases: tuple[Case, ...], set_name: str | None, specs: Sequence[str], *, single: bool
) -> Check:
    catalogue = load_catalogue()
    stacks = choose_stacks(catalogue, set_name, specs, "quick")
    if not specs and set_name is None:
        stacks = with_middleware_stacks(stacks, cases, catalogue)
    infos = (CHECKED,) if single else ()
    return Check(cases=cases, stacks=stacks, named=bool(specs), catalogue=catalogue, infos=infos)


def _write(check: Check, results: ResultSet, format_: str, output: Path | None) -> None:
    if format_ == "jsonl":
        write_output(observation_lines(answers(check, results)), output)
    elif format_ == "table" and output is None:
        write_output(render_table(results), None)
        if check.infos:
            write_output(render_details(results), None)
    else:
        write_output(render(format_, results), output)


def _exit_code(results: ResultSet, *, required: bool) -> int:
    check_any_ran(results)
    missing = [stack for stack in results.stacks if stack.unavailable is not None]
    if required and missing:
        return exit_code_for_missing(len(missing))
    verdicts = (
        verdict(observation, results.cases[name])
        for stack in results.stacks
        for name, observation in stack.observations.items()
    )
    return EXIT_CHANGED if Verdict.NOT_AS_INTENDED in verdicts else EXIT_OK
