"""The names in SQL are those under which SQLite makes files; the statements are really run."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given, settings
from hypothesis import strategies as st

from matrix.model.sql import is_query, names_in_sql

# Names that no URI rule touches, with what SQL trips on; no slash.
LETTERS = "ab.;'\"`[]()-* ,äΩ{}"
names = st.text(LETTERS, min_size=1, max_size=8).filter(lambda name: name.strip(".") != "")
blanks = st.sampled_from([" ", "\n", "/**/", " -- it's\n", "/* ';\" */", "\t "])


def _quoted(name: str, mark: str) -> str:
    return mark + name.replace(mark, mark * 2) + mark


def _bracketed(name: str) -> str:
    return f"[{name}]" if "]" not in name else _quoted(name, '"')


def _blob(name: str) -> str:
    return f"x'{name.encode().hex()}'"


def _in_two(name: str) -> str:
    half = len(name) // 2
    return f"{_quoted(name[:half], chr(39))} || {_quoted(name[half:], chr(39))}"


literals = st.sampled_from(
    [
        lambda name: _quoted(name, "'"),
        lambda name: _quoted(name, '"'),
        lambda name: _quoted(name, "`"),
        _bracketed,
        _in_two,
        lambda name: f"({_quoted(name, chr(39))})",
        lambda name: f"(({_in_two(name)}))",
    ]
)


@st.composite
def statements(draw: st.DrawFn) -> str:
    name = draw(names)
    literal = draw(literals)(name)
    blank = draw(blanks)
    attach = draw(st.sampled_from(["ATTACH", "attach database", "Attach"]))
    schema = draw(st.sampled_from(["a", "'b c'", "[d]", '"e"', "`f`"]))
    vacuum = draw(st.sampled_from(["VACUUM INTO", "vacuum main into", 'VACUUM "main" INTO']))
    return draw(
        st.sampled_from(
            [
                f"{attach}{blank}{literal}{blank}AS{blank}{schema}",
                f"{attach} {literal} AS {schema} KEY 'k'",
                f"{attach} {_blob(name)} AS {schema}",
                f"{vacuum}{blank}{literal}",
                f"{blank}SELECT {_quoted(literal, chr(39))}{blank}",
            ]
        )
    )


def files_of(texts: list[str]) -> set[str]:
    """The files that SQLite makes for these statements, one after the other."""
    before = Path.cwd()
    with TemporaryDirectory() as directory:
        os.chdir(directory)
        try:
            with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
                for text in texts:
                    with suppress(sqlite3.Error, sqlite3.Warning):
                        connection.execute(text)
        finally:
            os.chdir(before)
        return set(os.listdir(directory))  # noqa: PTH208  # names, as they stand


@settings(deadline=None, max_examples=300)
@given(st.lists(statements(), max_size=3))
@example(["ATTACH 'a' AS a", "VACUUM a INTO 'b'"])
@example(["ATTACH 'a' AS a", "ATTACH 'b' AS a"])
@example(["VACUUM INTO [a]"])
def test_the_names_are_those_of_the_files_that_sqlite_makes(texts: list[str]) -> None:
    made = files_of(texts)
    named = set(names_in_sql(tuple(texts)))
    assert made <= named
    # A statement that fails when it runs makes no file: a schema that is attached already, a copy
    # over a file that is there.
    assert len(named - made) <= max(0, len(texts) - 1)


@settings(deadline=None, max_examples=300)
@given(statements())
def test_one_statement_names_just_the_file_that_sqlite_makes(text: str) -> None:
    assert files_of([text]) == set(names_in_sql((text,)))


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(["ATTACH ", "VACUUM INTO ", "'", '"', ";", "--", "/*"]), st.text()
        ),
        max_size=8,
    ).map("".join)
)
@example("ATTACH '\ud800' AS a")
@example("ATTACH 'a\0b' AS a;")
def test_no_text_is_too_odd_to_be_read(text: str) -> None:
    names_in_sql((text,))
    is_query(text)
