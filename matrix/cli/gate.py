"""What `regress` and `bump` share: the pinned stacks, their cases, and a run into a directory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from matrix.cli.common import package_options, provide, read_topics, scenarios_option
from matrix.cli.compare import failing_kinds
from matrix.cli.progress import check_ran, follow
from matrix.comparison.diff import ChangeKind
from matrix.errors import DocumentError, NothingSelectedError, Problem, UsageError
from matrix.model import Case, ScenarioInfo
from matrix.project.config import ProjectConfig, load_config
from matrix.project.stacks import configured_specs, pins_path
from matrix.runner.collect import Work, measure
from matrix.scenarios.expand import expand_topics, scenario_infos
from matrix.scenarios.selector import Selector
from matrix.stacks.catalogue import Catalogue, load_catalogue
from matrix.stacks.pins import chosen_specs
from matrix.stacks.provision import Provisioner
from matrix.stacks.spec import Stack

F = TypeVar("F", bound=Callable[..., Any])


def gate_options(function: F) -> F:
    """The options of those verbs that hold pinned stacks against a baseline."""
    for option in (
        package_options,
        scenarios_option,
        click.option("--stacks", "words", multiple=True, metavar="SET|SPEC",
                     help="Stacks by names without versions, or a set of them; default: those of "
                     "pyproject.toml, else the set baseline. Repeatable."),
        click.option("--pins", type=click.Path(dir_okay=False, path_type=Path),
                     help="What the names mean; default: requirements.txt in the baseline."),
        click.option("--baseline", type=click.Path(file_okay=False, path_type=Path),
                     help="The directory of the baseline; default: that of pyproject.toml, else "
                     "results/baseline."),
        click.option("--fail-on", metavar="KIND[,KIND]",
                     help="The kinds of change that give exit code 1, all or none; default: those "
                     "of pyproject.toml, else every change but what was added, and what is not "
                     "comparable."),
    ):  # fmt: skip
        function = option(function)
    return function


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What is held against what: where things are, which stacks, and which cases."""

    settings: ProjectConfig
    baseline: Path
    pins: Path
    fail_on: frozenset[ChangeKind]
    specs: tuple[str, ...]
    cases: tuple[Case, ...]
    infos: tuple[ScenarioInfo, ...]
    catalogue: Catalogue

    def work(self, stacks: Sequence[Stack], provisioner: Provisioner) -> Work:
        """The stacks, provided, each with the cases that it runs."""
        provided = provide(provisioner, stacks)
        return [(each, [c for c in self.cases if each.stack.runs_case(c)]) for each in provided]


def open_gate(
    *,
    baseline: Path | None,
    pins: Path | None,
    words: Sequence[str],
    scenarios: Sequence[Path],
    fail_on: str | None,
    patterns: Sequence[str] = (),
) -> Gate:
    """Put together what the options say, and for the rest what pyproject.toml does."""
    settings = load_config()
    catalogue = load_catalogue()
    directory = baseline or settings.baseline
    selector = Selector.parse(patterns)
    topics = read_topics(scenarios)
    cases = tuple(case for case in expand_topics(topics) if selector(case.id))
    if not cases:
        raise NothingSelectedError("no case is selected", hint="sqlite-matrix list cases")
    kinds, specs = _settled(settings, fail_on, words, catalogue)
    return Gate(
        settings=settings,
        baseline=directory,
        pins=pins or pins_path(settings, directory),
        fail_on=kinds,
        specs=specs,
        cases=cases,
        infos=scenario_infos(topics),
        catalogue=catalogue,
    )


def _settled(
    settings: ProjectConfig, fail_on: str | None, words: Sequence[str], catalogue: Catalogue
) -> tuple[frozenset[ChangeKind], tuple[str, ...]]:
    """The kinds that fail, and the stacks; DocumentError with what is wrong in either setting."""
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
        return failing_kinds(settings.fail_on if text is None else text)
    except UsageError as error:
        if text is not None:
            raise
        problem = settings.problem("fail-on", error.message, error.hint)
        raise DocumentError([problem]) from None


def run_into(
    directory: Path, work: Work, infos: Sequence[ScenarioInfo], **execution: Any
) -> dict[str, str]:
    """Run, with a word on how far it is; the stacks that could not be had, with the reasons."""
    missing = follow(measure(directory, work, infos, **execution), work)
    check_ran(work, missing)
    return missing
