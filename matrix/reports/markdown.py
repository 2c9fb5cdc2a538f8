"""The grid as GitHub Markdown: what a summary or a pull request shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from matrix.claims.evaluate import ClaimResult
from matrix.foreign import document
from matrix.foreign import markdown_code as code
from matrix.foreign import markdown_text as plain
from matrix.model.outcome import Verdict
from matrix.reports.claims import ClaimRow, by_ticks, claim_row
from matrix.reports.grid import Cell, Grid, Row, Section, Table, Totals, describe_stack
from matrix.reports.recipes import WANTS, Recipe
from matrix.reports.recipes.builds import (
    HOW_TO_TELL,
    HOW_TO_TELL_INTRO,
    WHOSE_BUILD,
    measured_build,
)
from matrix.reports.recipes.calls import UNDER_APSW
from matrix.results.store import StackResults


def render_markdown(
    grid: Grid, claims: Sequence[ClaimResult] = (), recipes: Sequence[Recipe] = ()
) -> str:
    """Write the grid as a document of tables, with a legend of the signs that occur."""
    parts = [
        "# What the connection strings did",
        _totals(grid.totals),
        *_recipes(recipes, grid.stacks),
        *_claims(claims),
        *(part for table in grid.tables for part in _table(table)),
        *_legend(grid),
        *_unavailable(grid),
    ]
    return document("\n\n".join(parts) + "\n")


def _totals(totals: Totals) -> str:
    return (
        f"{totals.cells} cells: {totals.strays} with a stray file, "
        f"{totals.not_as_intended} not as intended, {totals.unavailable} not measured.\n"
        f"{totals.stacks} stacks, {totals.unavailable_stacks} of them unavailable."
    )


def _recipes(recipes: Sequence[Recipe], stacks: Sequence[StackResults]) -> Iterator[str]:
    if recipes:
        yield "## What to write"
        yield plain(UNDER_APSW)
        yield plain(f"{WHOSE_BUILD} {measured_build(stacks)}".rstrip())
        yield plain(HOW_TO_TELL_INTRO)
        yield f"```sh\n{HOW_TO_TELL}\n```"
    for intent, layers in groupby(recipes, key=lambda recipe: recipe.intent):
        yield f"### I want {WANTS[intent]}"
        rows = (row for recipe in layers for row in _recipe(recipe))
        yield _rows(("through", "write", "as intended on", "builds", "limits"), rows)


def _recipe(recipe: Recipe) -> Iterator[tuple[str, ...]]:
    via = plain(recipe.via or "bare driver")
    for way in recipe.advised:
        stacks = recipe.good_of(way)
        stacks = f"**{stacks}**" if way in recipe.safe else stacks
        yield via, code(way.call), stacks, str(way.builds), plain("; ".join(way.caveats))
    for way in recipe.traps:
        trap = f"a stray file {code(way.stray_path)} on {len(way.strays)} of {way.stacks}"
        trap += plain(f"; as intended where {way.where}") if way.where else ""
        stacks = f"{len(way.good)} of {way.stacks}"
        yield via, f"not {code(way.call)}", stacks, str(way.builds), trap


def _claims(claims: Sequence[ClaimResult]) -> Iterator[str]:
    if claims:
        yield "## Claims"
        rows = map(claim_row, claims)
        yield _rows(("claim", "verdict", "says", "measured", "instead"), map(_claim, rows))


def _claim(row: ClaimRow) -> tuple[str, ...]:
    measured = filter(None, (row.why, f"({'; '.join(filter(None, (row.stacks, row.where)))})"))
    advice = [
        f"{plain(each.way)}: {code(each.write)} ({plain(each.measured)})" for each in row.instead
    ]
    instead = "; ".join([*advice, *filter(None, [plain(row.unadvised)])])
    verdict = f"{row.verdict.sign} {row.verdict.value}"
    return plain(row.id), verdict, _ticked(row.says), _ticked(" ".join(measured)), instead


def _ticked(text: str) -> str:
    return "".join(code(piece) if ticked else plain(piece) for piece, ticked in by_ticks(text))


def _table(table: Table) -> Iterator[str]:
    yield f"## {plain(table.title)}"
    yield _rows(
        ("column", "stacks"),
        (
            (f"**{column.letter}**", ", ".join(code(describe_stack(s)) for s in column.stacks))
            for column in table.columns
        ),
    )
    for section in table.sections:
        yield from _section(section, table)


def _section(section: Section, table: Table) -> Iterator[str]:
    yield f"### {plain(section.scenario.title)}"
    single = len(section.by_intent) == 1
    meant = f", meant: {section.by_intent[0][0].value}" if single else ""
    yield f"{code(section.scenario.id)}{meant}"
    if section.scenario.then:
        yield f"Reported: {plain(section.scenario.then)}"
    head = ("target", *(table.columns[index].letter for index in section.ran_on))
    yield _rows(head, _cells(section))


def _cells(section: Section) -> Iterator[tuple[str, ...]]:
    for intent, rows in section.by_intent:
        if len(section.by_intent) > 1:
            yield (f"*meant: {intent.value}*", *("" for _ in section.ran_on))
        for row in rows:
            yield _label(row), *(_cell(row.cells[index]) for index in section.ran_on)


def _label(row: Row) -> str:
    parts = [code(text) for text in (row.target, row.connect, row.sql) if text]
    parts += [plain(row.hint)] if row.hint else []
    parts += [f"*+{row.alike} alike*"] if row.alike else []
    return " ".join(parts)


def _cell(cell: Cell | None) -> str:
    return "" if cell is None else f"{code(cell.outcome.sign)} {cell.verdict.mark}".rstrip()


def _legend(grid: Grid) -> Iterator[str]:
    yield "## Legend"
    outcomes = ((code(each.sign), each.word, each.explanation) for each in grid.outcomes)
    judged = (each for each in grid.verdicts if each is not Verdict.NOTED)
    verdicts = ((each.mark, each.word, each.explanation) for each in judged)
    yield _rows(("sign", "word", "meaning"), (*outcomes, *verdicts))


def _unavailable(grid: Grid) -> Iterator[str]:
    if grid.unavailable:
        yield "## Not available"
        yield _rows(
            ("stack", "reason"),
            ((code(s.stack), plain(s.unavailable or "")) for s in grid.unavailable),
        )


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
