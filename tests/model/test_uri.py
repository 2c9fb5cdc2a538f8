"""How SQLite takes a `file:` URI apart."""

from __future__ import annotations

import pytest

from matrix.model.uri import parse_file_uri


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("file:x.db", "x.db"),
        ("file:/x.db", "/x.db"),
        ("file:///x.db", "/x.db"),
        ("file://localhost/x.db", "/x.db"),
        ("file:", ""),
        ("file:?mode=memory", ""),
        ("file:a%20b", "a b"),
        ("file:a+b", "a+b"),
        ("file:a%3fb", "a?b"),
        ("file:a%00b", "a"),
        ("file:a%ffb", "a\udcffb"),
        ("file:a#b?mode=memory", "a"),
        ("file:a?b#c", "a"),
        ("file::memory:", ":memory:"),
        ("file:ä", "ä"),
        ("file:a\0b", "a"),
    ],
)
def test_the_path_of_a_uri_is_decoded(text: str, path: str) -> None:
    uri = parse_file_uri(text)
    assert uri is not None
    assert uri.path == path


@pytest.mark.parametrize(
    "text", ["", "x.db", "FILE:x", " file:x", "file", ":memory:", "sqlite:///x"]
)
def test_what_does_not_begin_with_the_scheme_is_no_uri(text: str) -> None:
    assert parse_file_uri(text) is None


def test_parameters_keep_their_order_and_repeats() -> None:
    uri = parse_file_uri("file:x?mode=ro&cache=shared&mode=memory&&b=%26%3D&c=a=b&flag")
    assert uri is not None
    assert uri.parameters == (
        ("mode", "ro"),
        ("cache", "shared"),
        ("mode", "memory"),
        ("b", "&="),
        ("c", "a=b"),
        ("flag", ""),
    )
    assert (uri.last("mode"), uri.last("flag"), uri.last("vfs")) == ("memory", "", None)


@pytest.mark.parametrize("query", ["=memory", "&=a&", "%00mode=memory"])
def test_a_parameter_without_a_name_is_none(query: str) -> None:
    uri = parse_file_uri(f"file:x?{query}")
    assert uri is not None
    assert uri.parameters == ()


@pytest.mark.parametrize(
    ("text", "authority", "path"),
    [
        ("file://host/x", "host", "/x"),
        ("file:///x", "", "/x"),
        ("file:/x//y/z", "", "/x//y/z"),
        ("file://localhost#/x", "localhost#", "/x"),
        ("file://localhost?mode=ro/x", "localhost?mode=ro", "/x"),
        ("file://x.db", "x.db", ""),
        ("file://#/x", "#", "/x"),
    ],
)
def test_the_authority_ends_at_a_slash_whatever_stands_before_it(
    text: str, authority: str, path: str
) -> None:
    uri = parse_file_uri(text)
    assert uri is not None
    assert (uri.authority, uri.path) == (authority, path)


@pytest.mark.parametrize(
    ("text", "in_memory"),
    [
        ("file:x?mode=memory", True),
        ("file:x?mode=rwc&mode=memory", True),
        ("file:x?mode=memory&mode=rwc", False),
        ("file::memory:", True),
        ("file:", True),
        ("file:x?vfs=memdb", True),
        ("file:x?mode=MEMORY", False),
        ("file:x", False),
        ("file:x?cache=shared", False),
    ],
)
def test_a_uri_says_whether_it_names_a_file(text: str, in_memory: bool) -> None:
    uri = parse_file_uri(text)
    assert uri is not None
    assert uri.in_memory is in_memory
