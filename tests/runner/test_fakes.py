"""Drivers with one fault each: every fault is detected, and none affects another cell."""

from __future__ import annotations

import pytest

from matrix.model import Case, Observation, PathKind, Result, SecondConnection, Storage
from tests.builders import make_case
from tests.conftest import ObserveOn, RunOn

SHARED = {"connect": {"uri": True}, "sql": ("CREATE TABLE mine(x)",)}


def cases_of(*targets: str, **fields: object) -> list[Case]:
    return [
        make_case(f"fake/{number}", target=target, **fields)
        for number, target in enumerate(targets)
    ]


def as_any_file(observation: Observation) -> bool:
    return (
        observation.result is Result.OPENED
        and observation.error is None
        and observation.storage is Storage.FILE
        and observation.second_connection is SecondConnection.SEES
    )


def test_a_driver_that_always_creates_a_file_is_detected(observe_on: ObserveOn) -> None:
    (seen,) = observe_on("always_file", *cases_of(":memory:"))
    assert as_any_file(seen)
    assert [(entry.path, entry.stray) for entry in seen.created if entry.kept] == [
        ("always.db", True)
    ]
    assert seen.passed == {"args": ["always.db"], "kwargs": {}}


def test_a_driver_that_never_creates_a_file_is_detected(observe_on: ObserveOn) -> None:
    (seen,) = observe_on("never_file", *cases_of("asked.db"))
    assert (seen.storage, seen.created) == (Storage.MEMORY, ())
    assert seen.second_connection is SecondConnection.DOES_NOT_SEE


def test_what_a_driver_raises_is_an_observation(observe_on: ObserveOn) -> None:
    before, seen, after = observe_on("refuses", *cases_of("a.db", "refused.db", "b.db"))
    assert (seen.result, seen.storage, seen.created) == (Result.REFUSED, Storage.NONE, ())
    assert seen.error is not None
    assert seen.error.phase == "open"
    assert seen.error.type.endswith("refuses.Refusal")
    assert seen.error.message == "not refused.db"
    assert as_any_file(before)
    assert as_any_file(after)


def test_an_unavailable_driver_is_a_stack_with_a_reason(run_on: RunOn) -> None:
    stack = run_on("unavailable", make_case())
    assert stack.unavailable == "Unavailable: it is made on Tuesdays only"
    assert (stack.fingerprint, stack.observations) == (None, {})


def test_a_file_behind_sqlites_back_is_listed(observe_on: ObserveOn) -> None:
    (seen,) = observe_on("writes_outside", *cases_of(":memory:"))
    (entry,) = seen.created
    assert (entry.path, entry.kind, entry.stage) == (
        "{dir}/../outside.db",
        PathKind.DATABASE,
        "open",
    )
    assert entry.stray
    assert entry.outside


def test_the_output_of_a_driver_is_discarded(observe_on: ObserveOn) -> None:
    for seen in observe_on("noisy", *cases_of("a.db", "print.db", "b.db")):
        assert as_any_file(seen)


def test_garbage_on_every_descriptor_spoils_no_other_cell(observe_on: ObserveOn) -> None:
    cases = cases_of("a.db", "noise.db", "b.db", "noise-too.db", "c.db")
    for case, seen in zip(cases, observe_on("noisy", *cases), strict=True):
        assert seen.case == case.id
        if "noise" not in case.target:
            assert as_any_file(seen)


@pytest.mark.parametrize("target", ["chdir.db", "closed.db"])
def test_a_driver_that_goes_astray_spoils_no_other_cell(observe_on: ObserveOn, target: str) -> None:
    before, astray, after = observe_on("ends", *cases_of("a.db", target, "b.db"))
    assert as_any_file(before)
    assert as_any_file(astray)
    assert as_any_file(after)


def test_a_file_made_after_a_change_of_directory_is_found_where_it_is(
    observe_on: ObserveOn,
) -> None:
    (seen,) = observe_on("ends", *cases_of("chdir.db"))
    assert [entry.path for entry in seen.created if entry.kept] == ["{tmp}/chdir.db"]


@pytest.mark.parametrize("where", ["leak", "leak-thread"])
def test_a_leaked_connection_does_not_show_up_in_the_next_case(
    observe_on: ObserveOn, where: str
) -> None:
    target = f"file:{where}?mode=memory&cache=shared"
    cases = cases_of(target, target, target.replace(where, "clean"), target, **SHARED)
    for seen in observe_on("ends", *cases):
        assert (seen.error, seen.storage) == (None, Storage.MEMORY)
