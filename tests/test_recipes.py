"""What to write for what one means, computed from cells."""

from __future__ import annotations

from matrix.model import Case, Intent
from matrix.reports.grid import build_grid
from matrix.reports.markdown import render_markdown
from matrix.reports.recipes import Recipe, as_call, build_recipes
from matrix.results import ResultSet
from tests.builders import (
    in_file,
    in_memory,
    make_case,
    make_fingerprint,
    make_results,
    make_stack,
    not_measured,
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


def test_one_of_each_form_is_told_and_the_others_are_counted() -> None:
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
    assert '| bare driver | `connect(":memory:")` | **all 2** |' in text
    assert 'not `connect("file:db?mode=memory")` | 1 of 2 | a stray file' in text
