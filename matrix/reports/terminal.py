"""The grid for a terminal: readable at 80 columns, and without colour."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table as RichTable
from rich.text import Text

from matrix.foreign import document, visible
from matrix.model.outcome import Outcome, Verdict
from matrix.reports.grid import Cell, Grid, Row, Section, Table, describe_stack
from matrix.reports.recipes import WANTS, Recipe
from matrix.reports.recipes.builds import WHOSE_BUILD, measured_build
from matrix.reports.recipes.calls import UNDER_APSW
from matrix.results.store import StackResults
from matrix.text import many

_TELL = "sqlite-matrix list stacks --stack sqlite3"
_CELL_WIDTH = 4
_NARROWEST_TARGET = 26
_STYLES = {
    Outcome.MEMORY: "cyan",
    Outcome.SHARED_MEMORY: "cyan",
    Outcome.STRAY: "bold red",
    Outcome.STRAY_OUTSIDE: "bold red",
    Outcome.UNASKED: "bold red",
    Outcome.FAILED: "yellow",
    Outcome.REFUSED: "yellow",
    Outcome.CRASHED: "bold magenta",
    Outcome.TIMED_OUT: "bold magenta",
    Outcome.UNAVAILABLE: "dim",
}
_MARK_STYLES = {Verdict.AS_INTENDED: "green", Verdict.NOT_AS_INTENDED: "bold red"}
_ASCII = str.maketrans({"✓": ".", "✗": "X", "─": "-"})
"""What stands for the few characters of this report that ASCII lacks."""


def render_terminal(
    grid: Grid,
    recipes: Sequence[Recipe] = (),
    *,
    width: int = 100,
    color: bool = False,
    unicode: bool = True,
) -> str:
    """Draw the grid as text of at most `width` columns, and the recipes at its end.

    With `unicode` off it is pure ASCII.
    """
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    with console.capture() as capture:
        for index, table in enumerate(grid.tables):
            if index:
                console.print()
            console.print(_table(table, width))
        console.print(_footer(grid))
        if recipes:
            console.print(_recipes(recipes, grid.stacks))
    text = document("\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n")
    return text if unicode else text.translate(_ASCII).encode("ascii", "backslashreplace").decode()


def _table(table: Table, width: int) -> RenderableType:
    parts: list[RenderableType] = [
        Rule(Text(visible(table.title), style="bold"), style="dim", characters="─", align="left"),
        _column_legend(table, width),
    ]
    fitting = max(1, (width - _NARROWEST_TARGET) // _CELL_WIDTH)
    for start in range(0, len(table.columns), fitting):
        shown = range(start, min(start + fitting, len(table.columns)))
        if len(table.columns) > fitting:
            first, last = table.columns[shown[0]].letter, table.columns[shown[-1]].letter
            parts.append(Text(f"\nColumns {first} to {last}", style="bold"))
        columns = [table.columns[index].letter for index in shown]
        labels = _label_width(table, width - 3 - _CELL_WIDTH * len(columns))
        for section in table.sections:
            parts += [_heading(section), _rows(section, shown, columns, labels)]
    return Group(*parts)


def _wrapped(items: list[str], width: int) -> str:
    """Set items side by side, broken into lines between them and not within."""
    lines = [items[0]]
    for item in items[1:]:
        longer = f"{lines[-1]}, {item}"
        lines[-1:] = [longer] if cell_len(longer) < width else [f"{lines[-1]},", item]
    return "\n".join(lines)


def _label_width(table: Table, available: int) -> int:
    """Give all sections of a table one width, so that their columns stand below each other."""
    labels = (_label(row).cell_len for section in table.sections for row in section.rows)
    return min(max(labels, default=0), available)


def _column_legend(table: Table, width: int) -> RenderableType:
    legend = _bare_table()
    legend.add_column(justify="right", no_wrap=True)
    legend.add_column(overflow="fold")
    for column in table.columns:
        stacks = _wrapped([describe_stack(stack) for stack in column.stacks], width - 6)
        legend.add_row(Text(column.letter, style="bold"), Text(stacks))
    return Padding(legend, (0, 0, 0, 1))


def _rows(section: Section, shown: range, columns: list[str], label_width: int) -> RenderableType:
    rows = _bare_table(header_style="dim")
    rows.add_column("", width=label_width + 1, overflow="fold")
    for letter in columns:
        rows.add_column(letter, width=_CELL_WIDTH - 1, justify="center", no_wrap=True)
    for intent, alike in section.by_intent:
        if len(section.by_intent) > 1:
            rows.add_row(Text(f"meant: {intent.value}", style="dim italic"))
        for row in alike:
            rows.add_row(_label(row), *(_cell(row.cells[index]) for index in shown))
    return Padding(rows, (0, 0, 0, 1))


def _heading(section: Section) -> Text:
    heading = Text("\n").append(visible(section.scenario.title), style="bold")
    heading.append(f"  {visible(section.scenario.id)}", style="dim")
    if len(section.by_intent) == 1:
        heading.append(f"  meant: {section.by_intent[0][0].value}", style="italic")
    return heading


def _label(row: Row) -> Text:
    label = Text(row.target)
    for more in filter(None, (row.connect, row.sql, row.hint)):
        label.append(f"  {more}", style="dim")
    if row.alike:
        label.append(f"  +{row.alike} alike", style="dim italic")
    return label


def _cell(cell: Cell | None) -> Text:
    if cell is None:
        return Text("")
    text = Text(f"{cell.outcome.sign:>2}", style=_STYLES.get(cell.outcome, ""))
    return text.append(cell.verdict.mark, style=_MARK_STYLES.get(cell.verdict, ""))


def _footer(grid: Grid) -> RenderableType:
    legend = _bare_table()
    legend.add_column(justify="right", no_wrap=True)
    legend.add_column(no_wrap=True)
    legend.add_column(overflow="fold")
    for outcome in grid.outcomes:
        sign = Text(outcome.sign, style=_STYLES.get(outcome, ""))
        legend.add_row(sign, outcome.word, Text(outcome.explanation, style="dim"))
    for verdict in grid.verdicts:
        if verdict is not Verdict.NOTED:
            mark = Text(verdict.mark, style=_MARK_STYLES[verdict])
            legend.add_row(mark, verdict.word, Text(verdict.explanation, style="dim"))
    parts: list[RenderableType] = ["", Rule(style="dim"), Padding(legend, (0, 0, 0, 1))]
    if grid.unavailable:
        parts += [Text("\nNot available here", style="bold"), _unavailable(grid)]
    return Group(*parts)


def _unavailable(grid: Grid) -> RenderableType:
    table = _bare_table()
    table.add_column(overflow="fold")
    table.add_column(overflow="fold", style="dim")
    for stack in grid.unavailable:
        table.add_row(Text(visible(stack.stack)), Text(visible(stack.unavailable or "")))
    return Padding(table, (0, 0, 0, 1))


def _recipes(recipes: Sequence[Recipe], stacks: Sequence[StackResults]) -> RenderableType:
    parts: list[RenderableType] = [
        "",
        Rule(Text("What to write", style="bold"), style="dim", characters="─", align="left"),
        Text(UNDER_APSW, style="dim"),
        Text(visible(f"{WHOSE_BUILD} {measured_build(stacks)}"), style="dim"),
        Text(f"To see which build yours is: {_TELL}", style="dim"),
    ]
    for intent, layers in groupby(recipes, key=lambda recipe: recipe.intent):
        parts.append(Text(f"\nI want {WANTS[intent]}", style="bold"))
        for recipe in layers:
            parts.append(Text(f" {visible(recipe.via or 'bare driver')}", style="dim"))
            parts += _recipe(recipe)
    return Group(*parts)


def _recipe(recipe: Recipe) -> Iterator[RenderableType]:
    for way in recipe.advised:
        line = Text("✓ ", style="green") if way in recipe.safe else Text("  ")
        line.append(visible(way.call))
        line.append(f"  {recipe.good_of(way)}, {many(way.builds, 'build')}", style="dim")
        yield Padding(line, (0, 0, 0, 2))
        for caveat in way.caveats:
            yield Padding(Text(visible(caveat), style="dim"), (0, 0, 0, 6))
    for way in recipe.traps:
        line = Text("! ", style="bold red").append(f"not {visible(way.call)}")
        trap = f"  a stray file {visible(way.stray_path)} on {len(way.strays)} of {way.stacks}"
        yield Padding(line.append(trap, style="dim"), (0, 0, 0, 2))


def _bare_table(*, header_style: str | None = None) -> RichTable:
    return RichTable(
        box=None,
        show_header=header_style is not None,
        header_style=header_style,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
