"""The grid that every readable report draws: stacks that agree in one column, rows alike in one.

Built once from a result set; pure, and without an opinion on how it looks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeVar

from matrix.foreign import visible
from matrix.model import Case, Intent, Json, Observation, ScenarioInfo, TargetType
from matrix.model.outcome import Outcome, Verdict, outcome, reason, verdict
from matrix.model.selection import Selection
from matrix.results.store import ResultSet, StackResults

_T = TypeVar("_T")

_FLAG = "SQLITE_OPEN_"
_INTENTS = tuple(Intent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A case on a stack, as shown: what was observed, and whether it was as intended."""

    outcome: Outcome
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Stacks that agree on every row of their table, under one letter."""

    letter: str
    stacks: tuple[StackResults, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Cases of one scenario that behave alike everywhere; the first stands for the others.

    `cells` has one entry per column, None where the case did not run on that stack.
    `reasons` say why a cell is not as intended, or only noted, by the letter of its column.
    `hint` tells it from a row that reads the same: two set-ups of one target, say.
    """

    cases: tuple[Case, ...]
    cells: tuple[Cell | None, ...]
    reasons: Mapping[str, str]
    hint: str = ""

    @property
    def target(self) -> str:
        return display(self.cases[0].target, self.cases[0].target_type)

    @property
    def connect(self) -> str:
        return connect_options(self.cases[0].connect)

    @property
    def sql(self) -> str:
        return "; ".join(visible(_named(statement)) for statement in self.cases[0].sql)

    @property
    def intent(self) -> Intent:
        return self.cases[0].intent

    @property
    def alike(self) -> int:
        """How many more cases than the one shown."""
        return len(self.cases) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The rows of one scenario; those of one intent stand together."""

    scenario: ScenarioInfo
    rows: tuple[Row, ...]

    @property
    def ran_on(self) -> tuple[int, ...]:
        """The columns in which a case of this scenario ran, by index."""
        columns = zip(*(row.cells for row in self.rows), strict=True)
        return tuple(i for i, cells in enumerate(columns) if any(cells))

    @property
    def by_intent(self) -> tuple[tuple[Intent, tuple[Row, ...]], ...]:
        """The rows in groups: one per intent that occurs."""
        return tuple(
            (intent, tuple(rows)) for intent, rows in groupby(self.rows, key=lambda row: row.intent)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The stacks with the same middleware: `via` is its name, None for bare drivers."""

    via: str | None
    columns: tuple[Column, ...]
    sections: tuple[Section, ...]

    @property
    def title(self) -> str:
        return table_title(self.via)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Counts for a headline: cells that were measured, and what is worth a look among them."""

    cases: int = 0
    cells: int = 0
    strays: int = 0
    not_as_intended: int = 0
    unavailable: int = 0
    stacks: int = 0
    unavailable_stacks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """All tables, and all stacks, the unavailable ones among them."""

    tables: tuple[Table, ...]
    stacks: tuple[StackResults, ...]
    totals: Totals

    @property
    def unavailable(self) -> tuple[StackResults, ...]:
        """The stacks that did not run; each has its reason."""
        return tuple(stack for stack in self.stacks if stack.unavailable is not None)

    @property
    def cells(self) -> Iterator[Cell]:
        """Every cell that is drawn, once per folded row and column."""
        for table in self.tables:
            for section in table.sections:
                for row in section.rows:
                    yield from (cell for cell in row.cells if cell is not None)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcomes that occur, in the order of a legend."""
        occurring = {cell.outcome for cell in self.cells}
        return tuple(each for each in Outcome if each in occurring)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts that occur, in the order of a legend."""
        occurring = {cell.verdict for cell in self.cells}
        return tuple(each for each in Verdict if each in occurring)


def display(target: str, target_type: TargetType = TargetType.STR) -> str:
    """Show a target to people: with a name in place of `{name}`, in quotes where it needs them."""
    text = visible(_named(target))
    if target_type is TargetType.BYTES:
        return f'b"{text}"'
    if target_type is TargetType.PATH:
        return f'Path("{text}")'
    return text if text and text == text.strip() else f'"{text}"'


def case_line(case: Case) -> str:
    """What is given to the driver or the middleware: the target, and the options behind it."""
    options = connect_options(case.connect)
    return display(case.target, case.target_type) + (f"  {options}" if options else "")


def connect_options(connect: Mapping[str, Json]) -> str:
    """Show connect options as one writes them in a call, `uri=True, timeout=3`, flags in short."""
    options = (f"{name}={_option(value)}" for name, value in sorted(connect.items()))
    return visible(_named(", ".join(options)))


def _option(value: Json) -> str:
    flags = isinstance(value, list) and all(str(flag).startswith(_FLAG) for flag in value)
    return "|".join(flag.removeprefix(_FLAG) for flag in value) if flags and value else repr(value)


def _named(text: str) -> str:
    return text.replace("{name}", "db")


def describe_stack(stack: StackResults) -> str:
    """Name a stack, with the SQLite that it runs on unless the name says it."""
    name, fingerprint = visible(stack.stack), stack.fingerprint
    if fingerprint is None or f"=={fingerprint.sqlite}" in stack.stack:
        return name
    return f"{name} (SQLite {visible(fingerprint.sqlite)})"


def table_title(via: str | None) -> str:
    return "Bare drivers" if via is None else f"Through {via}"


def vias_of(cases: Iterable[Case]) -> list[str | None]:
    """What the cases are asked through, in the order of their tables: bare drivers first."""
    return sorted({case.via for case in cases}, key=lambda via: (via is not None, via or ""))


def in_table(stack: StackResults, via: str | None, cases: Iterable[Case]) -> bool:
    """Whether a stack is in the table of these cases: with this middleware, or if it ran one."""
    if stack.unavailable is not None:
        return False
    return stack.middleware == via or any(case.id in stack.observations for case in cases)


def letter(index: int) -> str:
    """Name a column as spreadsheets do: A to Z, AA, AB."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def build_grid(results: ResultSet, selection: Selection | None = None) -> Grid:
    """Make the grid of all cases, or of those that the selection wants."""
    cases = [case for case in results.cases.values() if selection is None or selection(case.id)]
    tables = [
        _table(results, via, [case for case in cases if case.via == via]) for via in vias_of(cases)
    ]
    return Grid(
        tables=tuple(table for table in tables if table.columns),
        stacks=results.stacks,
        totals=_totals(results, cases),
    )


def _table(results: ResultSet, via: str | None, cases: list[Case]) -> Table:
    stacks = [stack for stack in results.stacks if in_table(stack, via, cases)]
    columns = tuple(
        Column(letter=letter(index), stacks=tuple(alike))
        for index, alike in enumerate(_alike(stacks, lambda stack: _vector(stack, cases)))
    )
    return Table(via=via, columns=columns, sections=tuple(_sections(results, cases, columns)))


def _sections(
    results: ResultSet, cases: list[Case], columns: tuple[Column, ...]
) -> Iterator[Section]:
    """Yield one section per scenario, in the order of the scenarios; unlisted ones at the end."""
    titles = {scenario.id: scenario for scenario in results.scenarios}
    ranks = {name: rank for rank, name in enumerate(titles)}
    ordered = sorted(cases, key=lambda case: (ranks.get(case.scenario, len(ranks)), case.scenario))
    for name, group in groupby(ordered, key=lambda case: case.scenario):
        members = list(group)
        yield Section(
            scenario=titles.get(name) or ScenarioInfo(id=name, title=name, question=""),
            rows=tuple(sorted(_rows(members, columns), key=lambda row: _INTENTS.index(row.intent))),
        )


def _rows(cases: list[Case], columns: tuple[Column, ...]) -> Iterator[Row]:
    firsts = [column.stacks[0] for column in columns]

    def behaviour(case: Case) -> tuple[Intent, tuple[Cell | None, ...]]:
        return case.intent, tuple(_cell(stack, case) for stack in firsts)

    rows = [
        Row(
            cases=tuple(alike),
            cells=behaviour(alike[0])[1],
            reasons=dict(_reasons(alike[0], columns)),
        )
        for alike in _alike(cases, behaviour)
    ]
    texts = Counter((row.intent, row.target, row.connect, row.sql) for row in rows)
    for row in rows:
        ambiguous = texts[row.intent, row.target, row.connect, row.sql] > 1
        yield replace(row, hint=_variant(row.cases[0])) if ambiguous else row


def _variant(case: Case) -> str:
    """Give what a case's id says beyond its scenario's: `there=wal,text=ro`."""
    return visible(case.id.partition("[")[2].removesuffix("]"))


def _reasons(case: Case, columns: tuple[Column, ...]) -> Iterator[tuple[str, str]]:
    for column in columns:
        observation = column.stacks[0].observations.get(case.id)
        why = None if observation is None else reason(observation, case)
        if why is not None:
            yield column.letter, visible(why)


def _alike(items: Iterable[_T], behaviour: Callable[[_T], object]) -> list[list[_T]]:
    """Group the items that behave alike; groups and members in the order of the items."""
    groups: dict[object, list[_T]] = {}
    for item in items:
        groups.setdefault(behaviour(item), []).append(item)
    return list(groups.values())


def _vector(stack: StackResults, cases: list[Case]) -> tuple[Cell | None, ...]:
    return tuple(_cell(stack, case) for case in cases)


def _cell(stack: StackResults, case: Case) -> Cell | None:
    observation = stack.observations.get(case.id)
    return None if observation is None else make_cell(observation, case)


def make_cell(observation: Observation, case: Case) -> Cell:
    return Cell(outcome=outcome(observation), verdict=verdict(observation, case))


def _totals(results: ResultSet, cases: list[Case]) -> Totals:
    seen = [
        (observation, make_cell(observation, case))
        for stack in results.stacks
        for case in cases
        if (observation := stack.observations.get(case.id)) is not None
    ]
    measured = [cell for _, cell in seen if cell.outcome is not Outcome.UNAVAILABLE]
    return Totals(
        cases=len(cases),
        cells=len(measured),
        strays=sum(1 for observation, _ in seen if observation.strays),
        not_as_intended=sum(cell.verdict is Verdict.NOT_AS_INTENDED for cell in measured),
        unavailable=len(seen) - len(measured),
        stacks=len(results.stacks),
        unavailable_stacks=sum(stack.unavailable is not None for stack in results.stacks),
    )
