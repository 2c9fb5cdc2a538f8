"""What each rival does, when it comes, what it finds, and that it goes."""

from __future__ import annotations

import os
from typing import Any

import pytest

from matrix.model import Found, Observation, PathKind, Reopened, Result
from tests.batches import Batch, See, error_of, see_in
from tests.conftest import ObserveOn

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

SEES, DOES_NOT_SEE, WROTE, REFUSED = Found
URI = {"uri": True}
SHARED = "file:{name}?mode=memory&cache=shared"
DATABASE = {"db": "x.db", "sql": ["CREATE TABLE t(x)"], "keep_wal": False}
WAL = {**DATABASE, "sql": ["PRAGMA journal_mode=wal"]}
NO_WAIT = ("PRAGMA busy_timeout=0",)

plain, odd, pooled = Batch("sqlite3"), Batch("odd"), Batch("sqlite3[sqlalchemy]")


@pytest.fixture(scope="module")
def see(observe_on: ObserveOn) -> See:
    return see_in(observe_on, plain, odd, pooled)


def rival(where: str = "thread", when: str = "before", does: str = "open", **fields: Any) -> Any:
    return {"where": where, "when": when, "does": does, "target": None, "connect": None, **fields}


def found(seen: Observation) -> list[Found | None]:
    return [each.found for each in seen.rivals]


def errors(seen: Observation) -> list[str | None]:
    return [each.error for each in seen.rivals]


# Where a rival is

WHERES = ("same", "thread", "process")
in_a_file = plain("x.db", rivals=[rival(where) for where in WHERES])
after_in_a_file = plain("x.db", rivals=[rival(where, "after") for where in WHERES])
in_memory = plain(SHARED, connect=URI, rivals=[rival(where) for where in WHERES])
after_in_memory = plain(SHARED, connect=URI, rivals=[rival(where, "after") for where in WHERES])
lasting = [plain(SHARED, connect=URI, reopen=True, rivals=[rival(where)]) for where in WHERES]


def test_everybody_sees_what_is_in_a_file(see: See) -> None:
    assert found(see(in_a_file)) == found(see(after_in_a_file)) == [SEES] * 3
    assert errors(see(in_a_file)) == [None] * 3
    assert see(in_a_file).there == ("x.db",)  # who comes before has made it
    assert see(after_in_a_file).there == ()


def test_memory_is_of_one_process(see: See) -> None:
    assert found(see(in_memory)) == found(see(after_in_memory)) == [SEES, SEES, DOES_NOT_SEE]


def test_nobody_keeps_memory_alive_who_has_left(see: See) -> None:
    assert [see(case).reopened for case in lasting] == [Reopened.DOES_NOT_SEE] * 3


FIXED = "file:fixed?mode=memory&cache=shared"
unprepared = plain(FIXED, connect=URI, rivals=[
    rival("same", does="write"), rival("same", target="{dir}/../../../beyond.db")
])  # fmt: skip
next_one = plain(FIXED, connect=URI)


def test_nobody_stays_where_the_case_could_not_begin(see: See) -> None:
    assert see(unprepared).result is Result.UNAVAILABLE
    assert see(next_one).error is None


one_thread = odd("one-thread.db", rivals=[rival("same"), rival("thread")])


def test_a_rival_is_in_this_thread_or_in_another(see: See) -> None:
    assert found(see(one_thread)) == [SEES, REFUSED]
    assert errors(see(one_thread))[1] == "sqlite3.OperationalError: this is another thread"


forked = plain(":memory:", rivals=[rival("fork", "during"), rival("fork", "after")])
forked_file = plain("x.db", setup=(WAL,), rivals=[rival("fork", "after")], reopen=True)


def test_a_child_goes_on_with_the_connection_that_it_inherits(see: See) -> None:
    assert found(see(forked)) == [SEES, SEES]
    assert (found(see(forked_file)), see(forked_file).error) == ([SEES], None)


# What it does, and when

readers = [plain("x.db", sql=NO_WAIT, rivals=[rival(where, does="read")]) for where in WHERES]
reader_in_wal = plain("x.db", setup=(WAL,), rivals=[rival(does="read")])
writers = [plain("x.db", sql=NO_WAIT, rivals=[rival(where, does="write")]) for where in WHERES]
idle = plain("x.db", sql=NO_WAIT, write=False, rivals=[rival(), rival(when="after"),
                                                       rival(does="write")])  # fmt: skip


def test_a_reader_keeps_a_writer_from_committing_but_not_in_wal_mode(see: See) -> None:
    for case in readers:
        assert error_of(see(case)) == (
            "write", "sqlite3.OperationalError", "database is locked"
        )  # fmt: skip
        assert found(see(case)) == [None]  # there was nothing to look for
    assert (see(reader_in_wal).error, found(see(reader_in_wal))) == (None, [SEES])


def test_a_writer_keeps_another_from_writing(see: See) -> None:
    for case in writers:
        assert error_of(see(case))[0] == "write"
        assert (found(see(case)), errors(see(case))) == ([WROTE], [None])


def test_nobody_looks_for_what_was_not_written(see: See) -> None:
    assert found(see(idle)) == [None, None, WROTE]
    assert see(idle).error is None


during = plain("x.db", setup=(WAL,), rivals=[
    rival(when="during"), rival(when="during", does="read"), rival(when="during", does="write"),
    rival("process", "during"), rival(when="after", does="write"), rival(when="after")
])  # fmt: skip


def test_nobody_sees_what_is_not_committed(see: See) -> None:
    assert found(see(during)) == [DOES_NOT_SEE, DOES_NOT_SEE, REFUSED, DOES_NOT_SEE, WROTE, SEES]
    assert errors(see(during))[2] == "sqlite3.OperationalError: database is locked"
    assert see(during).error is None


rolls_back = plain(SHARED, connect=URI, rivals=[rival("same", does="roll-back")])


def test_who_has_begun_nothing_rolls_nothing_back(see: See) -> None:
    assert (found(see(rolls_back)), see(rolls_back).error) == ([SEES], None)


# What is opened

own = plain("file:x.db", connect=URI, rivals=[
    rival(target="{dir}/y.db"), rival(target="file:x.db?mode=ro", when="after"),
    rival(connect={"absent": 1}), rival("same", target="no/x.db")
])  # fmt: skip
nameless = plain("x.db", rivals=[rival(where, target="x\ud800") for where in WHERES])
cached = plain("file:x.db?cache=shared&mode=ro", connect=URI, setup=(DATABASE,),
               rivals=[rival("same", target="file:x.db?cache=shared")])  # fmt: skip


def test_a_rival_may_have_a_string_and_options_of_its_own(see: See) -> None:
    seen = see(own)
    assert found(seen) == [DOES_NOT_SEE, SEES, REFUSED, REFUSED]
    assert str(errors(seen)[2]).startswith("TypeError: ")
    assert errors(seen)[3] == "sqlite3.OperationalError: unable to open database file"
    assert see(cached).modified == ("x.db",)  # it may write through the other's cache


def test_the_type_of_an_error_is_told_as_python_does(see: See) -> None:
    assert [str(error).partition(":")[0] for error in errors(see(nameless))] == [
        "UnicodeEncodeError"
    ] * 3
    assert found(see(nameless)) == [REFUSED] * 3


# Another process

apart = plain("x.db", setup=(WAL,), rivals=[rival("process", "after", "write", target="r.db")])
last = plain("x.db", setup=(WAL,), rivals=[rival("process", does="read")])
beyond = plain("x.db", rivals=[rival("process", "after", target="{dir}/../../../beyond.db")])
dies = odd("x.db", rivals=[rival("process", "after", target="dies.db"), rival("process", "after")])


def test_what_a_process_makes_and_removes_is_seen_here(see: See) -> None:
    seen = {each.path: each for each in see(apart).created}
    assert (seen["r.db"].kind, seen["r.db"].stage, seen["r.db"].kept) == (
        PathKind.DATABASE, "rivals", True
    )  # fmt: skip
    assert (seen["r.db-journal"].stage, seen["r.db-journal"].kept) == ("rivals", False)
    assert see(apart).conflicts == ()


def test_a_process_closes_what_it_has_opened(see: See) -> None:
    assert [each.path for each in see(last).created if each.kept] == []
    assert (see(last).conflicts, found(see(last))) == ((), [SEES])


def test_a_process_may_change_nothing_outside(see: See) -> None:
    assert see(beyond).result is Result.UNAVAILABLE
    assert error_of(see(beyond))[0] == "rehearsal"
    assert error_of(see(beyond))[2].startswith("the set-up would change /")


def test_a_process_that_ends_says_nothing_more(see: See) -> None:
    assert found(see(dies)) == [REFUSED, SEES]
    assert errors(see(dies)) == ["the process has ended", None]


def killed(*sql: str, **fields: Any) -> Any:
    return plain("x.db", before=({"killed": "x.db", "sql": list(sql)},), **fields)


hot = killed(setup=(DATABASE,))
log = killed("PRAGMA journal_mode=wal", setup=(DATABASE,))
began = killed("BEGIN", setup=(DATABASE,))
failed = killed("SELECT absent")


def test_a_writer_is_killed_in_the_middle(see: See) -> None:
    for case in (hot, began):
        assert (see(case).error, see(case).removed) == (None, ("x.db-journal",))
    assert (see(log).error, see(log).removed) == (None, ("x.db-shm", "x.db-wal"))


def test_a_writer_that_fails_before_is_told(see: See) -> None:
    assert see(failed).result is Result.UNAVAILABLE
    assert error_of(see(failed)) == (
        "setup", "OSError", "the process that was to be killed failed: "
        "sqlite3.OperationalError: no such column: absent",
    )  # fmt: skip


# Engines

LATER = [rival("engine", "after")] * 3
lost = pooled("sqlite:///file::memory:?uri=true", via="sqlalchemy", rivals=LATER)
kept = pooled("sqlite:///x.db", via="sqlalchemy", rivals=LATER)
STATIC = {"poolclass": "StaticPool", "connect_args": {"check_same_thread": False}}
undone = pooled("sqlite://", via="sqlalchemy", connect=STATIC,
                rivals=[rival("engine", "during", "roll-back")])  # fmt: skip
fresh = pooled("sqlite:///x.db", via="sqlalchemy", setup=(WAL,),
               rivals=[rival("engine", "during"), rival("engine", "after")])  # fmt: skip
no_engine = plain("x.db", rivals=[rival("engine", "during")])
no_engine_later = plain("x.db", rivals=[rival("engine", "after")])


def test_one_more_user_of_an_engine_gets_one_more_connection(see: See) -> None:
    assert DOES_NOT_SEE in found(see(lost))
    assert found(see(kept)) == [SEES] * 3
    assert found(see(fresh)) == [DOES_NOT_SEE, SEES]
    assert see(kept).error is see(fresh).error is None


def test_one_user_of_a_static_pool_ends_the_transaction_of_another(see: See) -> None:
    assert "no transaction is active" in error_of(see(undone))[2]


def test_what_has_no_engine_has_no_rival_in_it(see: See) -> None:
    for case, stage in ((no_engine, "write"), (no_engine_later, "rivals")):
        assert error_of(see(case)) == (
            stage, "sqlite_matrix_probe.plugins.Unavailable",
            "this middleware has no engine with more than one connection",
        )  # fmt: skip
