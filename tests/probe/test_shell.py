"""SQLite's own shell as a driver: a process of its own, seen from outside."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from matrix.model import Observation, Result, SecondConnection, Storage
from matrix.stacks.catalogue import Catalogue
from matrix.stacks.provision import Provided, Provisioner
from matrix.stacks.spec import parse_stack
from tests.builders import make_case
from tests.conftest import ObserveOn, Provide, RunOn
from tests.processes import needs_proc, workers_of

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
        ("-x.db", {}, "sqlite3: Error: unknown option: -x.db"),
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
