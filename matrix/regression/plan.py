"""What a regression check runs, and against which baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matrix.comparison.diff import ChangeKind
from matrix.comparison.workflow import parse_kinds
from matrix.errors import DocumentError, Problem, UsageError
from matrix.model import Case, ScenarioInfo
from matrix.project.config import ProjectConfig, load_config
from matrix.project.stacks import configured_specs, pins_path
from matrix.project.topics import read_topics, select_cases
from matrix.runner.collect import Work, check_ran, measure, provide, share_out
from matrix.runner.options import RunOptions
from matrix.runner.progress import SILENT, Progress
from matrix.scenarios.expand import scenario_infos
from matrix.stacks.catalogue import Catalogue, load_catalogue
from matrix.stacks.pins import chosen_specs
from matrix.stacks.provision import Provisioner
from matrix.stacks.spec import Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionPlan:
    """What to run and what to compare it with: paths, stacks, cases, and which changes fail.

    `specs`: the names of the stacks, without versions, which are in the file `pins`.
    """

    baseline: Path
    pins: Path
    fail_on: frozenset[ChangeKind]
    specs: tuple[str, ...]
    cases: tuple[Case, ...]
    infos: tuple[ScenarioInfo, ...]
    catalogue: Catalogue


def plan_regression(
    *,
    baseline: Path | None = None,
    pins: Path | None = None,
    words: Sequence[str] = (),
    scenarios: Sequence[Path] = (),
    fail_on: str | None = None,
    patterns: Sequence[str] = (),
) -> RegressionPlan:
    """The plan that the arguments ask for; the defaults are those of pyproject.toml.

    `words`: names of stacks without versions, or of sets. `fail_on`: comma-separated kinds of
    change. Raises DocumentError for mistakes in pyproject.toml.
    """
    settings = load_config()
    catalogue = load_catalogue()
    directory = baseline or settings.baseline
    topics = read_topics(scenarios)
    cases = select_cases(topics, patterns)
    kinds, specs = _settled(settings, fail_on, words, catalogue)
    return RegressionPlan(
        baseline=directory,
        pins=pins or pins_path(settings, directory),
        fail_on=kinds,
        specs=specs,
        cases=cases,
        infos=scenario_infos(topics),
        catalogue=catalogue,
    )


def measure_planned(
    plan: RegressionPlan,
    stacks: Sequence[Stack],
    directory: Path,
    *,
    provisioner: Provisioner,
    options: RunOptions = RunOptions(),
    progress: Progress = SILENT,
) -> tuple[Work, dict[str, str]]:
    """Run the cases of a plan on stacks, into a directory of results.

    Returns the work, and the stacks that could not run, with the reasons. Raises NothingRanError
    if none could.
    """
    work = share_out(provide(provisioner, stacks, progress), plan.cases)
    missing = measure(directory, work, plan.infos, options=options, progress=progress)
    check_ran(work, missing)
    return work, missing


def _settled(
    settings: ProjectConfig, fail_on: str | None, words: Sequence[str], catalogue: Catalogue
) -> tuple[frozenset[ChangeKind], tuple[str, ...]]:
    """The kinds that fail, and the stacks; raises DocumentError with the mistakes in both."""
    problems: list[Problem] = []
    kinds: frozenset[ChangeKind] = frozenset()
    specs: tuple[str, ...] = ()
    try:
        kinds = _fail_on(fail_on, settings)
    except DocumentError as error:
        problems += error.problems
    try:
        specs = chosen_specs(words, catalogue) if words else configured_specs(settings, catalogue)
    except DocumentError as error:
        problems += error.problems
    if problems:
        raise DocumentError(problems)
    return kinds, specs


def _fail_on(text: str | None, settings: ProjectConfig) -> frozenset[ChangeKind]:
    try:
        return parse_kinds(settings.fail_on if text is None else text)
    except UsageError as error:
        if text is not None:
            raise
        problem = settings.problem("fail-on", error.message, error.hint)
        raise DocumentError([problem]) from None
