"""`sqlite-matrix bump`: what a new version changes, before it is taken."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from packaging.version import Version

from matrix.cli.common import execution_options, output_option, write_output
from matrix.cli.compare import explain_option, tell_changes
from matrix.cli.gate import Gate, gate_options, open_gate, run_into
from matrix.comparison.compare import compare_results
from matrix.errors import (
    EXIT_CHANGED,
    EXIT_OK,
    EXIT_UNAVAILABLE,
    MatrixError,
    ProvisionError,
    ResultsError,
    UsageError,
)
from matrix.regression.baseline import check_baseline, install
from matrix.regression.bump import Bump, Step, newer, requested, step_to
from matrix.reports.bump import bump_json, render_bump
from matrix.results.store import CASES_FILE, write_cases
from matrix.stacks.index import versions_on_index
from matrix.stacks.interpreters import RUNNING
from matrix.stacks.pins import Pin, Pins, load_pins, pinned_stacks
from matrix.stacks.provision import Provisioner, Unprovided
from matrix.text import many

_NEWEST = 3
"""So many versions are told, where the one that was asked for is none."""


@click.command("bump")
@click.argument("requirements", nargs=-1, metavar="[NAME==VERSION]...")
@click.option("--latest", is_flag=True, help="Whatever is newer on the index than its pin.")
@click.option("--pre", is_flag=True, help="With --latest: pre-releases, too.")
@click.option("--write", is_flag=True, help="Change the pins and the baseline, together.")
@gate_options
@explain_option
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text",
              show_default=True, help="What to print; text is Markdown, too.")  # fmt: skip
@output_option
@execution_options
def command(
    requirements: tuple[str, ...],
    latest: bool,
    pre: bool,
    write: bool,
    baseline: Path | None,
    pins: Path | None,
    words: tuple[str, ...],
    scenarios: tuple[Path, ...],
    fail_on: str | None,
    cache: Path | None,
    offline: bool,
    explained: bool,
    format_: str,
    output: Path | None,
    **execution: Any,
) -> int:
    """Run the pinned version and a new one, and say which strings behave differently.

    Only the stacks that the version is part of are run. Several are taken one after the other, so
    that each change is told of the version that makes it. Exits with 1 where something changes.

    Example: sqlite-matrix bump apsw==3.54.1.0
    """
    if latest == bool(requirements):
        raise UsageError("name versions to bump to, or give --latest", hint="apsw==3.54.1.0")
    if latest and offline:
        raise UsageError("--latest asks the index, and --offline does not")
    gate = open_gate(
        baseline=baseline, pins=pins, words=words, scenarios=scenarios, fail_on=fail_on
    )
    found = load_pins(gate.pins)
    if not found.pins:
        hint = "`sqlite-matrix regress --update` pins the newest versions"
        raise UsageError(f"{gate.pins}: nothing is pinned", hint=hint)
    if write:
        _check_writable(gate)
    wishes = [requested(text, found) for text in requirements] or _latest(found, pre=pre)
    with tempfile.TemporaryDirectory(prefix="sqlite-matrix-bump-") as scratch:
        bench = _Bench(
            gate, Provisioner(cache, offline=offline), Path(scratch), execution, explained
        )
        for pin, *versions in wishes:
            bench.bump(pin, versions, write=write)
            if not latest and not offline and f"{pin.distribution}=={versions[0]}" in bench.missing:
                _tell_newest(pin, versions[0])
    texts = [render_bump(bump) for bump in bench.done]
    if format_ == "json":
        data = {"bumps": [bump_json(bump) for bump in bench.done], "unavailable": bench.missing}
        write_output(json.dumps(data, indent=1) + "\n", output)
    else:
        idle = "every pin is the newest\n" if latest else "nothing to bump\n"
        write_output("".join(texts) or idle * (not bench.missing), output)
    if write and bench.done:
        click.echo(f"written: {gate.pins}, {gate.baseline}/", err=True)
    if any(bump.report.exit_code for bump in bench.done):
        return EXIT_CHANGED
    return EXIT_UNAVAILABLE if bench.missing and not latest else EXIT_OK


@dataclass(slots=True)
class _Bench:
    """Runs one step after the other; what a stack showed at one version is run once."""

    gate: Gate
    provisioner: Provisioner
    scratch: Path
    execution: dict[str, Any]
    explained: bool
    done: list[Bump] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    def bump(self, pin: Pin, versions: list[str], *, write: bool) -> None:
        """Take the first of these versions that can be had."""
        pins = load_pins(self.gate.pins) if write or not self.done else self.done[-1].step.pins
        pin = pins.find(pin.distribution) or pin
        for version in versions:
            if version == pin.version:
                click.echo(f"{pin} is what is pinned", err=True)
                return
            step = step_to(pin, version, pins, self.gate.specs, self.gate.catalogue)
            if step is None:
                click.echo(f"{pin}: no stack of the baseline has it", err=True)
                return
            reason = self._reason(step)
            if reason is None:
                self._take(step, write=write)
                return
            self.missing[f"{pin.distribution}=={version}"] = reason
            click.echo(f"{step.title}: cannot be had: {reason}", err=True)

    def _reason(self, step: Step) -> str | None:
        """Why the new version cannot be had, if it cannot."""
        for stack in step.new:
            provided = self.provisioner.provide(stack)
            if isinstance(provided, Unprovided):
                return provided.reason
        return None

    def _take(self, step: Step, *, write: bool) -> None:
        click.echo(f"{step.title}: {many(len(step.new), 'stack')}, before and after", err=True)
        old, new = (self.scratch / f"{len(self.done)}-{side}" for side in ("old", "new"))
        for directory, stacks in ((old, step.old), (new, step.new)):
            work = self.gate.work(stacks, self.provisioner)
            lost = run_into(directory, work, self.gate.infos, **self.execution)
            if lost:
                raise ProvisionError("\n".join(f"{name}: {why}" for name, why in lost.items()))
        cases = {case.id for _, cases in work for case in cases}
        report = tell_changes(
            old, new,
            fail_on=self.gate.fail_on, explained=self.explained,
            cache=self.provisioner.cache, offline=self.provisioner.offline, **self.execution,
        )  # fmt: skip
        self.done.append(Bump(step=step, report=report, cases=len(cases)))
        if write:
            self._write(step, old, new)

    def _write(self, step: Step, old: Path, new: Path) -> None:
        """The pin and the baseline, together."""
        names = {stack.id for stack in step.old}
        drift = compare_results(self.gate.baseline, old, stacks=names.__contains__)
        if drift.changes:
            click.echo(
                f"{many(len(drift.changes), 'cell')} of the pinned {step.pin} are not here as in "
                "the baseline, which takes that over, too (sqlite-matrix regress tells which)",
                err=True,
            )
        install(new, self.gate.baseline, only=names)
        self.gate.pins.write_text(step.pins.text, "utf-8")


def _latest(pins: Pins, *, pre: bool) -> list[Any]:
    """Every pin of which the index has newer versions, with those."""
    found = []
    for pin in pins.pins:
        if pin.fits(RUNNING):
            versions = newer(pin, versions_on_index(pin.distribution, RUNNING, pre=pre))
            click.echo(f"{pin}: {'newest is ' + versions[0] if versions else 'is the newest'}",
                       err=True)  # fmt: skip
            if versions:
                found.append((pin, *versions))
    return found


def _tell_newest(pin: Pin, version: str) -> None:
    """What there is, instead of a version that there is not."""
    try:
        versions = versions_on_index(pin.distribution, RUNNING)
    except MatrixError:
        return
    if Version(version) not in map(Version, versions):
        newest = ", ".join(versions[:_NEWEST])
        told = f"the index has no {pin.distribution} {version}; the newest are {newest}"
        click.echo(told, err=True)


def _check_writable(gate: Gate) -> None:
    """Raises ResultsError where the baseline is of other scenarios: the diff would mix up both."""
    check_baseline(gate.baseline, "sqlite-matrix regress --update")
    stacks = pinned_stacks(gate.specs, load_pins(gate.pins), gate.catalogue)
    cases = [case for case in gate.cases if any(stack.runs_case(case) for stack in stacks)]
    with tempfile.TemporaryDirectory() as scratch:
        write_cases(Path(scratch), (), cases)
        asked, known = (
            (directory / CASES_FILE).read_bytes().splitlines()[1:-1]
            for directory in (Path(scratch), gate.baseline)
        )
    if asked != known:
        message = f"{gate.baseline}: the scenarios have changed since it was written"
        raise ResultsError(message, hint="`sqlite-matrix regress --update` first")
