"""`sqlite-matrix claims`: every claim of a document with its verdict and its proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from matrix.claims.document import EXPERIMENT, ClaimsDocument, load_claims
from matrix.claims.evaluate import (
    ClaimResult,
    ClaimVerdict,
    ExperimentResult,
    evaluate_claims,
    wanted_cases,
)
from matrix.claims.experiments import load_experiments, perform
from matrix.cli.common import (
    CLAIMS,
    RESULTS,
    check_conflicts,
    choose_stacks,
    claims_files,
    corpus,
    execution_options,
    output_option,
    provide,
    stack_options,
    this_terminal,
    write_output,
)
from matrix.errors import (
    EXIT_CHANGED,
    EXIT_OK,
    EXIT_UNAVAILABLE,
    NothingSelectedError,
    UsageError,
)
from matrix.model import Case
from matrix.reports.claims import claims_json, render_claims
from matrix.results.store import CASES_FILE, ResultSet, load_results
from matrix.runner.collect import observe
from matrix.scenarios.selector import matches
from matrix.stacks.catalogue import load_catalogue
from matrix.stacks.provision import Provisioner
from matrix.text import many


@click.command("claims")
@click.argument("results", required=False, type=click.Path(path_type=Path))
@click.option(
    "--run",
    "run_now",
    is_flag=True,
    help="Measure now, on the stacks named or on the standard set, instead of reading results.",
)
@click.option(
    "--select", "patterns", multiple=True, metavar="GLOB", help="Only these claims. Repeatable."
)
@click.option(
    "--claims",
    "documents",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help=f"A file of claims, or a directory of them; default: {CLAIMS}/. Repeatable.",
)
@stack_options
@execution_options
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="What to print; json: every claim with its stacks and cells.",
)
@output_option
def command(
    results: Path | None,
    run_now: bool,
    patterns: tuple[str, ...],
    documents: tuple[Path, ...],
    set_name: str | None,
    specs: tuple[str, ...],
    cache: Path | None,
    offline: bool,
    format_: str,
    output: Path | None,
    **execution: Any,
) -> int:
    """Settle the claims of a document by what was measured.

    RESULTS is a directory of result files (default: results/latest); where there is none, the
    cases of the claims are run. Exits with 1 if a claim could not be settled.

    Example: sqlite-matrix claims --run --select C8 --stack sqlite3 --stack apsw
    """
    if run_now and results is not None:
        raise UsageError("--run measures now, so there are no results to name")
    cases = corpus()
    read = load_claims(claims_files(documents), cases)
    chosen = _selected(read, patterns)
    missing = False
    if run_now or (results is None and not (RESULTS / CASES_FILE).is_file()):
        found, experiments, missing = _measure(
            chosen, cases, set_name, specs, Provisioner(cache, offline=offline), execution
        )
    else:
        directory = results or RESULTS
        found, experiments = load_results(directory), load_experiments(directory)
    judged = evaluate_claims(chosen, found, experiments, cases)
    text = claims_json(judged) if format_ == "json" else _table(judged, to_file=output is not None)
    write_output(text, output)
    check_conflicts(found)
    return EXIT_UNAVAILABLE if missing else _exit_code(judged)


def _selected(
    documents: Sequence[ClaimsDocument], patterns: Sequence[str]
) -> tuple[ClaimsDocument, ...]:
    """The documents with the claims that are asked for; ids in any case."""
    kept = [
        document.model_copy(
            update={
                "claims": tuple(
                    claim
                    for claim in document.claims
                    if not patterns or any(matches(p.upper(), claim.id.upper()) for p in patterns)
                )
            }
        )
        for document in documents
    ]
    if not any(document.claims for document in kept):
        raise NothingSelectedError("no claim is selected", hint="sqlite-matrix claims")
    return tuple(kept)


def _measure(
    documents: Sequence[ClaimsDocument],
    cases: Mapping[str, Case],
    set_name: str | None,
    specs: Sequence[str],
    provisioner: Provisioner,
    execution: dict[str, Any],
) -> tuple[ResultSet, tuple[ExperimentResult, ...], bool]:
    """Run the cases that the claims need; whether a stack that was named could not be had."""
    claims = [claim for document in documents for claim in document.claims]
    wanted = [cases[name] for name in sorted(wanted_cases(claims, cases))]
    named = {
        pattern
        for claim in claims
        for part in (*claim.proof, *claim.also)
        for pattern in part.cases
    }
    todo = [e for document in documents for e in document.experiments if EXPERIMENT + e.id in named]
    stacks = choose_stacks(load_catalogue(), set_name, specs, "standard")
    provided = provide(provisioner, stacks)
    work = [(p, [c for c in wanted if p.stack.runs_case(c)]) for p in provided]
    results = observe([each for each in work if each[1]], **execution)
    unavailable = any(stack.unavailable is not None for stack in results.stacks)
    experiments = tuple(perform(todo, offline=provisioner.offline))
    return (
        replace(results, cases={case.id: case for case in wanted}),
        experiments,
        bool(specs) and set_name is None and unavailable,
    )


def _table(judged: Sequence[ClaimResult], *, to_file: bool) -> str:
    terminal = this_terminal()
    unicode = to_file or terminal["unicode"]
    return render_claims(judged, width=terminal["width"], unicode=unicode)


def _exit_code(judged: Sequence[ClaimResult]) -> int:
    unsettled = [each for each in judged if each.verdict is ClaimVerdict.UNSETTLED]
    if unsettled:
        names = ", ".join(each.claim.id for each in unsettled)
        click.echo(f"{many(len(unsettled), 'claim')} unsettled: {names}", err=True)
        return EXIT_CHANGED
    return EXIT_OK
