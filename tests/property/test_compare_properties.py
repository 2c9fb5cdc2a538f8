"""Properties of comparing: a planted set of edits is what is found, whichever way one looks."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.comparison.accepted import entries_of
from matrix.comparison.compare import Comparison, compare_results
from matrix.comparison.diff import MIRRORED, ChangeKind
from matrix.comparison.report import FAILING, report_changes
from matrix.errors import EXIT_CHANGED, EXIT_OK
from matrix.model import Observation
from tests.builders import in_file, in_memory, make_case, refused, shared, stray
from tests.comparing import stack, write

KINDS_OF_CELLS = (in_memory, shared, in_file, stray, refused)

signs = st.sampled_from('ab{}*?[]"\\,\U0001f600\uffff\udcff') | st.characters()
names = st.text(signs, min_size=1, max_size=8).map("topic/scenario[{}]".format)
cells = st.dictionaries(names, st.sampled_from(KINDS_OF_CELLS), max_size=12)
results = st.dictionaries(
    st.sampled_from(["sqlite3@3.11", "apsw==3.54.1.0@3.11"]), cells, min_size=1, max_size=2
)
Results = Mapping[str, Mapping[str, object]]


def observed(found: Mapping[str, object]) -> list[Observation]:
    return [make(name) for name, make in found.items()]  # type: ignore[operator]


def compare(old: Results, new: Results) -> Comparison:
    cases = sorted({name for side in (old, new) for found in side.values() for name in found})
    with tempfile.TemporaryDirectory() as place:
        directories = []
        for label, side in (("old", old), ("new", new)):
            stacks = [
                stack(name, *observed(found), driver=name[:4]) for name, found in side.items()
            ]
            directory = Path(place, label)
            directories.append(
                write(directory, *stacks, cases=[make_case(name) for name in [*cases, "t/s"]])
            )
        return compare_results(directories[0], directories[1])


def cells_of(comparison: Comparison) -> dict[tuple[str, str], Sequence[ChangeKind]]:
    return {(c.pair.new.stack, c.case.id): c.kinds for c in comparison.changes}


@given(results)
@settings(max_examples=30)
def test_a_result_compared_with_itself_has_no_change(found: Results) -> None:
    comparison = compare(found, found)
    assert comparison.unchanged
    assert comparison.cells == sum(map(len, found.values()))
    assert report_changes(comparison).exit_code == EXIT_OK


@given(results, results)
@settings(max_examples=60)
def test_exactly_the_planted_edits_are_found(old: Results, new: Results) -> None:
    comparison = compare(old, new)
    both = old.keys() & new.keys()
    planted = {
        (name, case)
        for name in both
        for case in old[name].keys() | new[name].keys()
        if old[name].get(case) is not new[name].get(case)
    }
    found = cells_of(comparison)
    assert found.keys() == planted
    for (name, case), kinds in found.items():
        assert (ChangeKind.ADDED in kinds) == (case not in old[name])
        assert (ChangeKind.GONE in kinds) == (case not in new[name])
    assert {(s.kind.value, s.stack, s.cells) for s in comparison.stacks} == {
        *(("stack-gone", name, len(old[name])) for name in old.keys() - both),
        *(("stack-added", name, len(new[name])) for name in new.keys() - both),
    }
    assert comparison.cells == sum(len(old[name].keys() & new[name].keys()) for name in both)


@given(results, results)
@settings(max_examples=60)
def test_looked_at_the_other_way_every_change_is_its_mirror(old: Results, new: Results) -> None:
    there, back = cells_of(compare(old, new)), cells_of(compare(new, old))
    assert there.keys() == back.keys()
    for cell, kinds in there.items():
        assert {MIRRORED.get(kind, kind) for kind in kinds} == set(back[cell])


@given(results, results, st.frozensets(st.sampled_from(ChangeKind)))
@settings(max_examples=60)
def test_the_exit_code_is_that_of_the_worst(
    old: Results, new: Results, fail_on: frozenset[ChangeKind]
) -> None:
    comparison = compare(old, new)
    kinds = {kind for change in comparison.changes for kind in change.kinds}
    kinds |= {each.kind for each in comparison.stacks}
    for wanted in (fail_on, FAILING):
        report = report_changes(comparison, fail_on=wanted)
        assert report.exit_code == (EXIT_CHANGED if kinds & wanted else EXIT_OK)
        assert sum(len(group.changes) for group in report.groups) == len(comparison.changes)


@given(results, results)
@settings(max_examples=60)
def test_all_accepted_is_nothing_left(old: Results, new: Results) -> None:
    comparison = compare(old, new)
    report = report_changes(comparison)
    entries = entries_of(report.groups, report.stacks, "meant")
    left = report_changes(comparison, entries)
    assert (left.groups, left.stacks, left.stale, left.exit_code) == ((), (), (), EXIT_OK)
    assert sum(count for _, count in left.accepted) >= len(comparison.changes)
