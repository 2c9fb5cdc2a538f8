"""The grid: what agrees is folded, what is unavailable is kept."""

from __future__ import annotations

import pytest

from matrix.foreign import visible
from matrix.model import Case, Intent, TargetType
from matrix.model.outcome import Outcome, Verdict
from matrix.reports.grid import (
    Grid,
    Row,
    Table,
    build_grid,
    connect_options,
    display,
    letter,
)
from tests.builders import (
    in_file,
    in_memory,
    make_case,
    make_created,
    make_fingerprint,
    make_observation,
    make_results,
    make_scenario,
    make_stack,
    not_measured,
    shared,
    stray,
)

A, B, C = "topic/one[a]", "topic/one[b]", "topic/two"


def cases(*ids: str, intent: Intent = Intent.PRIVATE_MEMORY) -> list[Case]:
    return [make_case(case, intent=intent) for case in ids]


def table_of(grid: Grid) -> Table:
    (table,) = grid.tables
    return table


def columns(grid: Grid) -> list[tuple[str, list[str]]]:
    return [(c.letter, [stack.stack for stack in c.stacks]) for c in table_of(grid).columns]


def case_ids(row: Row) -> tuple[str, ...]:
    return tuple(case.id for case in row.cases)


def test_stacks_that_agree_on_every_row_share_a_column() -> None:
    stacks = [
        make_stack("sqlite3@3.11", [in_memory(A), in_memory(B)]),
        make_stack("apsw==3.54.1.0@3.11", [stray(A), in_memory(B)]),
        make_stack("pysqlite3==0.6.1@3.11", [in_memory(A), in_memory(B)]),
    ]
    assert columns(build_grid(make_results(cases(A, B), stacks))) == [
        ("A", ["sqlite3@3.11", "pysqlite3==0.6.1@3.11"]),
        ("B", ["apsw==3.54.1.0@3.11"]),
    ]


def test_one_row_in_which_they_differ_gives_stacks_columns_of_their_own() -> None:
    stacks = [
        make_stack("sqlite3@3.11", [in_memory(A), in_memory(B)]),
        make_stack("sqlite3@3.12", [in_memory(A), shared(B)]),
    ]
    assert [name for name, _ in columns(build_grid(make_results(cases(A, B), stacks)))] == [
        "A",
        "B",
    ]


def test_a_case_that_did_not_run_is_a_difference() -> None:
    stacks = [
        make_stack("sqlite3@3.11", [in_memory(A), in_memory(B)]),
        make_stack("sqlite3@3.12", [in_memory(A)]),
    ]
    grid = build_grid(make_results(cases(A, B), stacks))
    assert len(table_of(grid).columns) == 2
    assert table_of(grid).sections[0].rows[1].cells[1] is None


def test_cases_of_a_scenario_that_behave_alike_share_a_row() -> None:
    stacks = [make_stack(observations=[in_memory(A), in_memory(B), in_memory(C)])]
    first, second = table_of(build_grid(make_results(cases(A, B, C), stacks))).sections
    assert [case_ids(row) for row in first.rows] == [(A, B)]
    assert first.rows[0].alike == 1
    assert [case_ids(row) for row in second.rows] == [(C,)]


def test_rows_of_one_intent_stand_together() -> None:
    listed = cases(B) + cases(A, intent=Intent.OBSERVE)
    grid = build_grid(make_results(listed, [make_stack(observations=[in_memory(A), in_memory(B)])]))
    (section,) = table_of(grid).sections
    assert [(intent, [case_ids(row) for row in rows]) for intent, rows in section.by_intent] == [
        (Intent.PRIVATE_MEMORY, [(B,)]),
        (Intent.OBSERVE, [(A,)]),
    ]


def test_a_row_that_reads_like_another_tells_its_variant() -> None:
    (section,) = table_of(
        build_grid(make_results(cases(A, B), [make_stack(observations=[in_memory(A), stray(B)])]))
    ).sections
    assert [row.hint for row in section.rows] == ["a", "b"]


def test_a_row_that_reads_like_no_other_needs_no_hint() -> None:
    listed = [make_case(A, target="x"), make_case(B, target="y")]
    grid = build_grid(make_results(listed, [make_stack(observations=[in_memory(A), stray(B)])]))
    assert [row.hint for row in table_of(grid).sections[0].rows] == ["", ""]


def test_a_row_says_why_it_is_not_as_intended_by_column() -> None:
    stacks = [make_stack("apsw@3.11", [stray(A)]), make_stack("sqlite3@3.11", [in_memory(A)])]
    (row,) = table_of(build_grid(make_results(cases(A), stacks))).sections[0].rows
    assert row.reasons == {
        "B": "the data is in a file; a stray file appeared: file:db?mode=memory; "
        "a second connection saw the data"
    }


def test_bare_drivers_and_each_middleware_have_tables_of_their_own() -> None:
    listed = [make_case(A), make_case(B, via="sqlalchemy")]
    stacks = [
        make_stack("sqlite3@3.11", [in_memory(A)]),
        make_stack(
            "sqlite3[sqlalchemy=2.1.9]@3.11",
            [in_memory(B)],
            fingerprint=make_fingerprint(middleware="sqlalchemy"),
        ),
    ]
    bare, through = build_grid(make_results(listed, stacks)).tables
    assert (bare.via, bare.title) == (None, "Bare drivers")
    assert [c.stacks[0].stack for c in bare.columns] == ["sqlite3@3.11"]
    assert (through.via, through.title) == ("sqlalchemy", "Through sqlalchemy")
    assert [c.stacks[0].stack for c in through.columns] == ["sqlite3[sqlalchemy=2.1.9]@3.11"]


def test_an_unavailable_stack_is_listed_and_has_no_column() -> None:
    stacks = [
        make_stack("sqlite3@3.11", [in_memory(A)]),
        make_stack("apsw==1@3.11", unavailable="no wheel"),
    ]
    grid = build_grid(make_results(cases(A), stacks))
    assert [(stack.stack, stack.unavailable) for stack in grid.unavailable] == [
        ("apsw==1@3.11", "no wheel")
    ]
    assert len(table_of(grid).columns) == 1
    assert (grid.totals.stacks, grid.totals.unavailable_stacks) == (2, 1)


def test_sections_follow_the_scenarios_and_one_without_a_title_has_its_id() -> None:
    scenarios = [make_scenario("topic/two", title="Two")]
    grid = build_grid(
        make_results(cases(A, C), [make_stack(observations=[in_memory(A), stray(C)])], *scenarios)
    )
    assert [section.scenario.title for section in table_of(grid).sections] == ["Two", "topic/one"]


def test_totals_count_cells_and_not_what_is_folded() -> None:
    stacks = [
        make_stack(name, [stray(A), stray(B), not_measured(C)])
        for name in ("sqlite3@3.11", "sqlite3@3.12")
    ]
    totals = build_grid(make_results(cases(A, B, C), stacks)).totals
    assert (totals.cells, totals.strays, totals.not_as_intended, totals.unavailable) == (4, 4, 4, 2)


def test_a_selection_limits_rows_columns_and_totals() -> None:
    stacks = [
        make_stack("sqlite3@3.11", [in_memory(A), in_memory(C)]),
        make_stack("sqlite3@3.12", [in_memory(A), stray(C)]),
    ]
    grid = build_grid(make_results(cases(A, C), stacks), {A}.__contains__)
    assert len(table_of(grid).columns) == 1
    assert (grid.totals.cases, grid.totals.strays) == (1, 0)


def test_a_legend_holds_only_what_occurs_in_its_order() -> None:
    grid = build_grid(
        make_results(cases(A, B), [make_stack(observations=[stray(A), in_memory(B)])])
    )
    assert grid.outcomes == (Outcome.MEMORY, Outcome.STRAY)
    assert grid.verdicts == (Verdict.AS_INTENDED, Verdict.NOT_AS_INTENDED)


def test_a_row_shows_target_options_and_statements_as_one_writes_them() -> None:
    case = make_case(A, connect={"uri": True, "timeout": 3}, sql=("ATTACH '{name}2' AS x",))
    grid = build_grid(make_results([case], [make_stack(observations=[in_file(A)])]))
    (row,) = table_of(grid).sections[0].rows
    assert (row.target, row.connect) == ("file:db?mode=memory", "timeout=3, uri=True")
    assert row.sql == "ATTACH 'db2' AS x"


@pytest.mark.parametrize(
    ("target", "target_type", "shown"),
    [
        ("file:{name}?x", TargetType.STR, "file:db?x"),
        ("", TargetType.STR, '""'),
        (" db", TargetType.STR, '" db"'),
        ("db", TargetType.BYTES, 'b"db"'),
        ("db", TargetType.PATH, 'Path("db")'),
        ("a\x00b\u202ec\udcff", TargetType.STR, r"a\x00b\u202ec\udcff"),
        ("größe 数据", TargetType.STR, "größe 数据"),
    ],
)
def test_a_target_is_shown_to_people(target: str, target_type: TargetType, shown: str) -> None:
    assert display(target, target_type) == shown


@pytest.mark.parametrize("character", ["\n", "\t", "\x1b", "\x7f", "\x85", "\u200f", "\u2028"])
def test_what_cannot_be_seen_is_escaped(character: str) -> None:
    assert visible(character).isascii()
    assert visible(character).startswith("\\")


@pytest.mark.parametrize(
    ("connect", "shown"),
    [
        ({}, ""),
        ({"flags": ["SQLITE_OPEN_URI", "SQLITE_OPEN_READONLY"]}, "flags=URI|READONLY"),
        ({"flags": []}, "flags=[]"),
        ({"vfs": "unix\n"}, "vfs='unix\\n'"),
    ],
)
def test_options_are_shown_in_short(connect: dict[str, object], shown: str) -> None:
    assert connect_options(connect) == shown


def test_columns_are_named_as_spreadsheets_do() -> None:
    assert [letter(index) for index in (0, 25, 26, 27, 701, 702)] == [
        "A",
        "Z",
        "AA",
        "AB",
        "ZZ",
        "AAA",
    ]


def test_a_cell_with_several_strays_counts_once() -> None:
    two = make_observation(
        case=A, created=(make_created("x", asked=False), make_created("y", asked=False))
    )
    assert build_grid(make_results(cases(A), [make_stack(observations=[two])])).totals.strays == 1
