"""What appears on the disk: who saw it made, in which stage, and where two observers disagree."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from matrix.probe.observe import Appeared, Observer
from matrix.probe.outside import InPlace, NotRehearsed, Outside
from matrix.probe.places import Places
from matrix.probe.syscalls import SystemCallLog
from tests.system_calls import Sqlite, Table, create_unseen, needs_linux, remove_unseen

pytestmark = needs_linux


class Watched:
    """A case's directory with an observer, which begins when it is told to."""

    def __init__(self, scratch: Path, *, hooked: bool, outside: Outside | None = None) -> None:
        for name in ("tmp", "home"):
            (scratch / name).mkdir(exist_ok=True)
        self.places = Places(str(scratch), 1, "worker")
        self.places.make()
        self.dir = Path(self.places.dir)
        self.outside = Outside(str(scratch)) if outside is None else outside
        table = Table()
        self.log = SystemCallLog(table, self.outside) if hooked else None
        self.sqlite = Sqlite(table) if hooked else None
        self.observer = Observer(self.log, self.outside)

    def begin(self, *asked: str | Path) -> None:
        self.observer.begin(self.places, set(map(str, asked)))
        self.observer.enter("open")

    def appeared(self) -> dict[str, tuple[str, str]]:
        """The stage of each path that has appeared, and who saw it, after one more look."""
        self.observer.look()
        show = self.places.show_path
        return {show(path): (stage, what) for path, stage, what in self.observer.created()}


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


@pytest.fixture
def hooked(scratch: Path) -> Iterator[Watched]:
    watched = Watched(scratch, hooked=True)
    yield watched
    watched.observer.end()


@pytest.fixture
def listed(scratch: Path) -> Iterator[Watched]:
    """Without a log of SQLite's calls."""
    watched = Watched(scratch, hooked=False)
    yield watched
    watched.observer.end()


@pytest.fixture
def sqlite(hooked: Watched) -> Sqlite:
    assert hooked.sqlite is not None
    return hooked.sqlite


def test_an_observer_says_what_it_can_see(hooked: Watched, listed: Watched) -> None:
    assert hooked.observer.name == "vfs-hook+listing"
    assert hooked.observer.transients_complete
    assert listed.observer.name == "inotify+listing+descriptors"
    assert not listed.observer.transients_complete


def test_without_inotify_there_is_the_listing(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> None:
        raise OSError("no inotify here")

    monkeypatch.setattr("matrix.probe.observe.Inotify", none)
    watched = Watched(scratch, hooked=False)
    assert watched.observer.name == "listing+descriptors"
    watched.begin()
    create_unseen(watched.dir / "x")
    assert watched.appeared() == {"x": ("open", "listing")}
    assert watched.observer.conflicts() == []  # there is nobody to disagree with
    watched.observer.end()


# With the log of SQLite's calls


def test_each_path_is_told_once_with_its_stage_and_its_maker(
    hooked: Watched, sqlite: Sqlite
) -> None:
    hooked.begin()
    sqlite.create(hooked.dir / "x.db")
    hooked.observer.enter("write")
    sqlite.create(hooked.dir / "x.db-journal")
    sqlite.remove(hooked.dir / "x.db-journal")
    sqlite.create("relative")
    sqlite.mkdir(hooked.dir / "x.db.lock")
    sqlite.close(sqlite.open(hooked.dir / "x.db"))
    hooked.observer.enter("close")
    sqlite.create(hooked.dir / "x.db-journal")
    (hooked.dir / "by-python").touch()
    assert hooked.appeared() == {
        "x.db": ("open", "create"),
        "x.db-journal": ("write", "create"),
        "relative": ("write", "create"),
        "x.db.lock": ("write", "mkdir"),
        "by-python": ("close", "python"),
    }
    assert hooked.observer.conflicts() == []


def test_the_stage_is_that_of_the_event_and_not_of_the_look(
    hooked: Watched, sqlite: Sqlite
) -> None:
    hooked.begin()
    sqlite.create(hooked.dir / "early")
    hooked.observer.enter("exit")
    assert hooked.appeared() == {"early": ("open", "create")}


def test_what_cannot_be_created_is_only_tried(hooked: Watched, sqlite: Sqlite) -> None:
    hooked.begin()
    assert sqlite.open(hooked.dir / "no" / "x.db") == -1
    assert hooked.appeared() == {}
    assert hooked.observer.attempted() == [str(hooked.dir / "no" / "x.db")]


def test_an_unnamed_file_is_told_by_its_directory(hooked: Watched, sqlite: Sqlite) -> None:
    hooked.begin()
    descriptor = sqlite.open(hooked.places.tmp, os.O_RDWR | os.O_TMPFILE)
    assert descriptor >= 0
    (held,) = hooked.observer.held().values()
    assert held.anonymous
    sqlite.close(descriptor)
    assert hooked.appeared() == {"{tmp}/(unnamed)": ("open", "unnamed")}
    assert hooked.observer.conflicts() == []


def test_what_happens_before_the_case_and_after_it_is_not_the_cases(
    hooked: Watched, sqlite: Sqlite, tmp_path: Path
) -> None:
    sqlite.create(hooked.dir / "given")
    sqlite.create(hooked.dir / "gone")
    sqlite.remove(hooked.dir / "gone")
    hooked.begin()
    assert hooked.appeared() == {}
    (hooked.dir / "mine").touch()
    (tmp_path / "mine").touch()
    assert set(hooked.appeared()) == {"mine", str(tmp_path / "mine")}
    hooked.observer.end()
    (hooked.dir / "late").touch()
    assert hooked.appeared()["late"] == ("open", "listing")
    hooked.begin()  # the next case knows nothing of this one
    assert hooked.appeared() == {}
    assert hooked.observer.attempted() == hooked.observer.conflicts() == []


@pytest.mark.parametrize("name", ["x", "sub/x"])
def test_two_observers_that_disagree_are_a_conflict(
    hooked: Watched, sqlite: Sqlite, name: str
) -> None:
    (hooked.dir / "sub").mkdir()
    hooked.begin()
    sqlite.create(hooked.dir / name)
    remove_unseen(hooked.dir / name)
    assert list(hooked.appeared()) == [name]
    assert hooked.observer.conflicts() == [f"{name}: was created, and is not there"]
    sqlite.create(hooked.dir / f"{name}2")
    sqlite.remove(hooked.dir / f"{name}2")
    create_unseen(hooked.dir / f"{name}2")
    create_unseen(hooked.dir / f"{name}3")
    assert hooked.appeared()[f"{name}3"] == ("open", "listing")
    assert hooked.observer.conflicts()[1:] == [
        f"{name}3: is there, and nobody made it",
        f"{name}2: was removed, and is there",
    ]


def test_what_python_removes_is_no_conflict(hooked: Watched, sqlite: Sqlite) -> None:
    hooked.begin()
    sqlite.create(hooked.dir / "x")
    (hooked.dir / "x").unlink()
    assert list(hooked.appeared()) == ["x"]
    assert hooked.observer.conflicts() == []


def test_a_directory_that_is_made_in_the_case_is_not_listed(
    hooked: Watched, sqlite: Sqlite
) -> None:
    hooked.begin()
    sqlite.mkdir(hooked.dir / "new")
    sqlite.create(hooked.dir / "new" / "x")
    assert list(hooked.appeared()) == ["new", "new/x"]
    assert hooked.observer.conflicts() == []


def test_a_file_that_was_there_never_appears_though_it_is_made_again(
    hooked: Watched, sqlite: Sqlite, tmp_path: Path
) -> None:
    given = [hooked.dir / "x", tmp_path / "y"]
    for path in given:
        path.touch()
    (hooked.dir / "lock").mkdir()
    hooked.begin(*given)
    for path in given:
        sqlite.remove(path)
        sqlite.create(path)
    sqlite.rmdir(hooked.dir / "lock")
    sqlite.mkdir(hooked.dir / "lock")
    assert hooked.appeared() == {}
    assert hooked.observer.conflicts() == []


def test_a_directory_that_was_there_may_go(hooked: Watched, sqlite: Sqlite) -> None:
    (hooked.dir / "lock").mkdir()
    hooked.begin()
    sqlite.rmdir(hooked.dir / "lock")
    assert hooked.appeared() == {}
    assert hooked.observer.removed() == [str(hooked.dir / "lock")]
    assert hooked.observer.conflicts() == []


# What was there before


def test_what_was_there_is_unchanged_or_modified_or_removed(
    hooked: Watched, tmp_path: Path
) -> None:
    (hooked.dir / "a" / "b").mkdir(parents=True)
    inside = [hooked.dir / "same", hooked.dir / "a" / "b" / "other", hooked.dir / "a" / "gone"]
    beyond = [tmp_path / name for name in ("same", "other", "gone")]
    for path in (*inside, *beyond):
        path.write_text("before")
    hooked.begin(*beyond)
    for same, other, gone in (inside, beyond):
        same.write_text("before")
        other.write_text("after")
        gone.unlink()
    assert hooked.observer.modified() == [str(inside[1]), str(beyond[1])]
    assert hooked.observer.removed() == [str(inside[2]), str(beyond[2])]
    given = hooked.observer.given()
    assert (given[str(inside[1])], given[str(beyond[1])]) == (b"before", b"before")
    assert hooked.appeared() == {}


# What Python code does


def test_what_python_makes_outside_is_seen_while_it_is_there(
    hooked: Watched, tmp_path: Path
) -> None:
    hooked.begin()
    (tmp_path / "stays").touch()
    (tmp_path / "gone").touch()
    (tmp_path / "gone").unlink()
    assert hooked.appeared() == {str(tmp_path / "stays"): ("open", "python")}


def told_in_place(scratch: Path, *, hooked: bool) -> tuple[Watched, list[str]]:
    """With what the tool is told that it has to remove."""
    told: list[str] = []
    outside = InPlace(str(scratch), lambda made: told.append(made[-1][0]))
    return Watched(scratch, hooked=hooked, outside=outside), told


def test_what_is_made_outside_for_real_is_told_once(scratch: Path, tmp_path: Path) -> None:
    watched, told = told_in_place(scratch, hooked=True)
    watched.begin()
    (tmp_path / "x").touch()
    (watched.dir / "y").touch()
    watched.observer.look()
    watched.observer.look()
    watched.observer.end()
    assert told == [str(tmp_path / "x")]


def test_what_was_there_is_not_to_be_removed_though_it_is_made_again(
    scratch: Path, tmp_path: Path
) -> None:
    watched, told = told_in_place(scratch, hooked=False)
    (tmp_path / "x").touch()
    watched.begin(tmp_path / "x")
    remove_unseen(tmp_path / "x")
    create_unseen(tmp_path / "x")
    assert watched.appeared() == {}
    watched.observer.end()
    assert told == []


def test_what_only_the_listing_shows_outside_is_told_too(scratch: Path, tmp_path: Path) -> None:
    watched, told = told_in_place(scratch, hooked=False)
    watched.begin(tmp_path / "x")
    create_unseen(tmp_path / "x")
    create_unseen(watched.dir / "y")
    watched.observer.look()
    watched.observer.end()
    assert told == [str(tmp_path / "x")]


# Without the log


def test_a_file_that_is_gone_again_is_seen_by_the_kernel(listed: Watched, tmp_path: Path) -> None:
    (listed.dir / "sub").mkdir()
    listed.begin(tmp_path / "asked")
    short = [listed.dir / "x", listed.dir / "sub" / "x", tmp_path / "asked"]
    short += [Path(directory, "x") for directory in (listed.places.around, listed.places.tmp)]
    for path in short:
        create_unseen(path)
        remove_unseen(path)
    assert listed.appeared() == {
        listed.places.show_path(str(path)): ("open", "inotify") for path in short
    }


def test_what_others_make_outside_is_not_the_cases(listed: Watched, tmp_path: Path) -> None:
    listed.begin(tmp_path / "asked.db", listed.dir / "asked.db")
    name = listed.places.name
    for made in ("asked.db-journal", "theirs", f"x{name}.db"):
        create_unseen(tmp_path / made)
    create_unseen(listed.dir / "x")
    seen = [str(tmp_path / "asked.db-journal"), "x", str(tmp_path / "x{name}.db")]
    assert sorted(listed.appeared()) == sorted(seen)


def test_what_others_make_in_the_root_is_left_alone(
    listed: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed.begin()
    listing = {os.sep: ["theirs.db", f"{listed.places.name}.db"]}
    monkeypatch.setattr("matrix.probe.observe.os.listdir", lambda path: listing.get(path, []))
    assert listed.appeared() == {"/{name}.db": ("open", "listing")}


def test_what_was_there_does_not_appear_without_the_log_either(
    listed: Watched, tmp_path: Path
) -> None:
    given = [listed.dir / "x", Path(listed.places.tmp, "x"), tmp_path / "asked-2"]
    for path in given:
        create_unseen(path)
    listed.begin(tmp_path / "asked")
    assert listed.appeared() == {}


def test_a_file_that_python_makes_is_pythons_without_the_log_too(listed: Watched) -> None:
    listed.begin()
    listed.observer._inotify = None
    (listed.dir / "x").touch()
    assert listed.appeared() == {"x": ("open", "python")}
    assert listed.observer.conflicts() == []


def test_the_files_that_are_held_open_are_found_by_their_descriptors(
    listed: Watched, tmp_path: Path
) -> None:
    listed.begin()
    before = set(listed.observer.held())
    path = tmp_path / "held"
    with path.open("wb") as file, Path(os.devnull).open("wb"):
        file.write(b"four")
        file.flush()
        held = listed.observer.held()
        assert set(held) - before == {file.fileno()}
        assert held[file.fileno()] == (os.fsencode(path), 4, False)
        path.unlink()
        assert listed.observer.held()[file.fileno()].anonymous
    assert set(listed.observer.held()) == before


def test_a_file_that_was_open_before_is_not_sqlites(scratch: Path, tmp_path: Path) -> None:
    with (tmp_path / "early").open("wb"):
        watched = Watched(scratch, hooked=False)
        with (tmp_path / "late").open("wb"):
            paths = [os.fsdecode(held.path) for held in watched.observer.held().values()]
    assert paths == [str(tmp_path / "late")]


_HOLDER = "import sys; file = open(sys.argv[1], 'wb'); print(file.fileno(), flush=True); input()"


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Callable[[str], int]]:
    """Start a process that holds a file open; its id."""
    started = []

    def hold(name: str) -> int:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _HOLDER, str(tmp_path / name)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline()
        return process.pid

    yield hold
    for process in started:
        process.communicate(b"\n")


def test_the_files_of_other_processes_are_apart_from_ours(
    scratch: Path, tmp_path: Path, hold: Callable[[str], int]
) -> None:
    processes = [hold("a"), hold("b")]
    observer = Observer(None, Outside(str(scratch)), lambda: processes)
    with (tmp_path / "c").open("wb"):
        held = observer.held()
    assert sorted(Path(os.fsdecode(each.path)).name for each in held.values()) == ["a", "b", "c"]
    assert sum(descriptor < 0 for descriptor in held) == 2


def test_a_descriptor_that_is_closed_meanwhile_hides_no_other(
    listed: Watched, tmp_path: Path
) -> None:
    with (tmp_path / "low").open("wb") as low, (tmp_path / "high").open("wb") as high:
        low.close()  # its number is that of the listing now
        assert high.fileno() in listed.observer.held()


def test_a_process_that_has_ended_holds_nothing(scratch: Path) -> None:
    observer = Observer(None, Outside(str(scratch)), lambda: [2**22 + 1])
    assert observer.held() == {}


# A child process that has an observer of its own


def test_what_a_child_did_is_noted_in_the_stage_of_its_parent(
    hooked: Watched, sqlite: Sqlite
) -> None:
    sqlite.create(hooked.dir / "of-the-parent")
    hooked.observer.begin_apart()
    sqlite.create(hooked.dir / "x\udcff")
    seen = hooked.observer.take_apart()
    path = str(hooked.dir / "x\udcff")
    assert seen == {"events": [("create", path)], "refusal": None}
    assert hooked.observer.take_apart()["events"] == []
    remove_unseen(path)
    hooked.begin()
    hooked.observer.enter("write")
    create_unseen(path)
    hooked.observer.note_apart(seen)
    assert hooked.observer.created() == [Appeared(path, "write", "create")]


def test_what_a_child_did_before_the_case_is_given(hooked: Watched) -> None:
    hooked.observer.note_apart({"events": [("create", "x")], "refusal": None})
    hooked.begin()
    assert hooked.observer.created() == []


def test_a_child_without_a_log_has_seen_nothing(listed: Watched) -> None:
    listed.observer.begin_apart()
    assert listed.observer.take_apart() == {"events": [], "refusal": None}


def test_a_child_may_change_nothing_outside_and_its_parent_says_why(
    hooked: Watched, tmp_path: Path
) -> None:
    hooked.observer.begin_apart()
    with pytest.raises(NotRehearsed):
        hooked.outside.changing(os.fsencode(tmp_path / "x"))
    seen = hooked.observer.take_apart()
    hooked.begin()
    hooked.observer.note_apart({"events": [], "refusal": None})
    assert hooked.outside.refusal is None
    hooked.observer.note_apart(seen)
    assert hooked.outside.refusal == f"the set-up would change {tmp_path / 'x'}"
