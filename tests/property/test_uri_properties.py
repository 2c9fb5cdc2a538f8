"""The rules for URIs are SQLite's: what is parsed is compared with what a real library opens."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from hypothesis import example, given, settings
from hypothesis import strategies as st

from matrix.model.uri import parse_file_uri

# What may stand in a file name on Linux and macOS, and what URIs trip on; no slash.
CHARACTERS = "ab.:;=&?#%+@!~ '\"\\$*[]{}()<>|-_,ä€"
names = st.text(CHARACTERS, min_size=1, max_size=8).filter(lambda name: name.strip(".") != "")
escapes = st.sampled_from(["%20", "%3f", "%3F", "%23", "%25", "%26", "%2b", "%c3%a4", "%00", "%41"])
pieces = st.lists(st.one_of(st.text(CHARACTERS, min_size=1, max_size=3), escapes), max_size=5)
modes = st.sampled_from(["", "?mode=rwc", "?cache=private", "?mode=memory", "?unknown=1&mode=rwc"])
marks = ["#", "?", "&", "=", "%00", "%2f", "localhost", "x", "mode", "mode=memory", "%"]
marked = st.lists(st.sampled_from(marks), max_size=6).map("".join)
after_slashes = st.sampled_from(["", "/nosuch/x", "/nosuch/x#", "/nosuch//y"])


@contextmanager
def chdir(directory: str) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)


def opened(target: str) -> tuple[str | None, list[str]]:
    """The file that SQLite names for a target, None where it refuses, and the files that appear."""
    with TemporaryDirectory() as directory, chdir(directory):
        try:
            with closing(sqlite3.connect(target, uri=True)) as connection:
                connection.text_factory = os.fsdecode
                ((_, _, file),) = connection.execute("PRAGMA database_list").fetchall()
        except sqlite3.Error:
            return None, sorted(os.listdir(directory))  # noqa: PTH208  # names, as they stand
        real = f"{os.path.realpath(directory)}/"
        return (file or "").removeprefix(real), sorted(os.listdir(directory))  # noqa: PTH208


@settings(deadline=None, max_examples=150)
@given(pieces.map("".join), modes)
@example("", "")
@example("a%00b", "")
@example("%", "")
@example("a%4", "")
@example("a%zzb", "")
@example("a#b", "?mode=rwc")
@example("a?b?c", "")
@example(":memory:", "?cache=private")
def test_the_path_is_the_one_that_sqlite_opens(text: str, query: str) -> None:
    target = f"file:{text}{query}"
    uri = parse_file_uri(target)
    assert uri is not None
    file, appeared = opened(target)
    if file is None:
        return
    if uri.in_memory:
        assert (file, appeared) == ("", [])
    else:
        assert (file, appeared) == (uri.path, [uri.path])


def complaint(target: str) -> str:
    """What SQLite says when it is to open a target; whatever it opens is in a directory of ours."""
    with TemporaryDirectory() as directory, chdir(directory):
        try:
            sqlite3.connect(target, uri=True).close()
        except sqlite3.Error as error:
            return str(error)
    return ""


@settings(deadline=None, max_examples=300)
@given(marked, after_slashes)
@example("localhost#", "/nosuch/x")
@example("localhost?", "/nosuch/x")
@example("localhost%2f", "/nosuch/x")
@example("#", "/nosuch/x")
@example("localhost", "")
def test_the_authority_is_the_one_that_sqlite_reads(authority: str, rest: str) -> None:
    target = f"file://{authority}{rest}"
    uri = parse_file_uri(target)
    assert uri is not None
    refused = complaint(target).startswith("invalid uri authority")
    assert refused is (uri.authority not in ("", "localhost"))


@settings(deadline=None, max_examples=300)
@given(marked)
@example("=x&mode=nope")
@example("%00mode=nope")
@example("mode%00=nope")
@example("mode=memory&=&mode")
def test_a_parameter_is_one_that_sqlite_reads(query: str) -> None:
    target = f"file:x?{query}"
    uri = parse_file_uri(target)
    assert uri is not None
    modes = [value for name, value in uri.parameters if name == "mode"]
    refused = complaint(target).startswith("no such access mode")
    assert refused is any(mode not in ("ro", "rw", "rwc", "memory") for mode in modes)


@settings(deadline=None, max_examples=100)
@given(names)
def test_a_quoted_name_is_that_name(name: str) -> None:
    if name == ":memory:":
        return
    target = f"file:{quote(name)}?mode=rwc"
    uri = parse_file_uri(target)
    assert uri is not None
    assert uri.path == name
    assert opened(target) == (name, [name])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(["ro", "rw", "rwc", "memory"]), min_size=1, max_size=4))
def test_of_several_modes_the_last_one_decides_between_memory_and_a_file(modes: list[str]) -> None:
    target = "file:x?" + "&".join(f"mode={mode}" for mode in modes)
    uri = parse_file_uri(target)
    assert uri is not None
    assert uri.last("mode") == modes[-1]
    file, appeared = opened(target)
    if file is not None:
        assert (appeared == []) is uri.in_memory
