"""Where a recipe ends, as its cells show it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from matrix.model import Case, Intent, Observation, PathKind, Reopened, SecondConnection
from matrix.reports.recipes import build_recipes
from matrix.reports.recipes.limits import Limit
from matrix.reports.recipes.situations import NO_SITUATION, PARTS, STRING_ITSELF, situation_of
from matrix.results.store import ResultSet
from tests.builders import (
    in_file,
    in_memory,
    make_case,
    make_created,
    make_observation,
    make_results,
    refused,
)
from tests.reports.recipes.building import (
    NEITHER,
    ON,
    RivalCase,
    locked,
    on_both,
    on_two_builds,
    only,
    pooled,
    private,
    read_alone,
    reads,
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
        words="after PRAGMA temp_store=file: the data is in a file; a database file appeared: db; "
        "a second connection saw the data (on 1 of 2 stacks)",
        cases=(LATER.id,),
        stacks=(ON,),
    )


def test_situations_in_which_the_same_goes_wrong_are_one_limit() -> None:
    again = replace(LATER, id="m/m[n=3]", sql=("ATTACH 'y' AS y",))
    (limit,) = limits_of(on_both((PLAIN, in_memory), (LATER, in_file), (again, in_file)))
    assert limit.words.startswith("after ATTACH, after PRAGMA temp_store=file: the data is")
    assert set(limit.cases) == {LATER.id, again.id}


def test_a_statement_that_fails_by_itself_is_no_limit_of_the_string() -> None:
    def failed(case: str) -> Observation:
        seen = locked(case)
        assert seen.error is not None
        return replace(seen, error=replace(seen.error, phase="sql"))

    assert limits_of(on_both((PLAIN, in_memory), (LATER, failed))) == ()


def test_a_limit_is_that_of_a_shape_whatever_the_name() -> None:
    here = private("m/m[n=1]", "file:a?mode=memory")
    there = private("m/m[n=2]", "file:{name}?mode=memory", setup=({"empty": "db"},))
    words = words_of(on_both((here, in_memory), (there, in_file)))
    assert [text.partition(":")[0] for text in words] == ["with an empty file already there"]


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
            "while another connection holds it open with cache=shared",
        ),
        ({"where": "fork"}, "while fork holds it open"),
    ],
)
def test_what_a_rival_does_is_a_limit_if_the_user_is_told(
    rival: dict[str, str], words: str
) -> None:
    results = on_both((PLAIN, in_memory), (with_rival(PLAIN, **rival), locked))
    assert words_of(results) == [f"{words}: writing failed: OperationalError: database is locked"]


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
    asked = [replace(LATER, id="m/m[n=3]", sql=("ATTACH 'y' AS y", "CREATE TABLE y.t(x)")),
             replace(LATER, id="m/m[n=4]", sql=("VACUUM INTO 'y'",))]  # fmt: skip
    (words,) = words_of(on_both((PLAIN, in_memory), *((case, in_file) for case in asked)))
    assert words.startswith("after VACUUM INTO, after ATTACH and CREATE TABLE: ")


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


def test_every_field_of_a_case_is_the_string_itself_or_its_situation() -> None:
    known = STRING_ITSELF | NO_SITUATION | PARTS.keys()
    assert {field.name for field in fields(Case)} <= known
    assert not (STRING_ITSELF | NO_SITUATION) & PARTS.keys()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, ""),
        ({"write": False, "write_to": "other"}, ""),
        ({"setup": ({"mkdir": "elsewhere"},)}, ""),
        ({"setup": ({"mkdir": "x.db"},)}, "with a directory already there"),
        ({"setup": ({"db": "x.db", "keep_wal": True},)},
         "beside a write-ahead log that was left behind"),
        ({"sql": ("VACUUM INTO 'y'",), "backup": "z"},
         "after VACUUM INTO and copied with backup()"),
        ({"sql": ("ATTACH 'y' AS y", "CREATE TABLE y.t(x)", "ATTACH 'z' AS z")},
         "after ATTACH and CREATE TABLE"),
        ({"setup": ({"db": "x.db", "sql": []},)}, "with a database already there"),
        ({"second": "y.db"}, "for a second connection by another name"),
        ({"second_in_thread": True}, "for a second connection in another thread"),
    ],
)  # fmt: skip
def test_a_situation_is_what_a_case_does_besides(asked: dict[str, Any], words: str) -> None:
    situation = situation_of(make_case(target="x.db", **asked))
    assert (situation.words, situation.by_others) == (words, False)


def test_what_others_do_is_told_from_what_one_does_oneself() -> None:
    rivals = ({"where": "thread", "does": "read"}, {"where": "process", "does": "write"})
    case = RivalCase(id="m/m[n=1]", target="x.db", sql=("ATTACH 'y' AS y",), rivals=rivals)
    situation = situation_of(case)
    assert situation.by_others
    assert situation.words == (
        "while another thread reads it and while another process writes to it and after ATTACH"
    )
