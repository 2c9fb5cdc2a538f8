"""The probe says what it saw: all of it, in its stage, and with the machine's names taken out."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from matrix.model import (
    Case,
    Created,
    Observation,
    PathKind,
    Result,
    SecondConnection,
    Storage,
    TargetType,
)
from matrix.probe.outside import Outside
from matrix.probe.places import Places
from matrix.probe.recorder import to_json
from matrix.probe.syscalls import SystemCallLog
from matrix.scenarios.expand import expand_topics
from matrix.scenarios.load import load_topics
from tests.builders import make_case
from tests.conftest import ObserveOn, Provide, RunOn
from tests.paths import SCENARIOS
from tests.system_calls import Table, needs_linux

DRIVERS = ["sqlite3", "pysqlite3", "apsw"]


@pytest.fixture(params=DRIVERS)
def observe_hooked(request: pytest.FixtureRequest, observe_on: ObserveOn) -> ObserveOn:
    """Observe on a driver whose system calls can be seen; on some Pythons `sqlite3` hides them."""

    def observe_hooked(*cases: Case) -> list[Observation]:
        seen = observe_on(request.param, *cases)
        if not all(observation.transients_complete for observation in seen):
            pytest.skip(f"{request.param} hides its table of system calls here")
        return seen

    return observe_hooked


def paths(observation: Observation, stage: str | None = None) -> list[str]:
    return [entry.path for entry in observation.created if stage in (None, entry.stage)]


def entry_of(observation: Observation, path: str) -> Created:
    (entry,) = [entry for entry in observation.created if entry.path == path]
    return entry


# What is seen, and in which stage


def test_a_journal_is_seen_though_it_is_gone_at_the_end(observe_hooked: ObserveOn) -> None:
    (seen,) = observe_hooked(make_case(target="x.db"))
    journal = entry_of(seen, "x.db-journal")
    assert (journal.kind, journal.stage) == (PathKind.JOURNAL, "write")
    assert (journal.kept, journal.size, journal.asked) == (False, None, False)
    database = entry_of(seen, "x.db")
    assert (database.kind, database.stage, database.kept) == (PathKind.DATABASE, "open", True)
    assert database.asked
    assert database.size is not None
    assert database.size > 2_000_000
    assert seen.journal_mode == "delete"


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_temporary_database_has_a_hidden_file_where_the_build_makes_one(
    run_on: RunOn, driver: str
) -> None:
    stack = run_on(driver, make_case(target="", sql=("PRAGMA temp_store=1",)))
    assert stack.fingerprint is not None
    (seen,) = stack.observations.values()
    assert seen.opened == ""
    if not seen.transients_complete:
        pytest.skip(f"{driver} hides its table of system calls here")
    if stack.fingerprint.temp_files:
        assert seen.storage is Storage.TEMPORARY
        (entry,) = seen.created
        assert entry.path in ("{tmp}/etilqs_*", "{tmp}/(unnamed)")
        assert (entry.kind, entry.kept, entry.stage) == (PathKind.TEMPORARY, False, "write")
        assert not entry.outside
    else:
        assert (seen.storage, seen.created) == (Storage.MEMORY, ())


def test_each_path_has_the_stage_in_which_it_appeared(observe_hooked: ObserveOn) -> None:
    (seen,) = observe_hooked(
        make_case(
            target="main.db",
            sql=("ATTACH 'other.db' AS other", "VACUUM INTO 'copy.db'"),
            write_to="other",
        )
    )
    assert paths(seen, "open") == ["main.db"]
    assert "copy.db" in paths(seen, "sql")
    assert "other.db" in paths(seen, "sql")
    assert "other.db-journal" in paths(seen, "write")
    assert seen.storage is Storage.FILE


def test_a_log_and_its_index_are_told_apart(observe_hooked: ObserveOn) -> None:
    (seen,) = observe_hooked(make_case(target="x.db", sql=("PRAGMA journal_mode=WAL",)))
    kinds = {entry.path: entry.kind for entry in seen.created if not entry.kept}
    assert kinds["x.db-wal"] is PathKind.WAL
    assert kinds["x.db-shm"] is PathKind.SHM
    assert seen.journal_mode == "wal"


def test_a_lock_directory_is_seen(observe_hooked: ObserveOn) -> None:
    (seen,) = observe_hooked(
        make_case(target="file:x.db?vfs=unix-dotfile", connect={"uri": True}, write=False,
                  sql=("CREATE TABLE t(x)",))
    )  # fmt: skip
    lock = entry_of(seen, "x.db.lock")
    assert (lock.kind, lock.kept) == (PathKind.LOCK, False)


def test_a_failed_attempt_creates_nothing(observe_hooked: ObserveOn) -> None:
    missing, directory = observe_hooked(
        make_case("probe/missing", target="nowhere/x.db"),
        make_case("probe/directory", target="d", setup=({"mkdir": "d"},)),
    )
    for seen in (missing, directory):
        assert (seen.result, seen.created, seen.opened) == (Result.REFUSED, (), None)
        assert seen.storage is Storage.NONE


def test_a_file_outside_is_seen_and_removed_afterwards(
    observe_hooked: ObserveOn, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.db"
    (seen,) = observe_hooked(make_case(target=str(outside)))
    assert paths(seen) == [str(outside), f"{outside}-journal"]
    assert all(entry.outside for entry in seen.created)
    assert list(tmp_path.iterdir()) == []


def test_a_file_outside_that_was_there_before_is_left_alone(
    observe_hooked: ObserveOn, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.db"
    outside.touch()
    (seen,) = observe_hooked(make_case(target=str(outside)))
    assert paths(seen) == [f"{outside}-journal"]
    assert list(tmp_path.iterdir()) == [outside]


def test_a_file_above_the_directory_is_told_without_the_machines_path(
    observe_hooked: ObserveOn,
) -> None:
    near, far = observe_hooked(
        make_case("probe/near", target="../x.db"), make_case("probe/far", target="../../x.db")
    )
    assert "{dir}/../x.db" in paths(near)
    assert "{dir}/../../x.db" in paths(far)


def test_a_file_beside_the_directory_is_outside_though_its_name_begins_alike(
    observe_hooked: ObserveOn,
) -> None:
    (seen,) = observe_hooked(make_case(target="{dir}2.db"))
    assert paths(seen) == ["{dir}/../dir2.db", "{dir}/../dir2.db-journal"]
    assert all(entry.outside for entry in seen.created)
    assert seen.created[0].asked
    assert seen.opened == "{dir}/../dir2.db"


def test_a_traceback_in_a_message_is_no_fact(observe_on: ObserveOn) -> None:
    connect = {"poolclass": "AssertionPool"}
    case = make_case(target="sqlite://", via="sqlalchemy", connect=connect)
    (seen,) = observe_on("sqlite3[sqlalchemy]", case)
    assert seen.error is not None
    assert seen.error.message == "connection is already checked out at:"


# What is there before, and where the data is then


def test_what_the_strings_ask_for_and_is_there_is_told(observe_on: ObserveOn) -> None:
    setup = ({"db": "x.db", "sql": ("CREATE TABLE t(x)",)}, {"empty": "other"}, {"mkdir": "d"})
    there, missing, directory = observe_on(
        "sqlite3",
        make_case("there/x", target="file:x.db?mode=ro", connect={"uri": True}, setup=setup),
        make_case("there/y", target="y.db", setup=setup),
        make_case("there/d", target="d", setup=setup),
    )
    assert [seen.there for seen in (there, missing, directory)] == [("x.db",), (), ()]


def test_a_link_to_nothing_is_no_file_that_was_there(observe_on: ObserveOn) -> None:
    link = {"symlink": "link.db", "to": "x.db"}
    dangling, linked = observe_on(
        "sqlite3",
        make_case("dangling", target="link.db", setup=(link,)),
        make_case("linked", target="link.db", setup=({"empty": "x.db"}, link)),
    )
    assert (dangling.storage, dangling.there) == (Storage.FILE, ())
    assert linked.there == ("link.db", "x.db")


def test_the_statement_that_failed_is_told(observe_on: ObserveOn) -> None:
    statements = ("CREATE TABLE t(x)", "SELECT '{name}' FROM missing", "SELECT 1")
    failed, unwritten = observe_on(
        "sqlite3",
        make_case("statement/sql", target=":memory:", sql=statements),
        make_case("statement/write", target="x.db", sql=("PRAGMA query_only=1",)),
    )
    assert failed.error is not None
    assert failed.error.statement == "SELECT '{name}' FROM missing"
    assert unwritten.error is not None
    assert (unwritten.error.phase, unwritten.error.statement) == ("write", None)


_FILL = (
    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c LIMIT 1000) "
    "INSERT INTO t SELECT zeroblob(4000) FROM c"
)


def test_data_is_in_a_temporary_file_though_it_only_refills_it(observe_on: ObserveOn) -> None:
    refilled = ("PRAGMA temp_store=1", "PRAGMA cache_size=10", "CREATE TABLE t(x)", _FILL)
    (seen,) = observe_on(
        "sqlite3",
        make_case(target="", connect={"isolation_level": None}, sql=(*refilled, "DELETE FROM t")),
    )
    assert (seen.storage, seen.error) == (Storage.TEMPORARY, None)


def test_a_large_temporary_table_does_not_make_the_database_temporary(
    observe_on: ObserveOn,
) -> None:
    def case(target: str, table: str) -> Case:
        caches = ("PRAGMA cache_size=10", "PRAGMA temp.cache_size=10")
        create = f"CREATE {table} t(x)"
        sql = ("PRAGMA temp_store=1", *caches, create, _FILL)
        return make_case(f"unwritten/{table}", target=target, sql=sql, write=False)

    memory, temporary = observe_on("sqlite3", case(":memory:", "TEMP TABLE"), case("", "TABLE"))
    assert [entry.kind for entry in memory.created] == [PathKind.TEMPORARY]
    assert (memory.storage, temporary.storage) == (Storage.MEMORY, Storage.TEMPORARY)


def test_a_table_of_the_users_does_not_meet_the_probes_own(observe_on: ObserveOn) -> None:
    names = ("matrix_written", "written", "matrix", "probe")
    sql = tuple(f"CREATE TABLE {name}(x)" for name in names)
    (seen,) = observe_on("sqlite3", make_case(target=":memory:", sql=sql))
    assert (seen.error, seen.second_connection) == (None, SecondConnection.DOES_NOT_SEE)


# The hook changes nothing for SQLite

FAILING = {
    "missing-directory": ("nowhere/x.db", ()),
    "a-directory": (".", ()),
    "attach": ("x.db", ("ATTACH 'nowhere/y.db' AS y",)),
    "vacuum": ("x.db", ("VACUUM INTO 'nowhere/y.db'",)),
    "too-big": ("x.db", ("PRAGMA max_page_count=1", "CREATE TABLE t(x)")),
    "too-long": ("x" * 300, ()),
}
PLAIN = """
import os, sys
sys.path[:0] = {overlays!r}
os.chdir({directory!r})
import {module} as module
try:
    connection = getattr(module, "Connection" if {module!r} == "apsw" else "connect")({target!r})
    for sql in {statements!r}:
        list(connection.cursor().execute(sql))
except Exception as error:
    print(type(error).__module__ + "." + type(error).__qualname__ + ": " + str(error))
"""


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("name", FAILING)
def test_an_error_reads_as_it_does_without_the_probe(
    observe_on: ObserveOn, provide: Provide, tmp_path: Path, driver: str, name: str
) -> None:
    target, statements = FAILING[name]
    program = PLAIN.format(
        overlays=[str(path) for path in provide(driver).overlays],
        directory=str(tmp_path),
        module=driver,
        target=target,
        statements=statements,
    )
    plain = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
    ).stdout
    case = make_case(target=target, sql=statements, write=False)
    (seen,) = observe_on(driver, case)
    assert seen.error is not None
    assert plain == f"{seen.error.type}: {seen.error.message}\n"


@needs_linux
def test_a_hooked_call_leaves_errno_as_the_system_set_it(tmp_path: Path) -> None:
    table = Table()
    log = SystemCallLog(table, Outside(str(tmp_path)))
    log.stage = "open"
    open_ = table.function("open", ctypes.c_char_p, ctypes.c_int, ctypes.c_int)
    unlink = table.function("unlink", ctypes.c_char_p)
    flags = os.O_RDWR | os.O_CREAT
    for path, expected in [("no/x", errno.ENOENT), ("", errno.EISDIR), ("f/x", errno.ENOTDIR)]:
        (tmp_path / "f").touch()
        ctypes.set_errno(0)
        assert open_(os.fsencode(tmp_path / path), flags, 0o600) == -1
        assert ctypes.get_errno() == expected
    assert unlink(os.fsencode(tmp_path / "gone")) == -1
    assert ctypes.get_errno() == errno.ENOENT
    assert {event.what for event in log.take()} == {"attempt"}


@needs_linux
def test_the_log_tells_creations_from_mere_openings(tmp_path: Path) -> None:
    table = Table()
    log = SystemCallLog(table, Outside(str(tmp_path)))
    open_ = table.function("open", ctypes.c_char_p, ctypes.c_int, ctypes.c_int)
    close = table.function("close", ctypes.c_int)
    unlink = table.function("unlink", ctypes.c_char_p)
    new, there = os.fsencode(tmp_path / "new"), os.fsencode(tmp_path / "there")
    (tmp_path / "there").touch()
    log.stage = "write"
    first = open_(new, os.O_RDWR | os.O_CREAT, 0o600)
    second = open_(there, os.O_RDWR | os.O_CREAT, 0o600)
    assert [held.path for held in log.held().values()] == [new, there]
    assert unlink(new) == 0
    assert [held.anonymous for held in log.held().values()] == [True, False]
    assert close(first) == close(second) == 0
    assert log.held() == {}
    assert [(event.what, event.path, event.stage) for event in log.take()] == [
        ("create", new, "write"),
        ("remove", new, "write"),
    ]
    assert log.take() == []


# The observer without the hook


def kept(observation: Observation) -> dict[str, object]:
    """What an observer can see that looks at directories alone."""
    facts = replace(observation, stack="", observer="", transients_complete=False, tried=())
    told = facts.to_json()
    told["created"] = [entry for entry in told["created"] if entry["kept"]]
    return told


def test_the_listing_alone_agrees_on_everything_that_stays(run_on: RunOn) -> None:
    bare = [case for case in expand_topics(load_topics([SCENARIOS])) if case.via is None]
    cases = [case for case in bare if case.fits_driver("sqlite3")][::12]
    hooked, listed = run_on("sqlite3", *cases), run_on("listing_only", *cases)
    assert listed.fingerprint is not None
    assert "listing" in listed.fingerprint.observer
    assert "hook" not in listed.fingerprint.observer
    for case in cases:
        seen = listed.observations[case.id]
        assert not seen.transients_complete
        assert kept(seen) == kept(hooked.observations[case.id])


# Placeholders and names


def test_placeholders_are_filled_in_and_put_back(observe_on: ObserveOn) -> None:
    (seen,) = observe_on(
        "sqlite3",
        make_case(
            target="file:{dir}/{name}.db",
            connect={"uri": True},
            sql=("ATTACH '{dir}/{name}-2.db' AS two", "SELECT no_such_function('{name}')"),
        ),
    )
    assert paths(seen) == ["{name}-2.db", "{name}.db"]
    assert seen.passed == {"args": ["file:{dir}/{name}.db"], "kwargs": {"uri": True}}
    assert seen.opened == "{name}.db"
    assert seen.error is not None
    assert seen.error.phase == "sql"


def test_a_name_is_another_one_in_each_case(observe_on: ObserveOn) -> None:
    shared = make_case(
        target="file:{name}?mode=memory&cache=shared",
        connect={"uri": True},
        sql=("CREATE TABLE mine(x)",),
    )
    first, second = observe_on("sqlite3", shared, replace(shared, id="probe/again"))
    assert first.error is None
    assert second.error is None


@pytest.mark.parametrize("target_type", [TargetType.STR, TargetType.BYTES])
def test_a_name_that_is_not_utf_8_survives(observe_on: ObserveOn, target_type: TargetType) -> None:
    (seen,) = observe_on("sqlite3", make_case(target="db\udcff", target_type=target_type))
    if seen.result is Result.REFUSED:
        pytest.skip("this file system takes names in UTF-8 only")
    assert entry_of(seen, "db\udcff").asked
    assert seen.passed == {"args": ["db\udcff"], "kwargs": {}}
    assert seen.opened == "db\udcff"


def test_where_the_data_is_does_not_depend_on_what_a_driver_can_tell(
    observe_on: ObserveOn,
) -> None:
    fields = {"target": "file:%FFx.db", "connect": {"uri": True}}
    other = {"sql": ("ATTACH 'y.db' AS other",), "write_to": "other"}
    beside = {"where": "same", "when": "before", "does": "open", "target": None, "connect": None}
    wal, memory, attached, with_a_rival = observe_on(
        "apsw",
        make_case("wal", **fields, sql=("PRAGMA journal_mode=wal",)),
        make_case("memory", target="file:/%FFx?vfs=memdb", connect={"uri": True}),
        make_case("attached", **fields, **other),
        make_case("rival", **fields, rivals=(beside,)),
    )
    if wal.result is Result.REFUSED:
        pytest.skip("this file system takes names in UTF-8 only")
    for seen in (wal, with_a_rival):
        assert (seen.storage, seen.opened) == (Storage.FILE, "\udcffx.db")
    assert (memory.storage, memory.opened) == (Storage.MEMORY, "")
    assert (attached.storage, attached.opened) == (Storage.NONE, "\udcffx.db")  # it cannot say


def test_what_was_passed_is_told_as_json() -> None:
    places = Places("/scratch", 1, "worker")
    passed = {
        "args": [
            b"/scratch/00001/dir/x\xff",
            Path("/scratch/00001/dir/y"),
            int,
            object(),
            (1, None),
        ]
    }
    assert to_json(passed, places) == {
        "args": ["{dir}/x\udcff", "{dir}/y", "<builtins.int>", "<builtins.object>", [1, None]]
    }


# What is recorded besides


def test_what_reached_the_driver_is_recorded_after_the_middleware(observe_on: ObserveOn) -> None:
    (seen,) = observe_on(
        "sqlite3[sqlalchemy]",
        make_case(target="sqlite:///x.db?timeout=7", via="sqlalchemy", connect={}),
    )
    assert seen.passed is not None
    assert seen.passed["args"] == ["{dir}/x.db"]
    assert seen.passed["kwargs"]["timeout"] == 7.0
    assert seen.opened == "x.db"


def test_flags_are_recorded_by_name(observe_on: ObserveOn) -> None:
    (seen,) = observe_on("apsw", make_case(target="x.db", connect={"uri": True}))
    flags = ["SQLITE_OPEN_CREATE", "SQLITE_OPEN_READWRITE", "SQLITE_OPEN_URI"]
    assert seen.passed == {"args": ["x.db"], "kwargs": {"flags": flags}}


def test_the_pool_is_recorded(observe_on: ObserveOn) -> None:
    memory, named = observe_on(
        "sqlite3[sqlalchemy]",
        make_case("probe/memory", target="sqlite://", via="sqlalchemy"),
        make_case(
            "probe/named", target="sqlite://", via="sqlalchemy", connect={"poolclass": "StaticPool"}
        ),
    )
    assert (memory.pool, memory.second_connection) == (
        "SingletonThreadPool",
        SecondConnection.DOES_NOT_SEE,
    )
    assert named.pool == "StaticPool"


def test_warnings_are_recorded_once_each(observe_on: ObserveOn) -> None:
    (seen,) = observe_on("warns", make_case(target="{dir}/x.db"))
    assert seen.warnings == ("DeprecationWarning: mind {dir}/x.db",)


def test_a_middleware_that_goes_past_the_driver_is_no_error_of_ours(observe_on: ObserveOn) -> None:
    (seen,) = observe_on(
        "apsw[sqlalchemy]",
        make_case(target="sqlite:///x.db", via="sqlalchemy", connect={"module": "sqlite3"}),
    )
    assert (seen.result, seen.passed, seen.opened) == (Result.OPENED, None, None)
    assert seen.storage is Storage.NONE
    assert paths(seen) == ["x.db"]


# What is there before


def test_a_database_is_set_up_with_its_content(observe_on: ObserveOn) -> None:
    setup = {"db": "x.db", "sql": ["CREATE TABLE t(x)", "INSERT INTO t VALUES (1)"]}
    (seen,) = observe_on(
        "sqlite3", make_case(target="x.db", setup=(setup,), sql=("INSERT INTO t VALUES (2)",))
    )
    assert seen.error is None
    assert [entry.path for entry in seen.created if entry.kept] == []
    assert (seen.modified, seen.removed) == (("x.db",), ())


def test_a_log_that_is_set_up_is_there_before_and_gone_afterwards(observe_on: ObserveOn) -> None:
    sql = ["PRAGMA journal_mode=WAL", "CREATE TABLE t(x)"]
    with_log = make_case(
        "probe/kept", target="x.db", setup=({"db": "x.db", "sql": sql, "keep_wal": True},)
    )
    without = make_case("probe/left", target="x.db", setup=({"db": "x.db", "sql": sql},))
    kept_log, no_log = observe_on("sqlite3", with_log, without)
    assert (kept_log.removed, kept_log.modified) == (("x.db-wal",), ("x.db",))
    assert "x.db-wal" not in paths(kept_log)
    assert "x.db-wal" in paths(no_log) or not no_log.transients_complete
    assert no_log.removed == ()


def test_files_directories_and_links_are_set_up(observe_on: ObserveOn) -> None:
    setup: tuple[dict[str, object], ...] = (
        {"mkdir": "a/b"},
        {"empty": "a/b/empty.db"},
        {"file": "text.txt", "text": "no database, not even ä"},
        {"symlink": "link.db", "to": "a/b/empty.db"},
    )
    linked, text, inside = observe_on(
        "sqlite3",
        make_case("probe/link", target="link.db", setup=setup),
        make_case("probe/text", target="text.txt", setup=setup),
        make_case("probe/inside", target="a/b/new.db", setup=setup),
    )
    assert (linked.modified, linked.opened) == (("a/b/empty.db",), "a/b/empty.db")
    assert text.error is not None
    assert text.error.message == "file is not a database"
    assert text.modified == ()
    assert "a/b/new.db" in paths(inside)


def test_a_set_up_that_fails_is_told_and_nothing_is_measured(observe_on: ObserveOn) -> None:
    (seen,) = observe_on("sqlite3", make_case(setup=({"empty": "x"}, {"empty": "x"})))
    assert seen.result is Result.UNAVAILABLE
    assert seen.error is not None
    assert (seen.error.phase, seen.error.type) == ("setup", "FileExistsError")
    assert "{dir}/x" in seen.error.message
    assert (seen.created, seen.passed) == ((), None)


def test_a_file_that_is_removed_is_told(observe_on: ObserveOn) -> None:
    setup = ({"empty": "x.db"}, {"empty": "x.db-journal"})
    (seen,) = observe_on("sqlite3", make_case(target="x.db", setup=setup))
    assert seen.removed == ("x.db-journal",)
    assert seen.modified == ("x.db",)


# Statements


def test_a_failing_statement_ends_the_statements_and_nothing_is_written(
    observe_on: ObserveOn,
) -> None:
    (seen,) = observe_on(
        "sqlite3", make_case(target="x.db", sql=("SELECT absent", "ATTACH 'y.db' AS y"))
    )
    assert seen.result is Result.OPENED
    assert seen.error is not None
    assert (seen.error.phase, seen.error.message) == ("sql", "no such column: absent")
    assert paths(seen) == ["x.db"]
    assert seen.second_connection is None


def test_without_a_write_no_second_connection_is_asked(observe_on: ObserveOn) -> None:
    (seen,) = observe_on("sqlite3", make_case(target="x.db", write=False))
    assert (seen.storage, seen.second_connection) == (Storage.FILE, None)
    assert [(entry.path, entry.size) for entry in seen.created] == [("x.db", 0)]


def test_a_write_goes_to_the_schema_that_is_named(observe_on: ObserveOn) -> None:
    (seen,) = observe_on(
        "sqlite3",
        make_case(target="x.db", sql=("ATTACH ':memory:' AS aside",), write_to="aside"),
    )
    assert (seen.storage, entry_of(seen, "x.db").size) == (Storage.MEMORY, 0)
    assert seen.second_connection is SecondConnection.DOES_NOT_SEE
