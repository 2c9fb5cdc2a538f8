"""Does the data last? Everything is closed, the target is opened again, and asked for the data."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matrix.model import Case, Reopened, Result, SecondConnection, Storage
from matrix.model.codec import read_case, read_observation
from tests.builders import make_case
from tests.conftest import ObserveOn

DRIVERS = ["sqlite3", "pysqlite3", "apsw"]
SEES, DOES_NOT_SEE = Reopened.SEES, Reopened.DOES_NOT_SEE


def lasting(target: str, **fields: object) -> Case:
    return make_case(f"reopen/{target}", target=target, reopen=True, **fields)


@pytest.mark.parametrize("driver", DRIVERS)
def test_what_is_in_a_file_lasts_and_what_is_elsewhere_does_not(
    observe_on: ObserveOn, driver: str
) -> None:
    uri = {"uri": True}
    file, wal, memory, named, temporary = observe_on(
        driver,
        lasting("x.db"),
        lasting("w.db", sql=("PRAGMA journal_mode=wal",)),
        lasting(":memory:"),
        lasting("file:/{name}?vfs=memdb", connect=uri),
        lasting(""),
    )
    assert [seen.reopened for seen in (file, wal)] == [SEES, SEES]
    assert [seen.reopened for seen in (memory, named, temporary)] == [DOES_NOT_SEE] * 3
    assert named.second_connection is SecondConnection.SEES
    assert all(seen.reused == () for seen in (file, wal, memory, named, temporary))


def test_nobody_asks_for_what_was_not_written(observe_on: ObserveOn) -> None:
    unwritten, unasked, refused = observe_on(
        "sqlite3",
        lasting("x.db", write=False),
        make_case("reopen/unasked", target="x.db"),
        lasting("no/x.db"),
    )
    assert [seen.reopened for seen in (unwritten, unasked, refused)] == [None, None, None]


def test_a_reopening_that_is_refused_is_told(observe_on: ObserveOn) -> None:
    broken = (
        "CREATE TABLE t(x)",
        "PRAGMA writable_schema=on",
        "UPDATE sqlite_master SET sql='no statement' WHERE name='t'",
    )
    seen, first = observe_on(
        "sqlite3",
        lasting("x.db", sql=broken),
        lasting("y.db", sql=broken, second="other.db"),
    )
    assert (seen.result, seen.reopened) == (Result.OPENED, Reopened.REFUSED)
    assert (seen.second_connection, first.second_connection) == (
        SecondConnection.REFUSED, SecondConnection.DOES_NOT_SEE
    )  # fmt: skip
    assert first.error is not None
    assert first.error.phase == "reopen"
    assert "malformed database schema" in first.error.message


def test_files_of_a_reopening_have_a_stage_of_their_own(observe_on: ObserveOn) -> None:
    alone = ("PRAGMA locking_mode=exclusive", "PRAGMA journal_mode=wal")  # and thus without -shm
    (seen,) = observe_on("sqlite3", lasting("w.db", sql=alone, second="other.db"))
    stages = {entry.path: entry.stage for entry in seen.created}
    assert (stages["w.db-wal"], stages["w.db-shm"]) == ("write", "reopen")
    assert seen.reopened is SEES


MIDDLEWARE = {
    "aiosqlite": ("x.db", ":memory:", DOES_NOT_SEE),
    "django": ("x.db", ":memory:", SEES),  # it leaves a connection to memory open on purpose
    "flask-sqlalchemy": ("sqlite:///x.db", "sqlite:///:memory:", DOES_NOT_SEE),
    "peewee": ("x.db", ":memory:", DOES_NOT_SEE),
    "sqlalchemy": ("sqlite:///x.db", "sqlite://", DOES_NOT_SEE),
    "sqlalchemy-asyncio": ("sqlite+aiosqlite:///x.db", "sqlite+aiosqlite://", DOES_NOT_SEE),
}


@pytest.mark.parametrize("via", MIDDLEWARE)
def test_a_user_of_a_middleware_comes_back_in_his_own_way(observe_on: ObserveOn, via: str) -> None:
    file_target, memory_target, expected = MIDDLEWARE[via]
    file, memory = observe_on(
        f"sqlite3[{via}]", lasting(file_target, via=via), lasting(memory_target, via=via)
    )
    assert (file.storage, file.reopened, file.error) == (Storage.FILE, SEES, None)
    assert (memory.storage, memory.reopened, memory.error) == (Storage.MEMORY, expected, None)
    assert ("reopen" in memory.reused) is (expected is SEES)


def test_the_connection_of_a_static_pool_is_told_from_a_second_one(observe_on: ObserveOn) -> None:
    def case(pool: str) -> Case:
        options = {"poolclass": pool, "connect_args": {"check_same_thread": False}}
        return make_case(f"reuse/{pool}", target="sqlite://", via="sqlalchemy", connect=options)

    static, singleton = observe_on(
        "sqlite3[sqlalchemy]", case("StaticPool"), case("SingletonThreadPool")
    )
    assert (static.second_connection, static.reused) == (
        SecondConnection.SEES, ("second_connection",)
    )  # fmt: skip
    assert (singleton.second_connection, singleton.reused) == (SecondConnection.DOES_NOT_SEE, ())


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_second_connection_may_be_one_of_another_thread(
    observe_on: ObserveOn, driver: str
) -> None:
    def case(target: str, **fields: object) -> Case:
        fields = {"connect": {"uri": True}, "second_in_thread": True, **fields}
        return make_case(f"thread/{target}", target=target, **fields)

    memory, shared, apart = observe_on(
        driver,
        case(":memory:"),
        case("file:/{name}?vfs=memdb"),
        case("file:/{name}x?vfs=memdb", second="file:/{name}y?vfs=memdb"),
    )
    assert memory.second_connection is SecondConnection.DOES_NOT_SEE
    assert shared.second_connection is SecondConnection.SEES
    assert apart.second_connection is SecondConnection.DOES_NOT_SEE
    assert (memory.error, shared.error, apart.error) == (None, None, None)


def test_the_other_thread_is_another_one(observe_on: ObserveOn) -> None:
    here, there, named = observe_on(
        "one_thread",
        make_case("thread/here", target="x.db"),
        make_case("thread/there", target="x.db", second_in_thread=True),
        make_case("thread/named", target="x.db", second_in_thread=True, second="x.db"),
    )
    assert here.second_connection is SecondConnection.SEES
    for seen in (there, named):
        assert seen.second_connection is SecondConnection.REFUSED
        assert seen.error is not None
        assert seen.error.message == "this is another thread"


def test_the_keys_survive_the_round_trip(observe_on: ObserveOn) -> None:
    (seen,) = observe_on("sqlite3", lasting("x.db"))
    assert read_observation(seen.to_json()) == seen
    keys = sorted(seen.to_json())
    assert (keys[0], keys[-1]) == ("case", "warnings")
    old = {k: v for k, v in seen.to_json().items() if k not in ("reopened", "reused")}
    assert read_observation(old).reopened is None
    case = lasting("x.db", backup="y.db")
    assert read_case(case.to_json()) == case


def test_a_case_that_asks_for_neither_keeps_its_digest() -> None:
    plain = make_case()
    assert plain.digest == "4b70009b330e264b"
    asked = (
        replace(plain, reopen=True),
        replace(plain, backup="y.db"),
        replace(plain, write=False),
    )
    others = {case.digest for case in asked}
    assert len(others | {plain.digest}) == 4
