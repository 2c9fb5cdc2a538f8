"""What this project exists to show, measured end to end on the newest version of each driver.

Where machines may differ, the expected result depends on the fingerprint of the stack.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from matrix.model import (
    Case,
    Fingerprint,
    Observation,
    PathKind,
    Result,
    SecondConnection,
    Storage,
    UriDefault,
)
from tests.builders import make_case
from tests.conftest import RunOn

DRIVERS = ("sqlite3", "pysqlite3", "apsw")
SETTINGS = ("", "[uri=off]", "[uri=on]")
BARE = [driver + setting for driver in DRIVERS for setting in SETTINGS]
ON_TOP = [f"{driver}[sqlalchemy]" for driver in DRIVERS]

SWITCHED = {"uri": True}
IN_MEMORY = "file:x?mode=memory"
ROOT_FILE = f"/file:must-show-{os.getpid()}"
SHARED = ("mode=memory&cache=shared", "cache=shared&mode=memory")

BARE_CASES = {
    "plain": make_case("show/plain", target=IN_MEMORY),
    "switched": make_case("show/switched", target=IN_MEMORY, connect=SWITCHED),
    "memory-rwc": make_case("show/1", target="file:x?mode=memory&mode=rwc", connect=SWITCHED),
    "rwc-memory": make_case("show/2", target="file:x?mode=rwc&mode=memory", connect=SWITCHED),
    "mode-cache": make_case("show/3", target=f"file:{{name}}?{SHARED[0]}", connect=SWITCHED),
    "cache-mode": make_case("show/4", target=f"file:{{name}}?{SHARED[1]}", connect=SWITCHED),
    "memory-name": make_case("show/5", target=":memory:?cache=shared"),
    "memory": make_case("show/6", target=":memory:"),
    "file": make_case("show/7", target="x.db"),
}


def through(name: str, target: str) -> Case:
    return make_case(f"show/{name}", target=target, via="sqlalchemy")


ON_TOP_CASES = {
    "plain": through("plain", "sqlite:///file:x?mode=memory"),
    "last": through("last", "sqlite:///file:x?mode=memory&uri=true"),
    "first": through("first", "sqlite:///file:x?uri=true&mode=memory"),
    "between": through("between", "sqlite:///file:{name}?mode=memory&uri=true&cache=shared"),
    "absolute": through("absolute", f"sqlite:///{ROOT_FILE}?mode=memory&uri=true"),
    "memory-name": through("memory-name", "sqlite:///:memory:?cache=shared&uri=true"),
}

Show = Callable[[str, str], tuple[Fingerprint, Observation]]


@pytest.fixture(scope="module")
def show(run_on: RunOn) -> Show:
    """A stack's fingerprint, and what a case showed on it; each stack is started once."""
    seen: dict[str, tuple[Fingerprint, dict[str, Observation]]] = {}

    def show(spec: str, name: str) -> tuple[Fingerprint, Observation]:
        cases = ON_TOP_CASES if spec in ON_TOP else BARE_CASES
        if spec not in seen:
            stack = run_on(spec, *cases.values())
            if stack.unavailable is not None and spec.startswith("sqlite3[uri="):
                pytest.skip(f"the URI default cannot be set here: {stack.unavailable}")
            assert stack.fingerprint is not None, stack.unavailable
            seen[spec] = (stack.fingerprint, dict(stack.observations))
        fingerprint, observations = seen[spec]
        return fingerprint, observations[cases[name].id]

    return show


def files(seen: Observation) -> list[str]:
    """The files that exist at the end."""
    return [entry.path for entry in seen.created if entry.kept]


def in_memory(seen: Observation) -> bool:
    assert seen.error is None
    return seen.storage is Storage.MEMORY and files(seen) == []


def in_stray(seen: Observation, path: str) -> bool:
    assert seen.error is None
    strays = [entry.path for entry in seen.strays]
    return (seen.storage, files(seen), strays) == (Storage.FILE, [path], [path])


@pytest.mark.parametrize("stack", BARE)
def test_the_uri_default_is_the_one_that_was_set(show: Show, stack: str) -> None:
    fingerprint, _ = show(stack, "plain")
    if fingerprint.uri_setting is not UriDefault.AS_BUILT:
        assert fingerprint.uri_default is (fingerprint.uri_setting is UriDefault.ON)


@pytest.mark.parametrize("stack", BARE)
def test_without_a_switch_the_uri_default_decides_between_memory_and_a_stray(
    show: Show, stack: str
) -> None:
    fingerprint, seen = show(stack, "plain")
    if fingerprint.uri_default:
        assert in_memory(seen)
    else:
        assert in_stray(seen, IN_MEMORY)


@pytest.mark.parametrize(("driver", "memory"), [("pysqlite3", True), ("apsw", False)])
def test_as_built_two_drivers_differ_on_the_same_string(
    show: Show, driver: str, memory: bool
) -> None:
    _, seen = show(driver, "plain")
    assert in_memory(seen) is memory
    assert in_stray(seen, IN_MEMORY) is not memory


@pytest.mark.parametrize("stack", BARE)
def test_with_the_switch_it_is_memory_under_every_default(show: Show, stack: str) -> None:
    assert in_memory(show(stack, "switched")[1])


@pytest.mark.parametrize("stack", BARE)
def test_of_two_modes_the_last_one_wins(show: Show, stack: str) -> None:
    _, memory_first = show(stack, "memory-rwc")
    assert (memory_first.storage, files(memory_first)) == (Storage.FILE, ["x"])
    assert memory_first.strays == ()
    assert in_memory(show(stack, "rwc-memory")[1])


@pytest.mark.parametrize("stack", BARE)
def test_the_order_of_mode_and_cache_does_not_matter(show: Show, stack: str) -> None:
    first, second = (show(stack, name)[1] for name in ("mode-cache", "cache-mode"))
    assert in_memory(first)
    assert in_memory(second)
    assert first.second_connection is second.second_connection


@pytest.mark.parametrize("stack", BARE)
def test_a_second_connection_sees_the_data_only_with_a_shared_cache(show: Show, stack: str) -> None:
    fingerprint, seen = show(stack, "mode-cache")
    sees = SecondConnection.SEES if fingerprint.shared_cache else SecondConnection.DOES_NOT_SEE
    assert seen.second_connection is sees


@pytest.mark.parametrize(("driver", "shared"), [("pysqlite3", True), ("apsw", False)])
def test_the_newest_apsw_has_no_shared_cache_and_pysqlite3_has(
    show: Show, driver: str, shared: bool
) -> None:
    assert show(driver, "mode-cache")[0].shared_cache is shared


@pytest.mark.parametrize("stack", BARE)
def test_the_name_memory_with_a_query_is_a_file(show: Show, stack: str) -> None:
    assert in_stray(show(stack, "memory-name")[1], ":memory:?cache=shared")


@pytest.mark.parametrize("stack", BARE)
def test_a_plain_memory_name_and_a_plain_file_name_behave_as_documented(
    show: Show, stack: str
) -> None:
    _, memory = show(stack, "memory")
    assert in_memory(memory)
    assert memory.second_connection is SecondConnection.DOES_NOT_SEE
    _, file = show(stack, "file")
    assert (file.storage, files(file), file.strays) == (Storage.FILE, ["x.db"], ())
    assert file.second_connection is SecondConnection.SEES


@pytest.mark.parametrize("stack", ON_TOP)
def test_through_sqlalchemy_a_uri_without_its_switch_is_a_stray_named_with_its_scheme(
    show: Show, stack: str
) -> None:
    _, seen = show(stack, "plain")
    assert in_stray(seen, "file:x")
    assert seen.passed is not None
    assert seen.passed["args"] == ["{dir}/file:x"]


@pytest.mark.parametrize("where", ["first", "between", "last"])
@pytest.mark.parametrize("stack", ON_TOP)
def test_through_sqlalchemy_the_switch_works_in_every_position(
    show: Show, stack: str, where: str
) -> None:
    assert in_memory(show(stack, where)[1])


@pytest.mark.parametrize("stack", ON_TOP)
def test_one_slash_too_many_is_a_stray_outside_which_is_removed(show: Show, stack: str) -> None:
    _, seen = show(stack, "absolute")
    if seen.result is Result.REFUSED:
        pytest.skip(f"nothing can be written to / here: {seen.error}")
    # The string that reaches SQLite begins with a slash, so no build takes it for a URI.
    stray = f"{ROOT_FILE}?mode=memory"
    assert in_stray(seen, stray)
    assert all(entry.outside for entry in seen.created)
    assert not Path(stray).exists()
    assert not Path(f"{stray}-journal").exists()


@pytest.mark.parametrize("stack", ON_TOP)
def test_through_sqlalchemy_with_the_switch_the_name_memory_with_a_query_is_a_file(
    show: Show, stack: str
) -> None:
    assert in_stray(show(stack, "memory-name")[1], ":memory:?cache=shared")


@pytest.mark.parametrize("stack", [*BARE, *ON_TOP])
def test_every_file_that_is_kept_is_a_database(show: Show, stack: str) -> None:
    cases = ON_TOP_CASES if stack in ON_TOP else BARE_CASES
    for name in cases:
        _, seen = show(stack, name)
        assert all(entry.kind is PathKind.DATABASE for entry in seen.created if entry.kept)
