"""Permissions hold for the user of a case, even where the tool runs as root."""

from __future__ import annotations

import os
from typing import Any

import pytest

from matrix.model import Case, Observation, Result
from tests.builders import make_case
from tests.conftest import ObserveOn

DRIVERS = ["sqlite3", "pysqlite3", "apsw"]
SETUP = ({"db": "x.db", "sql": ["CREATE TABLE t(x)"], "keep_wal": False},)

needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="another owner needs root"
)


def permitted(name: str, mode: str | None, owner: str | None = None, **fields: Any) -> Case:
    permissions = {name: {"mode": mode, "owner": owner}}
    settings = {"target": "x.db", "setup": SETUP, "permissions": permissions, **fields}
    return make_case(f"permissions/{settings}", **settings)


def error_of(seen: Observation) -> tuple[str, str]:
    assert seen.error is not None
    return seen.error.phase, seen.error.message.rpartition(": ")[2]


@pytest.mark.parametrize("driver", [*DRIVERS, "shell"])
def test_the_mode_of_a_file_holds(observe_on: ObserveOn, driver: str) -> None:
    read, nothing, everything = observe_on(
        driver, permitted("x.db", "0444"), permitted("x.db", "0000"), permitted("x.db", "0666")
    )
    assert error_of(read)[0] == "write"
    assert "readonly" in error_of(read)[1]
    assert nothing.result is Result.REFUSED
    assert everything.error is None
    assert everything.modified == ("x.db",)


def test_the_mode_of_the_directory_holds(observe_on: ObserveOn) -> None:
    there, new = observe_on(
        "sqlite3", permitted(".", "0555"), permitted(".", "0555", setup=(), target="y.db")
    )
    assert error_of(there)[0] == "write"  # SQLite cannot make its journal
    assert there.modified == ()
    assert (new.result, new.created) == (Result.REFUSED, ())


def test_a_directory_that_may_not_be_listed_is_written_to(observe_on: ObserveOn) -> None:
    (seen,) = observe_on("sqlite3", permitted(".", "0333", setup=(), target="y.db"))
    assert seen.error is None
    assert [(entry.path, entry.kept) for entry in seen.created] == [
        ("y.db", True),
        ("y.db-journal", False),
    ]
    assert seen.conflicts == ()


@needs_root
def test_what_belongs_to_another_is_only_read(observe_on: ObserveOn) -> None:
    mine, others, anyones = observe_on(
        "apsw",
        permitted("x.db", "0644"),
        permitted("x.db", "0644", "another"),
        permitted("x.db", "0666", "another"),
    )
    assert mine.error is None
    assert "readonly" in error_of(others)[1]
    assert anyones.error is None


def test_the_next_case_is_as_if_nothing_had_been(observe_on: ObserveOn) -> None:
    _, plain = observe_on(
        "sqlite3", permitted(".", "0000"), make_case("plain", target="x.db", setup=SETUP)
    )
    assert plain.error is None
    assert plain.modified == ("x.db",)
