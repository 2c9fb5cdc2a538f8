"""The name of a stack is parsed, completed and formatted, and its mistakes are reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.errors import UsageError
from matrix.model import UriDefault
from matrix.stacks.catalogue import Catalogue
from matrix.stacks.interpreters import RUNNING
from matrix.stacks.spec import parse_stack, with_middleware

CATALOGUE = Catalogue(
    drivers={
        "sqlite3": [],
        "pysqlite3": ['pysqlite3==0.6.1; python_version >= "3.9"', "pysqlite3-binary==0.5.4.post2"],
        "apsw": ['apsw==3.54.1.0; python_version >= "3.11"', "apsw==3.46.1.0"],
    },
    middleware={
        "sqlalchemy": ['sqlalchemy==2.1.9; python_version >= "3.11"', "sqlalchemy==2.0.58"],
        "aiosqlite": ["aiosqlite==0.20.0"],
    },
    sqlite={"3.46.1": {"package": "pysqlite3-binary==0.5.4", "file": "x/*.so"}},  # type: ignore[dict-item]  # as YAML gives it
    sets={},
)


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("sqlite3", "sqlite3@3.11"),
        ("sqlite3@3.8", "sqlite3@3.8"),
        (" sqlite3 ", "sqlite3@3.11"),
        ("apsw", "apsw==3.54.1.0@3.11"),
        ("apsw@3.9", "apsw==3.46.1.0@3.9"),
        ("apsw==3.46.1.0", "apsw==3.46.1.0@3.11"),
        ("pysqlite3-binary", "pysqlite3==0.5.4.post2@3.11"),
        ("sqlite3[uri=off]", "sqlite3[uri=off]@3.11"),
        ("sqlite3[uri=as-built]", "sqlite3@3.11"),
        ("sqlite3[sqlalchemy]", "sqlite3[sqlalchemy=2.1.9]@3.11"),
        ("sqlite3[sqlalchemy]@3.9", "sqlite3[sqlalchemy=2.0.58]@3.9"),
        ("sqlite3[sqlalchemy=2.0.58,uri=on]", "sqlite3[uri=on,sqlalchemy=2.0.58]@3.11"),
        ("sqlite3[sqlite=3.46.1]", "sqlite3[sqlite=3.46.1]@3.11"),
        ("./some/driver.py", "driver@3.11"),
        ("driver.py[uri=off]", "driver[uri=off]@3.11"),
    ],
)
def test_what_a_spec_leaves_out_is_filled_in(spec: str, name: str) -> None:
    stack = parse_stack(spec, CATALOGUE, "3.11")
    assert stack.id == name
    if not spec.endswith(".py") and ".py[" not in spec:
        assert parse_stack(name, CATALOGUE, "3.8") == stack


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("", "not a stack"),
        ("sqlite3[", "not a stack"),
        ("sqlite3[]]", "not a stack"),
        ("==1", "not a stack"),
        ("sqlite3@latest", "not a stack"),
        ("mysql", "no driver called 'mysql'; drivers: apsw, pysqlite3, sqlite3"),
        ("sqlite3==3.11", "comes with Python"),
        ("apsw==newest", "not a version: 'newest'"),
        ("sqlite3[uri=maybe]", "no URI default 'maybe'; as-built, off or on"),
        ("sqlite3[uri]", "uri has no value"),
        ("sqlite3[uri=]", "uri has no value"),
        ("sqlite3[django]", "no such option: django"),
        ("sqlite3[sqlalchemy,aiosqlite]", "more than one middleware"),
        ("sqlite3[sqlite=1.0]", "neither a listed version nor a file; versions: 3.46.1"),
        ("sqlite3[sqlite=/no/such.so]", "neither a listed version nor a file"),
    ],
)
def test_an_invalid_spec_is_reported(spec: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_stack(spec, CATALOGUE)
    assert complaint in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_unlisted_version_is_that_of_the_distribution_of_its_time() -> None:
    older = parse_stack("pysqlite3==0.5.0", CATALOGUE)
    newer = parse_stack("pysqlite3==0.9", CATALOGUE)
    assert older.package is not None
    assert newer.package is not None
    assert older.package.requirement == "pysqlite3-binary==0.5.0"
    assert newer.package.requirement == "pysqlite3==0.9"


def test_without_a_python_it_is_the_one_that_runs_the_tool() -> None:
    assert parse_stack("sqlite3", CATALOGUE).python == RUNNING


def test_a_stack_runs_cases_of_its_own_kind() -> None:
    bare = parse_stack("sqlite3", CATALOGUE)
    on_top = with_middleware(bare, "sqlalchemy", CATALOGUE)
    assert [bare.runs(None), bare.runs("sqlalchemy")] == [True, False]
    assert [on_top.runs(None), on_top.runs("sqlalchemy")] == [False, True]
    assert on_top == parse_stack("sqlite3[sqlalchemy]", CATALOGUE)


def test_drivers_are_installed_only_as_wheels_and_middleware_in_any_form() -> None:
    stack = parse_stack("apsw[sqlalchemy]@3.11", CATALOGUE)
    assert [(package.distribution, package.wheel) for package in stack.packages] == [
        ("apsw", True),
        ("sqlalchemy", False),
    ]


def test_a_users_library_is_identified_by_its_content(tmp_path: Path) -> None:
    names = []
    for content in (b"one", b"two"):
        (tmp_path / "lib.so").write_bytes(content)
        stack = parse_stack(f"sqlite3[sqlite={tmp_path}/lib.so]@3.11", CATALOGUE)
        assert stack.library is not None
        assert (stack.library.version, stack.library.file) == (None, str(tmp_path / "lib.so"))
        names.append(stack.id)
    assert names[0] != names[1]
    assert all("/" not in name for name in names)


def test_the_uri_default_is_part_of_the_stack() -> None:
    assert parse_stack("apsw[uri=on]", CATALOGUE).uri is UriDefault.ON
    assert parse_stack("apsw", CATALOGUE).uri is UriDefault.AS_BUILT
