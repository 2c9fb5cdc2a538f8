"""A run from its first event to its results, and its messages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from matrix.errors import MatrixError, NothingRanError
from matrix.results.store import load_results
from matrix.runner.collect import (
    check_conflicts,
    check_ran,
    measure,
    observe_stacks,
    provide,
    share_out,
)
from matrix.runner.options import RunOptions
from matrix.stacks.catalogue import Catalogue
from matrix.stacks.provision import Provided, Provisioner, Unprovided
from matrix.stacks.spec import parse_stack
from tests.builders import in_memory, make_case, make_results, make_scenario, make_stack
from tests.watching import Watcher

ONE = RunOptions(jobs=1)


@pytest.fixture
def some(tmp_path: Path, catalogue: Catalogue) -> list[Provided | Unprovided]:
    """A stack that can run, and one that cannot."""
    stacks = [parse_stack(spec, catalogue) for spec in ("sqlite3", "apsw==3.1.0")]
    return provide(Provisioner(tmp_path / "cache", offline=True), stacks)


def test_stacks_are_provided_in_their_order_and_counted(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    stacks = [parse_stack(spec, catalogue) for spec in ("sqlite3", "sqlite3[uri=on]")]
    watcher = Watcher()
    provided = provide(Provisioner(tmp_path, offline=True), stacks, watcher)
    assert [each.stack for each in provided] == stacks
    assert watcher.counts == {"stacks provided": (2, 2)}


def test_each_stack_gets_the_cases_that_it_runs(some: list[Provided | Unprovided]) -> None:
    bare, through = make_case("a/bare"), make_case("a/through", via="sqlalchemy")
    of_apsw = make_case("a/apsw", drivers=("apsw",))
    shares = share_out(some, [bare, through, of_apsw])
    assert [[case.id for case in cases] for _, cases in shares] == [
        ["a/bare"],
        ["a/bare", "a/apsw"],
    ]


def test_results_are_written_and_counted_and_missing_stacks_are_reported(
    tmp_path: Path, some: list[Provided | Unprovided]
) -> None:
    watcher = Watcher()
    cases = [make_case("topic/a", target=":memory:"), make_case("topic/b", target="x.db")]
    infos = [make_scenario("topic/a"), make_scenario("topic/unused")]
    missing = measure(
        tmp_path / "out", share_out(some, cases), infos, options=ONE, progress=watcher
    )
    (name,) = missing
    assert name.startswith("apsw==3.1.0@")
    assert watcher.counts == {"cells": (2, 2)}
    assert watcher.notes == [f"unavailable: {name}: {missing[name]}"]
    results = load_results(tmp_path / "out")
    assert [info.id for info in results.scenarios] == ["topic/a"]
    assert [len(stack.observations) for stack in results.stacks] == [2, 0]


def test_stacks_without_cases_give_their_fingerprints_or_the_reasons(
    some: list[Provided | Unprovided],
) -> None:
    shown, lacking = observe_stacks(some)
    assert lacking.fingerprint is None
    assert "is not in the cache" in (lacking.unavailable or "")
    assert shown.fingerprint is not None
    assert shown.observations == {}


def test_a_run_without_any_stack_is_an_error(some: list[Provided | Unprovided]) -> None:
    work = share_out(some, ())
    check_ran(work, {"apsw": "it is Tuesday"})
    with pytest.raises(NothingRanError, match="no stack could be run\napsw: it is Tuesday\n"):
        check_ran(work, {"apsw": "it is Tuesday", "sqlite3": "it is not"})


def test_a_hook_and_a_directory_listing_that_disagree_are_an_error() -> None:
    case = make_case("topic/a")
    seen = in_memory(case.id)
    check_conflicts(make_results([case], [make_stack("sqlite3@3.11", [seen])]))
    torn = replace(seen, conflicts=("the hook saw x, the listing did not",))
    with pytest.raises(MatrixError, match=r"topic/a on sqlite3@3\.11: the hook saw x"):
        check_conflicts(make_results([case], [make_stack("sqlite3@3.11", [torn])]))
