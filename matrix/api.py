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
    """Run one connection string now, on the stacks of this machine.

    `stacks`: by default the newest of each driver, or those that pyproject.toml names.
    `via`: a middleware; for a URL such as `sqlite:///x.db` SQLAlchemy is the default.
    `uri`: turns the driver's URI option on or off; by default off, and both for a `file:` target.
    `intent`: what the string is meant to do; `verdict` compares it with what was observed.
    `target_type`: the Python type in which the driver gets the target: `str`, `bytes`, `path`.
    `sql`: statements to run after opening.
    `cache`: where installed drivers are kept, by default SQLITE_MATRIX_CACHE, else the user's
    cache; `offline`: use only the cache, not the package index.

    Raises UsageError for invalid arguments, NothingRanError if no stack could run. If only some of
    the stacks could not run, they are among the results, with the reasons.
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
    """Run cases on stacks, and install the stacks if needed.

    Every stack runs every case that applies to its driver. A case through a middleware that the
    stack lacks runs on the same stack with the newest version of the middleware. Raises
    NothingSelectedError if there is nothing to run. `cache`, `offline`, other errors: as for
    `check`.
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
        raise NothingSelectedError("none of the cases applies to these stacks")
    provisioner = _provisioner(cache, offline=offline)
    return _trusted(run_cells(cells, provisioner=provisioner, options=options))


def load_topics(paths: AnyPath | Iterable[AnyPath]) -> tuple[Topic, ...]:
    """Read scenario files, and those in directories; raises DocumentError with every problem."""
    named = [paths] if isinstance(paths, (str, PathLike)) else paths
    return load.load_topics([Path(path) for path in named])


def expand_topics(topics: Iterable[Topic]) -> Iterator[Case]:
    """The cases that the scenarios of topics expand to."""
    return expand.expand_topics(topics)


def parse_stack(spec: str) -> Stack:
    """Parse the name of a stack, such as `apsw==3.54.1.0[uri=on]@3.11`, without installing it.

    Versions default to the newest that fits, Python to the running one. Raises UsageError.
    """
    return specs.parse_stack(spec, load_catalogue())


def load_results(directory: AnyPath) -> ResultSet:
    """Read the result files of `sqlite-matrix run`; raises ResultsError for a damaged one."""
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
    `explain`: run the changed cases on intermediate stacks where that is needed to find the fact
    that makes the difference; `options`, `cache`, `offline` apply to these runs.
    """
    selection = Selector.parse(select) if select else None
    found = compare_results(Path(old), Path(new), selection, select_stacks(stacks))
    if not explain:
        return found
    provisioner = _provisioner(cache, offline=offline)
    return explain_by_running(found, provisioner=provisioner, options=options)


def render(found: ResultSet | Comparison, format: str = "table") -> str:
    """Results or a comparison as text; raises UsageError for an unknown format.

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
    """A member of an enum by its value; raises UsageError if there is none."""
    try:
        return kind(word)
    except ValueError:
        known = [str(member.value) for member in kind]
        message = f"{word!r} is not one of {', '.join(known)}"
        raise UsageError(message, hint=suggest(str(word), known)) from None


def _stacks(stacks: Stacks, catalogue: Catalogue) -> tuple[Stack, ...]:
    """The chosen stacks, each once."""
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
    """The results; raises NothingRanError if no stack ran, MatrixError for conflicting cells."""
    check_any_ran(results)
    check_conflicts(results)
    return results


def _provisioner(cache: AnyPath | None, *, offline: bool) -> Provisioner:
    place = configured_cache() if cache is None else Path(cache)
    return Provisioner(place, offline=offline)
