"""What is advised for what one means, and what is warned of."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from matrix.model import Failure, Intent, Observation, SecondConnection
from matrix.reports.recipes import MOST, Recipe, build_recipes
from matrix.reports.recipes.calls import as_advice, shape_of
from matrix.results.store import load_results
from tests.builders import (
    in_file,
    in_memory,
    make_case,
    make_results,
    not_measured,
    refused,
    stray,
)
from tests.paths import ROOT
from tests.reports.recipes.building import (
    NEITHER,
    OFF,
    calls,
    on_both,
    on_two_builds,
    only,
    pooled,
    private,
    read_alone,
    reads,
    stack_of,
    warned,
    with_rival,
    written,
)

PLAIN = private("memory/name[text=plain]", ":memory:")
URI = private("memory/uri[text=mode]", "file:{name}?mode=memory")
SWITCHED = private("memory/uri[text=switch]", "file:{name}?mode=memory", connect={"uri": True})


def test_what_is_as_intended_on_every_stack_is_safe_if_the_builds_differ() -> None:
    recipe = only(on_both((PLAIN, in_memory)))
    (way,) = recipe.safe
    assert (way.call, way.builds, way.unvaried) == ('connect(":memory:")', 2, ())
    assert way.cases == (PLAIN.id,)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({}, "measured on one build only, where SQLite reads URIs by default and "
             "SQLite has the shared cache"),
        ({"uri_default": False}, "measured only where SQLite has the shared cache"),
        ({"shared_cache": False}, "measured only where SQLite reads URIs by default"),
    ],
)  # fmt: skip
def test_what_was_measured_on_builds_that_do_not_differ_enough_is_not_safe(
    facts: dict[str, bool], told: str
) -> None:
    seen = in_memory(PLAIN.id)
    stacks = [stack_of("sqlite3@3.11", seen), stack_of("sqlite3@3.12", seen, **facts)]
    recipe = only(make_results([PLAIN], stacks))
    assert recipe.safe == ()
    assert [way.caveats for way in recipe.one_build] == [(told,)]


def test_what_leaves_a_stray_file_somewhere_is_a_trap_and_says_where_it_does_not() -> None:
    (trap,) = only(on_two_builds((PLAIN, in_memory, in_memory), (URI, in_memory, stray))).traps
    assert trap.call == 'connect("file:db?mode=memory")'
    assert dict(trap.strays) == {OFF: "file:db?mode=memory"}
    assert "SQLite reads URIs by default" in trap.where


def test_of_one_shape_nothing_is_advised_if_one_of_its_names_is_warned_of() -> None:
    other = private("memory/uri[text=other]", "file:elsewhere?mode=memory")
    recipe = only(on_two_builds((URI, in_memory, stray), (other, in_memory, in_memory)))
    assert calls(recipe) == []
    assert [way.call for way in recipe.traps] == ['connect("file:db?mode=memory")']


def test_a_switch_is_part_of_the_shape() -> None:
    recipe = only(on_two_builds((URI, in_memory, stray), (SWITCHED, in_memory, in_memory)))
    assert calls(recipe) == ['connect("file:db?mode=memory", uri=True)']
    assert [way.call for way in recipe.traps] == ['connect("file:db?mode=memory")']


@pytest.mark.parametrize(("good", "advised"), [(3, False), (4, False), (5, True)])
def test_what_is_not_as_intended_on_a_third_of_the_stacks_is_no_advice(
    good: int, advised: bool
) -> None:
    case = make_case(target="sqlite:///:memory:", via="sqlalchemy", intent=Intent.PRIVATE_MEMORY)
    stacks = [
        stack_of(
            f"sqlite3[sqlalchemy=1.{minor}]@3.11",
            in_memory(case.id) if minor > 6 - good else refused(case.id),
            middleware="sqlalchemy",
            middleware_version=f"1.{minor}",
            **(NEITHER if minor % 2 else {}),
        )
        for minor in range(1, 7)
    ]
    recipes = build_recipes(make_results([case], stacks))
    found = [way.caveats[0] for recipe in recipes for way in recipe.most]
    assert len(found) == advised
    assert all("sqlalchemy is 1.2 or newer (not 1.1)" in each for each in found)
    assert all("; else it was refused" in each for each in found)


def test_what_needs_a_certain_build_is_no_advice_however_many_stacks_have_it() -> None:
    stacks = [stack_of(f"sqlite3@3.{minor}", in_memory(URI.id)) for minor in range(8, 14)]
    stacks.append(stack_of(OFF, refused(URI.id), **NEITHER))
    assert build_recipes(make_results([URI], stacks)) == ()


def test_a_case_that_did_not_run_on_a_stack_is_not_safe_there() -> None:
    asked = on_both((PLAIN, in_memory))
    more = replace(asked, stacks=(*asked.stacks, stack_of("sqlite3@3.12")))
    assert build_recipes(asked)
    assert build_recipes(more) == ()


def test_what_could_not_be_measured_makes_no_recipe() -> None:
    assert build_recipes(on_both((PLAIN, not_measured))) == ()


def test_a_string_is_safe_only_if_every_plain_case_that_asks_it_is_as_intended() -> None:
    again = private("other/again[text=plain]", ":memory:")
    assert build_recipes(on_both((PLAIN, in_memory), (again, in_file))) == ()


def test_a_case_with_statements_alone_makes_no_recipe() -> None:
    asked = private(PLAIN.id, ":memory:", sql=("PRAGMA journal_mode=wal",))
    assert build_recipes(on_both((asked, in_memory))) == ()


def test_the_name_does_not_make_another_way_and_the_plainest_one_is_shown() -> None:
    names = ("bb", "a", "ccc")
    asked = [private(f"memory/names[name={name}]", f"file:{name}?mode=memory") for name in names]
    (way,) = only(on_both(*((case, in_memory) for case in asked))).safe
    assert way.call == 'connect("file:a?mode=memory")'
    assert set(way.cases) == {case.id for case in asked}


def test_ways_are_listed_by_how_many_stacks_and_then_by_how_plain() -> None:
    targets = ("file:x?mode=memory", "file::memory:", ":memory:", "file:x?vfs=memdb&a=b")
    cases = [private(f"m/m[n={n}]", target) for n, target in enumerate(targets)]
    recipe = only(on_both(*((case, in_memory) for case in cases)))
    assert [way.case.target for way in recipe.safe] == [":memory:", *targets[1::-1]]
    assert (len(recipe.safe), recipe.also_safe) == (MOST, 1)


@pytest.mark.parametrize(
    "more", ["file:x?mode=memory&cache=private", "file:///x?mode=memory", "file:/y?mode=memory"]
)
def test_what_only_says_more_or_the_same_is_not_listed(more: str) -> None:
    cases = [private("m/m[n=1]", "file:x?mode=memory"), private("m/m[n=2]", more)]
    recipe = only(on_both(*((case, in_memory) for case in cases)))
    assert calls(recipe) == ['connect("file:x?mode=memory")']


@pytest.mark.parametrize(
    ("pool", "advised"),
    [
        ("NullPool", False),
        ("QueuePool", False),
        ("AsyncAdaptedQueuePool", False),
        ("FallbackAsyncAdaptedQueuePool", False),
        ("SingletonThreadPool", True),
    ],
)
def test_a_pool_that_keeps_no_connection_or_several_keeps_no_private_memory(
    pool: str, advised: bool
) -> None:
    asked = private("m/m[n=1]", "sqlite:///file::memory:?uri=true", via="sqlalchemy")
    recipes = build_recipes(on_both((asked, pooled(pool)), middleware="sqlalchemy"))
    assert [len(recipe.safe) for recipe in recipes] == [1] * advised


def test_a_pool_that_keeps_no_connection_keeps_a_file() -> None:
    asked = make_case(target="sqlite:///x.db", via="sqlalchemy", intent=Intent.FILE)

    def shown(case: str) -> Observation:
        return replace(in_file(case, "x.db"), pool="NullPool")

    assert len(only(on_both((asked, shown), middleware="sqlalchemy")).safe) == 1


def test_through_sqlalchemy_a_path_from_the_root_is_a_string_of_its_own() -> None:
    targets = ("sqlite:///x.db", "sqlite:///{dir}/x.db")
    cases = [
        make_case(f"f/f[n={n}]", target=target, via="sqlalchemy", intent=Intent.FILE)
        for n, target in enumerate(targets)
    ]
    results = on_both(
        *((case, lambda case: in_file(case, "x.db")) for case in cases), middleware="sqlalchemy"
    )
    assert calls(only(results)) == [
        'create_engine("sqlite:///x.db")',
        'create_engine("sqlite:////path/to/x.db")',
    ]


def test_several_connections_to_one_database_are_a_pool_as_it_should_be() -> None:
    asked = make_case(
        target="sqlite:///file:/x?vfs=memdb&uri=true", via="sqlalchemy", intent=Intent.SHARED_MEMORY
    )
    shown = pooled("QueuePool", second_connection=SecondConnection.SEES)
    assert len(only(on_both((asked, shown), middleware="sqlalchemy")).safe) == 1


def test_what_is_said_to_be_ignored_is_not_advised() -> None:
    warning = "SAWarning: Query string argument(s) 'cache' are not accepted and are being ignored"
    other = private("m/m[n=2]", "file:/x?mode=memory")
    recipe = only(on_both((URI, warned(warning)), (other, in_memory)))
    assert [way.case.target for way in recipe.safe] == [other.target]


@pytest.mark.parametrize(
    "target", ["file:sub/../x.db", "file:sub/x.db", "file:/{name}.db", "x?.db"]
)
def test_a_file_with_an_odd_name_or_in_the_root_is_not_advised(target: str) -> None:
    path = "/db.db" if "name" in target else "x.db"
    odd = make_case("f/f[n=1]", intent=Intent.FILE, target=target)
    plain = make_case("f/f[n=2]", intent=Intent.FILE, target="y")
    results = on_both((odd, lambda case: in_file(case, path)), (plain, lambda c: in_file(c, "y")))
    assert calls(only(results)) == ['connect("y")']


def test_what_is_said_to_be_ignored_may_well_be_warned_of() -> None:
    def ignored(case: str) -> Observation:
        return replace(stray(case), warnings=("SAWarning: 'mode' is being ignored",))

    other = private("m/m[n=2]", ":MEMORY:")
    recipe = only(on_both((URI, ignored), (other, stray)))
    assert {way.case.target for way in recipe.traps} == {URI.target, other.target}


def test_the_options_of_a_test_run_are_no_advice() -> None:
    asked = private("d/d[n=1]", ":memory:", via="django", connect={"TEST": {}})
    assert build_recipes(on_both((asked, in_memory), middleware="django")) == ()


def test_what_strays_on_a_third_of_the_stacks_is_a_trap() -> None:
    names = ("sqlite3@3.11", "sqlite3@3.12", OFF)
    seen = (in_memory(URI.id), in_memory(URI.id), stray(URI.id))
    stacks = [stack_of(name, shown) for name, shown in zip(names, seen, strict=True)]
    assert len(only(make_results([URI], stacks)).traps) == 1


def test_a_trap_shows_the_stray_file_of_its_own_string() -> None:
    longer = private("m/m[n=1]", "file:longer?mode=memory")
    shorter = private("m/m[n=2]", "file:x?mode=memory")
    recipe = only(
        on_both(
            (longer, lambda case: stray(case, longer.target)),
            (shorter, lambda case: stray(case, shorter.target)),
        )
    )
    assert [(way.case.target, way.stray_path) for way in recipe.traps] == [
        ("file:x?mode=memory", "file:x?mode=memory")
    ]


def test_a_trap_shows_a_string_that_strays_though_a_plainer_one_does_not() -> None:
    longer = private("m/m[n=1]", "file:longer?mode=memory")
    shorter = private("m/m[n=2]", "file:x?mode=memory")
    recipe = only(on_both((longer, stray), (shorter, in_memory)))
    assert [way.case for way in recipe.traps] == [longer]


def test_of_the_traps_those_that_many_ask_about_come_first() -> None:
    asked = [
        private("m/one[n=1]", "x?a=b"),
        private("m/one[n=2]", "x?mode=memory"),
        private("m/two[n=1]", "y?mode=memory"),
    ]
    recipe = only(on_both(*((case, stray) for case in asked)))
    assert [way.case.target for way in recipe.traps] == ["x?mode=memory", "x?a=b"]


def test_an_odd_name_that_strays_says_nothing_of_the_shape() -> None:
    odd = private("m/m[n=2]", "file:a%23b?mode=memory", connect={"uri": True})
    recipe = only(on_both((SWITCHED, in_memory), (odd, stray)))
    assert calls(recipe) == ['connect("file:db?mode=memory", uri=True)']
    assert recipe.traps == ()


def test_a_case_that_writes_nothing_shows_nothing() -> None:
    asked = private(PLAIN.id, ":memory:", write=False)
    assert build_recipes(on_both((asked, in_memory))) == ()


def test_what_hands_the_driver_the_same_is_listed_once() -> None:
    def passed(case: str) -> Observation:
        return replace(in_memory(case), passed={"args": [":memory:"], "kwargs": {}})

    targets = ("sqlite:///:memory:", "sqlite://")
    cases = [private(f"m/m[n={n}]", t, via="sqlalchemy") for n, t in enumerate(targets)]
    recipe = only(on_both(*((case, passed) for case in cases), middleware="sqlalchemy"))
    assert calls(recipe) == ['create_engine("sqlite://")']
    assert recipe.also_safe == 1


def test_what_holds_on_more_stacks_comes_before_what_is_plainer() -> None:
    targets = (":memory:", "file:x?mode=memory", "file:x?vfs=memdb", "x?mode=memory")
    cases = [private(f"m/m[n={n}]", target) for n, target in enumerate(targets)]
    stacks = [
        stack_of(
            f"sqlite3@3.{minor}",
            *(in_memory(case.id) for case in cases[1:]),
            refused(cases[0].id) if minor == 8 else in_memory(cases[0].id),
            **(NEITHER if minor % 2 else {}),
        )
        for minor in range(8, 14)
    ]
    recipe = only(make_results(cases, stacks))
    assert {way.case.target for way in recipe.safe} == {*targets[1:]}
    assert recipe.most == ()


def test_a_database_that_is_there_and_cannot_be_read_is_no_advice() -> None:
    def failed(case: str) -> Observation:
        error = Failure(phase="sql", type="E", message="m", statement="SELECT 1")
        return replace(read_alone(case), error=error)

    missing, there = reads("ro/missing[n=1]"), reads("ro/there[n=1]", sql=("SELECT 1",))
    assert build_recipes(on_both((missing, refused), (there, failed))) == ()


def test_a_file_is_shown_by_one_that_was_not_there() -> None:
    asked = make_case(PLAIN.id, intent=Intent.FILE, target="file:x.db?mode=rw")
    assert build_recipes(on_both((asked, read_alone))) == ()


def test_to_read_is_shown_by_a_database_that_is_there_and_one_that_is_not() -> None:
    missing, there = reads("ro/missing[n=1]"), reads("ro/there[n=1]", sql=("SELECT 1",))
    assert build_recipes(on_both((missing, refused))) == ()
    assert build_recipes(on_both((there, read_alone))) == ()
    (way,) = only(on_both((missing, refused), (there, read_alone))).safe
    assert set(way.cases) == {missing.id, there.id}


def test_what_writes_though_it_should_read_while_a_rival_shares_the_cache_falls_out() -> None:
    missing, there = reads("ro/missing[n=1]"), reads("ro/there[n=1]")
    rival = with_rival(
        there, where="same", does="open", connect={"uri": True}, target="cache=shared"
    )
    results = on_both((missing, refused), (there, read_alone), (rival, written))
    assert build_recipes(results) == ()


def baseline() -> list[Recipe]:
    return list(build_recipes(load_results(ROOT / "results" / "baseline")))


def test_the_measured_recipes_are_short_and_never_advise_what_they_warn_of() -> None:
    recipes = baseline()
    assert {recipe.intent for recipe in recipes} == {*Intent} - {Intent.OBSERVE, Intent.REFUSE}
    for recipe in recipes:
        advised = recipe.advised
        assert len(advised) <= MOST
        assert len(recipe.traps) <= MOST
        shapes = [shape_of(way.case) for way in (*advised, *recipe.traps)]
        assert len(shapes) == len(set(map(repr, shapes)))


@pytest.mark.parametrize(
    ("intent", "loser"),
    [
        (Intent.READ_ONLY, 'connect("file:x.db?cache=shared&mode=ro", uri=True)'),
        (Intent.PRIVATE_MEMORY, 'create_engine("sqlite:///file::memory:?uri=true")'),
        (Intent.TEMPORARY, 'create_engine("sqlite:///file:?uri=true")'),
        (Intent.TEMPORARY, 'create_engine("sqlite:///file:?uri=true", poolclass=QueuePool)'),
    ],
)
def test_a_known_loser_is_not_among_the_measured_recipes(intent: Intent, loser: str) -> None:
    assert loser not in [c for r in baseline() if r.intent is intent for c in calls(r)]


def test_what_the_documentation_says_of_warnings_is_measured() -> None:
    """The call that it warns of carries the warning, the other one does not."""
    text = (ROOT / "docs" / "recipes.md").read_text("utf-8")
    warned_of, instead = re.findall(r"`(create_engine\(.+?\))`", text)
    results = load_results(ROOT / "results" / "baseline")
    stacks = [stack for stack in results.stacks if stack.middleware == "sqlalchemy"]
    cases = [case for case in results.cases.values() if case.via == "sqlalchemy"]
    announced = {
        call: [
            "will use QueuePool" in " ".join(stack.observations[case.id].warnings)
            for case in cases
            if as_advice(case) == call
            for stack in stacks
        ]
        for call in (warned_of, instead)
    }
    assert all(announced[warned_of])
    assert announced[instead]
    assert not any(announced[instead])
