"""What compare and accept do: which kinds fail, which stacks are meant, what is written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.comparison.accepted import load_accepted
from matrix.comparison.diff import ChangeKind
from matrix.comparison.report import FAILING, ChangeReport
from matrix.comparison.workflow import (
    accept_changes,
    compare_and_explain,
    parse_kinds,
    select_stacks,
)
from matrix.errors import NothingSelectedError, UsageError
from matrix.stacks.provision import Provisioner
from tests.builders import in_memory, stray
from tests.comparing import CASE, STACK, stack, write
from tests.watching import Watcher

OTHER = "apsw==3.54.1.0[uri=on]@3.11"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (None, FAILING),
        ("all", frozenset(ChangeKind)),
        ("none", frozenset()),
        ("stray, crashed", frozenset({ChangeKind.STRAY, ChangeKind.CRASHED})),
        ("stray,all", frozenset(ChangeKind)),
    ],
)
def test_kinds_are_named_with_commas_in_between(
    text: str | None, kinds: frozenset[ChangeKind]
) -> None:
    assert parse_kinds(text) == kinds


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("strays", "no kind of change called 'strays'; did you mean 'stray'?"),
        ("none,stray", "'none' stands alone"),
        ("", "no kind of change called ''"),
    ],
)
def test_what_is_no_kind_is_told(text: str, complaint: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_kinds(text)
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("pattern", "selected"),
    [
        ("apsw", [True, False]),
        ("apsw==3.54.1.0[uri=on]", [True, False]),
        ("*@3.11", [True, True]),
        ("sqlite3*", [False, True]),
        ("psw", [False, False]),
    ],
)
def test_a_stack_is_meant_by_its_name_with_or_without_its_python_or_its_driver(
    pattern: str, selected: list[bool]
) -> None:
    selection = select_stacks([pattern])
    assert selection is not None
    assert [selection(name) for name in (OTHER, STACK)] == selected


def test_without_a_pattern_every_stack_is_meant() -> None:
    assert select_stacks(()) is None


def tell(tmp_path: Path, watcher: Watcher | None = None) -> ChangeReport:
    old = write(tmp_path / "old", stack(STACK, in_memory(CASE)))
    new = write(tmp_path / "new", stack(STACK, stray(CASE)))
    provisioner = Provisioner(tmp_path / "nothing", offline=True)
    return compare_and_explain(old, new, provisioner=provisioner, progress=watcher or Watcher())


def test_where_the_headers_say_the_cause_nothing_is_run(tmp_path: Path) -> None:
    watcher = Watcher()
    report = tell(tmp_path, watcher)
    assert (len(report.groups), report.exit_code) == (1, 1)
    assert (watcher.counts, watcher.notes) == ({}, [])


def test_what_is_accepted_is_written_and_folded_from_then_on(tmp_path: Path) -> None:
    report = tell(tmp_path)
    path = tmp_path / "old" / "accepted.yaml"
    found = accept_changes(report, path, kinds=FAILING, reason="meant", reference=None)
    assert (found.groups, found.stacks) == (report.groups, ())
    (entry,) = load_accepted(path)
    assert entry.reason == "meant"
    again = tell(tmp_path)
    assert (again.groups, again.exit_code) == ((), 0)


def test_where_nothing_is_of_these_kinds_nothing_is_written(tmp_path: Path) -> None:
    report = tell(tmp_path)
    path = tmp_path / "old" / "accepted.yaml"
    with pytest.raises(NothingSelectedError, match="there is no change to accept; sqlite-matrix"):
        accept_changes(report, path, kinds=parse_kinds("crashed"), reason="meant")
    assert not path.exists()
