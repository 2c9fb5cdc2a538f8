"""What else people use, on the real packages: each does what its users get, and leaves nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from matrix.errors import UsageError
from matrix.model import Case, Observation, PathKind, Result, SecondConnection, Storage
from matrix.plugins import plugin_names
from matrix.runner.worker import WorkerProcess
from matrix.stacks.catalogue import Catalogue, choose_companions
from matrix.stacks.spec import parse_stack, with_middleware
from tests.builders import make_case
from tests.conftest import ObserveOn, Provide, RunOn


@dataclass(frozen=True)
class Strings:
    """What a user of a middleware writes for a database in memory, in a file, and by mistake."""

    memory: str
    stray: str
    stray_path: str
    file: str
    shared: str
    options: dict[str, Any]
    """What makes a URI of the shared one."""
    memory_is_private: bool = True
    file_path: str = "x.db"


USED = {
    "aiosqlite": Strings(
        memory=":memory:",
        stray=":memory:?cache=shared",
        stray_path=":memory:?cache=shared",
        file="x.db",
        shared="file:{name}?mode=memory&cache=shared",
        options={"uri": True},
    ),
    "django": Strings(
        memory=":memory:",
        stray=":memory:?cache=shared",
        stray_path=":memory:?cache=shared",
        file="x.db",
        shared="file:{name}?mode=memory&cache=shared",
        options={},
    ),
    "flask-sqlalchemy": Strings(
        memory="sqlite:///:memory:",
        stray="sqlite:///file::memory:?uri=true",
        stray_path="instance/:memory:",
        file="sqlite:///x.db",
        file_path="instance/x.db",
        shared="sqlite:///file:{name}?mode=memory&cache=shared&uri=true",
        options={},
        memory_is_private=False,
    ),
    "peewee": Strings(
        memory="sqlite:///:memory:",
        stray=":memory:?cache=shared",
        stray_path=":memory:?cache=shared",
        file="sqlite:///x.db",
        shared="file:{name}?mode=memory&cache=shared",
        options={"uri": True},
    ),
    "sqlalchemy-asyncio": Strings(
        memory="sqlite+aiosqlite:///:memory:",
        stray="sqlite+aiosqlite:///file:{name}?mode=memory",
        stray_path="file:{name}",
        file="sqlite+aiosqlite:///x.db",
        shared="sqlite+aiosqlite:///file:{name}?mode=memory&cache=shared&uri=true",
        options={"poolclass": "NullPool"},
        memory_is_private=False,
    ),
}

every = pytest.mark.parametrize("via", USED)


def cases_of(via: str) -> list[Case]:
    """One of each: memory, stray, file, shared."""
    strings = USED[via]
    targets = (strings.memory, strings.stray, strings.file, strings.shared)
    options: tuple[dict[str, Any], ...] = ({}, {}, {}, strings.options)
    return [
        make_case(f"{via}/{number}", target=target, via=via, connect=connect)
        for number, (target, connect) in enumerate(zip(targets, options, strict=True))
    ]


def databases(observation: Observation) -> list[tuple[str, bool]]:
    return [(e.path, e.asked) for e in observation.created if e.kind is PathKind.DATABASE]


@every
def test_memory_stray_and_asked_files_are_told_apart(observe_on: ObserveOn, via: str) -> None:
    strings = USED[via]
    memory, stray, file, _ = observe_on(f"sqlite3[{via}]", *cases_of(via))
    assert (memory.error, memory.storage, databases(memory)) == (None, Storage.MEMORY, [])
    assert (stray.storage, databases(stray)) == (Storage.FILE, [(strings.stray_path, False)])
    assert (file.storage, databases(file)) == (Storage.FILE, [(strings.file_path, True)])
    assert file.opened == strings.file_path
    assert [entry.size for entry in file.created if entry.kind is PathKind.OTHER] in ([], [None])
    assert file.second_connection is SecondConnection.SEES


@every
def test_a_second_connection_is_one_of_the_middlewares_own(observe_on: ObserveOn, via: str) -> None:
    memory, _, _, shared = observe_on(f"sqlite3[{via}]", *cases_of(via))
    apart = memory.second_connection is SecondConnection.DOES_NOT_SEE
    assert apart is USED[via].memory_is_private
    assert (shared.error, shared.storage) == (None, Storage.MEMORY)
    assert shared.second_connection is SecondConnection.SEES


@every
def test_nothing_is_left_from_case_to_case(provide: Provide, tmp_path: Path, via: str) -> None:
    """One process does them all, and finds neither a connection nor a table of an earlier case."""
    fixed = USED[via].shared.replace("{name}", "one-name")
    again = make_case("again", target=fixed, via=via, connect=USED[via].options)
    failing = make_case("failing", target="sqlite:////missing/x.db", via=via)
    cases = [*cases_of(via), again, failing, again]
    provided = provide(f"sqlite3[{via}]")
    worker = WorkerProcess(provided, scratch=tmp_path / "scratch")
    try:
        worker.ready()
        worker.send_cases(cases)
        assert worker.receive(30.0) == {"kind": "done", "count": len(cases)}
        lines = worker.take_observations()
    finally:
        worker.stop()
    first, *_, last = [line for line in lines if b'"again"' in line]
    assert b'"error":null' in first
    assert first == last


@every
def test_an_error_of_the_middleware_is_an_observation(observe_on: ObserveOn, via: str) -> None:
    (seen,) = observe_on(f"sqlite3[{via}]", make_case(target="x.db", via=via, connect={"no": 1}))
    if via == "django":  # takes any key in an entry of DATABASES
        assert seen.error is None
    else:
        assert seen.error is not None
        assert seen.error.phase == "open"


@pytest.mark.parametrize(
    ("via", "connect"),
    [
        ("sqlalchemy", {"module": "antigravity"}),
        ("sqlalchemy", {"poolclass": "create_engine"}),
        ("sqlalchemy-asyncio", {"poolclass": "event"}),
        ("django", {"ENGINE": "antigravity"}),
    ],
)
def test_a_name_on_no_list_is_not_imported_and_nothing_is_measured(
    observe_on: ObserveOn, via: str, connect: dict[str, Any]
) -> None:
    target = {"sqlalchemy-asyncio": "sqlite+aiosqlite://", "django": ""}.get(via, "sqlite://")
    (seen,) = observe_on(f"sqlite3[{via}]", make_case(target=target, via=via, connect=connect))
    assert (seen.result, seen.created) == (Result.UNAVAILABLE, ())
    assert seen.error is not None
    assert "is not imported; known: " in seen.error.message


@pytest.mark.parametrize("driver", ["sqlite3", "pysqlite3", "apsw", "sqlean"])
def test_a_statement_loads_no_extension(observe_on: ObserveOn, driver: str) -> None:
    (seen,) = observe_on(driver, make_case(target="", sql=("SELECT load_extension('x')",)))
    assert seen.error is not None
    assert "not authorized" in seen.error.message or "no such function" in seen.error.message


def test_a_test_database_of_django_is_made_and_removed(observe_on: ObserveOn) -> None:
    targets = ("", "test.db", "file:test.db", "test?mode=memory.db")
    cases = [
        make_case(f"test/{target}", target=target, via="django", connect={"TEST": {}})
        for target in targets
    ]
    default, file, uri, odd = observe_on("sqlite3[django]", *cases)
    assert default.passed is not None
    name = default.passed["kwargs"]["database"]
    assert name == "file:memorydb_default?mode=memory&cache=shared"
    assert default.second_connection is SecondConnection.SEES
    assert [(e.path, e.kept) for e in file.created if e.asked] == [("test.db", False)]
    assert [(e.path, e.kept) for e in uri.created if e.asked] == [("test.db", True)]
    assert uri.error is not None
    assert uri.error.phase == "close"
    assert [(e.path, e.kept) for e in odd.strays] == [("test?mode=memory.db", True)]


def test_djangos_own_database_is_not_touched_by_a_test_run(observe_on: ObserveOn) -> None:
    connect = {"NAME": "production.db", "TEST": {}}
    (seen,) = observe_on(
        "sqlite3[django]", make_case(target="test.db", via="django", connect=connect)
    )
    assert [path for path, _ in databases(seen)] == ["test.db"]


@pytest.mark.parametrize("via", ["aiosqlite", "django", "flask-sqlalchemy", "peewee"])
def test_another_driver_is_really_the_one_below(observe_on: ObserveOn, via: str) -> None:
    question = "SELECT CASE sqlite_version() WHEN '3.53.4' THEN 1 ELSE json('broken') END"
    case = make_case(target=USED[via].memory, via=via, sql=(question,))
    (own,) = observe_on(f"sqlite3[{via}]", case)
    (below,) = observe_on(f"pysqlite3==0.6.1[{via}]", case)
    assert own.error is not None
    assert below.error is None


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("apsw[django]", "it knows sqlite3 only, and apsw cannot stand in for that"),
        ("apsw[aiosqlite]", "it knows sqlite3 only, and apsw cannot stand in for that"),
        ("sqlean[peewee]", "peewee chooses sqlite3"),
    ],
)
def test_a_driver_that_does_not_fit_is_a_stack_with_a_reason(
    run_on: RunOn, spec: str, why: str
) -> None:
    stack = run_on(spec, make_case())
    assert stack.unavailable is not None
    assert why in stack.unavailable


def test_sqlean_is_a_driver_like_sqlite3(observe_on: ObserveOn, run_on: RunOn) -> None:
    memory, file = observe_on(
        "sqlean",
        make_case("a", target="file:{name}?mode=memory&cache=shared", connect={"uri": True}),
        make_case("b", target="x.db"),
    )
    assert (memory.storage, memory.second_connection) == (Storage.MEMORY, SecondConnection.SEES)
    assert databases(file) == [("x.db", True)]
    fingerprint = run_on("sqlean[uri=off]").fingerprint
    assert fingerprint is not None
    assert not fingerprint.uri_default


def test_every_middleware_and_driver_is_listed_and_in_a_set(catalogue: Catalogue) -> None:
    assert set(catalogue.middleware) == set(plugin_names("middleware"))
    assert set(catalogue.drivers) == set(plugin_names("drivers"))
    for name in ("standard", "full"):
        named = " ".join(catalogue.sets[name])
        assert [each for each in (*plugin_names("middleware"), "sqlean") if each not in named] == []


def test_a_middleware_brings_its_companions_pinned(catalogue: Catalogue) -> None:
    stack = parse_stack("sqlite3[flask-sqlalchemy]@3.12", catalogue)
    assert [package.requirement for package in stack.packages] == [
        "sqlalchemy==2.1.9",
        "flask==3.1.3",
        "flask-sqlalchemy==3.1.1",
    ]
    assert parse_stack(stack.id, catalogue) == stack


def test_a_companion_is_the_first_of_its_name_that_fits() -> None:
    pins = ['a==2; python_version >= "3.9"', "...", "a==1", "b==1"]
    chosen = {
        python: [package.requirement for package in choose_companions(pins, python)]
        for python in ("3.8", "3.9")
    }
    assert chosen == {"3.8": ["a==1", "b==1"], "3.9": ["a==2", "b==1"]}


def test_a_middleware_that_is_not_listed_is_a_usage_error(catalogue: Catalogue) -> None:
    with pytest.raises(UsageError, match="did you mean 'django'"):
        with_middleware(parse_stack("sqlite3", catalogue), "djang", catalogue)
