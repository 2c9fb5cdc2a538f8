"""Comparing the pinned stacks with their baseline, and writing a new baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from matrix.comparison.diff import ChangeKind
from matrix.comparison.report import ChangeReport
from matrix.comparison.workflow import compare_and_explain
from matrix.errors import UsageError
from matrix.files import exists, is_file
from matrix.regression.baseline import check_baseline, install
from matrix.regression.plan import RegressionPlan, measure_planned
from matrix.results.lock import locked
from matrix.runner.options import RunOptions
from matrix.runner.progress import SILENT, Progress
from matrix.stacks.pins import load_pins, missing_pins, pinned_stacks
from matrix.stacks.provision import Provisioner
from matrix.stacks.spec import Stack

UPDATE = "sqlite-matrix regress --update"
"""The command that writes a baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """The changes of the pinned stacks; `missing`: those that could not run, with the reasons."""

    report: ChangeReport
    stacks: tuple[Stack, ...]
    missing: Mapping[str, str]

    @property
    def changed(self) -> bool:
        """Whether something fails besides stacks that could not run."""
        report = self.report
        rest = {kind for group in report.groups for kind in group.kinds}
        rest |= {each.kind for each in report.stacks} - {ChangeKind.UNAVAILABLE}
        known = report.stale or not report.fail_on.isdisjoint(rest)
        return bool(report.exit_code and known)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineUpdate:
    """A baseline that was written, unless stacks are missing; `pinned`: the pins that were added.

    `missing`: the stacks that could not run, with the reasons; if there are any, nothing is
    written.
    """

    stacks: tuple[Stack, ...]
    missing: Mapping[str, str]
    pinned: tuple[str, ...] = ()


def check_regression(
    plan: RegressionPlan,
    measured: Path,
    *,
    provisioner: Provisioner,
    patterns: Sequence[str] = (),
    whole: bool = True,
    explained: bool = True,
    options: RunOptions = RunOptions(),
    progress: Progress = SILENT,
) -> Regression:
    """Run the pinned stacks into the directory `measured`, and compare that with the baseline.

    `whole`: the stacks are all that the baseline should have; otherwise only they are compared.
    `patterns`: the patterns that selected the cases of the plan.
    Raises ResultsError for a missing or damaged baseline, before anything runs.
    """
    _check_apart(measured, plan.baseline)
    check_baseline(plan.baseline, UPDATE)
    stacks = pinned_stacks(plan.specs, load_pins(plan.pins), plan.catalogue)
    with _measuring(measured):
        _, missing = measure_planned(
            plan, stacks, measured, provisioner=provisioner, options=options, progress=progress
        )
        report = compare_and_explain(
            plan.baseline,
            measured,
            provisioner=provisioner,
            patterns=patterns,
            stacks=None if whole else {stack.id for stack in stacks}.__contains__,
            fail_on=plan.fail_on,
            explained=explained,
            options=options,
            progress=progress,
        )
    return Regression(report=report, stacks=stacks, missing=missing)


def update_baseline(
    plan: RegressionPlan,
    measured: Path,
    *,
    provisioner: Provisioner,
    options: RunOptions = RunOptions(),
    progress: Progress = SILENT,
) -> BaselineUpdate:
    """Write a new baseline, as a whole or not at all, and add the missing pins."""
    _check_apart(measured, plan.baseline)
    pins = load_pins(plan.pins)
    more = missing_pins(plan.specs, pins, plan.catalogue)
    pins = pins.with_more(more) if more else pins
    stacks = pinned_stacks(plan.specs, pins, plan.catalogue)
    with _measuring(measured):
        _, missing = measure_planned(
            plan, stacks, measured, provisioner=provisioner, options=options, progress=progress
        )
        if missing:
            return BaselineUpdate(stacks=stacks, missing=missing)
        install(measured, plan.baseline)
    if more or not is_file(plan.pins):
        plan.pins.parent.mkdir(parents=True, exist_ok=True)
        plan.pins.write_text(pins.text, "utf-8")
    return BaselineUpdate(stacks=stacks, missing=missing, pinned=more)


def make_ignored(directory: Path) -> None:
    """Create the directory if it does not exist, with a .gitignore that ignores its content."""
    if not exists(directory):
        directory.mkdir(parents=True)
        (directory / ".gitignore").write_text("*\n")


@contextmanager
def _measuring(measured: Path) -> Iterator[None]:
    """Hold the directory for the new results; ResultsError where another run has it."""
    make_ignored(measured)
    with locked(measured):
        yield


def _check_apart(measured: Path, baseline: Path) -> None:
    if measured.resolve() == baseline.resolve():
        raise UsageError(f"{measured} is the baseline", hint="measure into another directory")
