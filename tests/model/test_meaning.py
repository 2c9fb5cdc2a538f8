"""What a user means by a string: which files it asks for, and on which system."""

from __future__ import annotations

from typing import Any

import pytest

from matrix.model import Intent, TargetType
from matrix.model.meaning import Meaning, System, meaning_of, means_memory, system_of
from tests.builders import make_case


def asked(target: str, **fields: Any) -> tuple[str, ...]:
    return meaning_of(make_case(target=target, **fields), windows=False).asked


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
        ("file:?cache=shared", ()),
        ("{dir}/x.db", ("{dir}/x.db",)),
        ("file:{dir}/x.db", ("{dir}/x.db",)),
        ("file:///{dir}/x.db", ("/{dir}/x.db",)),
        ("{name}.db", ("{name}.db",)),
        ("FILE:x.db", ("x.db",)),
        (" file:x.db", ("x.db",)),
        ("jdbc:sqlite:x.db", ("x.db",)),
        ("sqlite:///x.db", ("x.db",)),
        ("sqlite:////a/x.db", ("/a/x.db",)),
        ("a:b.db", ("a:b.db",)),
    ],
)
def test_a_target_asks_for_the_file_that_it_means(target: str, names: tuple[str, ...]) -> None:
    assert asked(target) == names


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
        ("sqlite:///x.db?mode=memory", ()),
        ("x.db", ("x.db",)),
        ("file:///a/x.db", ("/a/x.db",)),
    ],
)
def test_a_url_asks_for_the_file_that_it_means(url: str, names: tuple[str, ...]) -> None:
    assert asked(url, via="sqlalchemy") == names


def test_statements_ask_for_files_too() -> None:
    statements = (
        "ATTACH 'a''b.db' AS a",
        "attach database 'file:c.db?mode=rwc' as c",
        "ATTACH ':memory:' AS m",
        "VACUUM INTO 'copy.db'",
        "VACUUM main INTO '{name}.db'",
        "ATTACH '{dir}/x.db' AS {name}; VACUUM {name} INTO ('other' || '.db')",
        "SELECT 'ATTACHED x.db'",
    )
    names = ("a'b.db", "c.db", "copy.db", "{name}.db", "{dir}/x.db", "other.db")
    assert asked(":memory:", sql=statements) == names


@pytest.mark.parametrize(
    "intent",
    [Intent.PRIVATE_MEMORY, Intent.SHARED_MEMORY, Intent.TEMPORARY, Intent.REFUSE],
)
def test_the_intent_has_no_say_in_what_a_string_asks_for(intent: Intent) -> None:
    assert asked("x.db", intent=intent, sql=('ATTACH "y.db"AS y',)) == ("x.db", "y.db")


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("x.db?mode=memory", ()),
        ("x?mode=memory&cache=shared", ()),
        ("x.db?cache=shared", ("x.db",)),
        ("x.db?timeout=5&mode=rwc", ("x.db",)),
        ("x.db?timeout=5", ("x.db",)),
        ("what?.db", ("what?.db",)),
        ("a?b=c", ("a?b=c",)),
        ("a&mode.db", ("a&mode.db",)),
    ],
)
def test_parameters_on_a_plain_name_are_no_part_of_it(target: str, names: tuple[str, ...]) -> None:
    assert asked(target) == names


def test_a_path_object_also_means_the_file_of_that_name() -> None:
    assert asked("file:x.db", target_type=TargetType.PATH) == ("x.db", "file:x.db")


def test_a_path_object_of_a_memory_name_means_memory() -> None:
    assert asked("file:x?mode=memory", target_type=TargetType.PATH) == ()


def test_a_name_in_an_option_is_asked_for() -> None:
    assert asked("x.db", connect={"OPTIONS": {"database": "y.db"}}) == ("x.db", "y.db")


MEMORY = [
    ":memory:", ":memory", "memory:", "::memory::", " :memory:", ":memory: ", ":MEMORY:",
    ":Memory:", '":memory:"', "：memory：", ":mem:", ":memdb:", ":inmemory:", "test_:memory:",
    "backend/:memory:", "{dir}/:memory:", "/:memory:", ":memory:?cache=shared", ":memory:#x",
    ":memory:test", "file::memory:", "file::MEMORY:", "file:memory:", "file::memory:?mode=rwc",
    "file:///:memory:", "file://:memory:", "%3Amemory%3A", "file:%3Amemory%3A",
    "sqlite::memory:", "sqlite:memory:", "sqlite::memory", "jdbc:sqlite::memory:",
    "sqlite:/:memory:", "sqlite:////:memory:", "sqlite://:memory:", "sqlite:///:memory:?uri=true",
    "sqlite:///file:memory:?uri=true", "sqlite+aiosqlite:///:MEMORY:",
    "file:x?mode=memory", "file:x?Mode=memory", "file:x?MODE=MEMORY", "file:x?mode = memory",
    "file:x?mode= memory", "file:x? mode=memory", "file:x?mode==memory", "file:x?mode='memory'",
    "file:x?mode=:memory:", "file:x?mode=in-memory", "file:x?mode=inmemory", "file:x?mode=memdb",
    "file:x?cache=shared&amp;mode=memory", "file:x?cache=shared;mode=memory",
    "file:x?cache=shared?mode=memory", "file:x?psow=1,mode=memory", "file:x?mode=memory,shared",
    "file:x%3Fmode=memory", "file:x%3fmode%3dmemory", "file:x%253Fmode=memory",
    "file:x&mode=memory", "file:x;mode=memory", "file:mode=memory",
    "file:x?mode=rwc&Mode=memory", "file:x?VFS=memdb",
    "file:x#y?mode=memory", "file:x?mode=memory%00x", "x.db?mode=memory", "?mode=memory",
    "sqlite:///x.db?mode=memory",
]  # fmt: skip
FILES = [
    "memory", "memory.db", "in-memory.db", "my:memory.db", "my:memory", "memory:x.db", "./:memory:",
    "file:./:memory:", "file:memory", ":memory:/x.db", "x?mode=memory.db", "file:x?mode=rwc",
    "file:x?mode=memory&mode=rwc", "file:x?journal_mode=memory", "file:x?cache=shared",
    "file:x?mode=ro&comment=memory", "sqlite:memory", "sqlite:///memory", "mode=memory.db", "x.db",
]  # fmt: skip


@pytest.mark.parametrize("text", MEMORY)
def test_who_writes_this_means_memory(text: str) -> None:
    assert means_memory(text)
    assert asked(text) == ()
    assert asked(text, via="sqlalchemy") == ()
    assert asked("x.db", second=text) == ("x.db",)
    assert asked("x.db", backup=text) == ("x.db",)
    assert asked("x.db", sql=(f"ATTACH {quoted(text)} AS m",)) == ("x.db",)
    assert asked("x.db", sql=(f"VACUUM INTO {quoted(text)}",)) == ("x.db",)
    assert asked("x.db", connect={"NAME": text}) == ("x.db",)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@pytest.mark.parametrize("text", FILES)
def test_who_writes_this_means_a_file(text: str) -> None:
    assert not means_memory(text)
    assert len(asked(text)) == 1
    assert len(asked(":memory:", sql=(f"ATTACH {quoted(text)} AS m",))) == 1


FOREIGN = {
    "C:\\x.db": System.WINDOWS,
    "C:/x.db": System.WINDOWS,
    "c:/a/x.db": System.WINDOWS,
    "/C:/x.db": System.WINDOWS,
    "file:C:/x.db": System.WINDOWS,
    "file:C:\\x.db?mode=ro": System.WINDOWS,
    "file:/C:/x.db": System.WINDOWS,
    "file:///C:/x.db": System.WINDOWS,
    "file:///C|/x.db": System.WINDOWS,
    "file:C%3A/x.db": System.WINDOWS,
    "file://C:/x.db": System.WINDOWS,
    "\\\\server\\share\\x.db": System.WINDOWS,
    "\\\\?\\C:\\x.db": System.WINDOWS,
    "sqlite:///C:/x.db": System.WINDOWS,
    "sqlite:///C:\\x.db": System.WINDOWS,
    "%APPDATA%\\x.db": System.WINDOWS_SHELL,
    "file:%TEMP%/x.db": System.WINDOWS_SHELL,
    "~/x.db": System.SHELL,
    "~user/x.db": System.SHELL,
    "file:~/x.db": System.SHELL,
    "file:///~/x.db": System.SHELL,
    "sqlite:///~/x.db": System.SHELL,
    "$HOME/x.db": System.SHELL,
    "${HOME}/x.db": System.SHELL,
    "$DATABASE": System.SHELL,
    "${DATABASE}?mode=ro": System.SHELL,
}


@pytest.mark.parametrize("text", FOREIGN)
def test_a_name_that_another_system_understands_asks_for_no_file_here(text: str) -> None:
    for via in (None, "sqlalchemy"):
        meaning = meaning_of(make_case(target=text, via=via), windows=False)
        assert meaning.asked == meaning.meant == ()
        assert {system_of(name) for name in meaning.foreign} == {FOREIGN[text]}
    attached = make_case(target="x.db", sql=(f"ATTACH {quoted(text)} AS m",))
    assert meaning_of(attached, windows=False).asked == ("x.db",)


@pytest.mark.parametrize(
    "text",
    [
        "x.db", "a:b.db", "ab:/x.db", "a\\b.db", "~x.db", "x~/y.db", "$HOME.db", "a$b/x.db",
        "50%.db", "a%20b/x.db", "100%/x.db", "/tmp/x.db", "{dir}/x.db", "C:x.db", "file:x.db",
    ],
)  # fmt: skip
def test_a_name_that_sqlite_understands_is_not_foreign(text: str) -> None:
    meaning = meaning_of(make_case(target=text), windows=False)
    assert (len(meaning.asked), meaning.foreign) == (1, ())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("C:\\x.db", "C:\\x.db"),
        ("file:///C:/x.db", "C:/x.db"),
        ("sqlite:///C:/x.db", "C:/x.db"),
        ("\\\\server\\share\\x.db", "\\\\server\\share\\x.db"),
    ],
)
def test_on_windows_a_drive_is_an_ordinary_path(text: str, name: str) -> None:
    meaning = meaning_of(make_case(target=text), windows=True)
    assert (meaning.asked, meaning.foreign) == ((name,), ())


@pytest.mark.parametrize("text", ["~/x.db", "$HOME/x.db", "%APPDATA%\\x.db"])
def test_windows_expands_nothing_either(text: str) -> None:
    meaning = meaning_of(make_case(target=text), windows=True)
    assert (meaning.asked, meaning.foreign) == ((), (text,))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("file:r%20f.db?mode=ro", {"r%20f.db"}),
        ("file:a+b.db?mode=ro", {"a b.db"}),
        ("file:a#b.db?mode=ro", {"a#b.db"}),
        ("file:what?.db?mode=ro", {"what?.db"}),
        ("file://data/x.db?mode=ro", {"data/x.db", "/data/x.db"}),
        ("file://x.db?mode=ro", {"x.db", "/x.db"}),
        ("file://localhost/x.db?mode=ro", set()),
    ],
)
def test_what_sqlite_reads_otherwise_may_have_been_meant(text: str, names: set[str]) -> None:
    meaning = meaning_of(make_case(target=text))
    assert names <= set(meaning.meant)
    assert not names & set(meaning.asked)


@pytest.mark.parametrize("text", ["file:x?mode=memory", "file:", "file:~/x%20y.db", "a%20b.db"])
def test_nothing_else_is_meant_by_what_has_one_meaning(text: str) -> None:
    assert meaning_of(make_case(target=text), windows=False).meant == ()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/x/:memory:", "/x/:memory:"),
        ("file:///x?mode=memory", "/x"),
        ("../x.db", "../x.db"),
        ("/x.db", "/x.db"),
        ("sqlite:////x.db", "/x.db"),
    ],
)
def test_whatever_may_lie_elsewhere_is_told(text: str, path: str) -> None:
    assert path in meaning_of(make_case(target=text)).elsewhere


def test_a_plain_name_leads_nowhere_else() -> None:
    assert meaning_of(make_case(target="x.db")) == Meaning(asked=("x.db",))
