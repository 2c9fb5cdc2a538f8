"""Running bumps: the pinned version and the new one, one pin after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from packaging.version import Version

from matrix.comparison.compare import compare_results
from matrix.comparison.workflow import compare_and_explain
from matrix.errors import MatrixError, ProvisionError, ResultsError, UsageError
from matrix.regression.baseline import check_baseline, install
from matrix.regression.bump import Bump, Step, newer, requested, step_to
from matrix.regression.plan import RegressionPlan, measure_planned
from matrix.regression.regress import UPDATE
from matrix.results.file_format import CASES_FILE
from matrix.results.store import write_cases
from matrix.runner.options import RunOptions
from matrix.runner.progress import SILENT, Progress
from matrix.stacks.index import versions_on_index
from matrix.stacks.interpreters import RUNNING
from matrix.stacks.pins import Pin, Pins, load_pins, pinned_stacks
from matrix.stacks.provision import Provisioner, Unprovided
from matrix.text import many

_NEWEST = 3
"""How many versions to list if the requested one does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A pin, and the versions to bump it to: the first that this machine can run is taken.

    `named`: the user named the version, instead of asking for whatever is newer.
    """

    pin: Pin
    versions: tuple[str, ...]
    named: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Bumps:
    """The bumps that ran, in order; `missing`: requirements that cannot run here, with reasons."""

    done: tuple[Bump, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return any(bump.report.exit_code for bump in self.done)


@dataclass(frozen=True, slots=True, kw_only=True)
class BumpSettings:
    """How to run bumps. `explained`: find the cause of a change by running intermediate stacks."""

    plan: RegressionPlan
    provisioner: Provisioner
    options: RunOptions = RunOptions()
    explained: bool = True
    progress: Progress = SILENT


def plan_bumps(plan: RegressionPlan, requirements: Sequence[str]) -> tuple[Wish, ...]:
    """What requirements such as `apsw==3.54.1.0` ask for; raises UsageError for an invalid one."""
    pins = load_pins_to_bump(plan)
    asked = [requested(text, pins) for text in requirements]
    return tuple(Wish(pin=pin, versions=(version,), named=True) for pin, version in asked)


def plan_latest(settings: BumpSettings, *, pre: bool = False) -> tuple[Wish, ...]:
    """Every pin of which the index has newer versions; with `pre`, pre-releases, too."""
    found = []
    for pin in load_pins_to_bump(settings.plan).pins:
        if pin.fits(RUNNING):
            on_index = versions_on_index(pin.distribution, RUNNING, pre=pre)
            versions = tuple(newer(pin, on_index))
            newest = f"newest is {versions[0]}" if versions else "is the newest"
            settings.progress.note(f"{pin}: {newest}")
            if versions:
                found.append(Wish(pin=pin, versions=versions, named=False))
    return tuple(found)


def load_pins_to_bump(plan: RegressionPlan) -> Pins:
    """The pins of a plan; raises UsageError if there are none."""
    pins = load_pins(plan.pins)
    if not pins.pins:
        hint = "`sqlite-matrix regress --update` pins the newest versions"
        raise UsageError(f"{plan.pins}: nothing is pinned", hint=hint)
    return pins


def run_bumps(settings: BumpSettings, wishes: Sequence[Wish], *, write: bool = False) -> Bumps:
    """Run one bump after the other, each on top of those before it.

    `write`: update the pins and the baseline together after each bump.
    """
    done: list[Bump] = []
    missing: dict[str, str] = {}
    for wish in wishes:
        pins = load_pins(settings.plan.pins) if write or not done else done[-1].step.pins
        step, lacking = _first_possible(settings, wish, pins)
        missing |= lacking
        if step is not None:
            with _both_sides(settings, step) as (old, new, cases):
                done.append(_compared(settings, step, old, new, cases))
                if write:
                    _take_over(settings, step, old, new)
        elif wish.named and lacking and not settings.provisioner.offline:
            _note_newest(wish.pin, wish.versions[0], settings.progress)
    return Bumps(done=tuple(done), missing=missing)


def check_writable(plan: RegressionPlan) -> None:
    """Raises ResultsError if the baseline has other scenarios: the diff would mix both changes."""
    check_baseline(plan.baseline, UPDATE)
    stacks = pinned_stacks(plan.specs, load_pins_to_bump(plan), plan.catalogue)
    cases = [case for case in plan.cases if any(stack.runs_case(case) for stack in stacks)]
    with tempfile.TemporaryDirectory() as scratch:
        write_cases(Path(scratch), (), cases)
        asked, known = (
            (directory / CASES_FILE).read_bytes().splitlines()[1:-1]
            for directory in (Path(scratch), plan.baseline)
        )
    if asked != known:
        message = f"{plan.baseline}: the scenarios have changed since it was written"
        raise ResultsError(message, hint=f"`{UPDATE}` first")


def _first_possible(
    settings: BumpSettings, wish: Wish, pins: Pins
) -> tuple[Step | None, dict[str, str]]:
    """The step to the first version that can run, and those that cannot, with the reasons.

    The step is None if no version can run, or if there is nothing to do.
    """
    plan = settings.plan
    pin = pins.find(wish.pin.distribution) or wish.pin
    missing: dict[str, str] = {}
    for version in wish.versions:
        if version == pin.version:
            settings.progress.note(f"{pin} is already pinned")
            break
        step = step_to(pin, version, pins, plan.specs, plan.catalogue)
        if step is None:
            settings.progress.note(f"{pin}: no stack of the baseline uses it")
            break
        reason = _why_not(step, settings.provisioner)
        if reason is None:
            return step, missing
        missing[f"{pin.distribution}=={version}"] = reason
        settings.progress.note(f"{step.title}: not available: {reason}")
    return None, missing


def _why_not(step: Step, provisioner: Provisioner) -> str | None:
    """Why the new version cannot run here; None if it can."""
    for stack in step.new:
        provided = provisioner.provide(stack)
        if isinstance(provided, Unprovided):
            return provided.reason
    return None


@contextmanager
def _both_sides(settings: BumpSettings, step: Step) -> Iterator[tuple[Path, Path, int]]:
    """Run the stacks before and after: two directories of results, and the number of cases.

    Raises ProvisionError if one of the stacks could not run.
    """
    count = many(len(step.new), "stack")
    settings.progress.note(f"{step.title}: {count}, before and after")
    with tempfile.TemporaryDirectory(prefix="sqlite-matrix-bump-") as scratch:
        old, new = Path(scratch, "old"), Path(scratch, "new")
        for directory, stacks in ((old, step.old), (new, step.new)):
            work, missing = measure_planned(
                settings.plan,
                stacks,
                directory,
                provisioner=settings.provisioner,
                options=settings.options,
                progress=settings.progress,
            )
            if missing:
                raise ProvisionError(*(f"{name}: {why}" for name, why in missing.items()))
        yield old, new, len({case.id for _, cases in work for case in cases})


def _compared(settings: BumpSettings, step: Step, old: Path, new: Path, cases: int) -> Bump:
    report = compare_and_explain(
        old,
        new,
        provisioner=settings.provisioner,
        fail_on=settings.plan.fail_on,
        explained=settings.explained,
        options=settings.options,
        progress=settings.progress,
    )
    return Bump(step=step, report=report, cases=cases)


def _take_over(settings: BumpSettings, step: Step, old: Path, new: Path) -> None:
    """Update the pin and the baseline together."""
    plan = settings.plan
    names = {stack.id for stack in step.old}
    drift = compare_results(plan.baseline, old, stacks=names.__contains__)
    if drift.changes:
        settings.progress.note(
            f"{many(len(drift.changes), 'cell')} of the pinned {step.pin} already differ from the "
            "baseline, which is updated with these changes, too (sqlite-matrix regress shows them)"
        )
    install(new, plan.baseline, only=names)
    plan.pins.write_text(step.pins.text, "utf-8")


def _note_newest(pin: Pin, version: str, progress: Progress) -> None:
    """List the newest versions on the index if the requested one does not exist."""
    try:
        versions = versions_on_index(pin.distribution, RUNNING)
    except MatrixError:
        return
    if Version(version) not in map(Version, versions):
        newest = ", ".join(versions[:_NEWEST])
        progress.note(f"the index has no {pin.distribution} {version}; the newest are {newest}")
