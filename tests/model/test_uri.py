"""What a string means by SQLite's rules, and which file names it asks for."""

from __future__ import annotations

import pytest

from matrix.model import Intent, TargetType
from matrix.model.uri import asked_names, parse_file_uri
from tests.builders import make_case


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


def test_the_authority_is_told() -> None:
    uri = parse_file_uri("file://host/x")
    assert uri is not None
    assert (uri.authority, uri.path) == ("host", "/x")


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


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("x.db", ("x.db",)),
        ("file:x.db", ("x.db",)),
        ("file:a%20b?cache=shared", ("a b",)),
        ("file:x?mode=memory", ()),
        ("", ()),
        (":memory:", ()),
        (":memory:?cache=shared", ()),
        ("file::memory:?cache=shared", ()),
        ("{dir}/x.db", ("{dir}/x.db",)),
        ("file:{dir}/x.db", ("{dir}/x.db",)),
        ("file:///{dir}/x.db", ("/{dir}/x.db",)),
    ],
)
def test_a_target_asks_for_the_file_that_it_means(target: str, names: tuple[str, ...]) -> None:
    assert asked_names(make_case(target=target)) == names


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("sqlite:///x.db", ("x.db",)),
        ("sqlite:////tmp/x.db?timeout=5", ("/tmp/x.db",)),
        ("sqlite://", ()),
        ("sqlite:///:memory:", ()),
        ("sqlite+pysqlite:///a%20b.db", ("a%20b.db", "a b.db")),
        ("sqlite:///file:x.db?uri=true", ("x.db",)),
        ("sqlite:///file:x?mode=memory&uri=true", ()),
        ("sqlite:////file:x?mode=memory&uri=true", ()),
    ],
)
def test_a_url_asks_for_the_file_that_it_means(url: str, names: tuple[str, ...]) -> None:
    assert asked_names(make_case(target=url, via="sqlalchemy")) == names


def test_statements_ask_for_files_too() -> None:
    case = make_case(
        target=":memory:",
        sql=(
            "ATTACH 'a''b.db' AS a",
            "attach database 'file:c.db?mode=rwc' as c",
            "ATTACH ':memory:' AS m",
            "VACUUM INTO 'copy.db'",
            "VACUUM main INTO 'other.db'",
            "SELECT 'ATTACHED x.db'",
        ),
    )
    assert asked_names(case) == ("a'b.db", "c.db", "copy.db", "other.db")


@pytest.mark.parametrize(
    "intent",
    [Intent.PRIVATE_MEMORY, Intent.SHARED_MEMORY, Intent.TEMPORARY, Intent.REFUSE],
)
def test_the_intent_has_no_say_in_what_a_string_asks_for(intent: Intent) -> None:
    case = make_case(target="x.db", intent=intent, sql=('ATTACH "y.db"AS y',))
    assert asked_names(case) == ("x.db", "y.db")


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        ("x.db?mode=memory", ()),
        ("x?mode=memory&cache=shared", ()),
        ("x.db?cache=shared", ("x.db",)),
        ("what?.db", ("what?.db",)),
        ("a?b=c", ("a?b=c",)),
    ],
)
def test_parameters_of_sqlite_on_a_plain_name_are_no_part_of_it(
    target: str, asked: tuple[str, ...]
) -> None:
    assert asked_names(make_case(target=target)) == asked


def test_a_path_object_also_means_the_file_of_that_name() -> None:
    case = make_case(target="file:x.db", target_type=TargetType.PATH)
    assert asked_names(case) == ("x.db", "file:x.db")


def test_a_name_in_an_option_is_asked_for() -> None:
    case = make_case(target="x.db", connect={"OPTIONS": {"database": "y.db"}})
    assert asked_names(case) == ("x.db", "y.db")
