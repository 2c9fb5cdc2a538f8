"""An interrupted run is resumed or discarded, and says which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from matrix.model import Case, Storage
from matrix.results.store import load_results
from matrix.runner.collect import Work
from matrix.runner.engine import Run
from matrix.runner.events import CellsDone
from matrix.runner.options import RunOptions
from matrix.runner.progress import Advance
from matrix.runner.resume import prepare, run_prepared
from tests.builders import make_case
from tests.conftest import Provide
from tests.watching import Watcher

ONE = RunOptions(jobs=1)
CASES = [make_case(f"topic/a[n={n}]", target=f"x{n}.db") for n in range(4)]


class Interrupter(Watcher):
    """Ends the run once cells are done, as Ctrl-C does."""

    def count(self, noun: str, total: int) -> _Interrupting:  # type: ignore[override]
        return _Interrupting()


class _Interrupting:
    def __enter__(self) -> Advance:
        return self._interrupt

    def __exit__(self, *_: object) -> None:
        pass

    @staticmethod
    def _interrupt(_count: int, _now: str = "", /) -> None:
        raise KeyboardInterrupt


@pytest.fixture
def work(provide: Provide) -> Work:
    return [(provide("sqlite3"), CASES)]


def interrupt(output: Path, work: Work) -> None:
    watcher = Interrupter()
    prepare(output, (), CASES, resume=False)
    with pytest.raises(KeyboardInterrupt):
        run_prepared(output, work, options=ONE, progress=watcher)
    assert watcher.notes == ["finished cells are kept; continue with the same command and --resume"]


def kept(output: Path, cases: Sequence[Case], *, resume: bool) -> tuple[bool, list[str]]:
    """Whether observations are kept when a run is prepared again; the notes."""
    watcher = Watcher()
    prepare(output, (), cases, resume=resume, progress=watcher)
    return bool(list((output / ".parts").glob("*/*.jsonl"))), watcher.notes


def test_a_run_that_is_resumed_keeps_what_was_observed(tmp_path: Path, work: Work) -> None:
    interrupt(tmp_path, work)
    assert kept(tmp_path, CASES, resume=True) == (True, [])
    watcher = Watcher()
    assert run_prepared(tmp_path, work, options=ONE, progress=watcher) == {}
    assert watcher.counts == {"cells": (4, 4)}
    assert not (tmp_path / ".parts").exists()
    (stack,) = load_results(tmp_path).stacks
    assert list(stack.observations) == [case.id for case in CASES]


def test_an_interrupted_run_that_is_not_resumed_is_discarded(tmp_path: Path, work: Work) -> None:
    interrupt(tmp_path, work)
    words = "discarding an interrupted run (--resume would continue it)"
    assert kept(tmp_path, CASES, resume=False) == (False, [words])


def test_an_interrupted_run_of_other_cases_is_started_over(tmp_path: Path, work: Work) -> None:
    interrupt(tmp_path, work)
    words = "the scenarios have changed since the interrupted run: starting over"
    assert kept(tmp_path, CASES[:3], resume=True) == (False, [words])


@pytest.mark.parametrize("content", [b"", bytes(64), b"5" * 63, None])
def test_an_interrupted_run_without_a_readable_plan_is_started_over(
    tmp_path: Path, work: Work, content: bytes | None
) -> None:
    interrupt(tmp_path, work)
    plan = tmp_path / ".parts" / "plan"
    plan.unlink()
    if content is None:
        plan.mkdir()
    else:
        plan.write_bytes(content)
    how = "is no file" if content is None else "damaged"
    assert kept(tmp_path, CASES, resume=True) == (False, [f"{plan}: {how}: starting over"])


def test_a_file_in_place_of_the_part_files_is_replaced(tmp_path: Path, work: Work) -> None:
    (tmp_path / ".parts").touch()
    _, notes = kept(tmp_path, CASES, resume=True)
    assert notes == [f"{tmp_path / '.parts' / 'plan'}: is no file: starting over"]
    assert run_prepared(tmp_path, work, options=ONE) == {}


def test_what_is_no_part_file_is_named_and_removed(tmp_path: Path, work: Work) -> None:
    interrupt(tmp_path, work)
    (of_stack,) = (path for path in (tmp_path / ".parts").iterdir() if path.name != "plan")
    wrong = sorted([of_stack / "1.jsonl", tmp_path / ".parts" / "apsw@3.11"])
    (of_stack / "1.jsonl" / "deep").mkdir(parents=True)
    (tmp_path / ".parts" / "apsw@3.11").touch()
    notes = [f"{path}: is no part of an interrupted run: removed" for path in wrong]
    assert kept(tmp_path, CASES, resume=True) == (True, notes)
    assert run_prepared(tmp_path, work, options=ONE) == {}


def test_damaged_lines_are_counted_and_their_cases_run_again(tmp_path: Path, work: Work) -> None:
    prepare(tmp_path, (), CASES, resume=False)
    events = Run(work, parts=tmp_path / ".parts", options=ONE).events()
    assert sum(event.count for event in events if isinstance(event, CellsDone)) == len(CASES)
    (part,) = (tmp_path / ".parts").glob("*/*.jsonl")
    part.write_bytes(part.read_bytes().replace(b'"storage":"file"', b'"storage":"none"', 2)[:-7])
    watcher = Watcher()
    assert run_prepared(tmp_path, work, options=ONE, progress=watcher) == {}
    assert watcher.notes == ["3 damaged lines of the interrupted run dropped: to be run again"]
    (stack,) = load_results(tmp_path).stacks
    assert {seen.storage for seen in stack.observations.values()} == {Storage.FILE}


def test_older_results_are_removed_and_other_files_stay(tmp_path: Path, work: Work) -> None:
    for name in ("old.json", "mine.txt"):
        (tmp_path / name).touch()
    prepare(tmp_path, (), CASES, resume=False)
    run_prepared(tmp_path, work, options=ONE)
    prepare(tmp_path, (), CASES, resume=False, beside=["old.json", "gone.json"])
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {".parts", "cases.jsonl", "mine.txt"}
