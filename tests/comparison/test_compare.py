"""Two results held together: what changed, what is not comparable, and what cannot be trusted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from matrix.comparison.causes import How
from matrix.comparison.compare import compare_results
from matrix.errors import NothingSelectedError, ResultsError
from matrix.model import Failure, Intent, Json, PathKind, Result, canonical
from matrix.results.file_format import SCHEMA
from tests.builders import (
    in_file,
    in_memory,
    make_case,
    make_created,
    make_observation,
    make_stack,
    realistic,
    shared,
    stray,
)
from tests.comparing import CASE, STACK, changes, kinds, one_change, stack, write, write_results

OTHER = "topic/scenario[form=other]"


def test_a_result_does_not_differ_from_itself(tmp_path: Path) -> None:
    old = write_results(tmp_path / "old", realistic())
    new = write_results(tmp_path / "new", realistic())
    for pair in ((old, new), (old, old)):
        comparison = compare_results(*pair)
        assert comparison.unchanged
        assert comparison.cells == sum(len(s.observations) for s in realistic().stacks)
        assert len(comparison.pairs) == len(realistic().stacks)


def test_a_change_tells_both_sides_and_what_differs(tmp_path: Path) -> None:
    change = one_change(tmp_path, in_memory(CASE), stray(CASE, "file:x"))
    assert (change.case.id, change.cell) == (CASE, f"{CASE} @ {STACK}")
    assert kinds(change) == ["stray", "storage", "sharing"]
    assert next((a.name, a.old, a.new) for a in change.aspects) == ("strays", [], ["file:x"])
    assert change.old is not None
    assert change.new is not None
    assert (change.old.strays, len(change.new.strays)) == ((), 1)


def test_changes_are_worst_first_then_by_case(tmp_path: Path) -> None:
    names = [f"topic/scenario[n={n}]" for n in range(4)]
    before = [in_memory(name) for name in names]
    after = [shared(names[0]), stray(names[1]), shared(names[2]), stray(names[3])]
    old = write(tmp_path / "old", stack(STACK, *before))
    new = write(tmp_path / "new", stack(STACK, *after))
    assert [c.case.id for c in changes(old, new)] == [names[1], names[3], names[0], names[2]]


def test_a_stack_that_is_called_otherwise_differs_in_its_cells_alone(tmp_path: Path) -> None:
    seen = [in_memory(CASE), in_memory(OTHER)]
    old = write(tmp_path / "old", stack("apsw", *seen, driver_version="1"))
    new = write(tmp_path / "new", stack("apsw==2@3.11", *seen, driver_version="2"))
    assert compare_results(old, new).unchanged
    changed = write(tmp_path / "x", stack("apsw==2@3.11", seen[0], stray(OTHER)))
    assert [change.case.id for change in changes(old, changed)] == [OTHER]


def test_a_name_of_a_stack_in_a_target_is_left_alone(tmp_path: Path) -> None:
    before = make_observation(case=CASE, opened='","stack":"apsw')
    old = write(tmp_path / "old", stack("apsw", before))
    new = write(tmp_path / "new", stack("apsw==2@3.11", replace(before, opened='","stack":"b')))
    assert [kinds(change) for change in changes(old, new)] == [["opened"]]


def test_cells_may_be_added_and_gone(tmp_path: Path) -> None:
    old = write(tmp_path / "old", stack(STACK, in_memory(CASE)))
    new = write(tmp_path / "new", stack(STACK, in_memory(OTHER)))
    told = {change.case.id: (kinds(change), change.cause.how) for change in changes(old, new)}
    assert told == {CASE: (["gone"], How.CASE), OTHER: (["added"], How.CASE)}


def test_stacks_may_be_added_gone_and_not_to_be_had(tmp_path: Path) -> None:
    old = write(
        tmp_path / "old",
        stack("sqlean@3.11", in_memory(CASE), driver="sqlean"),
        stack("apsw@3.11", in_memory(CASE), in_memory(OTHER)),
        make_stack("apsw[django=6.1.3]@3.11", unavailable="no wheel"),
    )
    new = write(
        tmp_path / "new",
        stack("shell@3.11", in_memory(CASE)),
        make_stack("apsw@3.11", unavailable="no wheel"),
        stack("apsw[django=6.1.3]@3.11", in_memory(CASE)),
        cases=[make_case(CASE), make_case(OTHER)],
    )
    comparison = compare_results(old, new)
    assert comparison.changes == ()
    assert sorted((s.kind.value, s.stack, s.cells) for s in comparison.stacks) == [
        ("stack-added", "apsw[django=6.1.3]@3.11", 1),
        ("stack-added", "shell@3.11", 1),
        ("stack-gone", "sqlean@3.11", 1),
        ("unavailable", "apsw@3.11", 2),
    ]


def test_a_stack_that_can_be_had_on_neither_side_is_no_change(tmp_path: Path) -> None:
    missing = make_stack("apsw@3.11", unavailable="no wheel")
    old = write(tmp_path / "old", missing, stack(STACK, in_memory(CASE)))
    new = write(tmp_path / "new", replace(missing, unavailable="x"), stack(STACK, in_memory(CASE)))
    assert compare_results(old, new).unchanged


def test_a_cell_of_an_edited_case_is_not_comparable(tmp_path: Path) -> None:
    old = write(tmp_path / "old", stack(STACK, in_memory(CASE), in_memory(OTHER)))
    edited = [make_case(CASE, target="file:y"), make_case(OTHER)]
    new = write(tmp_path / "new", stack(STACK, stray(CASE), stray(OTHER)), cases=edited)
    comparison = compare_results(old, new)
    told = {change.case.id: kinds(change)[0] for change in comparison.changes}
    assert told == {CASE: "edited", OTHER: "stray"}
    assert comparison.edited == 1


def test_another_intent_is_no_other_case(tmp_path: Path) -> None:
    old = write(tmp_path / "old", stack(STACK, in_memory(CASE)))
    meant = [make_case(CASE, intent=Intent.FILE)]
    new = write(tmp_path / "new", stack(STACK, stray(CASE)), cases=meant)
    (change,) = changes(old, new)
    assert kinds(change)[0] == "stray"


def test_an_observer_that_saw_less_is_not_comparable(tmp_path: Path) -> None:
    entry = make_created("x-journal", kept=False, asked=False, kind=PathKind.JOURNAL, size=None)
    full = make_observation(case=CASE, created=(entry,), transients_complete=True, observer="hook")
    change = one_change(tmp_path, full, make_observation(case=CASE))
    assert (kinds(change), change.cause.how) == (["saw-less"], How.OBSERVER)


def test_another_observer_alone_is_no_change(tmp_path: Path) -> None:
    old = write(tmp_path / "old", stack(STACK, in_memory(CASE)))
    watched = replace(in_memory(CASE), observer="hook", transients_complete=True)
    assert changes(old, write(tmp_path / "new", stack(STACK, watched))) == ()


def test_a_field_that_older_results_lack_is_no_change(tmp_path: Path) -> None:
    old = write(tmp_path / "old", stack(STACK, in_memory(CASE)))
    new = write(tmp_path / "new", stack(STACK, in_memory(CASE)))
    rewrite(old / f"{STACK}.jsonl", lambda record: record.pop("reopened", None))
    assert compare_results(old, new).unchanged


def test_cases_and_stacks_may_be_selected(tmp_path: Path) -> None:
    stacks = [stack(name, in_memory(CASE), in_memory(OTHER)) for name in (STACK, "apsw@3.11")]
    changed = [stack(name, stray(CASE), stray(OTHER)) for name in (STACK, "apsw@3.11")]
    old, new = write(tmp_path / "old", *stacks), write(tmp_path / "new", *changed)
    comparison = compare_results(old, new, CASE.__eq__, STACK.__eq__)
    assert [change.cell for change in comparison.changes] == [f"{CASE} @ {STACK}"]
    assert comparison.cells == 1


def test_a_selection_of_nothing_is_an_error(tmp_path: Path) -> None:
    old = write(tmp_path / "old", stack(STACK, in_memory(CASE)))
    with pytest.raises(NothingSelectedError, match="no case is selected"):
        compare_results(old, old, "x".__eq__)
    with pytest.raises(NothingSelectedError, match="no stack is selected"):
        compare_results(old, old, None, "x".__eq__)


def test_a_crash_is_worse_than_what_it_hides(tmp_path: Path) -> None:
    error = Failure(phase="process", type="crashed", message="SIGSEGV")
    crashed = make_observation(case=CASE, result=Result.CRASHED, error=error)
    assert kinds(one_change(tmp_path, in_file(CASE), crashed))[0] == "crashed"


def rewrite(path: Path, edit: Callable[[dict[str, Json]], object]) -> None:
    """Change the records of a file, and count and sum them up again."""
    header, *records, _ = path.read_text().splitlines()
    lines = [header]
    for text in records:
        record = json.loads(text)
        edit(record)
        lines.append(canonical(record))
    content = "".join(line + "\n" for line in lines)
    digest = f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"
    footer = canonical({"count": len(records), "digest": digest})
    path.write_text(f"{content}{footer}\n")


def test_one_planted_cell_is_found(tmp_path: Path) -> None:
    old = write_results(tmp_path / "old", realistic())
    new = write_results(tmp_path / "new", realistic())
    planted = "memory/without-switch[form=private]"

    def plant(record: dict[str, Json]) -> None:
        if record["case"] == planted:
            record["storage"] = "none"

    rewrite(old / f"{STACK}.jsonl", plant)
    (change,) = changes(old, new)
    assert (change.case.id, change.pair.new.stack, kinds(change)) == (planted, STACK, ["storage"])


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def without_footer(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def newer(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"schema":1', b'"schema":%d' % (SCHEMA + 1)))


def by_hand(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"memory"', b'"file"', 1))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def gone(path: Path) -> None:
    for each in path.parent.iterdir():
        each.unlink()


def misplaced(path: Path) -> None:
    rewrite(path, lambda record: record.update(stack="apsw@3.11"))


def unlisted(path: Path) -> None:
    rewrite(path, lambda record: record.update(case="topic/unlisted"))


WRONG: dict[Callable[[Path], None], str] = {
    truncate: "cut off, the last line has no end; run again, or take the file from version control",
    without_footer: "cut off, the footer is missing; run again",
    newer: f"schema {SCHEMA + 1} is newer than this tool, which reads up to {SCHEMA}; update",
    by_hand: "corrupted, the digest does not fit; run again",
    empty: "is empty; run again",
    gone: "holds no results, cases.jsonl is missing; `sqlite-matrix run` writes one",
    misplaced: "an observation of the stack apsw@3.11",
    unlisted: "a case that cases.jsonl does not list",
}


@pytest.mark.parametrize("side", ["old", "new"])
@pytest.mark.parametrize("spoil", WRONG, ids=lambda spoil: spoil.__name__)
def test_a_file_that_cannot_be_trusted_is_an_error(
    tmp_path: Path, spoil: Callable[[Path], None], side: str
) -> None:
    for name in ("old", "new"):
        write(tmp_path / name, stack(STACK, in_memory(CASE)))
    spoil(tmp_path / side / f"{STACK}.jsonl")
    with pytest.raises(ResultsError) as caught:
        compare_results(tmp_path / "old", tmp_path / "new")
    assert WRONG[spoil] in str(caught.value)
    assert str(tmp_path / side) in str(caught.value)


@pytest.mark.parametrize("spoil", [truncate, without_footer, empty, newer])
def test_a_file_of_cases_that_cannot_be_trusted_is_an_error(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    for name in ("old", "new"):
        write(tmp_path / name, stack(STACK, in_memory(CASE)))
    spoil(tmp_path / "old" / "cases.jsonl")
    with pytest.raises(ResultsError) as caught:
        compare_results(tmp_path / "old", tmp_path / "new")
    assert WRONG[spoil] in str(caught.value)
    assert "cases.jsonl" in str(caught.value)


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    old = write(tmp_path / "old", stack(STACK, in_memory(CASE)))
    for pair in ((old, tmp_path / "x"), (tmp_path / "x", old)):
        with pytest.raises(ResultsError, match=f"{tmp_path / 'x'}: no such directory"):
            compare_results(*pair)


def test_a_gone_stack_is_checked_as_a_whole_too(tmp_path: Path) -> None:
    old = write(tmp_path / "old", stack("sqlean@3.11", in_memory(CASE), driver="sqlean"))
    new = write(tmp_path / "new", stack(STACK, in_memory(CASE)))
    without_footer(old / "sqlean@3.11.jsonl")
    with pytest.raises(ResultsError, match="the footer is missing"):
        compare_results(old, new)
