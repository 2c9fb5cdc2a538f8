"""Where a recipe ends, as its cells show it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from matrix.model import (
    Case,
    Failure,
    Found,
    Intent,
    Observation,
    PathKind,
    Reopened,
    SecondConnection,
)
from matrix.reports.recipes import build_recipes
from matrix.reports.recipes.limits import Limit
from matrix.reports.recipes.situations import (
    NO_SITUATION,
    OTHER_STRINGS,
    PARTS,
    STRING_ITSELF,
    situation_of,
)
from matrix.results.store import ResultSet
from tests.builders import (
    in_file,
    in_memory,
    make_case,
    make_created,
    make_observation,
    make_results,
    refused,
    shared,
)
from tests.reports.recipes.building import (
    NEITHER,
    ON,
    Shown,
    locked,
    locked_in_sql,
    make_rival,
    on_both,
    on_two_builds,
    only,
    pooled,
    private,
    read_alone,
    reads,
    seen_by_rival,
    stack_of,
    warned,
    with_rival,
)

PLAIN = private("m/m[n=1]", ":memory:")
LATER = private("m/m[n=2]", ":memory:", sql=("PRAGMA temp_store=file", "SELECT 1"))


def limits_of(results: ResultSet) -> tuple[Limit, ...]:
    (way,) = only(results).safe
    return way.limits


def words_of(results: ResultSet) -> list[str]:
    return [limit.words for limit in limits_of(results)]


def test_a_string_that_held_wherever_it_was_asked_has_no_limit() -> None:
    assert limits_of(on_both((PLAIN, in_memory), (LATER, in_memory))) == ()


def test_a_limit_says_in_which_situation_what_goes_wrong_and_which_cells_show_it() -> None:
    (limit,) = limits_of(on_two_builds((PLAIN, in_memory, in_memory), (LATER, in_file, in_memory)))
    assert limit == Limit(
        words="after PRAGMA temp_store=file: the data is in a file (on 1 of 2 stacks)",
        cases=(LATER.id,),
        stacks=(ON,),
    )


def test_situations_in_which_the_same_goes_wrong_are_one_limit() -> None:
    again = replace(LATER, id="m/m[n=3]", sql=("CREATE TEMPORARY TABLE y(x)",))
    (limit,) = limits_of(on_both((PLAIN, in_memory), (LATER, in_file), (again, in_file)))
    assert limit.words == (
        "after CREATE TEMPORARY TABLE, after PRAGMA temp_store=file: the data is in a file"
    )
    assert set(limit.cases) == {LATER.id, again.id}


@pytest.mark.parametrize(
    "asked",
    [
        {"second": "y"},
        {"second": ""},
        {"backup": "y"},
        {"sql": ("ATTACH 'y' AS y",)},
        {"sql": ("VACUUM INTO 'y'",)},
    ],
)
def test_a_case_of_another_string_as_well_says_nothing_of_this_one(asked: dict[str, Any]) -> None:
    other = replace(PLAIN, id="m/m[n=2]", **asked)
    assert limits_of(on_both((PLAIN, in_memory), (other, in_file))) == ()
    assert build_recipes(on_both((other, in_memory))) == ()


def test_of_an_error_a_limit_says_the_message_and_of_several_objections_the_first() -> None:
    def failed(case: str) -> Observation:
        return replace(in_file(case), error=locked_at_close)

    locked_at_close = Failure(phase="close", type="apsw.BusyError", message="it: locked")
    (words,) = words_of(on_both((PLAIN, in_memory), (LATER, failed)))
    assert words == "after PRAGMA temp_store=file: it: locked"


def test_a_statement_that_fails_by_itself_is_no_limit_of_the_string() -> None:
    assert limits_of(on_both((PLAIN, in_memory), (LATER, locked_in_sql))) == ()


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("file:{name}?cache=private&mode=memory", ["with an empty file already there"]),
        ("file:a?mode=memory&cache=private", ["with an empty file already there"]),
        ("file:/a?cache=private&mode=memory", ["with an empty file already there"]),
        ("file://localhost/a?cache=private&mode=memory", ["with an empty file already there"]),
        ("file:a?mode=memory", []),
        ("file:?cache=private&mode=memory", []),
        ("a?cache=private&mode=memory", []),
    ],
)
def test_a_limit_is_that_of_all_that_says_the_same_wherever_the_name_lies(
    target: str, told: list[str]
) -> None:
    here = private("m/m[n=1]", "file:a?cache=private&mode=memory")
    there = private("m/m[n=2]", target, setup=({"empty": "db"},))
    words = words_of(on_both((here, in_memory), (there, in_file)))
    assert [text.partition(":")[0] for text in words] == told


def test_reading_beside_a_log_has_a_limit_and_stays_advice() -> None:
    missing, there = reads("ro/missing[n=1]"), reads("ro/there[n=1]")
    logged = reads("ro/wal[n=1]", setup=({"db": "x.db", "sql": ["PRAGMA journal_mode=wal"]},))
    beside = make_created("x.db-wal", kind=PathKind.WAL)
    results = on_both(
        (missing, refused),
        (there, read_alone),
        (logged, lambda c: read_alone(c, created=(beside,))),
    )
    assert words_of(results) == ["on a database in WAL mode: a write-ahead log appeared: x.db-wal"]


@pytest.mark.parametrize(
    ("rival", "words"),
    [
        ({"where": "process", "does": "write"}, "while another process writes to it"),
        ({"where": "thread", "does": "read"}, "while another thread reads it"),
        (
            {"where": "same", "does": "open", "target": "file:x?cache=shared"},
            "while another connection has it open with cache=shared",
        ),
        ({"where": "fork"}, "while a forked child has it open"),
        (
            {"where": "engine", "when": "during", "does": "roll-back"},
            "when another user of the engine rolls back before the commit",
        ),
    ],
)
def test_what_a_rival_does_is_a_limit_if_the_user_is_told(
    rival: dict[str, str], words: str
) -> None:
    results = on_both((PLAIN, in_memory), (with_rival(PLAIN, **rival), locked))
    assert words_of(results) == [f"{words}: database is locked"]


def met(shown: Shown, found: Found, error: str | None = None) -> Shown:
    """The same, and what the rival of the case found."""
    return lambda case: seen_by_rival(shown(case), found, error)


SHARED = make_case("s/s[n=1]", intent=Intent.SHARED_MEMORY, target="file:/x?vfs=memdb")
FILE = make_case("f/f[n=1]", intent=Intent.FILE, target="x.db")


def sees_file(case: str) -> Observation:
    return in_file(case, "x.db")


@pytest.mark.parametrize(
    ("case", "shown", "rival", "found"),
    [
        (PLAIN, in_memory, {"where": "process"}, Found.DOES_NOT_SEE),
        (PLAIN, in_memory, {"where": "engine", "when": "after"}, Found.SEES),
        (SHARED, shared, {"where": "thread"}, Found.SEES),
        (SHARED, shared, {"where": "thread", "when": "during"}, Found.DOES_NOT_SEE),
        (FILE, sees_file, {"where": "process", "does": "write"}, Found.WROTE),
        (FILE, sees_file, {"where": "process", "target": "y.db"}, Found.DOES_NOT_SEE),
    ],
)
def test_a_rival_who_finds_what_is_meant_is_no_limit(
    case: Case, shown: Shown, rival: dict[str, str], found: Found
) -> None:
    assert words_of(on_both((case, shown), (with_rival(case, **rival), met(shown, found)))) == []


@pytest.mark.parametrize(
    ("case", "shown", "rival", "found", "told"),
    [
        (SHARED, shared, {"where": "process"}, Found.DOES_NOT_SEE,
         "while another process has it open: the other does not see the data"),
        (FILE, sees_file, {"where": "thread", "when": "during", "does": "write"}, Found.REFUSED,
         "when another thread writes to it before the commit: locked"),
    ],
)  # fmt: skip
def test_a_rival_who_is_refused_or_beyond_the_reach_of_any_string_is_a_limit(
    case: Case, shown: Shown, rival: dict[str, str], found: Found, told: str
) -> None:
    results = on_both((case, shown), (with_rival(case, **rival), met(shown, found, "E: locked")))
    assert words_of(results) == [told]


@pytest.mark.parametrize(
    ("case", "shown", "rival", "found"),
    [
        (PLAIN, in_memory, {"where": "thread"}, Found.SEES),
        (PLAIN, in_memory, {"where": "engine", "when": "after"}, Found.DOES_NOT_SEE),
        (SHARED, shared, {"where": "same"}, Found.DOES_NOT_SEE),
        (FILE, sees_file, {"where": "process", "when": "after"}, Found.DOES_NOT_SEE),
    ],
)
def test_a_rival_who_finds_anything_else_makes_it_no_advice(
    case: Case, shown: Shown, rival: dict[str, str], found: Found
) -> None:
    results = on_both((case, shown), (with_rival(case, **rival), met(shown, found)))
    assert build_recipes(results) == ()


def test_what_is_unfit_is_not_excused_by_a_limit_in_the_same_cell() -> None:
    rival = with_rival(SHARED, where="same")
    results = on_both((SHARED, shared), (rival, met(locked, Found.DOES_NOT_SEE)))
    assert build_recipes(results) == ()


def test_later_users_of_a_pool_for_each_thread_are_a_limit() -> None:
    asked = private("m/m[n=1]", "sqlite://", via="sqlalchemy")
    shown = pooled("SingletonThreadPool")
    later = with_rival(asked, where="engine", when="after")
    results = on_both(
        (asked, shown), (later, met(shown, Found.DOES_NOT_SEE)), middleware="sqlalchemy"
    )
    assert words_of(results) == [
        "each thread has a database of its own",
        "when another user of the engine has it open after the commit: "
        "the other does not see the data",
    ]


def test_what_a_statement_meets_beside_a_rival_is_a_limit() -> None:
    rival = with_rival(replace(PLAIN, sql=("CREATE TABLE y(x)",)), where="thread", does="write")
    assert words_of(on_both((PLAIN, in_memory), (rival, locked_in_sql))) == [
        "while another thread writes to it and after CREATE TABLE: database is locked"
    ]


def test_what_a_rival_does_unseen_is_no_limit_but_an_objection() -> None:
    rival = with_rival(PLAIN, where="thread", does="write")
    assert build_recipes(on_both((PLAIN, in_memory), (rival, in_file))) == ()


@pytest.mark.parametrize(
    "told",
    [
        {"second_connection": SecondConnection.REFUSED},
        {"second_connection": SecondConnection.SEES, "reused": ("second_connection",)},
    ],
)
def test_a_second_user_who_is_refused_or_handed_the_first_connection_is_a_limit(
    told: dict[str, Any],
) -> None:
    rival = with_rival(PLAIN, where="thread", does="write")
    (words,) = words_of(
        on_both((PLAIN, in_memory), (rival, lambda case: make_observation(case=case, **told)))
    )
    assert words.startswith("while another thread writes to it: a second")


def test_the_shortest_situation_stands_first() -> None:
    asked = [replace(LATER, id="m/m[n=3]", sql=("ANALYZE", "CREATE TABLE t(x)")),
             replace(LATER, id="m/m[n=4]", sql=("DROP TABLE t",))]  # fmt: skip
    (words,) = words_of(on_both((PLAIN, in_memory), *((case, in_file) for case in asked)))
    assert words.startswith("after DROP TABLE, after ANALYZE and CREATE TABLE: ")


def test_where_it_does_not_hold_at_all_a_string_has_no_limits() -> None:
    def refused_on(minor: int, case: Case) -> Observation:
        return refused(case.id) if minor == 8 else in_memory(case.id)

    stacks = [
        stack_of(
            f"sqlite3@3.{minor}",
            *(refused_on(minor, case) for case in (PLAIN, LATER)),
            **(NEITHER if minor % 2 else {}),
        )
        for minor in range(8, 14)
    ]
    (way,) = only(make_results([PLAIN, LATER], stacks)).most
    assert way.limits == ()


def test_users_who_are_handed_one_connection_share_it_as_a_limit() -> None:
    asked = make_case(intent=Intent.SHARED_MEMORY, target=":memory:")

    def handed(case: str) -> Observation:
        sees = SecondConnection.SEES
        return make_observation(case=case, second_connection=sees, reused=("second_connection",))

    assert words_of(on_both((asked, handed))) == [
        "all users share one connection, and so one transaction"
    ]


def test_a_pool_with_a_connection_for_each_thread_has_a_database_for_each() -> None:
    asked = private("m/m[n=1]", "sqlite://", via="sqlalchemy")
    results = on_both((asked, pooled("SingletonThreadPool")), middleware="sqlalchemy")
    assert words_of(results) == ["each thread has a database of its own"]


def test_threads_that_see_each_other_have_one_database() -> None:
    asked = make_case(
        intent=Intent.SHARED_MEMORY, target="sqlite:///file:/x?vfs=memdb", via="sqlalchemy"
    )
    shown = pooled("SingletonThreadPool", second_connection=SecondConnection.SEES)
    assert words_of(on_both((asked, shown), middleware="sqlalchemy")) == []


def test_a_warning_is_a_limit_and_says_which_versions_say_it() -> None:
    asked = private("m/m[n=1]", "sqlite://", via="sqlalchemy")
    text = "SADeprecationWarning: This pool is deprecated; another comes.  (Background: https://x)"
    facts = {"middleware": "sqlalchemy", "middleware_version": "2.1.9"}
    (limit,) = limits_of(on_two_builds((asked, warned(text), in_memory), **facts))
    assert limit.words == "sqlalchemy 2.1.9 warns: This pool is deprecated; another comes"
    assert limit.stacks == (ON,)


@pytest.mark.parametrize(
    ("facts", "speaker"),
    [({}, "Python 3.11.2"), ({"distribution": "apsw", "driver": "apsw"}, "apsw 3.11.2")],
)
def test_a_warning_of_a_bare_driver_is_that_of_its_version(
    facts: dict[str, str], speaker: str
) -> None:
    results = on_both((PLAIN, warned("DeprecationWarning: old.")), **facts)
    assert words_of(results) == [f"{speaker} warns: old"]


def test_a_file_that_does_not_hold_what_was_written_is_no_advice() -> None:
    asked = make_case(intent=Intent.FILE, target="x.db", reopen=True)

    def gone(case: str) -> Observation:
        return replace(in_file(case, "x.db"), reopened=Reopened.DOES_NOT_SEE)

    assert build_recipes(on_both((asked, gone))) == ()


def test_every_field_of_a_case_is_accounted_for_once() -> None:
    known = [*STRING_ITSELF, *OTHER_STRINGS, *NO_SITUATION, *PARTS]
    assert sorted(known) == sorted(field.name for field in fields(Case))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, ""),
        ({"write": False, "write_to": "other"}, ""),
        ({"setup": ({"mkdir": "elsewhere"},)}, ""),
        ({"setup": ({"mkdir": "x.db"},)}, "with a directory already there"),
        ({"setup": ({"db": "x.db", "keep_wal": True},)},
         "beside a write-ahead log that was left behind"),
        ({"sql": ("PRAGMA temp_store=file", "CREATE TABLE t(x)", "CREATE TABLE u(x)")},
         "after PRAGMA temp_store=file and CREATE TABLE"),
        ({"setup": ({"db": "x.db", "sql": []},)}, "with a database already there"),
        ({"sql": ("PRAGMA busy_timeout=0",)}, ""),
        ({"second_in_thread": True}, "for a second connection in another thread"),
    ],
)  # fmt: skip
def test_a_situation_is_what_a_case_does_besides(asked: dict[str, Any], words: str) -> None:
    situation = situation_of(make_case(target="x.db", **asked))
    assert (situation.words, situation.by_others) == (words, False)


def test_what_was_left_behind_and_what_is_not_permitted_are_brought_about_by_others() -> None:
    case = make_case(
        target="x.db",
        before=({"killed": "x.db", "sql": ["PRAGMA journal_mode=wal"]}, {"killed": "x.db"}),
        permissions={
            ".": {"mode": "0555", "owner": None},
            "x.db": {"mode": "0444", "owner": "another"},
        },
    )
    situation = situation_of(case)
    assert situation.by_others
    assert situation.words == (
        "after a writer in WAL mode was killed and after a writer was killed "
        "and with mode 0555 on the directory and with mode 0444 and owner another on x.db"
    )


def test_what_others_do_is_told_from_what_one_does_oneself() -> None:
    rivals = (make_rival(where="thread", does="read"), make_rival(where="process", does="write"))
    situation = situation_of(make_case(target="x.db", sql=("ANALYZE",), rivals=rivals))
    assert situation.by_others
    assert situation.words == (
        "while another thread reads it and while another process writes to it and after ANALYZE"
    )
