"""How one case is judged: where its data is, what it made, and who else sees the data."""

from __future__ import annotations

import os

import pytest

from matrix.model import Observation, PathKind, Reopened, Result, SecondConnection, Storage
from matrix.model.observation import Rival
from tests.batches import Batch, See, error_of, see_in
from tests.conftest import ObserveOn

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

URI = {"uri": True}
TEMP_FILES = "PRAGMA temp_store=1"
SMALL_CACHES = ("PRAGMA cache_size=10", "PRAGMA temp.cache_size=10")
_FILL = (
    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c LIMIT {}) "
    "INSERT INTO t SELECT zeroblob(4000) FROM c"
)
"""So many pages."""
NO_STATEMENT = (
    "CREATE TABLE t(x)",
    "PRAGMA writable_schema=on",
    "UPDATE sqlite_master SET sql='no statement' WHERE name='t'",
)
"""A schema that nobody can read who opens the database after this."""

plain, odd, pooled = Batch("sqlite3"), Batch("odd"), Batch("sqlite3[sqlalchemy]")


@pytest.fixture(scope="module")
def see(observe_on: ObserveOn) -> See:
    return see_in(observe_on, plain, odd, pooled)


def made(seen: Observation) -> dict[str, tuple[PathKind, str, bool, bool]]:
    """What was created: its kind, its stage, whether it stays and whether it was asked for."""
    return {each.path: (each.kind, each.stage, each.kept, each.asked) for each in seen.created}


unspeakable = plain("x\ud800", target_type="bytes")  # the very first: nothing was open before


def test_a_target_that_cannot_be_made_is_refused(see: See) -> None:
    assert error_of(see(unspeakable))[:2] == ("open", "UnicodeEncodeError")
    assert see(unspeakable).result is Result.REFUSED


# Where the data is

in_file = plain("x.db")
in_memory = plain(":memory:")
unwritten_file = plain(write=False)
unwritten_memory = plain(":memory:", write=False)


def test_data_is_in_the_file_that_is_open_or_else_in_memory(see: See) -> None:
    assert see(in_file).storage is see(unwritten_file).storage is Storage.FILE
    assert see(in_memory).storage is see(unwritten_memory).storage is Storage.MEMORY
    assert (see(in_file).error, see(in_memory).error) == (None, None)


temporary = plain("", sql=(TEMP_FILES,))
large_beside = plain(":memory:", sql=(TEMP_FILES, *SMALL_CACHES, "CREATE TEMP TABLE t(x)",
                                      _FILL.format(1000)))  # fmt: skip
large_first = plain("", sql=(TEMP_FILES, *SMALL_CACHES, "CREATE TABLE t(x)", _FILL.format(1000)))


def test_data_is_in_an_unnamed_file_that_grows_with_it(see: See) -> None:
    assert see(temporary).storage is see(large_first).storage is Storage.TEMPORARY
    assert see(large_beside).storage is Storage.MEMORY
    assert [each.kind for each in see(large_beside).created] == [PathKind.TEMPORARY]


REFILLED = {
    pages: plain("", connect={"isolation_level": None}, sql=(
        TEMP_FILES, *SMALL_CACHES, "CREATE TABLE t(x)", _FILL.format(pages), "DELETE FROM t"
    )) for pages in (250, 500, 750, 975, 1000, 1010, 1024)
}  # fmt: skip


@pytest.mark.parametrize("pages", REFILLED)
def test_data_is_in_an_unnamed_file_that_had_room_for_it(see: See, pages: int) -> None:
    seen = see(REFILLED[pages])
    assert (seen.storage, seen.error) == (Storage.TEMPORARY, None)


unwritten_temporary = plain("", write=False, sql=large_first.sql)
unwritten_beside = plain(":memory:", write=False, sql=large_beside.sql)
unwritten_both = plain("", write=False, sql=(
    *large_first.sql[:-1], _FILL.format(10), "CREATE TEMP TABLE u(x)",
    _FILL.format(1000).replace("INTO t", "INTO u")
))  # fmt: skip


def test_without_a_write_an_unnamed_file_may_be_that_of_temporary_tables(see: See) -> None:
    assert see(unwritten_temporary).storage is Storage.TEMPORARY
    assert see(unwritten_beside).storage is see(unwritten_both).storage is Storage.MEMORY
    assert see(unwritten_beside).error is see(unwritten_both).error is None


attached_file = plain(":memory:", sql=("ATTACH 'o.db' AS \"an \"\"Other\"\"\"",),
                      write_to='AN "other"')  # fmt: skip
attached_memory = plain(sql=("ATTACH ':memory:' AS aside",), write_to="aside")
attached_unwritten = plain(":memory:", sql=("ATTACH 'o.db' AS o",), write_to="o", write=False)
detached = plain(sql=("ATTACH 'o.db' AS o", "DETACH o"), write_to="o")
refused_statement = plain(sql=("ATTACH 'o.db' AS o", "SELECT absent"), write_to="o")


def test_data_is_where_the_schema_is_that_is_written_to(see: See) -> None:
    assert see(attached_file).storage is see(attached_unwritten).storage is Storage.FILE
    assert see(attached_file).created[0].path == "o.db"
    assert see(attached_memory).storage is Storage.MEMORY
    assert [each.size for each in see(attached_memory).created] == [0]
    assert error_of(see(detached))[0] == "write"
    assert see(refused_statement).storage is Storage.FILE  # of the schema that there is


unlinked = odd("unlinked.db")
past = odd("past.db")


def test_a_file_that_nobody_can_find_any_more_is_no_file(see: See) -> None:
    assert (see(unlinked).opened, see(unlinked).storage) == ("unlinked.db", Storage.MEMORY)


def test_what_goes_past_the_driver_is_nowhere(see: See) -> None:
    seen = see(past)
    assert (seen.result, seen.storage, seen.passed, seen.opened) == (
        Result.OPENED, Storage.NONE, None, None
    )  # fmt: skip


LOCKER = {"where": "thread", "when": "before", "does": "write", "target": None, "connect": None}
locked = plain("file:{name}?mode=memory&cache=shared", connect=URI, rivals=(LOCKER,),
               sql=("PRAGMA busy_timeout=0",))  # fmt: skip


def test_a_place_that_is_not_told_is_no_place(see: See) -> None:
    assert (see(locked).result, see(locked).storage, see(locked).opened) == (
        Result.OPENED, Storage.NONE, None
    )  # fmt: skip


not_utf_8 = plain("db\udcff")
two_not_utf_8 = plain("db\udcff", sql=("ATTACH 'x.db' AS x",), write_to="x")


def test_a_name_that_is_not_utf_8_is_a_name(see: See) -> None:
    if see(not_utf_8).result is Result.REFUSED:
        pytest.skip("this file system takes names in UTF-8 only")
    assert (see(not_utf_8).opened, see(not_utf_8).storage) == ("db\udcff", Storage.FILE)
    assert (see(two_not_utf_8).opened, see(two_not_utf_8).storage) == ("db\udcff", Storage.FILE)


no_name = plain("/x\ud800")


def test_a_name_that_no_file_can_have_is_refused_by_the_driver(see: See) -> None:
    assert error_of(see(no_name))[:2] == ("open", "UnicodeEncodeError")


# What it made

JOURNAL = (PathKind.JOURNAL, "write", False, False)


def test_a_path_has_its_kind_its_stage_and_its_fate(see: See) -> None:
    seen = see(in_file)
    assert made(seen) == {
        "x.db": (PathKind.DATABASE, "open", True, True),
        "x.db-journal": JOURNAL,
    }
    database, journal = seen.created
    assert database.size is not None
    assert database.size > 2_000_000
    assert journal.size is None
    assert (seen.journal_mode, seen.opened, seen.there) == ("delete", "x.db", ())
    assert (see(in_memory).journal_mode, see(in_memory).opened) == ("memory", "")


stages = plain("x.db", sql=("ATTACH '{dir}/o.db' AS o", "VACUUM INTO 'copy-wal'"), write_to="o",
               backup="b.db")  # fmt: skip


def test_a_path_has_the_stage_in_which_it_appeared(see: See) -> None:
    assert made(see(stages)) == {
        "x.db": (PathKind.DATABASE, "open", True, True),
        "o.db": (PathKind.DATABASE, "sql", True, True),
        "copy-wal": (PathKind.DATABASE, "sql", True, True),  # whatever its name
        "copy-wal-journal": (PathKind.JOURNAL, "sql", False, False),
        "o.db-journal": JOURNAL,
        "b.db": (PathKind.DATABASE, "backup", True, True),
        "b.db-journal": (PathKind.JOURNAL, "backup", False, False),
    }


side_files = plain("x.db", sql=("PRAGMA journal_mode=wal",))
locking = plain("file:x.db?vfs=unix-dotfile", connect=URI)
several = plain("x.db", sql=("ATTACH 'o.db' AS o", "BEGIN", "CREATE TABLE main.t(x)",
                             "CREATE TABLE o.t(x)", "COMMIT"), write=False)  # fmt: skip
by_python = odd("python.db")


def test_a_kind_is_told_by_the_name_where_it_is_no_database(see: See) -> None:
    kinds = {each.path: each.kind for seen in (side_files, locking, several, temporary, by_python)
             for each in see(seen).created}  # fmt: skip
    assert kinds["x.db-wal"] is PathKind.WAL
    assert kinds["x.db-shm"] is PathKind.SHM
    assert kinds["x.db.lock"] is PathKind.LOCK
    assert kinds["x.db-mj*"] is PathKind.JOURNAL
    assert kinds.keys() & {"{tmp}/etilqs_*", "{tmp}/(unnamed)"}
    assert kinds.get("{tmp}/etilqs_*", PathKind.TEMPORARY) is PathKind.TEMPORARY
    assert kinds.get("{tmp}/(unnamed)", PathKind.TEMPORARY) is PathKind.TEMPORARY
    assert (kinds["by-python"], kinds["d"]) == (PathKind.OTHER, PathKind.OTHER)
    assert made(see(by_python))["by-python"] == (PathKind.OTHER, "open", True, False)
    assert kinds["empty-by-python"] is PathKind.DATABASE  # as SQLite makes one
    assert see(side_files).journal_mode == "wal"
    assert {each.size for each in see(by_python).created if each.path == "d"} == {None}


beside_dir = plain("{dir}2.db")
beyond = plain("{dir}/../../../beyond.db")
alike = plain("x.db", sql=("ATTACH '{dir}/../y.db' AS y",), write_to="y")


def test_what_is_made_outside_the_directory_is_told(see: See) -> None:
    assert list(made(see(beside_dir))) == ["{dir}/../dir2.db", "{dir}/../dir2.db-journal"]
    assert see(beside_dir).outside == ()  # it is ours all the same
    assert see(beside_dir).created[0].asked
    assert see(alike).outside == ()
    (database, journal) = see(beyond).created
    assert (database.path.startswith("/"), database.asked) == (True, True)
    assert see(beyond).outside == (database.path, journal.path)


tried = plain("nowhere/x.db", reopen=True)


def test_what_is_refused_makes_nothing(see: See) -> None:
    seen = see(tried)
    assert (seen.result, seen.storage, seen.created, seen.opened, seen.journal_mode) == (
        Result.REFUSED, Storage.NONE, (), None, None
    )  # fmt: skip
    assert (seen.tried, seen.reopened) == (("nowhere/x.db",), None)
    assert seen.passed == {"args": ["nowhere/x.db"], "kwargs": {}}
    assert error_of(seen) == (
        "open", "sqlite3.OperationalError", "unable to open database file"
    )  # fmt: skip


DATABASE = {"db": "x.db", "sql": ["CREATE TABLE t(x)"], "keep_wal": False}
there = plain("file:x.db?mode=ro", connect=URI, setup=(DATABASE, {"mkdir": "d"}))
elsewhere = plain("y.db", setup=(DATABASE, {"mkdir": "d"}))
directory = plain("d", setup=(DATABASE, {"mkdir": "d"}))
linked = plain("link.db", setup=(DATABASE, {"symlink": "link.db", "to": "x.db"}))
dangling = plain("link.db", setup=({"symlink": "link.db", "to": "y.db"},))
removed = plain("x.db", setup=({"empty": "x.db"}, {"empty": "x.db-journal"}))


def test_what_was_there_and_is_asked_for_is_told_and_what_became_of_it(see: See) -> None:
    assert [see(case).there for case in (there, elsewhere, directory)] == [("x.db",), (), ()]
    assert see(linked).there == ("link.db", "x.db")
    assert see(dangling).there == ()
    assert (see(there).modified, see(elsewhere).modified) == ((), ())
    assert see(linked).modified == ("x.db",)
    assert see(linked).passed == {"args": ["link.db"], "kwargs": {}}
    assert (see(removed).removed, see(removed).modified) == (("x.db-journal",), ("x.db",))
    assert made(see(dangling))["y.db"] == (PathKind.DATABASE, "open", True, True)


# What is done, and what comes of it

NO_TABLE = "SELECT '{name}' FROM absent"
three = plain("x.db", sql=("CREATE TABLE t(x)", NO_TABLE, "ATTACH 'y.db' AS y"), backup="b.db",
              reopen=True)  # fmt: skip
query_only = plain("x.db", sql=("PRAGMA query_only=1",), backup="no/b.db", reopen=True)
both_refused = plain("x.db", backup="no/b.db", second="no/y.db", reopen=True)
began = plain("x.db", sql=("BEGIN",))
nowhere = plain(":memory:", write_to="absent", write=False)


def test_a_refused_statement_ends_the_statements_and_is_told(see: See) -> None:
    seen = see(three)
    assert error_of(seen)[0] == "sql"
    assert seen.error is not None
    assert seen.error.statement == NO_TABLE
    assert list(made(seen)) == ["x.db", "x.db-journal"]
    assert (seen.second_connection, seen.reopened, seen.journal_mode) == (None, None, None)


def test_the_first_error_is_told_and_the_other_stages_go_on(see: See) -> None:
    assert see(query_only).error is not None
    assert see(query_only).error.statement is None  # type: ignore[union-attr]
    assert error_of(see(query_only))[0] == "write"
    assert (see(query_only).reopened, see(query_only).second_connection) == (None, None)
    assert error_of(see(both_refused))[0] == "backup"
    assert see(both_refused).second_connection is SecondConnection.REFUSED
    assert see(both_refused).reopened is Reopened.SEES


def test_a_transaction_that_the_user_began_is_written_in(see: See) -> None:
    assert (see(began).error, see(began).second_connection) == (None, SecondConnection.SEES)


def test_a_schema_that_is_not_there_has_its_data_in_memory(see: See) -> None:
    assert (see(nowhere).storage, see(nowhere).error) == (Storage.MEMORY, None)


shared = plain("file:{name}?mode=memory&cache=shared", connect=URI, reopen=True)
another = plain("x.db", second="{dir}/y.db")
malformed = plain("x.db", sql=NO_STATEMENT, second="other.db", reopen=True)
malformed_now = plain("x.db", sql=NO_STATEMENT)
kept_file = plain("x.db", reopen=True)
not_written = plain("x.db", reopen=True, write=False)


def test_a_second_connection_sees_the_data_or_not(see: See) -> None:
    found = [see(case).second_connection for case in (in_file, in_memory, shared, another)]
    sees, does_not_see = SecondConnection.SEES, SecondConnection.DOES_NOT_SEE
    assert found == [sees, does_not_see, sees, does_not_see]
    assert see(unwritten_file).second_connection is None
    assert see(malformed_now).second_connection is SecondConnection.REFUSED
    assert error_of(see(malformed_now))[0] == "second_connection"
    assert "y.db" in made(see(another))
    assert all(see(case).reused == () for case in (in_file, shared, another))


def test_what_comes_after_everything_is_closed(see: See) -> None:
    assert see(kept_file).reopened is Reopened.SEES
    assert see(shared).reopened is Reopened.DOES_NOT_SEE
    assert see(in_file).reopened is see(not_written).reopened is None
    assert see(malformed).reopened is Reopened.REFUSED
    assert error_of(see(malformed))[0] == "reopen"


same = odd("same.db", reopen=True)
in_thread = odd("one-thread.db", second_in_thread=True)
in_thread_from = odd("one-thread.db", second_in_thread=True, second="one-thread-2.db")
here = odd("one-thread.db")


def test_the_first_connection_itself_is_no_second_one(see: See) -> None:
    assert see(same).second_connection is SecondConnection.SEES
    assert see(same).reused == ("second_connection", "reopen")


def test_a_second_connection_may_be_one_of_another_thread(see: See) -> None:
    assert see(here).second_connection is SecondConnection.SEES
    for case in (in_thread, in_thread_from):
        assert see(case).second_connection is SecondConnection.REFUSED
        assert error_of(see(case))[2] == "this is another thread"


late = odd("late.db", reopen=True, write=False)
late_at_once = odd("late.db", write=False)


def test_what_is_open_still_is_closed_at_the_very_end(see: See) -> None:
    assert made(see(late))["closed-1"] == (PathKind.DATABASE, "exit", True, False)
    assert made(see(late_at_once))["closed-1"] == (PathKind.DATABASE, "close", True, False)


as_bytes = plain("x.db", target_type="bytes")
as_path = plain("{dir}/x.db", target_type="path")


def test_a_target_is_passed_in_its_type(see: See) -> None:
    assert see(as_bytes).passed == {"args": ["x.db"], "kwargs": {}}
    assert see(as_path).passed == {"args": ["{dir}/x.db"], "kwargs": {}}
    assert see(as_bytes).opened == see(as_path).opened == "x.db"


# What comes before

failing = plain("x.db", setup=({"empty": "x"}, {"empty": "x"}), rivals=(LOCKER,))
address = plain("x.db", sql=("SELECT FTS3_Tokenizer('x', x'00')",))
killed = plain("x.db", setup=(DATABASE,), before=({"killed": "x.db", "sql": []},))
read_only = plain("x.db", setup=(DATABASE,), permissions={"x.db": {"mode": "0444", "owner": None}})
writable = plain("x.db", setup=(DATABASE,), permissions={"x.db": {"mode": "0666", "owner": None}})
not_entered = plain("x.db", permissions={".": {"mode": "0000", "owner": None}})
set_up_outside = plain("x.db", setup=({"db": "../../home/y.db", "sql": [], "keep_wal": False},))


def test_a_set_up_that_fails_measures_nothing(see: See) -> None:
    seen = see(failing)
    assert (seen.result, seen.created, seen.passed, seen.rivals) == (
        Result.UNAVAILABLE, (), None, (Rival(found=None, error=None),)
    )  # fmt: skip
    assert error_of(seen)[:2] == ("setup", "FileExistsError")
    assert see(set_up_outside).result is Result.UNAVAILABLE


def test_what_takes_an_address_is_not_run(see: See) -> None:
    seen = see(address)
    assert seen.result is Result.UNAVAILABLE
    assert error_of(seen)[2] == "fts3_tokenizer() takes an address in memory, and is not run"


@needs_fork
def test_a_writer_is_killed_before_the_user_comes(see: See) -> None:
    assert (see(killed).error, see(killed).removed) == (None, ("x.db-journal",))


def test_permissions_hold_for_the_user(see: See) -> None:
    assert error_of(see(read_only))[0] == "write"
    assert see(not_entered).result is Result.REFUSED
    assert (see(writable).error, see(writable).modified) == (None, ("x.db",))


warned = odd("{dir}/warns.db")


def test_a_warning_is_told_once_and_one_of_a_resource_is_nobodys_business(see: See) -> None:
    assert see(warned).warnings == ("DeprecationWarning: mind {dir}/warns.db",)


RIVAL = {"where": "process", "when": "after", "does": "open", "connect": None}
not_rehearsed = plain("x.db", rivals=({**RIVAL, "target": "{dir}/../../../x.db"},))
not_met = plain("x.db", rivals=({**not_rehearsed.rivals[0], "where": "same", "when": "before"},))
evil = {"db": "x.db", "sql": ["ATTACH '{dir}/../../../x.db' AS x", "CREATE TABLE x.t(x)"]}
not_prepared = plain("x.db", setup=({**evil, "keep_wal": False},))
not_attached = plain("x.db", setup=({**evil, "sql": evil["sql"][:1], "keep_wal": False},))


def test_what_cannot_be_rehearsed_is_not_observed_and_there_is_a_way_out(see: See) -> None:
    for case in (not_rehearsed, not_prepared, not_attached, not_met):
        seen = see(case)
        assert seen.result is Result.UNAVAILABLE
        assert error_of(seen)[:2] == ("rehearsal", "unavailable")
        assert error_of(seen)[2].startswith("the set-up would change /")
        assert error_of(seen)[2].endswith("x.db; --in-place does it for real")
        assert (seen.created, seen.rivals, seen.passed, seen.opened) == ((), (), None, None)
        assert (seen.storage, seen.second_connection, seen.journal_mode) == (
            Storage.NONE, None, None
        )  # fmt: skip


# Engines

pool = pooled("sqlite:///x.db", via="sqlalchemy", backup="y.db")
bare = pooled("x.db", backup="y.db")
unknown = pooled("sqlite://", via="sqlalchemy", connect={"poolclass": "Absent"})
unsaid = pooled("x\ud800", via="sqlalchemy", target_type="bytes")
unprepared = pooled("sqlite:///x.db", via="sqlalchemy", setup=({"empty": "a/b"},))
trace = pooled("sqlite://", via="sqlalchemy", connect={"poolclass": "AssertionPool"})


def test_a_case_goes_through_its_middleware_or_past_it(see: See) -> None:
    assert see(pool).pool == "QueuePool"
    assert error_of(see(pool)) == (
        "backup", "NotImplementedError", "no backup is known for this middleware"
    )  # fmt: skip
    assert (see(bare).pool, see(bare).error) == (None, None)
    assert see(unknown).result is Result.UNAVAILABLE
    assert (see(unsaid).result, see(unsaid).pool) == (Result.REFUSED, None)
    assert (see(unprepared).result, see(unprepared).pool) == (Result.UNAVAILABLE, None)
    assert error_of(see(trace))[2] == "connection is already checked out at:"
