"""What cases do outside their directories is shown, and the machine's files stay as they are."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from matrix.errors import MatrixError
from matrix.model import Case, Observation, Reopened, Result, SecondConnection, Storage
from matrix.probe.outside import may_lead_outside
from matrix.results.store import StackResults
from matrix.runner.collect import observe
from matrix.runner.isolation import choose_isolation
from matrix.runner.options import RunOptions
from matrix.runner.scratch import scratch_directory
from tests.builders import make_case
from tests.conftest import ObserveOn, Provide
from tests.tool import environment

ALONE = RunOptions(jobs=1)
WAYS = {
    "as allowed": ALONE,
    "without Landlock": replace(ALONE, contain=False),
    "redirected": replace(ALONE, private_root=False),
    "redirected without Landlock": replace(ALONE, private_root=False, contain=False),
}
"""The ways in which cases are kept from changing the machine's files."""

Observe = Callable[..., Observation]


@pytest.fixture(params=list(WAYS.values()), ids=list(WAYS))
def options(request: pytest.FixtureRequest) -> RunOptions:
    way: RunOptions = request.param
    return way


@pytest.fixture
def see(provide: Provide, options: RunOptions) -> Observe:
    """Observes a case on a stack whose system calls can be seen."""
    return lambda case, spec="apsw": see_on(provide, spec, case, options)


def see_on(provide: Provide, spec: str, case: Case, options: RunOptions) -> Observation:
    (stack,) = observe([(provide(spec), [case])], options=options).stacks
    assert stack.unavailable is None
    return stack.observations[case.id]


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def state_of(path: Path) -> tuple[Any, ...]:
    """All that a user may notice of a file: bytes, times, permissions, owner, identity."""
    status = path.lstat()
    content = path.read_bytes() if path.is_file() else names_in(path)
    return (
        content, status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns,
        status.st_ctime_ns, status.st_ino, status.st_nlink,
    )  # fmt: skip


def make_users_database(path: Path) -> Path:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE mine(x)")
        connection.execute("INSERT INTO mine VALUES ('precious')")
    connection.close()
    return path


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A user's database, in a directory with nothing else."""
    home = tmp_path / "home"
    home.mkdir()
    return make_users_database(home / "mine.db")


# What is named outside


def test_a_database_outside_is_opened_and_stays_as_it_is(see: Observe, mine: Path) -> None:
    before, beside = state_of(mine), state_of(mine.parent)
    seen = see(make_case(target=str(mine)))
    assert (seen.result, seen.error, seen.storage) == (Result.OPENED, None, Storage.FILE)
    assert seen.opened == str(mine)
    assert (seen.there, seen.modified, seen.removed) == ((str(mine),), (str(mine),), ())
    assert seen.second_connection is SecondConnection.SEES
    assert seen.outside == (str(mine), f"{mine}-journal")
    assert (state_of(mine), state_of(mine.parent)) == (before, beside)


def test_every_stack_finds_the_same_database(
    provide: Provide, options: RunOptions, mine: Path
) -> None:
    case = make_case(target=str(mine))
    first, second = (see_on(provide, spec, case, options) for spec in ("sqlite3", "sqlite3"))
    assert first == second
    assert first.error is None


def test_each_case_finds_what_was_there_before_the_one_before_it(
    provide: Provide, options: RunOptions, mine: Path
) -> None:
    cases = [make_case(f"outside/{n}", target=str(mine)) for n in range(3)]
    (stack,) = observe([(provide("apsw"), cases)], options=options).stacks
    seen = [replace(stack.observations[case.id], case="") for case in cases]
    assert seen[0] == seen[1] == seen[2]


def test_a_new_file_outside_is_seen_and_never_made(see: Observe, mine: Path) -> None:
    new = mine.with_name("new.db")
    seen = see(make_case(target=str(new)))
    assert [(each.path, each.kept) for each in seen.created] == [
        (str(new), True),
        (f"{new}-journal", False),
    ]
    assert seen.outside == (str(new), f"{new}-journal")
    assert names_in(mine.parent) == ["mine.db"]


def attach(path: Path) -> Case:
    return make_case(target="x.db", sql=(f"ATTACH '{path}' AS a", "CREATE TABLE a.t(x)"))


def back_up(path: Path) -> Case:
    return make_case(target="x.db", backup=str(path))


def link(path: Path) -> Case:
    return make_case(target="link.db", setup=({"symlink": "link.db", "to": str(path)},))


def vacuum(path: Path) -> Case:
    return make_case(target="x.db", sql=(f"VACUUM INTO '{path}'",))


def wal(path: Path) -> Case:
    return make_case(target=str(path), sql=("PRAGMA journal_mode=wal",))


def drop(path: Path) -> Case:
    return make_case(target=str(path), sql=("DROP TABLE mine", "VACUUM"))


def climb(path: Path) -> Case:
    return make_case(target="../" * 30 + str(path).lstrip("/"))


def second(path: Path) -> Case:
    return make_case(target="x.db", second=str(path))


@pytest.mark.parametrize("way", [attach, back_up, link, vacuum, wal, drop, climb, second])
def test_no_way_to_a_users_database_changes_it(
    see: Observe, mine: Path, way: Callable[[Path], Case]
) -> None:
    before, beside = state_of(mine), state_of(mine.parent)
    see(way(mine))
    assert (state_of(mine), state_of(mine.parent)) == (before, beside)


@pytest.mark.parametrize("kind", ["empty", "text", "read-only", "directory", "dangling", "hard",
                                  "fifo", "link", "wal", "journal"])  # fmt: skip
def test_nothing_that_lies_outside_changes(see: Observe, mine: Path, kind: str) -> None:
    path = mine.with_name("there")
    if kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("a user's notes")
    elif kind == "read-only":
        make_users_database(path).chmod(0o444)
    elif kind == "directory":
        path.mkdir()
    elif kind == "dangling":
        path.symlink_to("nowhere")
    elif kind == "hard":
        path.hardlink_to(mine)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(mine)
    else:
        make_users_database(path)
        path.with_name(f"there-{kind}").write_text("left by a crash")
    before = {each.name: each.lstat() for each in mine.parent.iterdir()}
    contents = {e.name: e.read_bytes() for e in mine.parent.iterdir() if e.is_file()}
    if kind != "fifo":
        see(make_case(target=str(path)))
    see(make_case(target="x.db", sql=(f"ATTACH '{path}' AS a",) if kind != "fifo" else ()))
    after = {each.name: each.lstat() for each in mine.parent.iterdir()}
    assert {n: _noticed(s) for n, s in before.items()} == {n: _noticed(s) for n, s in after.items()}
    assert contents == {e.name: e.read_bytes() for e in mine.parent.iterdir() if e.is_file()}


def _noticed(status: os.stat_result) -> tuple[int, ...]:
    return (stat.S_IFMT(status.st_mode), status.st_mode, status.st_mtime_ns, status.st_ino)


def test_what_is_too_large_for_a_copy_is_refused_with_a_way_out(see: Observe, mine: Path) -> None:
    large = mine.with_name("large.db")
    with large.open("wb") as file:
        file.truncate(3 << 30)
    seen = see(make_case(target=str(large)))
    assert seen.result is Result.UNAVAILABLE
    assert seen.error is not None
    assert "is larger than" in seen.error.message
    assert "--in-place" in seen.error.message
    assert large.stat().st_size == 3 << 30


def test_a_driver_that_cannot_be_redirected_does_not_go_outside(
    provide: Provide, mine: Path
) -> None:
    before = state_of(mine)
    way = WAYS["redirected"]
    seen = see_on(provide, "listing_only", make_case(target=str(mine)), way)
    assert seen.result is Result.UNAVAILABLE
    assert seen.error is not None
    assert "--in-place" in seen.error.message
    assert state_of(mine) == before
    assert see_on(provide, "listing_only", make_case(target="x.db"), way).error is None


@pytest.mark.parametrize("text", ["/x.db", "file:/x.db", "file:///x", "sqlite:////x.db", "../x",
                                  "file:%2Fx", "a/../../x", "ATTACH '/x' AS a", "C:\\x.db",
                                  "file:..%2fx", "sqlite:///../x.db", "//x",
                                  "ATTACH char(47) || 'x' AS a", "VACUUM INTO x'2f78'",
                                  "attach 'a' -> 'b' AS a"])  # fmt: skip
def test_a_string_that_leads_outside_is_recognised(text: str) -> None:
    assert may_lead_outside([text])


@pytest.mark.parametrize("text", ["x.db", "file:x.db?mode=ro", "{dir}/x.db", "file:{dir}/x.db",
                                  "sqlite:///x.db", "sqlite+pysqlite:///{dir}/x.db", ":memory:",
                                  "sub/x.db", "", "SELECT 1", "sqlite://", "x..y",
                                  "ATTACH 'x (1).db' AS a", "VACUUM main INTO [x|y.db]",
                                  "INSERT INTO t VALUES (x'00')"])  # fmt: skip
def test_a_string_that_stays_inside_is_recognised(text: str) -> None:
    assert not may_lead_outside([text])


def test_a_set_up_that_would_change_something_outside_is_refused(see: Observe, mine: Path) -> None:
    before = state_of(mine)
    step = {"db": "in.db", "sql": [f"ATTACH '{mine}' AS a", "CREATE TABLE a.evil(x)"]}
    seen = see(make_case(target="in.db", setup=(step,)))
    assert (seen.result, seen.error is not None) == (Result.UNAVAILABLE, True)
    assert state_of(mine) == before


def test_a_driver_that_cannot_be_redirected_follows_no_link_of_a_set_up(
    provide: Provide, mine: Path
) -> None:
    before = state_of(mine)
    case = make_case(target="l.db", setup=({"symlink": "l.db", "to": str(mine)},))
    seen = see_on(provide, "listing_only", case, WAYS["redirected without Landlock"])
    assert seen.result is Result.UNAVAILABLE
    assert state_of(mine) == before


def test_temporary_files_through_a_link_stay_away(see: Observe, mine: Path) -> None:
    before = state_of(mine.parent)
    statements = ("PRAGMA temp_store_directory='{dir}/d'", "PRAGMA temp_store=1",
                  "CREATE TEMP TABLE t AS SELECT zeroblob(9000000) AS x")  # fmt: skip
    link = {"symlink": "d", "to": str(mine.parent)}
    see(make_case(target="x.db", sql=statements, setup=(link,)))
    assert state_of(mine.parent) == before


_OWN_MACHINE = """
set -e
mkdir dev ro ro/full
mount -t tmpfs none dev; mknod -m 666 dev/null c 1 3; mknod -m 666 dev/full c 1 7
mknod -m 666 dev/zero c 1 5; mknod -m 666 dev/urandom c 1 9; mknod -m 600 dev/disk b 7 99
mkdir dev/shm; mount -t tmpfs none dev/shm; mount --rbind dev /dev
mount -t tmpfs none ro; mount -o remount,ro ro
touch mode; chmod 200 mode
for target in "file:/dev/full?modeof=$PWD/mode" "file:/dev/disk" "file:$PWD/ro/x.db"; do
    %s -m matrix check "$target" --uri --stack sqlite3 --format jsonl || true
done
stat -c %%a /dev/full /dev/null >&2
"""


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("unshare") is None,
    reason="only root can make devices",
)
def test_devices_and_read_only_file_systems_are_what_they_are(tmp_path: Path) -> None:
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", _OWN_MACHINE % sys.executable],
        cwd=tmp_path, capture_output=True, text=True, check=False, env=environment(),
    )  # fmt: skip
    modes = done.stderr.split()[-2:]
    if modes == ["0", "0"] or "mknod" in done.stderr or len(done.stdout.splitlines()) != 3:
        pytest.skip("this root cannot make devices")
    assert modes == ["666", "666"]
    _, disk, read_only = map(json.loads, done.stdout.splitlines())
    assert disk["result"] == "unavailable"
    assert read_only["result"] == "refused"
    assert "unable to open" in read_only["error"]["message"]


# In place


def test_in_place_a_database_is_changed_for_real(provide: Provide, mine: Path) -> None:
    seen = see_on(provide, "apsw", make_case(target=str(mine)), RunOptions(in_place=True))
    assert seen.modified == (str(mine),)
    assert mine.stat().st_size > 1 << 20
    assert names_in(mine.parent) == ["mine.db"]


def test_in_place_every_stack_finds_the_database_as_it_was(provide: Provide, mine: Path) -> None:
    for driver in ("apsw", "sqlite3", "shell"):
        case = make_case(target=str(mine), reopen=True)
        seen = see_on(provide, driver, case, RunOptions(in_place=True))
        assert (seen.error, seen.reopened) == (None, Reopened.SEES)
        with closing(sqlite3.connect(mine)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        assert tables == [("mine",)]


def test_in_place_what_a_case_created_is_removed(provide: Provide, mine: Path) -> None:
    new = mine.with_name("new.db")
    seen = see_on(provide, "apsw", make_case(target=str(new)), RunOptions(in_place=True))
    assert seen.created[0].kept
    assert names_in(mine.parent) == ["mine.db"]


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


def run_dying(provide: Provide, directory: Path, target: Path) -> StackResults:
    driver = directory / "dying.py"
    driver.write_text(DIES)
    case = make_case(target=str(target))
    (stack,) = observe([(provide(str(driver)), [case])], options=RunOptions(in_place=True)).stacks
    return stack


def test_in_place_what_a_process_made_before_it_died_is_removed(
    provide: Provide, tmp_path: Path
) -> None:
    outside = tmp_path / "elsewhere" / "outside.db"
    outside.parent.mkdir()
    stack = run_dying(provide, tmp_path, outside)
    assert stack.fingerprint is not None
    if "hook" not in stack.fingerprint.observer:
        pytest.skip("this Python's SQLite hides its table of system calls")
    assert [seen.result for seen in stack.observations.values()] == [Result.CRASHED]
    assert list(outside.parent.iterdir()) == []


def test_in_place_what_was_there_before_survives_a_process_that_dies(
    provide: Provide, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.db"
    outside.touch()
    run_dying(provide, tmp_path, outside)
    assert outside.exists()


# Scratch of an interrupted run


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def left_by(process: int, parent: Path) -> Path:
    """What a run leaves behind if it is killed."""
    scratch = parent / f"sqlite-matrix-{process}-abc" / "0" / "1"
    scratch.mkdir(parents=True)
    return scratch.parents[1]


@pytest.mark.skipif(os.name != "posix", reason="whether a process lives is asked as on POSIX")
def test_what_a_killed_run_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    dead = left_by(dead_process(), tmp_path)
    alive = left_by(os.getppid(), tmp_path)
    other = tmp_path / "sqlite-matrix-notes"
    other.mkdir()
    with scratch_directory(tmp_path) as scratch:
        assert scratch.is_dir()
        assert not dead.exists()
    assert not scratch.exists()
    assert {path.name for path in tmp_path.iterdir()} == {alive.name, other.name}


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


def test_what_must_be_contained_does_not_run_where_it_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unable = {"private_root": False, "landlock": 0, "reason": "this is not Linux"}
    monkeypatch.setattr("matrix.runner.isolation._try", lambda scratch: unable)
    with pytest.raises(MatrixError, match="cases cannot be contained: this is not Linux"):
        choose_isolation(RunOptions(contain=True), tmp_path)
    assert str(choose_isolation(RunOptions(), tmp_path)) == "redirected calls of SQLite"


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
