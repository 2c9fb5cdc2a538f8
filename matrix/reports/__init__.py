"""Pure functions from results to text, by the name of their format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matrix.claims.evaluate import ClaimResult
    from matrix.model.selection import Selection
    from matrix.results.provenance import Provenance
    from matrix.results.store import ResultSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Besides:
    """What a report for people shows besides the cells.

    The verdicts on claims, when and where it was measured, and which files lie beside the page.
    """

    claims: Sequence[ClaimResult] = ()
    runs: Sequence[Provenance] = ()
    files: Sequence[str] = ()


Renderer = Callable[["ResultSet", "Selection | None", Besides], str]


def _table(results: ResultSet, selection: Selection | None, _besides: Besides) -> str:
    from matrix.reports.grid import build_grid
    from matrix.reports.recipes import build_recipes
    from matrix.reports.terminal import render_terminal

    recipes = build_recipes(results) if selection is None else ()
    return render_terminal(build_grid(results, selection), recipes)


def _html(results: ResultSet, selection: Selection | None, besides: Besides) -> str:
    from matrix.reports.page.html import render_html
    from matrix.reports.recipes import build_recipes
    from matrix.stacks.catalogue import load_catalogue

    return render_html(
        results,
        selection,
        claims=besides.claims,
        runs=besides.runs,
        recipes=build_recipes(results) if selection is None else (),
        catalogue=load_catalogue(),
        beside=besides.files,
    )


def _markdown(results: ResultSet, selection: Selection | None, besides: Besides) -> str:
    from matrix.reports.grid import build_grid
    from matrix.reports.markdown import render_markdown
    from matrix.reports.recipes import build_recipes

    recipes = build_recipes(results) if selection is None else ()
    return render_markdown(build_grid(results, selection), besides.claims, recipes)


def _json(results: ResultSet, selection: Selection | None, _besides: Besides) -> str:
    from matrix.reports.data import render_json

    return render_json(results, selection)


def _jsonl(results: ResultSet, selection: Selection | None, _besides: Besides) -> str:
    from matrix.reports.data import render_jsonl

    return render_jsonl(results, selection)


def _csv(results: ResultSet, selection: Selection | None, _besides: Besides) -> str:
    from matrix.reports.data import render_csv

    return render_csv(results, selection)


def _junit(results: ResultSet, selection: Selection | None, _besides: Besides) -> str:
    from matrix.reports.junit import render_junit

    return render_junit(results, selection)


RENDERERS: Mapping[str, Renderer] = {
    "table": _table,
    "html": _html,
    "markdown": _markdown,
    "json": _json,
    "jsonl": _jsonl,
    "csv": _csv,
    "junit": _junit,
}
"""Format to renderer; each imports what it needs when it is called, so that a start stays quick."""


def render(
    name: str,
    results: ResultSet,
    selection: Selection | None = None,
    *,
    claims: Sequence[ClaimResult] = (),
    runs: Sequence[Provenance] = (),
    files: Sequence[str] = (),
) -> str:
    """Render results in a format, or those of the cases that the selection wants.

    `claims`: what the results say of claims; `runs`: when and where they were measured; `files`:
    names of files that lie beside the page.
    """
    return RENDERERS[name](results, selection, Besides(claims=claims, runs=runs, files=files))
