"""Others who use the database: what they find, what they lock, and that nothing is left of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from matrix.model import Case, Found, Observation, Reopened, Result, SecondConnection, Storage
from matrix.model.codec import read_case, read_observation
from tests.builders import make_case
from tests.conftest import ObserveOn
from tests.processes import needs_proc, workers_of

DRIVERS = ["sqlite3", "pysqlite3", "apsw"]
SHARED = "file:{name}?mode=memory&cache=shared"
NO_WAIT = ("PRAGMA busy_timeout=0",)
SEES, DOES_NOT_SEE, WROTE, REFUSED = Found

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def rival(**fields: Any) -> dict[str, Any]:
    defaults = {"where": "same", "when": "before", "does": "open", "target": None, "connect": None}
    return {**defaults, **fields}


def beside(*rivals: dict[str, Any], **fields: Any) -> Case:
    settings = {"target": "x.db", "sql": NO_WAIT, **fields}
    return make_case(f"rivals/{rivals}/{settings}", rivals=rivals, **settings)


def found(seen: Observation) -> list[Found | None]:
    return [each.found for each in seen.rivals]


@needs_fork
@pytest.mark.parametrize("driver", [*DRIVERS, "shell"])
@pytest.mark.parametrize("where", ["same", "thread", "process"])
def test_who_has_a_file_open_sees_what_is_written_to_it(
    observe_on: ObserveOn, driver: str, where: str
) -> None:
    before, after = observe_on(
        driver, beside(rival(where=where)), beside(rival(where=where, when="after"))
    )
    assert found(before) == found(after) == [SEES]
    assert before.there == ("x.db",)  # the rival made it
    assert [each.path for each in after.created if each.kept] == ["x.db"]


@needs_fork
@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("where", ["thread", "process"])
def test_who_writes_first_keeps_the_other_from_writing(
    observe_on: ObserveOn, driver: str, where: str
) -> None:
    late, early = observe_on(
        driver,
        beside(rival(where=where, does="write")),
        beside(rival(where=where, does="write", when="during")),
    )
    assert late.error is not None
    assert (late.error.phase, "locked" in late.error.message) == ("write", True)
    assert found(late) == [WROTE]
    assert early.error is None
    assert found(early) == [REFUSED]
    assert "locked" in str(early.rivals[0].error)


@needs_fork
def test_a_reader_and_a_writer_get_along_in_wal_mode_only(observe_on: ObserveOn) -> None:
    reader = rival(where="process", does="read")
    wal = ({"db": "x.db", "sql": ["PRAGMA journal_mode=wal"], "keep_wal": False},)
    locked, free = observe_on("sqlite3", beside(reader), beside(reader, setup=wal))
    assert locked.error is not None
    assert found(locked) == [None]  # there was nothing to look for
    assert free.error is None
    assert found(free) == [SEES]


@needs_fork
def test_shared_memory_is_shared_in_the_process_and_not_beyond(observe_on: ObserveOn) -> None:
    rivals = [rival(where=where) for where in ("same", "thread", "process")]
    (seen,) = observe_on("sqlite3", beside(*rivals, target=SHARED, connect={"uri": True}))
    assert seen.storage is Storage.MEMORY
    assert found(seen) == [SEES, SEES, DOES_NOT_SEE]


def test_a_read_only_string_writes_through_a_cache_that_may(observe_on: ObserveOn) -> None:
    fields = {
        "target": "file:x.db?cache=shared&mode=ro",
        "connect": {"uri": True},
        "setup": ({"db": "x.db", "sql": ["CREATE TABLE t(x)"], "keep_wal": False},),
    }
    alone, beside_one = observe_on(
        "sqlite3",
        make_case("alone", **fields),
        beside(rival(target="file:x.db?cache=shared"), **fields),
    )
    assert alone.error is not None
    assert "readonly" in alone.error.message
    assert beside_one.error is None
    assert beside_one.modified == ("x.db",)


@needs_fork
@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("where", ["same", "thread"])
def test_to_look_at_a_file_ends_nobodys_lock(
    observe_on: ObserveOn, driver: str, where: str
) -> None:
    reader = rival(where=where, does="read", target="x.db")
    writer = rival(where="process", when="during", does="write", target="x.db")
    (seen,) = observe_on(driver, beside(reader, writer, target=":memory:"))
    assert found(seen) == [DOES_NOT_SEE, REFUSED]
    assert "locked" in str(seen.rivals[1].error)


def test_a_schema_that_a_rival_has_locked_leaves_the_place_unknown(observe_on: ObserveOn) -> None:
    case = beside(rival(where="thread", does="write"), target=SHARED, connect={"uri": True})
    (seen,) = observe_on("sqlite3", case)
    assert (seen.result, seen.storage, seen.opened) == (Result.OPENED, Storage.NONE, None)


@needs_fork
@pytest.mark.parametrize("driver", [*DRIVERS, "shell"])
def test_a_killed_writer_leaves_what_the_next_one_recovers(
    observe_on: ObserveOn, driver: str
) -> None:
    setup = ({"db": "x.db", "sql": ["CREATE TABLE t(x)"], "keep_wal": False},)
    rollback, wal = (
        make_case(mode, target="x.db", setup=setup, before=({"killed": "x.db", "sql": sql},))
        for mode, sql in (("rollback", []), ("wal", ["PRAGMA journal_mode=wal"]))
    )
    hot, log = observe_on(driver, rollback, wal)
    assert (hot.error, hot.removed) == (None, ("x.db-journal",))
    assert (log.error, log.removed) == (None, ("x.db-shm", "x.db-wal"))


@needs_fork
def test_a_child_uses_the_connection_that_it_inherits(observe_on: ObserveOn) -> None:
    (seen,) = observe_on("sqlite3", beside(rival(where="fork", when="after"), target=":memory:"))
    assert found(seen) == [SEES]


@needs_fork
def test_a_child_that_ends_its_parents_transaction_removes_its_journal(
    observe_on: ObserveOn,
) -> None:
    (seen,) = observe_on("sqlite3", beside(rival(where="fork", when="during", does="write")))
    assert [entry.path for entry in seen.created if not entry.kept] == ["x.db-journal"]
    assert seen.conflicts == ()


def test_an_engine_of_several_private_memories_loses_the_data(observe_on: ObserveOn) -> None:
    later = [rival(where="engine", when="after")] * 3
    fields = {"via": "sqlalchemy", "sql": ()}
    lost, kept = observe_on(
        "sqlite3[sqlalchemy]",
        beside(*later, target="sqlite:///file::memory:?uri=true", **fields),
        beside(*later, target="sqlite:///x.db", **fields),
    )
    assert DOES_NOT_SEE in found(lost)
    assert found(kept) == [SEES] * 3


def test_every_user_of_an_engine_has_a_thread_of_its_own(observe_on: ObserveOn) -> None:
    rivals = [rival(where="engine", when="during"), rival(where="engine", when="after")]
    fields = {"via": "sqlalchemy", "sql": (), "connect": {"poolclass": "QueuePool"}}
    (seen,) = observe_on("sqlite3[sqlalchemy]", beside(*rivals, target="sqlite://", **fields))
    assert "created in a thread can only be used in that same thread" in str(seen.rivals[1].error)


def test_shared_memory_ends_with_the_users_of_its_engine(observe_on: ObserveOn) -> None:
    url = "sqlite:///file:{name}?mode=memory&cache=shared&uri=true"
    fields = {"via": "sqlalchemy", "sql": (), "connect": {"poolclass": "SingletonThreadPool"}}
    later = rival(where="engine", when="after")
    (seen,) = observe_on("sqlite3[sqlalchemy]", beside(later, target=url, reopen=True, **fields))
    assert found(seen) == [SEES]
    assert seen.reopened is Reopened.DOES_NOT_SEE


def test_one_user_of_a_static_pool_ends_the_transaction_of_another(observe_on: ObserveOn) -> None:
    pool = {"poolclass": "StaticPool", "connect_args": {"check_same_thread": False}}
    rolls_back = rival(where="engine", when="during", does="roll-back")
    case = beside(rolls_back, target="sqlite://", via="sqlalchemy", sql=(), connect=pool)
    (seen,) = observe_on("sqlite3[sqlalchemy]", case)
    assert seen.error is not None
    assert "no transaction is active" in seen.error.message


def test_what_has_no_engine_has_no_rival_in_it(observe_on: ObserveOn) -> None:
    case = beside(rival(where="engine", when="during"), via="aiosqlite", sql=())
    (seen,) = observe_on("sqlite3[aiosqlite]", case)
    assert "no engine" in str(seen.error)


@needs_fork
@needs_proc
@pytest.mark.parametrize("driver", ["sqlite3", "shell"])
def test_nothing_is_left_of_them(observe_on: ObserveOn, driver: str, tmp_path: Path) -> None:
    wheres = ("same", "thread", "process")
    rivals = [rival(where=where, does="read") for where in wheres]
    cases = [beside(*rivals), beside(*rivals, target="no/x.db"), make_case("plain", target="x.db")]
    *_, plain = observe_on(driver, *cases, scratch=tmp_path)
    assert plain.there == ()
    assert workers_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_they_survive_the_round_trip(observe_on: ObserveOn) -> None:
    case = beside(rival(where="thread", does="write", when="during"))
    (seen,) = observe_on("sqlite3", case)
    assert read_case(case.to_json()) == case
    assert read_observation(seen.to_json()) == seen
    assert seen.second_connection is SecondConnection.SEES
