"""An interrupted run is resumed or discarded, and says which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from matrix.model import Case
from matrix.results.store import load_results
from matrix.runner.collect import Work
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


def test_older_results_are_removed_and_other_files_stay(tmp_path: Path, work: Work) -> None:
    for name in ("old.json", "mine.txt"):
        (tmp_path / name).touch()
    prepare(tmp_path, (), CASES, resume=False)
    run_prepared(tmp_path, work, options=ONE)
    prepare(tmp_path, (), CASES, resume=False, beside=["old.json", "gone.json"])
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {".parts", "cases.jsonl", "mine.txt"}
