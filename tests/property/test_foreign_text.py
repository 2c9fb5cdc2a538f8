"""No text from outside is more than text anywhere: every output is held to it."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from matrix.cli import main
from matrix.errors import DocumentError, MatrixError, Problem
from matrix.model import Fingerprint
from matrix.regression.bump import Bump, Step
from matrix.reports import render
from matrix.reports.badges import render_badges
from matrix.reports.bisect import boundary_json, render_boundaries
from matrix.reports.bump import bump_json, render_bump
from matrix.reports.changes.formats import render_changes
from matrix.reports.changes.table import render_change_table
from matrix.reports.claims import claims_json, render_claims
from matrix.reports.details import render_details
from matrix.reports.grid import build_grid
from matrix.reports.history import render_history
from matrix.reports.terminal import render_terminal
from matrix.results.provenance import Provenance
from matrix.stacks.catalogue import load_catalogue
from matrix.stacks.pins import parse_pins
from matrix.versions.bisect import Boundary
from matrix.versions.history import same_sqlite, strips
from tests.hostile import TEXTS, changes_of, claims_of, observation_of, results_of

Check = Callable[[str], None]

PIECES = st.sampled_from([*TEXTS, "\n", " ", ":", "#", "[", "|", "`", "=", "\\"]) | st.characters()
HOSTILE = st.lists(PIECES, max_size=6).map("".join)

_COMMAND = re.compile(r"\s*::")
_LOGGING = re.compile(r"##\w*\[")
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def check_lines(text: str) -> None:
    """Lines that can be printed, and that no CI system obeys."""
    text.encode("utf-8")
    for line in text.split("\n"):
        assert line.isprintable()
        assert not _COMMAND.match(line)
        assert not _LOGGING.search(line)


def check_coloured(text: str) -> None:
    check_lines(_STYLE.sub("", text))


def check_json(text: str) -> None:
    for line in text.split("\n"):
        assert line.isprintable()
        assert line.isascii()
        assert not _COMMAND.match(line)
        assert not _LOGGING.search(line)


def check_document(text: str) -> None:
    check_json(text)
    json.loads(text)


def check_csv(text: str) -> None:
    check_lines(text)
    head, *rows = csv.reader(io.StringIO(text), strict=True)
    for row in rows:
        assert len(row) == len(head)
        assert not [cell for cell in row if re.match(r"\s*[=+\-@＝＋－＠]", cell)]
    assert all(line.startswith('"') for line in text.splitlines())


def check_xml(text: str) -> None:
    check_lines(text)
    ET.fromstring(text)


def check_markdown(text: str) -> None:
    check_lines(text)
    tokens = list(_flat(MarkdownIt("commonmark").enable("table").parse(text)))
    kinds = {token.type for token in tokens}
    assert not kinds & {
        "html_block", "html_inline", "link_open", "image", "code_block", "fence", "hr",
        "ordered_list_open", "blockquote_open",
    }  # fmt: skip
    outside = "".join(token.content for token in tokens if token.type == "text")
    assert not re.search(r"(?<!\w)@[\w-]+(?:$|[^\w.-])", outside)


def _flat(tokens: list) -> Iterator:  # type: ignore[type-arg]  # markdown-it's own
    for token in tokens:
        yield token
        yield from _flat(token.children or [])


class Tags(HTMLParser):
    """The elements of a page, each with the names of its attributes, and where it leads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[tuple[str, tuple[str, ...]]] = set()
        self.targets: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add((tag, tuple(sorted(name for name, _ in attrs))))
        self.targets |= {value or "" for name, value in attrs if name in ("href", "src")}


def check_html(text: str) -> None:
    check_lines(text)
    found, plain = Tags(text), Tags(page_of("plain"))
    assert found.elements <= plain.elements | Tags(page_of("https://plain.example")).elements
    assert all(target.startswith(("#", "https://", "http://", "data:", "cells.csv"))
               for target in found.targets)  # fmt: skip


def check_commands(text: str) -> None:
    """Workflow commands of this tool, and nothing in them that ends one or begins another."""
    for line in text.splitlines():
        assert line.isprintable()
        assert re.fullmatch(r"::(error|warning|notice) title=[^:,\r\n]*::.*", line)
        assert not _LOGGING.search(line)


def page_of(text: str) -> str:
    runs = [Provenance(finished=text, seconds=1, machine=text, tool=text)]
    return render("html", results_of(text), claims=claims_of(text), runs=runs)


CHECKS: dict[str, Check] = {
    "table": check_lines,
    "markdown": check_markdown,
    "json": check_document,
    "jsonl": check_json,
    "csv": check_csv,
    "junit": check_xml,
    "github": check_commands,
}


def hold_reports(text: str) -> None:
    results, claims = results_of(text), claims_of(text)
    for format_ in ("table", "markdown", "json", "jsonl", "csv", "junit"):
        CHECKS[format_](render(format_, results, claims=claims))
    check_html(page_of(text))
    check_coloured(render_terminal(build_grid(results), width=60, color=True))
    check_lines(render_terminal(build_grid(results), width=60, unicode=False))
    check_lines(render_details(results))
    check_lines(render_claims(claims, width=30))
    check_document(claims_json(claims))
    for badge in render_badges(results).values():
        check_document(badge)


def hold_changes(text: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        report = changes_of(text, Path(place))
    for format_ in ("table", "json", "markdown", "junit", "github"):
        CHECKS[format_](render_changes(report, format_))
    check_coloured(render_change_table(report, width=40, color=True))
    pins = parse_pins("apsw==3.53.1.0\n", Path("pins"))
    step = Step(pin=pins.pins[0], version=text, pins=pins, old=(), new=())
    bump = Bump(step=step, report=report, cases=1)
    check_markdown(render_bump(bump))
    json.dumps(bump_json(bump))


def hold_versions(text: str) -> None:
    results = results_of(text)
    for case in results.cases.values():
        found = strips(results, case.id, load_catalogue())
        check_lines(render_history(case, found, same_sqlite(results, case.id)))
    (case, _) = results.cases.values()
    seen = [observation_of(case.id, text, number) for number in (0, 1)]
    prints = dict.fromkeys((f"1{text}", f"2{text}"), results.stacks[0].fingerprint)
    known = {end: each for end, each in prints.items() if isinstance(each, Fingerprint)}
    ends = list(prints)
    boundary = Boundary(
        case=case.id, old=ends[0], new=ends[1], before=seen[0], after=seen[1],
        last=ends[0], first=ends[1], skipped=(text,), exact=False,
    )  # fmt: skip
    check_lines(render_boundaries(text, {case.id: case}, [boundary], {case.id: known}))
    json.dumps(boundary_json(text, case, boundary, known))


def hold_errors(text: str) -> None:
    problem = Problem(path=text, line=1, column=1, key=text, message=text, hint=text)
    assert str(problem).isprintable()
    assert len(str(DocumentError([problem])).split("\n")) == 1
    assert len(str(MatrixError(text, text, hint=text)).split("\n")) == 2


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("hold", [hold_reports, hold_changes, hold_versions, hold_errors])
def test_a_text_from_outside_is_text_in_every_output(hold: Check, text: str) -> None:
    hold(text)


@given(HOSTILE)
@settings(max_examples=15, deadline=None)
def test_whatever_it_is_it_is_text_in_every_report(text: str) -> None:
    hold_reports(text)


@given(HOSTILE)
@settings(max_examples=15, deadline=None)
def test_whatever_it_is_it_is_text_in_every_comparison(text: str) -> None:
    hold_changes(text)
    hold_versions(text)
    hold_errors(text)


@pytest.mark.parametrize("text", TEXTS)
def test_json_says_exactly_what_the_text_was(text: str) -> None:
    results = results_of(text)
    assert [each["target"] for each in json.loads(render("json", results))["cases"]] == [text] * 2
    first, *_ = render("jsonl", results).splitlines()
    assert json.loads(first)["warnings"] == [text, text]


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """The exit code of a command, and all that it wrote, which is checked."""
    with pytest.raises(SystemExit) as end:
        main(words)
    written = capfd.readouterr()
    assert "internal error" not in written.err
    check_lines(written.out)
    check_lines(written.err)
    assert isinstance(end.value.code, int)
    return end.value.code, written.out + written.err


@pytest.mark.parametrize("text", [text for text in TEXTS if "\0" not in text])
def test_whatever_is_typed_or_written_in_yaml_is_text_in_errors_and_lists(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    text: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    typed = text.encode("utf-8", "replace").decode()
    quoted = json.dumps(text)
    topic = f"id: t\ntitle: {quoted}\nquestion: q\nscenarios:\n  - {{id: s, title: {quoted}, "
    Path("t.yaml").write_text(topic + f"question: q, target: x, sql: [{quoted}]}}\n")
    Path("bad.yaml").write_text(topic + f"question: q, {quoted}: {quoted}}}\n")
    Path("scenarios").mkdir()
    codes = [
        run(capfd, "list", "scenarios", "t.yaml")[0],
        run(capfd, "list", "cases", "bad.yaml")[0],
        run(capfd, "list", "cases", "t.yaml", "--select", typed)[0],
        run(capfd, "report", "csv", typed or "none")[0],
        run(capfd, "compare", typed or "none", typed or "none")[0],
        run(capfd, "check", typed, "--stack", typed)[0],
        run(capfd, "check", "x", "--via", typed, "--stack", "sqlite3")[0],
        run(capfd, "history", "*", typed or "none")[0],
        run(capfd, "regress", "--stacks", typed)[0],
        run(capfd, typed or "none")[0],
    ]
    assert {0, 2, 5}.issuperset(codes)
