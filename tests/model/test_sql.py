"""Which files SQL names, as SQLite reads it, without running any of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from matrix.model.sql import is_query, names_in_sql


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("ATTACH 'w.db' AS a", ("w.db",)),
        ("attach database 'w.db' as a", ("w.db",)),
        ("ATTACH ('w.db') AS a", ("w.db",)),
        ("ATTACH (('w.db')) AS a", ("w.db",)),
        ('ATTACH "w.db" AS a', ("w.db",)),
        ("ATTACH [w.db] AS a", ("w.db",)),
        ("ATTACH `w``x.db` AS a", ("w`x.db",)),
        ("ATTACH w AS a", ("w",)),
        ("ATTACH 'it''s.db' AS a", ("it's.db",)),
        ("ATTACH 'w.db' AS a KEY 'k'", ("w.db",)),
        ("ATTACH 'w' || '.db' AS a", ("w.db",)),
        ("ATTACH ('w' || ('.' || 'db')) AS (lower('A'))", ("w.db",)),
        ("ATTACH 'a' || 5 AS a", ("a5",)),
        ("ATTACH x'772e6462' AS a", ("w.db",)),
        ("ATTACH CAST('w' AS text) AS a", ("w",)),
        ("ATTACH /* 'no' */ 'w.db' -- 'no'\n AS a", ("w.db",)),
        ("ATTACH 'a;b.db' AS a", ("a;b.db",)),
        ("ATTACH 'données.db' AS a", ("données.db",)),
        ("ATTACH '\udcff.db' AS a", ("\udcff.db",)),
        ("ATTACH '' AS a", ("",)),
        ("VACUUM INTO 'w.db'", ("w.db",)),
        ("VACUUM \"main\" INTO 'w.db'", ("w.db",)),
        ("VACUUM main INTO ('w.db')", ("w.db",)),
        ("VACUUM temp INTO 'w.db'", ()),  # SQLite does nothing for it
        ("VACUUM INTO 'w' || '.db'", ("w.db",)),
        ("vacuum/**/into/**/'w.db'", ("w.db",)),
        ("VACUUM", ()),
        ("ATTACH NULL AS a", ()),
        ("DETACH 'w.db'", ()),
        ("SELECT 'ATTACH ''w.db'' AS a'", ()),
        ("-- ATTACH 'w.db' AS a", ()),
        ("EXPLAIN ATTACH 'w.db' AS a", ()),
        ("ATTACH ? AS a", ()),
        ("ATTACH 'w.db'", ()),
        ("ATTACH 'w.db AS a", ()),
        ("ATTACH 'w.db\0' AS a", ()),
        ("VACUUM nosuch INTO 'w.db'", ()),
        ("attach vacuum into \x00\udcff", ()),
        ("", ()),
    ],
)
def test_a_statement_names_what_sqlite_would_open(statement: str, names: tuple[str, ...]) -> None:
    assert names_in_sql((statement,)) == names


def test_of_several_statements_in_one_text_each_counts() -> None:
    text = "ATTACH 'a;b' AS x; VACUUM x INTO 'q'; -- ATTACH 'c' AS y;\nDETACH x; ATTACH 'z' AS x"
    assert names_in_sql((text,)) == ("a;b", "q", "z")


def test_a_schema_is_known_to_later_statements() -> None:
    assert names_in_sql(("ATTACH 'a' AS \"odd name\"", "VACUUM [odd name] INTO 'b'")) == ("a", "b")


@pytest.mark.parametrize("statement", ["ATTACH lower('W.DB') AS a", "ATTACH (SELECT 'w') AS a"])
def test_a_computed_name_is_not_known(statement: str) -> None:
    assert names_in_sql((statement,)) == ()


def test_nothing_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    temporary = tmp_path / "elsewhere"
    temporary.mkdir()
    names_in_sql(
        (
            "ATTACH 'a.db' AS a; CREATE TABLE a.t(x)",
            "VACUUM INTO 'b.db'",
            f"PRAGMA temp_store_directory='{temporary}' /* attach */",
            "PRAGMA hard_heap_limit=1 -- attach",
        )
    )
    assert os.listdir(tmp_path) == ["elsewhere"]  # noqa: PTH208
    assert names_in_sql(("PRAGMA temp_store_directory -- attach", "ATTACH 'c' AS c")) == ("c",)


@pytest.mark.parametrize(
    "text",
    [
        "ATTACH '" + "a" * 1_000_000 + "' AS a",
        "ATTACH '" + ";" * 1_000_000 + "' AS a",
        "ATTACH " + "(" * 90_000,
        "ATTACH " + "'a'||" * 20_000 + "'b' AS a",
        "ATTACH 'a' AS a;" * 5_000,
    ],
)
def test_a_text_without_end_is_read_up_to_a_limit(text: str) -> None:
    assert len(names_in_sql((text,))) <= 1_000


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM t",
        "/* all */ select 1",
        "WITH x AS (SELECT 1) SELECT * FROM t",
        "VALUES (1)",
        "SELECT * FROM other.t",
    ],
)
def test_a_query_is_told_by_what_sqlite_would_do(statement: str) -> None:
    assert is_query(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO t SELECT 1",
        "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x",
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "ATTACH (SELECT 1) AS x",
        "PRAGMA user_version",
        "SELECT_ 1",
        "garbage",
        "",
    ],
)
def test_anything_else_is_no_query(statement: str) -> None:
    assert not is_query(statement)
