"""A check: the cases for a string, and the stack that runs each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matrix.errors import NothingRanError, NothingSelectedError
from matrix.model import Case, Intent, Result
from matrix.project.check import (
    Check,
    answers,
    cases_of_target,
    check_any_ran,
    run_check,
    with_middleware_stacks,
)
from matrix.stacks.catalogue import Catalogue
from matrix.stacks.provision import Provisioner
from matrix.stacks.spec import parse_stack
from tests.builders import in_memory, make_case, make_fingerprint, make_results, make_stack

BARE, THROUGH = make_case("x/bare"), make_case("x/through", target="sqlite://", via="sqlalchemy")


@pytest.mark.parametrize(
    ("target", "uri", "ways"),
    [
        ("file:x", None, [("check[uri=off]", {}), ("check[uri=on]", {"uri": True})]),
        ("file:x", True, [("check", {"uri": True})]),
        ("file:x", False, [("check", {})]),
        ("x.db", None, [("check", {})]),
        ("sqlite:///file:x", None, [("check", {})]),
    ],
)
def test_a_file_target_is_tried_both_ways_unless_one_is_chosen(
    target: str, uri: bool | None, ways: list[tuple[str, dict[str, bool]]]
) -> None:
    assert [(case.id, case.connect) for case in cases_of_target(target, uri=uri)] == ways


@pytest.mark.parametrize(
    ("target", "named", "via"),
    [
        ("sqlite:///x", None, "sqlalchemy"),
        ("sqlite+pysqlite:///x", None, "sqlalchemy"),
        ("sqlite+aiosqlite:///x", None, "sqlalchemy-asyncio"),
        ("sqlite:///x", "flask-sqlalchemy", "flask-sqlalchemy"),
        ("x.db", None, None),
    ],
)
def test_a_url_goes_through_sqlalchemy_by_default(
    target: str, named: str | None, via: str | None
) -> None:
    (case,) = cases_of_target(target, via=named, intent=Intent.FILE, sql=["SELECT 1"])
    assert (case.via, case.intent, case.sql) == (via, Intent.FILE, ("SELECT 1",))


def ask(catalogue: Catalogue, *specs: str, named: bool, cases: tuple[Case, ...]) -> Check:
    stacks = tuple(parse_stack(spec, catalogue) for spec in specs)
    return Check(cases=cases, stacks=stacks, named=named, catalogue=catalogue)


def test_a_stack_that_was_named_runs_every_case(catalogue: Catalogue) -> None:
    check = ask(catalogue, "sqlite3", named=True, cases=(BARE, THROUGH))
    (stack,) = check.stacks
    assert check.place(stack, BARE) == stack
    on_top = check.place(stack, THROUGH)
    assert on_top is not None
    assert (on_top.driver, on_top.middleware) == ("sqlite3", "sqlalchemy")


def test_a_stack_of_a_set_runs_the_cases_of_its_kind(catalogue: Catalogue) -> None:
    check = ask(catalogue, "sqlite3", named=False, cases=(BARE, THROUGH))
    (stack,) = check.stacks
    assert (check.place(stack, BARE), check.place(stack, THROUGH)) == (stack, None)


def test_a_middleware_that_no_stack_has_is_added_once(catalogue: Catalogue) -> None:
    stacks = (parse_stack("apsw", catalogue),)
    found = with_middleware_stacks(stacks, [THROUGH, replace(THROUGH, id="x/more")], catalogue)
    assert [(stack.driver, stack.middleware) for stack in found] == [
        ("apsw", None),
        ("sqlite3", "sqlalchemy"),
    ]
    assert with_middleware_stacks(found, [BARE, THROUGH], catalogue) == found


def test_where_no_stack_runs_a_case_nothing_is_selected(
    catalogue: Catalogue, provisioner: Provisioner
) -> None:
    check = ask(catalogue, "sqlite3", named=False, cases=(THROUGH,))
    with pytest.raises(NothingSelectedError, match="no stack of the set runs these cases"):
        run_check(check, provisioner=provisioner)


def test_every_case_is_answered_on_every_stack_in_their_order(catalogue: Catalogue) -> None:
    check = ask(catalogue, "sqlite3", "apsw", named=True, cases=(make_case("z"), make_case("a")))
    shown, lacking = (stack.id for stack in check.stacks)
    results = make_results(
        check.cases,
        [
            make_stack(shown, [in_memory("a"), in_memory("z")], fingerprint=make_fingerprint()),
            make_stack(lacking, unavailable="no wheel"),
        ],
    )
    found = list(answers(check, results))
    assert [each.case for each in found] == ["z", "a"] * 2
    assert [each.result for each in found[2:]] == [Result.UNAVAILABLE] * 2
    assert found[3].error is not None
    assert found[3].error.message == "no wheel"
    check_any_ran(results)
    with pytest.raises(NothingRanError, match="no wheel"):
        check_any_ran(replace(results, stacks=results.stacks[1:]))
