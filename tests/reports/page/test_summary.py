"""The summary: what is the same everywhere, where it is not, and never too much of it."""

from __future__ import annotations

import pytest

from matrix.model import Intent
from matrix.model.outcome import Outcome, Verdict
from matrix.reports.page.data import build_page_data
from matrix.reports.page.html import render_html
from matrix.reports.page.summary import describe, summarise
from matrix.results.store import ResultSet
from tests.builders import in_memory, make_case, make_results, make_stack, realistic, stray


def named(*names: str) -> ResultSet:
    return make_results([], [make_stack(name) for name in names])


@pytest.mark.parametrize(
    ("some", "words"),
    [
        (["apsw==1@3.11", "apsw==2@3.11", "apsw==3@3.11"], "apsw"),
        (["apsw==2@3.11", "apsw==3@3.11"], "apsw 2 … 3"),
        (["apsw==1@3.11", "apsw==3@3.11"], "apsw 1, 3"),
        (["sqlite3[uri=off]@3.11", "apsw==1@3.11"], "sqlite3 (uri off); apsw 1"),
        (["sqlite3@3.11", "sqlite3[uri=on]@3.11"], "sqlite3 (as built or uri on)"),
    ],
)
def test_stacks_are_named_by_what_they_share(some: list[str], words: str) -> None:
    every = named(
        "sqlite3@3.11",
        "sqlite3[uri=off]@3.11",
        "sqlite3[uri=on]@3.11",
        "apsw==1@3.11",
        "apsw==2@3.11",
        "apsw==3@3.11",
    )
    assert describe([s for s in every.stacks if s.stack in some], every.stacks) == words


def test_all_stacks_are_all_stacks() -> None:
    every = named("sqlite3@3.11", "apsw==1@3.11")
    assert describe(every.stacks, every.stacks) == "all stacks"


def test_versions_of_a_middleware_are_named_once() -> None:
    every = named(
        "sqlite3[sqlalchemy=1.3.8]@3.11",
        "sqlite3[sqlalchemy=1.4.54]@3.11",
        "sqlite3[sqlalchemy=2.1.9]@3.11",
    )
    assert describe(every.stacks[1:], every.stacks) == "sqlite3 sqlalchemy 1.4.54 … 2.1.9"


def test_a_scenario_is_summed_up_by_what_agrees_and_what_differs() -> None:
    bare, through = summarise(build_page_data(realistic()))
    (memory, read_only) = bare.topics
    assert [each.scenario.id for each in memory.summaries] == [
        "memory/without-switch",
        "memory/order",
    ]
    (difference,) = memory.summaries[0].differences
    assert difference.alike == 2
    assert [(p.outcome, p.verdict, p.where) for p in difference.places] == [
        (Outcome.STRAY, Verdict.NOT_AS_INTENDED, "on sqlite3 (uri off); apsw"),
        (Outcome.MEMORY, Verdict.AS_INTENDED, "elsewhere"),
    ]
    (agreed,) = read_only.summaries[0].everywhere
    assert (agreed.outcome, agreed.cases) == (Outcome.REFUSED, 1)
    assert (memory.strays, memory.cases) == (6, 5)
    assert through.via == "sqlalchemy"


def large(scenarios: int) -> ResultSet:
    """As many scenarios, each with rows on which the stacks differ."""
    names = [f"topic{n % 9}/scenario-{n}[row={row}]" for n in range(scenarios) for row in range(3)]
    stacks = [
        make_stack(
            f"apsw=={version}@3.11",
            [(stray if (i + version) % 3 else in_memory)(name) for i, name in enumerate(names)],
        )
        for version in (1, 2, 3)
    ]
    cases = [make_case(name, intent=Intent.PRIVATE_MEMORY) for name in names]
    return make_results(cases, stacks)


def test_a_summary_stays_short_however_much_there_is() -> None:
    sizes = [len(render_html(large(count))) for count in (60, 600, 1_600)]
    few, many, most = (size - len(render_html(realistic())) for size in sizes)
    assert many < 10 * few
    assert most < 1_000_000
    (summary,) = summarise(build_page_data(large(600)))
    assert summary.brief
    scenarios = [each for topic in summary.topics for each in topic.summaries]
    assert not any(each.differences for each in scenarios)
    assert {each.more for each in scenarios} == {3}
    (summary,) = summarise(build_page_data(large(1_600)))
    assert all(not topic.summaries and topic.scenarios for topic in summary.topics)
