"""SQLite's own shell as a driver: a process of its own, seen from outside."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from matrix.model import Observation, Result, SecondConnection, Storage
from matrix.probe.drivers import shell
from matrix.stacks.catalogue import Catalogue
from matrix.stacks.provision import Provided, Provisioner
from matrix.stacks.spec import parse_stack
from tests.builders import make_case
from tests.conftest import ObserveOn, Provide, RunOn
from tests.processes import needs_proc, workers_of
from tests.strace import needs_strace

pytestmark = pytest.mark.skipif(shutil.which("sqlite3") is None, reason="no sqlite3 command here")

SHARED = "file:{name}?mode=memory&cache=shared"


def paths(observation: Observation) -> list[tuple[str, bool]]:
    return [(entry.path, entry.kept) for entry in observation.created]


@needs_proc
def test_the_descriptors_of_its_process_tell_where_the_data_is(observe_on: ObserveOn) -> None:
    targets = (":memory:", "x.db", "", SHARED)
    cases = [make_case(f"shell/{target}", target=target) for target in targets]
    memory, file, temporary, shared = observe_on("shell", *cases)
    assert (memory.storage, memory.created) == (Storage.MEMORY, ())
    assert (file.storage, file.opened) == (Storage.FILE, "x.db")
    assert ("x.db", True) in paths(file)
    assert temporary.storage is Storage.TEMPORARY
    assert (shared.storage, shared.created) == (Storage.MEMORY, ())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells the limits")
def test_a_limit_that_the_shell_meets_is_no_behaviour(observe_on: ObserveOn) -> None:
    rows = ["INSERT INTO t VALUES(zeroblob(300000000))"] * 2
    (seen,) = observe_on("shell", make_case(target="x.db", sql=("CREATE TABLE t(x)", *rows)))
    assert seen.result is Result.UNAVAILABLE
    assert seen.error is not None
    assert seen.error.message == "a file would be larger than 512 MiB"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells the limits")
def test_a_limit_that_one_case_comes_near_is_not_the_next_ones(observe_on: ObserveOn) -> None:
    large = ["INSERT INTO t VALUES(zeroblob(900000000))"] * 3
    near = ("PRAGMA temp_store=2", "CREATE TEMP TABLE t(x)", *large, "SELEC")
    full = ("PRAGMA max_page_count=2", "CREATE TABLE t AS SELECT zeroblob(100000)")
    _, seen = observe_on(
        "shell", make_case("a", target="x.db", sql=near), make_case("b", target="x.db", sql=full)
    )
    assert seen.result is Result.OPENED
    assert seen.error is not None
    assert "full" in seen.error.message


def test_two_connections_are_two_processes(observe_on: ObserveOn) -> None:
    file, shared = observe_on(
        "shell", make_case("a", target="x.db"), make_case("b", target=SHARED, connect={"uri": True})
    )
    assert file.second_connection is SecondConnection.SEES
    assert shared.second_connection is SecondConnection.DOES_NOT_SEE


@pytest.mark.parametrize(
    ("target", "connect", "message"),
    [
        ("missing/x.db", {}, 'unable to open database "missing/x.db"'),
        ("x.db", {"timeout": 3}, "the shell has no option for timeout=3"),
        ("x.db", {"uri": False}, "the shell has no option for uri=False"),
        ("x.db", {"readonly": True}, "unable to open"),
        ("x.db", {"vfs": "none-such"}, "none-such"),
    ],
)
def test_what_it_refuses_is_an_observation(
    observe_on: ObserveOn, target: str, connect: dict[str, object], message: str
) -> None:
    (seen,) = observe_on("shell", make_case(target=target, connect=connect))
    assert seen.error is not None
    assert message in seen.error.message
    assert (seen.result, seen.created) == (Result.REFUSED, ())


@pytest.mark.parametrize("sql", ["nonsense", "SELECT 'open", "CREATE TRIGGER t AFTER DELETE"])
def test_a_statement_that_fails_or_never_ends_is_an_error(observe_on: ObserveOn, sql: str) -> None:
    (seen,) = observe_on("shell", make_case(target="x.db", sql=(sql,)))
    assert seen.error is not None
    assert seen.error.phase == "sql"


def test_names_come_back_as_they_are(observe_on: ObserveOn) -> None:
    for name in ("\u00e9 'b'.db", "a\udcff.db"):
        (seen,) = observe_on("shell", make_case(target=name, sql=("SELECT 1, 'a\nb' -- end",)))
        assert (seen.error, seen.opened) == (None, name)


def test_it_cannot_do_without_uris(run_on: RunOn) -> None:
    assert "always has URIs on" in str(run_on("shell[uri=off]", make_case()).unavailable)
    assert "not a Python module" in str(run_on("shell[sqlalchemy]", make_case()).unavailable)


def test_a_machine_without_it_has_a_stack_with_a_reason(
    provide: Provide, run_on: RunOn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    provided = provide("shell")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no command sqlite3" in str(run_on(provided, make_case()).unavailable)


@needs_proc
def test_a_case_that_hangs_takes_its_shell_down(
    catalogue: Catalogue, provisioner: Provisioner, run_on: RunOn, tmp_path: Path
) -> None:
    provided = provisioner.provide(parse_stack("shell", catalogue))
    assert isinstance(provided, Provided)
    forever = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT count(*) FROM n"
    case = make_case(target="x.db", sql=(forever,))
    stack = run_on(provided, case, timeout=1.0, scratch=tmp_path)
    assert stack.observations[case.id].result is Result.TIMED_OUT
    assert workers_of(tmp_path) == []


@pytest.mark.parametrize("sql", [".shell touch {dir}/ran", "SELECT 1;\n.shell touch {dir}/ran",
                                 "  .system touch {dir}/ran"])  # fmt: skip
def test_a_command_of_the_shell_is_not_sql(observe_on: ObserveOn, sql: str) -> None:
    (seen,) = observe_on("shell", make_case("shell/dot", target="x.db", sql=(sql,)))
    assert seen.error is not None
    assert "begins with a dot" in seen.error.message
    assert [entry.path for entry in seen.created] == ["x.db"]


@pytest.mark.parametrize(
    ("target", "connect"), [("-x.db", {}), ("-version", {}), ("x.db", {"vfs": "-x"})]
)
def test_a_name_is_never_an_option(
    observe_on: ObserveOn, target: str, connect: dict[str, object]
) -> None:
    (seen,) = observe_on("shell", make_case(target=target, connect=connect))
    assert seen.error is not None
    assert "as an option, not as a name" in seen.error.message
    assert (seen.result, seen.created) == (Result.UNAVAILABLE, ())


def test_the_name_of_a_backup_is_neither_an_option_nor_a_command(observe_on: ObserveOn) -> None:
    names = ("-append", '"\n.shell touch ran\n', "a\\b c.db")
    cases = [make_case(f"shell/{n}", target="x.db", backup=n) for n in names]
    option, command, plain = observe_on("shell", *cases)
    assert option.error is not None
    assert "as an option" in option.error.message
    assert {path for path, kept in paths(command) if kept} == {"x.db", names[1]}
    assert ("a\\b c.db", True) in paths(plain)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT load_extension('libc.so.6', 'system')",
        "SELECT Edit('x', 'touch {dir}/ran; true')",
        "SELECT \"writefile\"('{dir}/ran', 1)",
        "SELECT readfile/**/('/etc/passwd')",
        "SELECT sha3_query('SELECT ed' || 'it(''x'', ''touch {dir}/ran; true'')')",
        "SELECT * FROM [fsdir]('/')",
        "PRAGMA trusted_schema = on",
        "PRAGMA writable_schema = on",
    ],
)
def test_a_function_of_the_shell_is_not_run(observe_on: ObserveOn, sql: str) -> None:
    (seen,) = observe_on("shell", make_case("shell/function", target="x.db", sql=(sql,)))
    assert seen.error is not None
    assert "reaches beyond SQLite" in seen.error.message
    assert [entry.path for entry in seen.created] == ["x.db"]


@needs_proc
def test_the_shell_starts_no_program() -> None:
    driver = shell.Driver(None)
    connection = driver.connect(":memory:", {})
    try:
        with pytest.raises(shell.ShellError, match="System command returns"):
            connection.ask(".system echo ran")
        assert driver.execute(connection, "SELECT 1") == [(1,)]
    finally:
        driver.close(connection)


def test_each_shell_has_its_own_mark_of_the_end_and_trusts_no_schema() -> None:
    driver = shell.Driver(None)
    one, other = (driver.connect(":memory:", {}) for _ in range(2))
    try:
        assert one.end != other.end
        assert re.search(r"trusted_schema +off", one.ask(".dbconfig"))
        assert driver.execute(one, "SELECT '(end of the answer)' || char(10)") == [
            ("(end of the answer)\n",)
        ]
    finally:
        driver.close(one)
        driver.close(other)


@needs_strace
def test_no_file_of_the_user_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell takes the home directory from the password database, whatever $HOME says."""
    monkeypatch.setattr(shell, "forbid_processes", None)  # strace starts the shell
    log = tmp_path / "log"
    command = shutil.which("sqlite3")
    (tmp_path / "sqlite3").write_text(
        f'#!/bin/sh\nexec strace -f -e trace=open,openat -o {log} {command} "$@"\n'
    )
    (tmp_path / "sqlite3").chmod(0o755)
    opened = shell.Shell(str(tmp_path / "sqlite3"), ":memory:")
    opened.close()
    assert os.devnull in log.read_text()
    assert "sqliterc" not in log.read_text()
