"""How recipes stand in a summary, in a terminal and on the page."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest

from matrix.reports.grid import build_grid
from matrix.reports.markdown import render_markdown
from matrix.reports.page.html import render_html
from matrix.reports.recipes import build_recipes
from matrix.reports.recipes.builds import HOW_TO_TELL
from matrix.reports.terminal import render_terminal
from matrix.results.store import ResultSet
from tests.builders import in_file, in_memory, make_results, stray
from tests.reports.recipes.building import on_both, on_two_builds, private, stack_of, warned

PLAIN = private("memory/name[text=plain]", ":memory:")
LATER = private("memory/name[text=later]", ":memory:", sql=("PRAGMA temp_store=file",))
URI = private("memory/uri[text=mode]", "file:{name}?mode=memory")


def results() -> ResultSet:
    return on_two_builds(
        (PLAIN, in_memory, in_memory), (LATER, in_memory, in_file), (URI, in_memory, stray)
    )


def markdown(of: ResultSet) -> str:
    return render_markdown(build_grid(of), recipes=build_recipes(of))


def page(of: ResultSet) -> str:
    """The recipes of the page, without what is markup."""
    shown = render_html(of, recipes=build_recipes(of))
    section = shown.partition('<section id="recipes"')[2].partition("</section>")[0]
    return " ".join(unescape(re.sub(r"<[^>]*>", "", section)).split())


def terminal(of: ResultSet) -> str:
    return render_terminal(build_grid(of), build_recipes(of), width=120)


def test_the_summary_begins_with_what_to_write_how_far_it_was_measured_and_where_it_ends() -> None:
    text = markdown(results())
    assert "### I want a private in-memory database" in text
    assert "apsw.Connection(" in text
    assert (
        '| bare driver | `connect(":memory:")` | **all 2** | 2 '
        "| after PRAGMA temp_store=file: the data is in a file (on 1 of 2 stacks) |"
    ) in text
    assert 'not `connect("file:db?mode=memory")` | 1 of 2 | 1 | a stray file' in text


def test_a_terminal_shows_the_same_below_the_table() -> None:
    text = terminal(results()).partition("What to write")[2]
    assert '✓ connect(":memory:")  all 2, 2 builds\n      after PRAGMA temp_store=file: the' in text
    assert '! not connect("file:db?mode=memory")  a stray file file:db?mode=memory on 1 of' in text


def test_the_page_shows_the_same_and_folds_what_is_long() -> None:
    assert 'connect(":memory:") on all 2, 2 builds' in page(results())
    assert "after PRAGMA temp_store=file: the data is in a file (on 1 of 2" in page(results())
    assert '<details class="limits">' not in render_html(
        results(), recipes=build_recipes(results())
    )
    statements = ("PRAGMA temp_store=file", "CREATE TEMPORARY TABLE t(x)", "ANALYZE", "REINDEX")
    long = on_both((PLAIN, in_memory), (replace(LATER, sql=statements), in_file))
    assert '<details class="limits">' in render_html(long, recipes=build_recipes(long))
    assert 'Limit of connect(":memory:") after PRAGMA temp_store=file and CREATE' in page(long)


def test_the_page_shows_who_warns_and_of_what() -> None:
    assert "Python 3.11.2 warns: old" in page(on_both((PLAIN, warned("DeprecationWarning: old"))))


def test_on_the_page_a_recipe_and_its_limit_lead_to_their_cells() -> None:
    shown = render_html(results(), recipes=build_recipes(results()))
    assert f'href="#cell={PLAIN.id}@sqlite3@3.11"' in shown
    assert f'href="#cell={LATER.id}@apsw==3.54.1.0@3.11"' in shown


@pytest.mark.parametrize("render", [markdown, terminal, page])
def test_a_recipe_of_one_build_says_so(render: object) -> None:
    assert callable(render)
    of = make_results([PLAIN], [stack_of("sqlite3@3.11", in_memory(PLAIN.id))])
    text = " ".join(render(of).split())
    assert "measured on one build only, where SQLite reads URIs by default" in text
    assert "**all 1**" not in text
    assert "✓ connect" not in text


@pytest.mark.parametrize("render", [markdown, page])
def test_the_line_that_tells_the_build_stands_beside_the_recipes(render: object) -> None:
    assert callable(render)
    text = render(results())
    assert HOW_TO_TELL in text
    assert "Here sqlite3 runs on SQLite 3.40.1: SQLite reads URIs by default" in text
