"""The database is copied to another name by the driver's own backup, and the files are seen."""

from __future__ import annotations

import shutil

import pytest

from matrix.model import Case, PathKind, Result, Storage
from matrix.model.meaning import meaning_of
from tests.builders import make_case
from tests.conftest import ObserveOn

DRIVERS = ["sqlite3", "pysqlite3", "apsw", "sqlean"]


def copying(target: str, backup: str, **fields: object) -> Case:
    return make_case(f"backup/{backup}", target=target, backup=backup, **fields)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_copy_is_a_file_of_its_own_stage_and_its_name_was_asked_for(
    observe_on: ObserveOn, driver: str
) -> None:
    plain, memory, uri, stray = observe_on(
        driver,
        copying(":memory:", "y.db"),
        copying("x.db", ":memory:"),
        copying("x.db", "file:{dir}/y.db", connect={"uri": True}),
        copying(":memory:", "file:y?mode=memory", connect=_without_uris(driver)),
    )
    (copy,) = [entry for entry in plain.created if entry.kind is PathKind.DATABASE]
    assert (copy.path, copy.stage, copy.asked, copy.kept) == ("y.db", "backup", True, True)
    assert copy.size is not None
    assert copy.size > 2_000_000
    assert (plain.result, plain.error, plain.storage) == (Result.OPENED, None, Storage.MEMORY)
    assert [entry.path for entry in memory.created if entry.stage == "backup"] == []
    assert ("y.db", True) in [(entry.path, entry.asked) for entry in uri.created]
    assert stray.error is None
    if driver == "apsw":
        assert [entry.path for entry in stray.strays] == ["file:y?mode=memory"]
    else:
        assert stray.strays == ()


def _without_uris(driver: str) -> dict[str, object]:
    return {"flags": ["READWRITE", "CREATE"]} if driver == "apsw" else {}


def test_a_copy_that_cannot_be_made_is_told(observe_on: ObserveOn) -> None:
    missing, middleware = observe_on("sqlite3", copying("x.db", "no/y.db")) + observe_on(
        "sqlite3[sqlalchemy]", copying("sqlite:///x.db", "y.db", via="sqlalchemy")
    )
    assert missing.error is not None
    assert missing.error.phase == "backup"
    assert "unable to open database file" in missing.error.message
    assert missing.second_connection is not None
    assert middleware.error is not None
    assert "no backup is known" in middleware.error.message


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="there is no command sqlite3 here")
def test_the_shell_copies_with_its_command(observe_on: ObserveOn) -> None:
    plain, quoted = observe_on(
        "shell", copying(":memory:", "y.db"), copying(":memory:", "a 'b' \"c\" \\n.db")
    )
    assert [(e.path, e.stage) for e in plain.created if e.kept] == [("y.db", "backup")]
    assert [e.path for e in quoted.created if e.kept] == ["a 'b' \"c\" \\n.db"]


@pytest.mark.parametrize(
    ("backup", "asked"),
    [
        ("y.db", ("x.db", "y.db")),
        ("file:y.db?mode=rwc", ("x.db", "y.db")),
        ("file:y.db?mode=memory", ("x.db",)),
        (":memory:", ("x.db",)),
    ],
)
def test_the_name_of_the_copy_is_asked_for_like_that_of_an_attached_database(
    backup: str, asked: tuple[str, ...]
) -> None:
    assert meaning_of(copying("x.db", backup)).asked == asked
