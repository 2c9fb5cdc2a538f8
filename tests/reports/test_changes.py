"""What a comparison says: groups, headline, and every format of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from matrix.comparison.compare import compare_results
from matrix.comparison.diff import ChangeKind
from matrix.comparison.report import ChangeReport, report_changes
from matrix.model import Failure, Intent, Observation
from matrix.reports.changes.formats import CHANGE_RENDERERS, render_changes
from matrix.reports.changes.markdown import render_change_markdown
from matrix.reports.changes.table import render_change_table
from tests.builders import in_memory, make_case, make_observation, refused, shared, stray
from tests.comparing import CASE, STACK, stack, write

HOSTILE = "file:\x00\x1b[31m\udcff\u202e<a href='x'>|`%0A::error::\r\nx]]>"
NAMES = [f"topic/scenario[n={n:03}]" for n in range(100)]


def report(
    tmp_path: Path,
    old: list[Observation],
    new: list[Observation],
    fail_on: frozenset[ChangeKind] | None = None,
    **facts: Any,
) -> ChangeReport:
    names = {each.case for each in (*old, *new)}
    cases = [make_case(name, intent=Intent.PRIVATE_MEMORY) for name in names]
    before = write(tmp_path / "old", stack(STACK, *old), cases=cases)
    after = write(tmp_path / "new", stack(STACK, *new, **facts), cases=cases)
    found = report_changes(compare_results(before, after), explained=False)
    return found if fail_on is None else replace(found, fail_on=fail_on)


def test_a_hundred_cells_with_one_cause_are_one_group(tmp_path: Path) -> None:
    found = report(tmp_path, [in_memory(n) for n in NAMES], [stray(n) for n in NAMES])
    (group,) = found.groups
    assert (group.cells, group.what, len(group.examples)) == (100, "memory → stray file", 3)
    assert dict(group.kinds) == {
        ChangeKind.STRAY: 100,
        ChangeKind.STORAGE: 100,
        ChangeKind.SHARING: 100,
    }
    assert (group.worse, group.better) == (100, 0)


def test_stray_files_of_other_names_are_one_group(tmp_path: Path) -> None:
    old, new = [in_memory(n) for n in NAMES[:3]], [stray(n, f"x{n}") for n in NAMES[:3]]
    assert len(report(tmp_path, old, new).groups) == 1


def test_groups_are_worst_first_and_then_by_size(tmp_path: Path) -> None:
    old = [in_memory(n) for n in NAMES[:6]]
    new = [*map(shared, NAMES[:3]), *map(refused, NAMES[3:5]), stray(NAMES[5])]
    found = report(tmp_path, old, new)
    assert [(g.what, g.cells) for g in found.groups] == [
        ("memory → stray file", 1),
        ("memory → shared memory", 3),
        ("memory → refused", 2),
    ]


def test_texts_that_differ_in_what_is_quoted_are_one_group(tmp_path: Path) -> None:
    old = [in_memory(n) for n in NAMES[:3]]
    new = [replace(in_memory(n), warnings=(f"argument '{n}' is ignored",)) for n in NAMES[:3]]
    (group,) = report(tmp_path, old, new).groups
    assert group.what == "now warns: argument '…' is ignored"


def test_a_string_that_reaches_the_driver_otherwise_is_one_group(tmp_path: Path) -> None:
    old = [replace(in_memory(n), passed={"args": ["a%20"], "kwargs": {}}) for n in NAMES[:2]]
    new = [
        replace(stray(NAMES[0]), passed={"args": ["a "], "kwargs": {}}),
        replace(in_memory(NAMES[1]), passed={"args": ["a "], "kwargs": {}}),
    ]
    (group,) = report(tmp_path, old, new).groups
    assert (group.what, group.kind) == ("another string reaches the driver", ChangeKind.STRAY)


@pytest.mark.parametrize(
    ("fail_on", "code"),
    [(None, 1), ({ChangeKind.SHARING}, 1), ({ChangeKind.WARNINGS}, 0), (set(), 0)],
)
def test_what_fails_is_chosen(tmp_path: Path, fail_on: set[ChangeKind] | None, code: int) -> None:
    chosen = None if fail_on is None else frozenset(fail_on)
    assert report(tmp_path, [in_memory(CASE)], [shared(CASE)], chosen).exit_code == code


def test_what_was_added_does_not_fail(tmp_path: Path) -> None:
    found = report(tmp_path, [in_memory(CASE)], [in_memory(CASE), stray("topic/new")])
    assert (found.exit_code, [g.kind for g in found.groups]) == (0, [ChangeKind.ADDED])
    assert "1 cell: cell added (does not fail)" in render_change_table(found)


def test_a_gone_cell_fails(tmp_path: Path) -> None:
    assert report(tmp_path, [in_memory(CASE), stray("topic/x")], [in_memory(CASE)]).exit_code == 1


def test_the_headline_is_fit_for_a_changelog(tmp_path: Path) -> None:
    facts: dict[str, Any] = {"python": "3.11.3", "driver_version": "3.11.3"}
    found = report(tmp_path, [in_memory(CASE)], [shared(CASE)], **facts)
    assert found.headline == (
        "Python 3.11.2 → 3.11.3: 1 of 1 cell on 1 stack changed. 1 cell: memory → shared memory"
    )
    same = report(tmp_path, [in_memory(CASE)], [in_memory(CASE)])
    assert same.headline == "nothing changed in 1 cell on 1 stack"


def test_a_cause_that_was_not_looked_for_says_how(tmp_path: Path) -> None:
    facts: dict[str, Any] = {"sqlite": "3.54.0", "compile_options": ("TEMP_STORE=3", "USE_URI")}
    text = render_change_table(report(tmp_path, [in_memory(CASE)], [shared(CASE)], **facts))
    assert "cause: not told apart: SQLite 3.40.1 → 3.54.0, TEMP_STORE 1 → 3; --explain" in text
    again = render_change_table(report(tmp_path, [in_memory(CASE)], [shared(CASE)]))
    assert "cause: no recorded fact differs" in again


def hostile(tmp_path: Path) -> ChangeReport:
    error = Failure(phase="sql", type="Error", message=f"{HOSTILE} x")
    names = [f"topic/scenario[{HOSTILE}]", CASE]
    old = [stray(name) for name in names]
    new = [stray(names[0], HOSTILE), make_observation(case=CASE, error=error)]
    cases = [make_case(name, target=HOSTILE) for name in names]
    before = write(tmp_path / "old", stack(STACK, *old), cases=cases)
    return report_changes(
        compare_results(before, write(tmp_path / "new", stack(STACK, *new), cases=cases))
    )


@pytest.mark.parametrize("name", sorted(CHANGE_RENDERERS))
def test_every_format_holds_hostile_text(tmp_path: Path, name: str) -> None:
    text = render_changes(hostile(tmp_path), name)
    assert text.encode("utf-8").decode() == text
    assert re.search("[\x00\x1b\r\u202e]", text) is None


@pytest.mark.parametrize("name", sorted(CHANGE_RENDERERS))
def test_every_format_tells_that_nothing_changed(tmp_path: Path, name: str) -> None:
    text = render_changes(report(tmp_path, [in_memory(CASE)], [in_memory(CASE)]), name)
    assert "nothing changed in 1 cell" in text or "unchanged" in text


def test_junit_fails_a_test_per_group(tmp_path: Path) -> None:
    root = ET.fromstring(render_changes(hostile(tmp_path), "junit"))
    assert root.tag == "testsuites"
    assert root.get("failures") == root.get("tests") == "2"
    (suite,) = root
    assert {test.tag for test in suite} == {"properties", "testcase"}
    assert all(test.find("failure") is not None for test in suite.iter("testcase"))


def test_junit_skips_what_does_not_fail(tmp_path: Path) -> None:
    found = report(tmp_path, [in_memory(CASE)], [shared(CASE)], frozenset())
    root = ET.fromstring(render_changes(found, "junit"))
    assert (root.get("failures"), root.get("skipped")) == ("0", "1")


def test_json_has_every_case(tmp_path: Path) -> None:
    found = report(tmp_path, [in_memory(n) for n in NAMES], [stray(n) for n in NAMES])
    data = json.loads(render_changes(found, "json"))
    (group,) = data["groups"]
    assert group["cases"] == NAMES
    assert (group["cells"], group["fails"], group["no_longer_as_intended"]) == (100, True, 100)
    assert group["examples"][0]["changes"][0] == {
        "aspect": "strays",
        "old": [],
        "new": ["file:db?mode=memory"],
    }
    assert (data["exit_code"], data["cells"]) == (1, 100)


def many_groups(tmp_path: Path, count: int) -> ChangeReport:
    old = [in_memory(n) for n in NAMES[:count]]
    new = [replace(in_memory(n), pool=f"Pool{n[-4:-1]}") for n in NAMES[:count]]
    found = report(tmp_path, old, new)
    assert len(found.groups) == count
    return found


@pytest.mark.parametrize(("count", "lines"), [(10, 10), (11, 10), (50, 10)])
@pytest.mark.parametrize("level", ["error", "warning"])
def test_github_gets_ten_of_a_level_at_most(
    tmp_path: Path, count: int, lines: int, level: str
) -> None:
    found = many_groups(tmp_path, count)
    if level == "warning":
        found = replace(found, fail_on=frozenset())
    commands = render_changes(found, "github").splitlines()
    mine = [line for line in commands if line.startswith(f"::{level} ")]
    assert len(mine) == lines == len(commands) - 1
    told = f"::{level} title={count - 9} more::" in commands[-1]
    assert told == (count > 10)


def test_github_commands_are_a_line_each_and_hold_no_other(tmp_path: Path) -> None:
    for line in render_changes(hostile(tmp_path), "github").splitlines():
        assert re.match(r"::(notice|error|warning) title=[^:,]*::", line)


def test_markdown_is_cut_between_groups(tmp_path: Path) -> None:
    found = many_groups(tmp_path, 50)
    whole = render_change_markdown(found)
    cut = render_change_markdown(found, 5000)
    assert len(cut.encode()) <= 5000 < len(whole.encode())
    *groups, last = cut.rstrip().split("\n\n### ")
    final, _, word = last.partition("\n\n*")
    assert all(
        f"### {group}" in whole for group in (*groups[1:], final.rpartition("\n\n*")[0] or final)
    )
    assert re.fullmatch(r"\d+ more parts are left out: the summary would be too long.\*", word)
    assert render_change_markdown(found, 1 << 20) == whole


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_table_keeps_to_its_width(tmp_path: Path, width: int) -> None:
    text = render_change_table(hostile(tmp_path), width=width)
    assert max(map(len, text.splitlines())) <= width


def test_the_table_can_be_ascii_and_has_colour_only_if_asked(tmp_path: Path) -> None:
    found = report(tmp_path, [in_memory(CASE)], [stray(CASE)])
    assert render_change_table(found, unicode=False).isascii()
    assert "memory -> stray file" in render_change_table(found, unicode=False)
    assert "\x1b" not in render_change_table(found)
    assert "\x1b[1;31m1 cell: memory → stray file\x1b[0m" in render_change_table(found, color=True)
