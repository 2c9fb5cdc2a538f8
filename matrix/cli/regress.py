"""`sqlite-matrix regress`: the pinned stacks, held against the committed baseline."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from matrix.cli.common import execution_options, output_option
from matrix.cli.compare import explain_option, tell_changes, write_report
from matrix.cli.gate import Gate, gate_options, open_gate, run_into
from matrix.comparison.diff import ChangeKind
from matrix.comparison.report import ChangeReport
from matrix.errors import EXIT_CHANGED, EXIT_OK, EXIT_UNAVAILABLE, UsageError
from matrix.regression.baseline import check_baseline, install
from matrix.reports.changes.formats import CHANGE_RENDERERS
from matrix.stacks.pins import load_pins, missing_pins, pinned_stacks
from matrix.stacks.provision import Provisioner
from matrix.text import many

MEASURED = Path("results/regress")


@click.command("regress")
@gate_options
@click.option("--select", "patterns", multiple=True, metavar="GLOB",
              help="Only these cases. Repeatable.")  # fmt: skip
@click.option("--update", is_flag=True,
              help="Write the baseline anew instead, and pin what it lacks a pin of.")  # fmt: skip
@explain_option
@click.option("--measured", type=click.Path(file_okay=False, path_type=Path), default=MEASURED,
              show_default=True, help="The directory for what is measured.")  # fmt: skip
@click.option("--format", "format_", type=click.Choice(sorted(CHANGE_RENDERERS)), default="table",
              show_default=True,
              help="What to print; github: annotations, and a summary of the job.")  # fmt: skip
@output_option
@execution_options
def command(
    baseline: Path | None,
    pins: Path | None,
    words: tuple[str, ...],
    scenarios: tuple[Path, ...],
    fail_on: str | None,
    cache: Path | None,
    offline: bool,
    patterns: tuple[str, ...],
    update: bool,
    explained: bool,
    measured: Path,
    format_: str,
    output: Path | None,
    **execution: Any,
) -> int:
    """Run the pinned stacks, and hold what they do against the baseline.

    Exits with 0 where nothing behaves differently, with 1 where something does, and with 4 where
    a pinned stack could not be had.

    Example: sqlite-matrix regress --select mode
    """
    began = time.monotonic()
    if update and patterns:
        raise UsageError("a baseline is written as a whole: --update takes no --select")
    gate = open_gate(
        baseline=baseline, pins=pins, words=words, scenarios=scenarios, fail_on=fail_on,
        patterns=patterns,
    )  # fmt: skip
    if measured.resolve() == gate.baseline.resolve():
        raise UsageError(f"{measured} is the baseline", hint="measure into another directory")
    provisioner = Provisioner(cache, offline=offline)
    if update:
        return _update(gate, provisioner, measured, began, **execution)
    check_baseline(gate.baseline, "sqlite-matrix regress --update")
    stacks = pinned_stacks(gate.specs, load_pins(gate.pins), gate.catalogue)
    _make_ignored(measured)
    missing = run_into(measured, gate.work(stacks, provisioner), gate.infos, **execution)
    report = tell_changes(
        gate.baseline,
        measured,
        names={stack.id for stack in stacks}.__contains__ if words else None,
        patterns=patterns,
        fail_on=gate.fail_on,
        explained=explained,
        cache=cache,
        offline=offline,
        **execution,
    )
    write_report(report, format_, output)
    changed = report.exit_code and not _only_unavailable(report)
    click.echo(
        f"{many(len(stacks), 'stack')}, {time.monotonic() - began:.0f} s; measured: {measured}/",
        err=True,
    )
    if changed:
        click.echo("sqlite-matrix regress --update takes this for the new baseline", err=True)
        return EXIT_CHANGED
    return EXIT_UNAVAILABLE if missing else EXIT_OK


def _make_ignored(directory: Path) -> None:
    """Make the directory, if it is not there, as one that git ignores."""
    if not directory.exists():
        directory.mkdir(parents=True)
        (directory / ".gitignore").write_text("*\n")


def _only_unavailable(report: ChangeReport) -> bool:
    """Whether all that is wrong is that stacks could not be had."""
    rest = {kind for group in report.groups for kind in group.kinds}
    rest |= {each.kind for each in report.stacks} - {ChangeKind.UNAVAILABLE}
    return report.fail_on.isdisjoint(rest) and not report.stale


def _update(
    gate: Gate, provisioner: Provisioner, measured: Path, began: float, **execution: Any
) -> int:
    """Write the baseline anew, as a whole or not at all."""
    pins = load_pins(gate.pins)
    more = missing_pins(gate.specs, pins, gate.catalogue)
    pins = pins.with_more(more) if more else pins
    stacks = pinned_stacks(gate.specs, pins, gate.catalogue)
    _make_ignored(measured)
    missing = run_into(measured, gate.work(stacks, provisioner), gate.infos, **execution)
    if missing:
        click.echo(f"{gate.baseline}: not written, {many(len(missing), 'stack')} unavailable",
                   err=True)  # fmt: skip
        return EXIT_UNAVAILABLE
    install(measured, gate.baseline)
    if more or not gate.pins.is_file():
        gate.pins.parent.mkdir(parents=True, exist_ok=True)
        gate.pins.write_text(pins.text, "utf-8")
        for line in more:
            click.echo(f"{gate.pins}: {line}", err=True)
    seconds = time.monotonic() - began
    size = sum(file.stat().st_size for file in gate.baseline.glob("*.jsonl"))
    click.echo(
        f"{gate.baseline}: {many(len(stacks), 'stack')}, {size / 1e6:.1f} MB, {seconds:.0f} s"
    )
    return EXIT_OK
