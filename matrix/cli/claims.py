"""`sqlite-matrix claims`: every claim of a document with its verdict and its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from matrix.claims.evaluate import ClaimResult, ClaimVerdict, evaluate_claims
from matrix.claims.experiments import load_experiments
from matrix.claims.measure import measure_claims, select_claims
from matrix.cli.common import (
    RESULTS,
    allow_missing_option,
    execution_options,
    exit_code_for_missing,
    output_option,
    say,
    stack_options,
    this_terminal,
    write_output,
)
from matrix.cli.progress import PROGRESS
from matrix.errors import EXIT_CHANGED, EXIT_OK, UsageError
from matrix.files import is_file
from matrix.project.claims import CLAIMS, read_claims
from matrix.project.stacks import choose_stacks
from matrix.reports.claims import claims_json, render_claims
from matrix.results.file_format import CASES_FILE
from matrix.results.store import load_results
from matrix.runner.collect import check_conflicts
from matrix.runner.options import RunOptions
from matrix.stacks.catalogue import load_catalogue
from matrix.stacks.provision import Provisioner
from matrix.text import many


@click.command("claims")
@click.argument("results", required=False, type=click.Path(path_type=Path))
@click.option(
    "--run",
    "run_now",
    is_flag=True,
    help="Measure now, on the given stacks or the standard set, instead of reading results.",
)
@click.option(
    "--select", "patterns", multiple=True, metavar="GLOB", help="Select claims. Repeatable."
)
@click.option(
    "--claims",
    "documents",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help=f"A claims file, or a directory of them; default: {CLAIMS}/. Repeatable.",
)
@stack_options
@allow_missing_option
@execution_options
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Output format; json: every claim with its stacks and cells.",
)
@output_option
def command(
    results: Path | None,
    run_now: bool,
    patterns: tuple[str, ...],
    documents: tuple[Path, ...],
    set_name: str | None,
    specs: tuple[str, ...],
    allow_missing: bool,
    format_: str,
    output: Path | None,
    provisioner: Provisioner,
    options: RunOptions,
) -> int:
    """Check the claims of a document against what was measured.

    RESULTS is a directory of result files (default: results/latest). If it does not exist, the
    cases of the claims are run. Exits with 1 if a claim could not be settled, and with 4 if a stack
    to run is not available.

    Example: sqlite-matrix claims --run --select C8 --stack sqlite3 --stack apsw
    """
    if run_now and results is not None:
        raise UsageError("--run measures now, so it does not take RESULTS")
    read = read_claims(documents)
    chosen = select_claims(read.documents, patterns)
    missing = 0
    if run_now or (results is None and not is_file(RESULTS / CASES_FILE)):
        stacks = choose_stacks(load_catalogue(), set_name, specs, "standard")
        found, experiments = measure_claims(
            chosen, read.cases, stacks,
            provisioner=provisioner, options=options, progress=PROGRESS,
        )  # fmt: skip
        missing = sum(stack.unavailable is not None for stack in found.stacks)
    else:
        directory = results or RESULTS
        found, experiments = load_results(directory), load_experiments(directory)
    judged = evaluate_claims(chosen, found, experiments, read.cases)
    text = claims_json(judged) if format_ == "json" else _table(judged, to_file=output is not None)
    write_output(text, output)
    check_conflicts(found)
    return exit_code_for_missing(missing, allowed=allow_missing) or _exit_code(judged)


def _table(judged: Sequence[ClaimResult], *, to_file: bool) -> str:
    terminal = this_terminal()
    unicode = to_file or terminal["unicode"]
    return render_claims(judged, width=terminal["width"], unicode=unicode)


def _exit_code(judged: Sequence[ClaimResult]) -> int:
    unsettled = [each for each in judged if each.verdict is ClaimVerdict.UNSETTLED]
    if unsettled:
        names = ", ".join(each.claim.id for each in unsettled)
        say(f"{many(len(unsettled), 'claim')} unsettled: {names}")
        return EXIT_CHANGED
    return EXIT_OK
