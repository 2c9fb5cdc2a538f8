"""What to write for what one means, computed from cells."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matrix.model import Case, Failure, Intent, Observation, PathKind, SecondConnection, Storage
from matrix.reports.grid import build_grid
from matrix.reports.markdown import render_markdown
from matrix.reports.recipes import Recipe, as_call, build_recipes
from matrix.results.store import ResultSet
from tests.builders import (
    in_file,
    in_memory,
    make_case,
    make_created,
    make_fingerprint,
    make_observation,
    make_results,
    make_stack,
    not_measured,
    refused,
    stray,
)

PLAIN = "memory/name[text=plain]"
URI = "memory/uri[text=mode]"


def private(case: str, target: str, **fields: object) -> Case:
    return make_case(case, target=target, intent=Intent.PRIVATE_MEMORY, **fields)


def two_stacks(*cases: Case) -> ResultSet:
    """`:memory:` is memory on both; the URI is memory on one, and a stray file on the other."""
    on = make_stack(
        "sqlite3@3.11", [in_memory(PLAIN), in_memory(URI)], fingerprint=make_fingerprint()
    )
    off = make_stack(
        "apsw==3.54.1.0@3.11",
        [in_memory(PLAIN), stray(URI)],
        fingerprint=make_fingerprint(driver="apsw", uri_default=False),
    )
    asked = cases or (private(PLAIN, ":memory:"), private(URI, "file:{name}?mode=memory"))
    return make_results(asked, [on, off])


def only(results: ResultSet) -> Recipe:
    (recipe,) = build_recipes(results)
    return recipe


def test_what_is_as_intended_on_every_stack_is_safe() -> None:
    recipe = only(two_stacks())
    assert [way.call for way in recipe.safe] == ['connect(":memory:")']
    assert recipe.stacks == 2


def test_what_leaves_a_stray_file_somewhere_is_a_trap_and_says_where_it_does_not() -> None:
    (trap,) = only(two_stacks()).traps
    assert trap.call == 'connect("file:db?mode=memory")'
    assert trap.strays == ("apsw==3.54.1.0@3.11",)
    assert trap.where == "SQLite reads URIs by default"


def test_a_case_that_did_not_run_on_a_stack_is_not_safe_there() -> None:
    results = make_results(
        [private(PLAIN, ":memory:")],
        [make_stack("sqlite3@3.11", [in_memory(PLAIN)]), make_stack("sqlite3@3.12")],
    )
    assert only(results).safe == ()


def test_what_could_not_be_measured_makes_no_recipe() -> None:
    results = make_results(
        [private(PLAIN, ":memory:")], [make_stack("sqlite3@3.11", [not_measured(PLAIN)])]
    )
    assert build_recipes(results) == ()


def test_a_string_is_safe_only_if_every_case_that_asks_it_is_as_intended() -> None:
    again = "other/again[text=plain]"
    stack = make_stack("sqlite3@3.11", [in_memory(PLAIN), in_file(again)])
    asked = [private(PLAIN, ":memory:"), private(again, ":memory:")]
    assert only(make_results(asked, [stack])).safe == ()


def test_cases_with_statements_make_no_recipe() -> None:
    asked = private(PLAIN, ":memory:", sql=("PRAGMA journal_mode=wal",))
    assert build_recipes(make_results([asked], [make_stack(observations=[in_memory(PLAIN)])])) == ()


def test_one_of_each_form_is_listed_and_the_others_are_counted() -> None:
    names = {f"memory/names[name={name}]": name for name in ("bb", "a", "ccc")}
    asked = [private(case, f"file:{name}?mode=memory") for case, name in names.items()]
    recipe = only(make_results(asked, [make_stack(observations=map(in_memory, names))]))
    assert [way.call for way in recipe.safe] == ['connect("file:a?mode=memory")']
    assert recipe.also_safe == 2


def test_a_call_is_python_as_one_writes_it() -> None:
    through = make_case(target="sqlite:///{name}", via="sqlalchemy", connect={"echo": True})
    assert as_call(through) == 'create_engine("sqlite:///db", echo=True)'
    assert as_call(make_case(target="")) == 'connect("")'


def test_the_summary_begins_with_what_to_write() -> None:
    results = two_stacks()
    text = render_markdown(build_grid(results), recipes=build_recipes(results))
    assert "### I want a private in-memory database" in text
    assert "apsw.Connection(" in text
    assert '| bare driver | `connect(":memory:")` | **all 2** |' in text
    assert 'not `connect("file:db?mode=memory")` | 1 of 2 | a stray file' in text


def through(case: str, target: str, **fields: object) -> Case:
    return private(case, target, via="sqlalchemy", **fields)


def above(*observations: Observation, stack: str = "sqlite3[sqlalchemy=2.0.58]@3.11") -> ResultSet:
    facts = make_fingerprint(middleware="sqlalchemy", middleware_version="2.0.58")
    cases = [through(each.case, f"sqlite:///{each.case[-1]}") for each in observations]
    return make_results(cases, [make_stack(stack, observations, fingerprint=facts)])


def test_classes_and_modules_are_written_as_such() -> None:
    case = through(PLAIN, "sqlite://", connect={"poolclass": "StaticPool", "module": "sqlite3"})
    assert as_call(case) == 'create_engine("sqlite://", module=sqlite3, poolclass=StaticPool)'


def test_a_pool_that_keeps_no_connection_keeps_no_memory() -> None:
    recipe = only(above(make_observation(case="m/m/a", pool="NullPool")))
    assert recipe.safe == ()
    recipe = only(above(make_observation(case="m/m/a", pool="QueuePool")))
    assert len(recipe.safe) == 1


def test_what_goes_by_a_warning_that_it_is_ignored_is_not_recommended() -> None:
    warning = "SAWarning: Query string argument(s) 'cache' are not accepted and are being ignored"
    recipe = only(above(make_observation(case="m/m/a", warnings=(warning,)), in_memory("m/m/b")))
    assert [way.case.id for way in recipe.safe] == ["m/m/b"]


def test_what_goes_by_such_a_warning_may_be_a_trap() -> None:
    ignored = replace(stray("m/m/a"), warnings=("SAWarning: 'mode' is being ignored",))
    asked = [through("m/m/a", "sqlite:///file:a"), through("m/m/b", "sqlite:///b")]
    results = replace(above(ignored, stray("m/m/b")), cases={case.id: case for case in asked})
    assert {way.case.id for way in only(results).traps} == {"m/m/a", "m/m/b"}


def test_a_file_is_shown_by_one_that_was_not_there() -> None:
    asked = make_case(PLAIN, intent=Intent.FILE, target="file:x.db?mode=rw")
    there = replace(in_file(PLAIN), created=(), there=("x.db",))
    assert build_recipes(make_results([asked], [make_stack(observations=[there])])) == ()


def test_the_driver_of_asyncio_is_not_odd() -> None:
    ignored = make_observation(case="m/m/a", warnings=("'cache' is being ignored",))
    asked = [
        through("m/m/a", "sqlite+aiosqlite:///:memory:?x=y"),
        through("m/m/b", "sqlite+aiosqlite:///b"),
    ]
    results = above(ignored, in_memory("m/m/b"))
    results = replace(results, cases={case.id: case for case in asked})
    assert [way.case.id for way in only(results).safe] == ["m/m/b"]


def test_one_connection_for_all_is_said_to_be_one() -> None:
    handed = make_observation(
        case=PLAIN, second_connection=SecondConnection.SEES, reused=("second_connection",)
    )
    asked = make_case(PLAIN, intent=Intent.SHARED_MEMORY, target=":memory:")
    results = make_results([asked], [make_stack(observations=[handed])])
    (way,) = only(results).safe
    assert way.one_connection
    text = render_markdown(build_grid(results), recipes=build_recipes(results))
    assert "| **all 1** | one connection for all |" in text


@pytest.mark.parametrize("target", ["file:sub/../x.db", "file:/{name}.db"])
def test_what_is_a_file_by_accident_or_in_the_root_is_not_recommended(target: str) -> None:
    asked = [make_case(c, intent=Intent.FILE, target=t) for c, t in ((PLAIN, target), (URI, "y"))]
    path = "/db.db" if "name" in target else "x.db"
    stack = make_stack(observations=[in_file(PLAIN, path), in_file(URI, "y")])
    assert [way.case.target for way in only(make_results(asked, [stack])).safe] == ["y"]


def reads(case: str, **fields: object) -> Case:
    asked = {"target": "file:x.db?mode=ro", "intent": Intent.READ_ONLY, **fields}
    return make_case(case, **asked)


def read_alone(case: str, **fields: object) -> Observation:
    error = Failure(phase="write", type="OperationalError", message="readonly database")
    seen = {"storage": Storage.FILE, "second_connection": None, "there": ("x.db",), **fields}
    return make_observation(case=case, error=error, **seen)


def test_to_read_is_shown_by_a_database_that_is_there_and_one_that_is_not() -> None:
    missing, there = "ro/missing[n=1]", "ro/there[n=1]"
    stack = make_stack(observations=[refused(missing), read_alone(there)])
    assert build_recipes(make_results([reads(missing)], [stack])) == ()
    assert build_recipes(make_results([reads(there)], [stack])) == ()
    (way,) = only(make_results([reads(missing), reads(there, sql=("SELECT 1",))], [stack])).safe
    assert way.cases == 2
    assert (
        build_recipes(make_results([reads(missing), reads(there, sql=("ATTACH 'y'",))], [stack]))
        == ()
    )


def test_side_files_of_a_log_do_not_count_against_reading() -> None:
    missing, there, wal = "ro/missing[n=1]", "ro/there[n=1]", "ro/wal[n=1]"
    beside = read_alone(wal, created=(make_created("x.db-wal", kind=PathKind.WAL),))
    stack = make_stack(observations=[refused(missing), read_alone(there), beside])
    logged = ({"db": "x.db", "sql": ["PRAGMA journal_mode=wal"]},)
    asked = [reads(missing), reads(there), reads(wal, setup=logged)]
    (way,) = only(make_results(asked, [stack])).safe
    assert way.cases == 2


def test_the_directory_of_a_case_is_a_path_in_a_recipe() -> None:
    asked = make_case(PLAIN, intent=Intent.FILE, target="file://{dir}/x.db", connect={"uri": True})
    stack = make_stack(observations=[in_file(PLAIN, "x.db")])
    (way,) = only(make_results([asked], [stack])).safe
    assert way.call == 'connect("file:///path/to/x.db", uri=True)'
