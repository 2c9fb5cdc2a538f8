"""Accepted changes: the file, what it sets aside, and when an entry is stale."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # it has no types
import pytest
import yaml

from matrix.comparison.accepted import (
    ACCEPTED_FILE,
    AcceptedChange,
    entries_of,
    load_accepted,
    write_accepted,
)
from matrix.comparison.change_code import ChangeCode
from matrix.comparison.compare import compare_results
from matrix.comparison.report import ChangeReport, report_changes
from matrix.errors import DocumentError
from matrix.model.outcome import Outcome
from matrix.reports.changes.table import render_change_table
from matrix.results.store import load_results
from matrix.schemas import json_schema
from tests.builders import in_memory, make_stack, shared, stray
from tests.comparing import CASE, STACK, stack, write
from tests.paths import ROOT

MANY = [f"topic/many[n={n}]" for n in range(5)]


def entry(**fields: object) -> AcceptedChange:
    defaults = {
        "reason": "meant",
        "change": {"aspect": "outcome", "old": "memory", "new": "stray"},
        "kinds": ["stray", "storage", "sharing"],
        "cases": ["topic"],
        "stacks": ["*"],
    }
    return AcceptedChange.model_validate({**defaults, **fields})


def report(tmp_path: Path, *entries: AcceptedChange, new: bool = True) -> ChangeReport:
    """Of a cell that has become a stray file, and one that has become shared."""
    other = "topic/other"
    old = write(tmp_path / "old", stack(STACK, in_memory(CASE), in_memory(other)))
    if new:
        write(tmp_path / "new", stack(STACK, stray(CASE), shared(other)))
    comparison = compare_results(old, tmp_path / "new" if new else old)
    return report_changes(comparison, entries)


def problems(path: Path) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        load_accepted(path)
    return str(caught.value).splitlines()


def left(found: ChangeReport) -> list[str]:
    return [group.what for group in found.groups]


def test_an_accepted_change_is_set_aside(tmp_path: Path) -> None:
    found = report(tmp_path, entry())
    assert left(found) == ["memory → shared memory"]
    assert [(e.reason, count) for e, count in found.accepted] == [("meant", 1)]
    assert (found.stale, found.exit_code) == ((), 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"change": {"aspect": "outcome", "old": "memory", "new": "file"}},
        {"change": {"aspect": "strays", "old": "memory", "new": "stray"}},
        {"cases": ["topic/other"]},
        {"stacks": ["apsw*"]},
        {"kinds": ["stray", "storage"]},
    ],
)
def test_an_entry_that_does_not_fit_accepts_nothing(
    tmp_path: Path, fields: dict[str, object]
) -> None:
    found = report(tmp_path, entry(**fields))
    assert "memory → stray file" in left(found)
    assert found.accepted == ()


@pytest.mark.parametrize("what", [None, "in words that no version has", ""])
def test_the_words_of_an_entry_are_not_compared(tmp_path: Path, what: str | None) -> None:
    found = report(tmp_path, entry(what=what))
    assert left(found) == ["memory → shared memory"]
    assert "1 cell, memory → stray file, because meant" in render_change_table(found)


def test_an_entry_outlives_another_word_for_its_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Outcome.STRAY, "word", "unwanted file")
    found = report(tmp_path, entry(what="memory → stray file"))
    assert (left(found), found.stale) == (["memory → shared memory"], ())
    assert "memory → unwanted file" in render_change_table(found)


def test_a_change_with_two_causes_may_be_two_entries(tmp_path: Path) -> None:
    one = entry(kinds=["stray", "storage"])
    sharing = {"aspect": "second_connection", "old": "sees", "new": "does_not_see"}
    other = entry(change=sharing, kinds=["sharing"])
    assert left(report(tmp_path, one, other)) == ["memory → shared memory"]


def test_an_entry_that_fits_nothing_any_more_is_stale_and_fails(tmp_path: Path) -> None:
    found = report(tmp_path, entry(), new=False)
    assert (found.stale, found.failing, found.exit_code) == ((entry(),), 1, 1)


@pytest.mark.parametrize("fields", [{"cases": ["another"]}, {"stacks": ["apsw*"]}])
def test_an_entry_whose_cells_were_not_compared_is_not_stale(
    tmp_path: Path, fields: dict[str, object]
) -> None:
    assert report(tmp_path, entry(**fields), new=False).stale == ()


def test_an_entry_outside_the_selection_is_not_stale(tmp_path: Path) -> None:
    other = "another/scenario"
    old = write(tmp_path / "old", stack(STACK, in_memory(CASE), in_memory(other)))
    comparison = compare_results(old, old, other.__eq__)
    assert report_changes(comparison, [entry()], selection=other.__eq__).stale == ()
    assert report_changes(comparison, [entry()]).stale == (entry(),)


def test_a_stack_that_could_not_be_had_makes_no_entry_stale(tmp_path: Path) -> None:
    old = write(tmp_path / "old", stack(STACK, in_memory(CASE)))
    new = write(tmp_path / "new", make_stack(STACK, unavailable="no wheel"))
    assert report_changes(compare_results(old, new), [entry()]).stale == ()


def test_a_gone_stack_can_be_accepted(tmp_path: Path) -> None:
    old = write(tmp_path / "old", stack("sqlean@3.11", in_memory(CASE), driver="sqlean"))
    new = write(tmp_path / "new", stack(STACK, in_memory(CASE)))
    comparison = compare_results(old, new)
    found = report_changes(comparison)
    assert found.exit_code == 1
    entries = entries_of((), [each for each in found.stacks if found.fails([each.kind])], "meant")
    assert [(e.what, e.stacks) for e in entries] == [("stack removed", ("sqlean@3.11",))]
    assert entries[0].change == ChangeCode(aspect="stack", new="stack-gone")
    assert report_changes(comparison, entries).exit_code == 0


def test_what_is_written_is_read(tmp_path: Path) -> None:
    warning = {"aspect": "warnings", "new": "argument '…' is ignored: \udcff \x1b # none"}
    entries = (
        entry(reference="https://x.org", cause="SQLite 1 → 2", what="in words"),
        entry(cases=["a", "b[c]"]),
        entry(change=warning),
        entry(change={"aspect": "error_text", "old": "", "new": "true"}),
        entry(change={"aspect": "arguments"}),
    )
    write_accepted(tmp_path / ACCEPTED_FILE, entries)
    assert load_accepted(tmp_path / ACCEPTED_FILE) == entries
    assert (tmp_path / ACCEPTED_FILE).read_text("utf-8").startswith("# Changes that were accepted")


def test_no_file_is_nothing_accepted(tmp_path: Path) -> None:
    assert load_accepted(tmp_path / ACCEPTED_FILE) == ()


def test_the_file_beside_results_is_no_result(tmp_path: Path) -> None:
    old = write(tmp_path / "old", stack(STACK, in_memory(CASE)))
    write_accepted(old / ACCEPTED_FILE, [entry()])
    assert [each.stack for each in load_results(old).stacks] == [STACK]


def test_many_cases_of_a_scenario_are_named_by_it(tmp_path: Path) -> None:
    names = [*MANY, "topic/few[n=1]", "topic/few[n=2]"]
    old = write(tmp_path / "old", stack(STACK, *map(in_memory, names)))
    new = write(tmp_path / "new", stack(STACK, *map(stray, names)))
    (made,) = entries_of(report_changes(compare_results(old, new)).groups, (), "meant")
    assert made.cases == ("topic/few[n=1]", "topic/few[n=2]", "topic/many")


def test_all_that_is_wrong_in_the_file_is_told_at_its_place(tmp_path: Path) -> None:
    path = tmp_path / ACCEPTED_FILE
    path.write_text(
        "accepted:\n- reson: x\n  change: {aspect: arguments}\n  kinds: [sharig]\n"
        "  cases: z\n  stacks: z\n"
    )
    assert problems(path) == [
        f"{path}:2:3: accepted[0].reason: is missing",
        f"{path}:2:3: accepted[0].reson: unknown key; did you mean 'reason'?",
        f"{path}:4:11: accepted[0].kinds[0]: 'sharig' is not known; did you mean 'sharing'?",
    ]


REST = "kinds: [stray], cases: ['*'], stacks: ['*']"


def test_a_pattern_that_does_not_read_is_told_at_its_place(tmp_path: Path) -> None:
    path = tmp_path / ACCEPTED_FILE
    change = "change: {aspect: arguments}"
    path.write_text(
        f"accepted:\n- {{reason: x, {change}, kinds: [stray], cases: ['a{{'], stacks: z}}\n"
    )
    (found,) = problems(path)
    assert found.startswith(f"{path}:2:68: accepted[0].cases[0]: the pattern 'a{{' ")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "aspect: storag, new: file",
            "2:32: accepted[0].change.aspect: no aspect is called 'storag'; "
            "did you mean 'storage'?",
        ),
        (
            "aspect: outcome, old: memory, new: strai",
            "2:59: accepted[0].change.new: no new outcome is called 'strai'; did you mean 'stray'?",
        ),
        (
            "aspect: cell, new: gon",
            "2:43: accepted[0].change.new: no new cell is called 'gon'; did you mean 'gone'?",
        ),
        (
            "aspect: stack",
            "2:23: accepted[0].change: the new stack is missing; known: stray, crashed",
        ),
    ],
)
def test_a_code_that_there_is_not_is_told_at_its_place(
    tmp_path: Path, change: str, said: str
) -> None:
    path = tmp_path / ACCEPTED_FILE
    path.write_text(f"accepted:\n- {{reason: x, change: {{{change}}}, {REST}}}\n")
    (found,) = problems(path)
    assert found.startswith(f"{path}:{said}")


def test_an_entry_of_an_older_version_is_refused_with_a_way_out(tmp_path: Path) -> None:
    path = tmp_path / ACCEPTED_FILE
    path.write_text(f"accepted:\n- {{reason: x, what: memory → stray file, {REST}}}\n", "utf-8")
    assert problems(path) == [
        f"{path}:2:3: accepted[0]: has no 'change': an older version wrote it, and matched the "
        "words of 'what'; remove the entry, and let `sqlite-matrix accept` write it again"
    ]


def test_the_schema_that_editors_use_is_the_current_one() -> None:
    path = ROOT / "matrix" / "schemas" / "accepted.schema.json"
    assert json.loads(path.read_text("utf-8")) == json_schema("accepted")


def test_the_schema_takes_what_is_written(tmp_path: Path) -> None:
    write_accepted(tmp_path / ACCEPTED_FILE, [entry(), entry(cases=["a", "b"], reference="x")])
    text = (tmp_path / ACCEPTED_FILE).read_text("utf-8")
    jsonschema.validate(yaml.safe_load(text), json_schema("accepted"))
