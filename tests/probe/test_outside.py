"""What a case makes outside is removed however the case ends, and nothing else ever is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from matrix.model import Result
from matrix.probe.outside import NOTE, Outside
from matrix.results.store import StackResults
from matrix.runner.collect import collect, observe
from matrix.runner.engine import Run
from matrix.runner.options import RunOptions
from matrix.runner.scratch import scratch_directory
from tests.builders import make_case
from tests.conftest import ObserveOn, Provide

DIES = """
import os
from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3


class Driver(Sqlite3):
    def connect(self, target, options):
        connection = super().connect(target, options)
        if "outside" in target:
            os._exit(1)
        return connection
"""


@pytest.fixture
def dying(tmp_path: Path) -> Path:
    driver = tmp_path / "dying.py"
    driver.write_text(DIES)
    return driver


def run_dying(provide: Provide, driver: Path, target: Path) -> StackResults:
    provided = provide(str(driver))
    run = Run(
        [(provided, [make_case(target=str(target))])],
        parts=driver.parent / "parts",
        options=RunOptions(jobs=1),
    )
    (stack,) = collect(run.events())
    return stack


def test_what_a_process_made_outside_before_it_died_is_removed(
    provide: Provide, dying: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "elsewhere" / "outside.db"
    outside.parent.mkdir()
    stack = run_dying(provide, dying, outside)
    assert stack.fingerprint is not None
    if "hook" not in stack.fingerprint.observer:
        pytest.skip("this Python's SQLite hides its table of system calls")
    assert [seen.result for seen in stack.observations.values()] == [Result.CRASHED]
    assert list(outside.parent.iterdir()) == []


def test_what_was_there_before_survives_a_process_that_dies(
    provide: Provide, dying: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.db"
    outside.touch()
    run_dying(provide, dying, outside)
    assert outside.exists()


def test_one_case_at_a_time_is_outside(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl", reason="one at a time needs flock")
    (tmp_path / "scratch").mkdir()
    outside = Outside(str(tmp_path / "scratch"), str(tmp_path))
    inside = os.fsencode(tmp_path / "scratch" / "x.db")
    descriptor = os.open(tmp_path, os.O_RDONLY)

    def is_free() -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        return True

    outside.enter(inside)
    assert is_free()
    outside.enter(os.fsencode(tmp_path / "x.db"))
    assert not is_free()
    outside.leave([])
    assert is_free()
    os.close(descriptor)


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def left_by(process: int, parent: Path, stray: Path) -> Path:
    """What a run leaves behind if it is killed while a case is outside."""
    scratch = parent / f"sqlite-matrix-{process}-abc" / "0" / "1"
    scratch.mkdir(parents=True)
    (scratch / NOTE).write_bytes(os.fsencode(stray) + b"\0")
    stray.touch()
    return scratch.parents[1]


@pytest.mark.skipif(os.name != "posix", reason="whether a process lives is asked as on POSIX")
def test_what_a_killed_run_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    dead = left_by(dead_process(), tmp_path, tmp_path / "stray.db")
    alive = left_by(os.getppid(), tmp_path, tmp_path / "of-another-run.db")
    other = tmp_path / "sqlite-matrix-notes"
    other.mkdir()
    with scratch_directory(tmp_path) as scratch:
        assert scratch.is_dir()
        assert not dead.exists()
    assert not scratch.exists()
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {alive.name, other.name, "of-another-run.db"}


def test_observers_that_disagree_are_reported(observe_on: ObserveOn) -> None:
    agreed, disagreed = observe_on(
        "behind",
        make_case("outside/agreed", target="x.db"),
        make_case("outside/behind", target="behind.db"),
    )
    if not agreed.transients_complete:
        pytest.skip("this Python's SQLite hides its table of system calls")
    assert agreed.conflicts == ()
    assert disagreed.conflicts == ("made-by-nobody: is there, and nobody made it",)


def test_a_contained_case_can_write_nothing_outside(provide: Provide, tmp_path: Path) -> None:
    outside = tmp_path / "outside.db"
    cases = [
        make_case("outside/outside", target=str(outside)),
        make_case("outside/inside", target="x.db"),
    ]
    (stack,) = observe([(provide("apsw"), cases)], options=RunOptions(jobs=1, contain=True)).stacks
    if stack.unavailable is not None:
        assert "containment needs Landlock" in stack.unavailable
        pytest.skip(stack.unavailable)
    refused, opened = (stack.observations[case.id] for case in cases)
    assert (refused.result, refused.created) == (Result.REFUSED, ())
    assert refused.tried == (str(outside),)
    assert not outside.exists()
    assert (opened.result, opened.error) == (Result.OPENED, None)


@pytest.mark.parametrize("step", [{"db": "away/x.db"}, {"empty": "away/x"}, {"mkdir": "away/x"},
                                  {"file": "away/x", "text": ""}], ids=str)  # fmt: skip
def test_a_set_up_follows_no_link_out_of_its_directory(
    observe_on: ObserveOn, tmp_path: Path, step: dict[str, str]
) -> None:
    away = {"symlink": "away", "to": str(tmp_path)}
    (seen,) = observe_on("sqlite3", make_case("outside/link", target="y.db", setup=(away, step)))
    assert seen.result is Result.UNAVAILABLE
    assert seen.error is not None
    assert "leads out of the case's directory" in seen.error.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("link", ["x.db", "x.db-wal"])
def test_a_set_up_overwrites_nothing_through_a_link(
    observe_on: ObserveOn, tmp_path: Path, link: str
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("a user's file")
    database = {"db": "x.db", "sql": ["PRAGMA journal_mode=wal", "CREATE TABLE t(x)"],
                "keep_wal": True}  # fmt: skip
    steps = ({"symlink": link, "to": str(precious)}, database)
    (seen,) = observe_on("sqlite3", make_case("outside/over", target="y.db", setup=steps))
    assert seen.result is Result.UNAVAILABLE
    assert precious.read_text() == "a user's file"
