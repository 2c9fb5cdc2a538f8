"""`sqlite-matrix run`: expand, provision, run, store, print the table."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from matrix.claims.expectations import unmet
from matrix.claims.experiments import EXPERIMENTS_FILE, perform, write_experiments
from matrix.cli.common import (
    RESULTS,
    check_conflicts,
    choose_stacks,
    execution_options,
    judge_claims,
    provide,
    read_claims,
    read_topics,
    render_table,
    stack_options,
    write_output,
)
from matrix.cli.progress import check_ran, follow
from matrix.errors import (
    EXIT_CHANGED,
    EXIT_OK,
    EXIT_UNAVAILABLE,
    NothingSelectedError,
)
from matrix.model import Case, ScenarioInfo, canonical
from matrix.reports import RENDERERS, render
from matrix.reports.grid import build_grid
from matrix.results.provenance import (
    PROVENANCE_FILE,
    load_provenance,
    provenance_now,
    write_provenance,
)
from matrix.results.store import ResultSet, load_results, remove_results, write_cases
from matrix.runner.collect import Work, store
from matrix.runner.engine import Run
from matrix.scenarios.expand import expand_topics, scenario_infos
from matrix.scenarios.selector import Selector
from matrix.scenarios.topic import Topic
from matrix.stacks.catalogue import load_catalogue
from matrix.stacks.provision import Provisioner
from matrix.text import many


@click.command("run")
@click.argument("scenarios", nargs=-1, type=click.Path(exists=True, path_type=Path))
@stack_options
@click.option(
    "--select",
    "patterns",
    multiple=True,
    metavar="GLOB",
    help="Only these: a topic, a topic/scenario, or a pattern over case ids. Repeatable.",
)
@click.option("--resume", is_flag=True, help="Go on with an interrupted run.")
@execution_options
@click.option(
    "--format",
    "format_",
    type=click.Choice(sorted(RENDERERS)),
    default="table",
    show_default=True,
    help="What to print.",
)
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), default=RESULTS,
              show_default=True, help="The directory for the result files.")  # fmt: skip
def command(
    scenarios: tuple[Path, ...],
    set_name: str | None,
    specs: tuple[str, ...],
    cache: Path | None,
    offline: bool,
    patterns: tuple[str, ...],
    resume: bool,
    format_: str,
    output: Path,
    **execution: Any,
) -> int:
    """Run the cases of SCENARIOS (files or directories; default: scenarios/) on stacks.

    Result files go to the output directory, the table to standard output.

    Example: sqlite-matrix run --stacks quick --select mode --select 'sharing/*order=cache*'
    """
    began = time.monotonic()
    topics = read_topics(scenarios)
    selector = Selector.parse(patterns) if patterns else None
    cases = [case for case in expand_topics(topics) if selector is None or selector(case.id)]
    if not cases:
        raise NothingSelectedError("no case is selected", hint="sqlite-matrix list cases")
    claims = () if scenarios or patterns else read_claims()
    stacks = choose_stacks(load_catalogue(), set_name, specs, "standard")
    provided = provide(Provisioner(cache, offline=offline), stacks)
    work: Work = [(p, [c for c in cases if p.stack.runs_case(c)]) for p in provided]
    used = {case.scenario for case in cases}
    infos = [info for info in scenario_infos(topics) if info.id in used]
    parts = _prepare(output, infos, cases, resume=resume)
    try:
        missing = follow(store(output, Run(work, parts=parts, **execution).events()), work)
    except KeyboardInterrupt:
        click.echo("what was observed is kept: the same command with --resume goes on", err=True)
        raise
    shutil.rmtree(parts)
    if claims:
        todo = [experiment for document in claims for experiment in document.experiments]
        write_experiments(output, perform(todo, offline=offline))
    write_provenance(output, [provenance_now(time.monotonic() - began)])
    check_ran(work, missing)
    results = load_results(output)
    page = _page(output)
    judged = judge_claims(claims, results, output)
    write_output(render("html", results, claims=judged, runs=load_provenance(output)), page)
    table = format_ == "table"
    write_output(render_table(results) if table else render(format_, results, claims=judged), None)
    _say_where(results, output, page, time.monotonic() - began, to_stderr=not table)
    check_conflicts(results)
    if not _as_expected(topics, results):
        return EXIT_CHANGED
    required = {stack.id for stack in stacks} if specs and set_name is None else set()
    return EXIT_UNAVAILABLE if required & missing.keys() else EXIT_OK


def _as_expected(topics: Sequence[Topic], results: ResultSet) -> bool:
    """Say what is not as documents promise, or is so again although it is known not to be."""
    found = unmet(topics, results)
    for each in found:
        click.echo(f"not as expected: {each}", err=True)
    return not found


def _prepare(
    output: Path, infos: Sequence[ScenarioInfo], cases: Sequence[Case], *, resume: bool
) -> Path:
    """An output directory for this run alone; the part files of the same run, if it is resumed."""
    remove_results(output)
    parts = output / ".parts"
    plan = _digest(cases)
    note = parts / "plan"
    same = note.is_file() and note.read_text() == plan
    if parts.exists() and not (resume and same):
        click.echo(
            "the scenarios have changed since the interrupted run: starting over"
            if resume
            else "an interrupted run is discarded (--resume goes on with it)",
            err=True,
        )
        shutil.rmtree(parts)
    for old in (output / EXPERIMENTS_FILE, output / PROVENANCE_FILE):
        old.unlink(missing_ok=True)
    parts.mkdir(parents=True, exist_ok=True)
    note.write_text(plan)
    write_cases(output, infos, cases)
    return parts


def _digest(cases: Sequence[Case]) -> str:
    """What tells one plan from another."""
    digest = hashlib.sha256()
    for case in cases:
        digest.update(canonical(case.to_json()).encode() + b"\n")
    return digest.hexdigest()


def _page(output: Path) -> Path:
    """Where the HTML page goes: beside the default results, or in the directory of one's own."""
    return Path("results/report/index.html") if output == RESULTS else output / "report.html"


def _say_where(
    results: ResultSet, output: Path, page: Path, seconds: float, *, to_stderr: bool
) -> None:
    totals = build_grid(results).totals
    stray = f"{many(totals.strays, 'stray file')}"
    line = (
        f"{many(totals.cells, 'cell')} on {many(totals.stacks, 'stack')}, {stray}, "
        f"{totals.not_as_intended:,} not as intended"
    )
    if totals.unavailable_stacks:
        line += f", {many(totals.unavailable_stacks, 'stack')} unavailable"
    click.echo(f"\n{line}, {seconds:.0f} s. Results: {output}/, page: {page}", err=to_stderr)
