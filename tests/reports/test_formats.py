"""Reports: the same facts in every form, readable without colour, safe whatever a target holds."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from textwrap import dedent

import pytest
from rich.cells import cell_len

from matrix.model import Intent
from matrix.model.codec import read_observation
from matrix.model.outcome import Outcome
from matrix.reports import RENDERERS, render
from matrix.reports.grid import build_grid
from matrix.reports.page.words import TONES
from matrix.reports.terminal import render_terminal
from matrix.results.store import ResultSet
from tests.builders import (
    in_memory,
    make_case,
    make_results,
    make_scenario,
    make_stack,
    realistic,
    refused,
    shared,
    stray,
)

HOSTILE = "<script>alert(1)</script>|`*_\x00\x1b[31m\u202e\udcff\n{{ 7*7 }}&amp;\"'"
CASE = "topic/one"


def hostile() -> ResultSet:
    """Build results in which every text that comes from outside tries to be more than text."""
    return make_results(
        [make_case(CASE, target=HOSTILE, connect={"vfs": HOSTILE}, intent=Intent.FILE)],
        [
            make_stack("sqlite3@3.11", [refused(CASE, HOSTILE)]),
            make_stack("apsw==1@3.11", [stray(CASE, HOSTILE)]),
            make_stack("apsw==2@3.11", unavailable=HOSTILE),
        ],
        make_scenario(CASE, title=HOSTILE, question=HOSTILE, references=(HOSTILE,), then=HOSTILE),
    )


def empty() -> ResultSet:
    return make_results([], [])


def nothing_ran() -> ResultSet:
    return make_results([make_case(CASE)], [make_stack("apsw==2@3.11", unavailable="no wheel")])


@pytest.mark.parametrize("name", RENDERERS)
@pytest.mark.parametrize("results", [realistic, hostile, empty, nothing_ran])
def test_every_report_is_text_that_can_be_written(name: str, results: object) -> None:
    assert callable(results)
    text = render(name, results())
    text.encode("utf-8")
    assert not text or text.endswith("\n")
    assert not set(text) - {"\n"} & set(map(chr, range(32)))
    assert "\u202e" not in text


@pytest.mark.parametrize("name", RENDERERS)
def test_every_report_is_the_same_each_time(name: str) -> None:
    assert render(name, realistic()) == render(name, realistic())


@pytest.mark.parametrize("name", ["table", "markdown", "html", "json", "csv"])
def test_no_report_drops_an_unavailable_stack(name: str) -> None:
    text = render(name, nothing_ran())
    assert "apsw==2@3.11" in text
    assert "no wheel" in text


@pytest.mark.parametrize("name", RENDERERS)
def test_every_report_knows_the_selection(name: str) -> None:
    text = render(name, realistic(), "read-only/missing".__eq__)
    assert "missing.db" in text or name in ("jsonl", "junit")
    assert "cache=shared" not in text


def test_a_terminal_shows_the_grid_in_80_columns_and_without_colour() -> None:
    wanted = ("memory/without-switch", "sqlalchemy/url")
    grid = build_grid(realistic(), lambda case: case.startswith(wanted))
    assert render_terminal(grid, width=80) == dedent(
        """\
        Bare drivers ───────────────────────────────────────────────────────────────────
         A sqlite3@3.11 (SQLite 3.40.1), pysqlite3==0.5.4.post2@3.11 (SQLite 3.51.1)
         B sqlite3[uri=off]@3.11 (SQLite 3.40.1), apsw==3.54.1.0@3.11

        mode=memory without the URI switch  memory/without-switch  meant: private-memory
                                                       A   B
         file:db?mode=memory&cache=private  +2 alike   m✓  !✗

        Through sqlalchemy ─────────────────────────────────────────────────────────────
         A sqlite3[sqlalchemy=2.1.9]@3.11 (SQLite 3.40.1)

        The same string through a URL  sqlalchemy/url  meant: private-memory
                                                   A
         sqlite:///file:db?mode=memory             !✗
         sqlite:////file:db?mode=memory&uri=true  !!✗

        ────────────────────────────────────────────────────────────────────────────────
          m memory          in memory; no second connection saw it
          ! stray file      a database file that the string does not ask for
         !! stray outside   a stray file outside the directory of the case
          ✓ as intended     data, files and errors are what the intent says
          ✗ not as intended data, files or errors are not what the intent says

        Not available here
         apsw==3.54.1.0@3.10 no wheel of apsw 3.54.1.0 fits Python 3.10
        """
    )


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("results", [realistic(), hostile()], ids=["realistic", "hostile"])
def test_no_line_is_wider_than_the_terminal(width: int, results: ResultSet) -> None:
    text = render_terminal(build_grid(results), width=width)
    assert max(map(cell_len, text.splitlines())) <= width


def test_colour_adds_nothing_but_colour() -> None:
    grid = build_grid(realistic())
    coloured = render_terminal(grid, width=80, color=True)
    bare = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert bare != coloured
    assert re.sub(" +\n", "\n", bare) == render_terminal(grid, width=80)


def test_without_unicode_a_table_is_ascii_and_keeps_its_signs() -> None:
    text = render_terminal(build_grid(realistic()), width=80, unicode=False)
    assert text.isascii()
    assert " !X" in text
    assert "m+." in text


def test_many_columns_come_in_blocks_that_fit() -> None:
    ids = [f"topic/one[{number:02}]" for number in range(20)]
    stacks = [
        make_stack(
            f"sqlite3@3.{n}", [shared(c) if n == i else in_memory(c) for i, c in enumerate(ids)]
        )
        for n in range(20)
    ]
    text = render_terminal(build_grid(make_results(map(make_case, ids), stacks)), width=80)
    assert "Columns A to M" in text
    assert "Columns N to T" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("name", ["html", "markdown"])
def test_what_was_reported_stands_where_the_question_does(name: str) -> None:
    results = make_results(
        [make_case(CASE)],
        [make_stack("sqlite3@3.11", [in_memory(CASE)])],
        make_scenario(CASE, then="a file named x"),
    )
    assert "Reported: a file named x" in render(name, results)
    assert "Reported: " not in re.sub("(?s)<script.*?</script>", "", render(name, realistic()))


def test_markdown_tables_have_as_many_cells_in_every_row() -> None:
    for block in render("markdown", hostile()).split("\n\n"):
        if block.startswith("|"):
            widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(widths) == 1, block


def test_json_lines_are_the_observations_as_the_result_files_hold_them() -> None:
    results = realistic()
    lines = render("jsonl", results).splitlines()
    observations = [each for stack in results.stacks for each in stack.observations.values()]
    assert sorted(map(repr, observations)) == sorted(
        repr(read_observation(json.loads(line))) for line in lines
    )


def test_json_tells_outcome_verdict_and_reason_beside_the_facts() -> None:
    document = json.loads(render("json", hostile()))
    found = {each["stack"]: each for each in document["observations"]}
    assert found["apsw==1@3.11"]["outcome"] == "stray file"
    assert found["apsw==1@3.11"]["verdict"] == "not_as_intended"
    assert found["sqlite3@3.11"]["error"]["message"] == HOSTILE
    assert document["cases"][0]["target"] == HOSTILE
    assert document["totals"]["cells"] == 2


def test_csv_has_one_row_per_cell_and_one_per_unavailable_stack() -> None:
    rows = list(csv.DictReader(io.StringIO(render("csv", realistic()))))
    assert len(rows) == build_grid(realistic()).totals.cells + 1
    assert rows[0] == {
        "scenario": "memory/order",
        "case": "memory/order[order=cache-mode]",
        "target": "file:{name}?cache=shared&mode=memory",
        "connect": "uri=True",
        "intent": "shared-memory",
        "stack": "sqlite3@3.11",
        "sqlite": "3.40.1",
        "outcome": "shared memory",
        "verdict": "as_intended",
        "reason": "",
        "storage": "memory",
        "second_connection": "sees",
        "created": "",
        "error": "",
    }


class Page(HTMLParser):
    """What a browser would make of the page: its tags, and the text outside the style."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.text = ""
        self.style = ""
        self.script = ""
        self.data: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            self.style += data
        elif "script" in self.open and "type" in self.tags[-1][1]:
            self.data.append(data)
        elif "script" in self.open:
            self.script += data
        else:
            self.text += data

    def attributes(self, name: str) -> Iterator[str]:
        return (value for _, attrs in self.tags if (value := attrs.get(name)) is not None)


@pytest.fixture(params=[realistic, hostile, nothing_ran], ids=["realistic", "hostile", "nothing"])
def page(request: pytest.FixtureRequest) -> Page:
    return Page(render("html", request.param()))


def test_a_page_is_well_formed(page: Page) -> None:
    assert (page.open, page.unbalanced) == ([], [])
    ids = list(page.attributes("id"))
    assert len(ids) == len(set(ids))
    places = {link[1:] for link in page.attributes("href") if link.startswith("#")}
    assert {place for place in places if "=" not in place or "/" in place.split("=")[0]} <= set(ids)


def test_a_page_needs_nothing_but_itself(page: Page) -> None:
    assert not {"link", "img", "iframe", "object", "form"} & {tag for tag, _ in page.tags}
    assert not list(page.attributes("src"))
    assert not list(page.attributes("style"))
    assert "url(" not in page.style
    assert "@import" not in page.style


def test_the_security_policy_allows_the_one_style_and_script_and_nothing_else(page: Page) -> None:
    policy = next(value for value in page.attributes("content") if "default-src" in value)
    style, script = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (page.style, page.script)
    )
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
        "base-uri 'none'; form-action 'none'"
    )


def test_the_script_reads_no_markup_and_asks_for_nothing(page: Page) -> None:
    words = ("innerHTML", "outerHTML", "insertAdjacent", "eval(", "fetch(", "XMLHttp", "import(")
    assert not [word for word in words if word in page.script]
    assert "<" + "/script" not in page.script


def test_the_data_in_a_page_is_plain_letters(page: Page) -> None:
    assert len(page.data) == 2
    assert all(re.fullmatch("[A-Za-z0-9+/=]+", data) for data in page.data)


def test_every_header_has_a_scope(page: Page) -> None:
    assert all("scope" in attrs for tag, attrs in page.tags if tag == "th")


def test_every_outcome_has_a_sign_and_a_word() -> None:
    text = Page(render("html", realistic())).text
    for outcome in build_grid(realistic()).outcomes:
        assert re.search(rf"{re.escape(outcome.sign)}\s+{outcome.word}", text)


def test_hostile_text_comes_out_as_text() -> None:
    page = Page(render("html", hostile()))
    shown = HOSTILE.encode("unicode_escape").decode().replace("\\\\", "\\")
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7*7 }}&amp;\"'" in page.text
    assert r"\x00\x1b[31m\u202e\udcff\n" in page.text
    assert shown in page.text


def test_a_verdict_has_words_and_a_mark_of_its_own() -> None:
    text = Page(render("html", realistic())).text
    assert re.search(r"!\s+stray file\s+✗\s*, not as intended", text)
    assert re.search(r"m\+\s+shared memory\s+✓\s*, as intended", text)


def test_every_outcome_can_be_drawn() -> None:
    assert {TONES[each] for each in Outcome} == {
        "memory",
        "file",
        "stray",
        "error",
        "broken",
        "absent",
    }
