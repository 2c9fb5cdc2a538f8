"""The functions of the public API; `import matrix` has them, and docs/api.md describes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from os import PathLike
from pathlib import Path
from typing import TypeVar

from matrix.comparison.compare import Comparison, compare_results
from matrix.comparison.report import report_changes
from matrix.comparison.workflow import explain_by_running, select_stacks
from matrix.documents.yaml_model import suggest
from matrix.errors import NothingSelectedError, UsageError
from matrix.model import Case, Intent, TargetType
from matrix.project.check import (
    CHECKED,
    Check,
    cases_of_target,
    check_any_ran,
    run_cells,
    run_check,
    stack_for,
    with_middleware_stacks,
)
from matrix.project.config import configured_cache
from matrix.project.stacks import choose_stacks
from matrix.reports import RENDERERS
from matrix.reports import render as render_results
from matrix.reports.changes.formats import CHANGE_RENDERERS, render_changes
from matrix.results import store
from matrix.results.store import ResultSet
from matrix.runner.collect import check_conflicts
from matrix.runner.options import RunOptions
from matrix.scenarios import expand, load
from matrix.scenarios.selector import Selector
from matrix.scenarios.topic import Topic
from matrix.stacks import spec as specs
from matrix.stacks.catalogue import Catalogue, load_catalogue
from matrix.stacks.provision import Provisioner
from matrix.stacks.spec import Stack, stacks_of_set

E = TypeVar("E", bound=Enum)

AnyPath = str | PathLike[str]
Stacks = str | Stack | Iterable[str | Stack]
"""A stack, the name of one or of a set of them, or several of these."""


def check(
    target: str,
    *,
    stacks: Stacks | None = None,
    via: str | None = None,
    uri: bool | None = None,
    intent: Intent | str = Intent.OBSERVE,
    target_type: TargetType | str = TargetType.STR,
    sql: Sequence[str] = (),
    options: RunOptions = RunOptions(),
    cache: AnyPath | None = None,
    offline: bool = False,
) -> ResultSet:
    """Run one connection string, now, on the stacks of this machine.

    `stacks`: by default the newest of each driver, or those that pyproject.toml names.
    `via`: a middleware; a URL such as `sqlite:///x.db` goes through SQLAlchemy by itself.
    `uri`: ask the driver for URIs, or do not; a `file:` target is tried both ways by default.
    `intent`: what the string is meant to do; `verdict` compares it with what was observed.
    `target_type`: the Python type in which the driver gets the target: `str`, `bytes`, `path`.
    `sql`: statements after the open.
    `cache`: where installed drivers are kept, by default what SQLITE_MATRIX_CACHE says, else the
    user's cache; `offline`: use what is there, ask no index.

    Raises UsageError for what makes no sense, NothingRanError where no stack could run. One of
    several stacks that could not run is among the results, with its reason.
    """
    catalogue = load_catalogue()
    cases = cases_of_target(
        target, via=via, uri=uri, sql=tuple(sql),
        target_type=_member(TargetType, target_type), intent=_member(Intent, intent),
    )  # fmt: skip
    if stacks is None:
        chosen = choose_stacks(catalogue, None, (), "quick")
        chosen = with_middleware_stacks(chosen, cases, catalogue)
    else:
        chosen = _stacks(stacks, catalogue)
    asked = Check(
        cases=cases, stacks=chosen, named=stacks is not None, catalogue=catalogue, infos=(CHECKED,)
    )
    provisioner = _provisioner(cache, offline=offline)
    return _trusted(run_check(asked, provisioner=provisioner, options=options))


def observe(
    cases: Iterable[Case],
    stacks: Stacks,
    *,
    options: RunOptions = RunOptions(),
    cache: AnyPath | None = None,
    offline: bool = False,
) -> ResultSet:
    """Run cases on stacks, which are installed where that is needed.

    Every stack runs every case that is one for its driver; one through a middleware that the stack
    lacks runs on the same stack with the newest version of it. Raises NothingSelectedError where
    there is nothing to run. `cache`, `offline`, other errors: as for `check`.
    """
    catalogue = load_catalogue()
    todo = tuple(cases)
    cells = [
        (stack_for(case, stack, catalogue), case)
        for stack in _stacks(stacks, catalogue)
        for case in todo
        if case.fits_driver(stack.driver)
    ]
    if not cells:
        raise NothingSelectedError("no case is one for these stacks")
    provisioner = _provisioner(cache, offline=offline)
    return _trusted(run_cells(cells, provisioner=provisioner, options=options))


def load_topics(paths: AnyPath | Iterable[AnyPath]) -> tuple[Topic, ...]:
    """Read scenario files, and those in directories; DocumentError with every problem."""
    named = [paths] if isinstance(paths, (str, PathLike)) else paths
    return load.load_topics([Path(path) for path in named])


def expand_topics(topics: Iterable[Topic]) -> Iterator[Case]:
    """The cases that the scenarios of topics stand for."""
    return expand.expand_topics(topics)


def parse_stack(spec: str) -> Stack:
    """Read the name of a stack, such as `apsw==3.54.1.0[uri=on]@3.11`, and install nothing.

    What is left out is the newest that fits, and this Python. Raises UsageError.
    """
    return specs.parse_stack(spec, load_catalogue())


def load_results(directory: AnyPath) -> ResultSet:
    """Read the result files that `sqlite-matrix run` wrote; ResultsError if one is not whole."""
    return store.load_results(Path(directory))


def compare(
    old: AnyPath,
    new: AnyPath,
    *,
    select: Sequence[str] = (),
    stacks: Sequence[str] = (),
    explain: bool = False,
    options: RunOptions = RunOptions(),
    cache: AnyPath | None = None,
    offline: bool = False,
) -> Comparison:
    """Compare two directories of result files.

    `select`: patterns of cases, `stacks`: patterns of stacks; by default all.
    `explain`: run the changed cases on stacks in between, where that is needed to find the fact
    that decides; `options`, `cache`, `offline` are about these runs.
    """
    selection = Selector.parse(select) if select else None
    found = compare_results(Path(old), Path(new), selection, select_stacks(stacks))
    if not explain:
        return found
    provisioner = _provisioner(cache, offline=offline)
    return explain_by_running(found, provisioner=provisioner, options=options)


def render(found: ResultSet | Comparison, format: str = "table") -> str:
    """Results, or a comparison of two, as text; UsageError for a format that there is not.

    Results: `table`, `html`, `markdown`, `json`, `jsonl`, `csv`, `junit`. A comparison: `table`,
    `markdown`, `json`, `junit`, `github`.
    """
    known = RENDERERS if isinstance(found, ResultSet) else CHANGE_RENDERERS
    if format not in known:
        hint = suggest(format, known) or f"formats: {', '.join(known)}"
        raise UsageError(f"no format called {format!r}", hint=hint)
    if isinstance(found, ResultSet):
        return render_results(format, found)
    return render_changes(report_changes(found), format)


def _member(kind: type[E], word: E | str) -> E:
    """A member of a closed set, by its value; UsageError for a word that is none."""
    try:
        return kind(word)
    except ValueError:
        known = [str(member.value) for member in kind]
        message = f"{word!r} is none of {', '.join(known)}"
        raise UsageError(message, hint=suggest(str(word), known)) from None


def _stacks(stacks: Stacks, catalogue: Catalogue) -> tuple[Stack, ...]:
    """The stacks that are meant, each once."""
    chosen: list[Stack] = []
    for each in [stacks] if isinstance(stacks, (str, Stack)) else stacks:
        if isinstance(each, Stack):
            chosen.append(each)
        elif each in catalogue.sets:
            chosen += stacks_of_set(each, catalogue)
        else:
            chosen.append(specs.parse_stack(each, catalogue))
    return tuple({stack.id: stack for stack in chosen}.values())


def _trusted(results: ResultSet) -> ResultSet:
    """The results; NothingRanError or MatrixError where they say nothing, or contradict."""
    check_any_ran(results)
    check_conflicts(results)
    return results


def _provisioner(cache: AnyPath | None, *, offline: bool) -> Provisioner:
    place = configured_cache() if cache is None else Path(cache)
    return Provisioner(place, offline=offline)
