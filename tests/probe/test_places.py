"""A case's directory: made anew, removed whole, and never named in what is recorded."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from matrix.probe.outside import Outside
from matrix.probe.places import Places


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(str(tmp_path), 1, "worker")


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """Places whose directories are there; the test is in them."""
    monkeypatch.chdir(tmp_path)
    for name in ("tmp", "home"):
        (tmp_path / name).mkdir()
    places = Places(str(tmp_path), 1, "worker")
    places.make()
    return places


def names(directory: str | Path) -> list[str]:
    return sorted(path.name for path in Path(directory).iterdir())


# The directories


def test_the_directory_is_a_new_one_and_the_current_one(made: Places, tmp_path: Path) -> None:
    assert made.dir == str(tmp_path / "00001" / "dir")
    assert Path.cwd() == Path(made.dir)
    assert names(made.around) == ["dir"]
    assert names(made.dir) == []


def test_what_an_earlier_case_has_left_is_gone(made: Places) -> None:
    Path(made.dir, "left").touch()
    made.make()
    assert names(made.dir) == []
    made.remove()
    Path(made.around).symlink_to(made.tmp)
    made.make()
    assert names(made.tmp) == []


def test_nothing_of_a_case_stays(made: Places, tmp_path: Path) -> None:
    made.remove()
    assert names(tmp_path) == ["home", "tmp"]
    assert Path.cwd() == tmp_path
    made.make()
    for directory in (made.dir, made.around, made.tmp, made.home):
        Path(directory, "sub").mkdir()
        Path(directory, "sub", "file").touch()
    made.remove()
    assert names(tmp_path) == ["home", "tmp"]
    assert names(made.tmp) == names(made.home) == []


def test_other_users_can_reach_the_directory_and_not_list_what_is_beside_it(
    made: Places, tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    made.open_to_all()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o711


def test_numbers_of_one_length_give_names_of_one_length(tmp_path: Path) -> None:
    first, last = (Places(str(tmp_path), number, "worker") for number in (1, 99999))
    assert len(first.dir) == len(last.dir)
    assert len(first.name) == len(last.name)
    assert first.name != last.name


# Placeholders


def test_placeholders_are_filled_in_wherever_they_stand(places: Places) -> None:
    value = {"{dir}": ["{dir}/{name}", 7, None], "x": {"y": "{name}{name}"}}
    assert places.fill(value) == {
        "{dir}": [f"{places.dir}/{places.name}", 7, None],
        "x": {"y": places.name * 2},
    }


def test_what_differs_from_run_to_run_is_not_recorded() -> None:
    places = Places("/scratch/0/1", 7, "worker")
    texts = {
        "/scratch/0/1/00007/dir/x": "{dir}/x",
        "/scratch/0/1/00007/x": "{dir}/../x",
        "/scratch/0/1/tmp/etilqs_Ab3f": "{tmp}/etilqs_*",
        "/scratch/0/1/home/x": "{home}/x",
        "x-mj0123ABCDE": "x-mj*",
        "created in thread id 140542128551616 and": "created in thread id * and",
        "<object at 0x7f1b2c>": "<object at 0x*>",
        f"file:{places.name}": "file:{name}",
    }
    assert {places.show(text) for text in texts} == set(texts.values())


def test_a_traceback_leads_through_us_and_is_not_recorded(places: Places) -> None:
    trace = '  File "/x/case.py", line 7, in _open\n    self._open()\n' * 2
    assert places.show(f"already checked out at:\n{trace}") == "already checked out at:"


def test_a_path_inside_is_relative_and_any_other_is_whole(places: Places, tmp_path: Path) -> None:
    assert places.show_path(places.dir) == "{dir}"
    assert places.show_path(f"{places.dir}/a/b") == "a/b"
    assert places.show_path(f"{places.around}/x") == "{dir}/../x"
    assert places.show_path(str(tmp_path)) == "{dir}/../.."
    assert places.show_path(f"{places.dir}/{places.name}.db") == "{name}.db"
    assert places.show_path(f"{places.tmp}/etilqs_x1") == "{tmp}/etilqs_*"
    assert places.show_path(f"/elsewhere/{places.name}") == "/elsewhere/{name}"


@pytest.mark.parametrize("name", ["tmp", "home", "00001", "dir"])
def test_no_name_that_begins_like_one_of_our_directories_is_in_it(
    tmp_path: Path, name: str
) -> None:
    places = Places(str(tmp_path), 1, "worker")
    assert places.show_path(f"{tmp_path}/{name}x/y") == f"{{dir}}/../../{name}x/y"
    assert places.show_path(f"{tmp_path}/00001/dirx") == "{dir}/../dirx"
    assert places.show_path(f"{tmp_path}/00001/dir/file:{tmp_path}/00001/dir/y") == "file:{dir}/y"
    assert places.show_path(f"{tmp_path}/00001/dir") == "{dir}"
    assert places.show_path(f"{tmp_path}/00001/dir/{places.name}.db") == "{name}.db"


# What a name means


def test_a_name_means_a_path_in_the_directory_or_from_the_root(places: Places) -> None:
    meant = places.resolve(["x.db", "a/../y.db", "//z.db", "{name}"])
    assert set(meant) == {
        f"{places.dir}/x.db", f"{places.dir}/y.db", "/z.db", f"{places.dir}/{places.name}"
    }  # fmt: skip


def test_a_name_means_the_link_and_where_it_leads(made: Places) -> None:
    Path(made.dir, "link.db").symlink_to("real.db")
    assert set(made.resolve(["link.db"])) == {f"{made.dir}/link.db", f"{made.dir}/real.db"}


@pytest.mark.parametrize("name", ["x\0y", "x\ud800", "/x\ud800"])
def test_a_name_that_no_file_can_have_means_none(places: Places, name: str) -> None:
    assert set(places.resolve([name, "y"])) == {f"{places.dir}/y"}


def test_outside_is_what_is_not_removed_with_the_case(places: Places, tmp_path: Path) -> None:
    inside = [f"{places.dir}/x", f"{places.around}/x", f"{places.tmp}/x"]
    outside = [f"{places.home}/x", f"{tmp_path}/00002/x", f"{places.around}x", "/x"]
    assert [places.is_outside(path) for path in inside] == [False] * 3
    assert [places.is_outside(path) for path in outside] == [True] * 4


def test_what_the_scratch_directory_does_not_hold_is_outside_of_it(tmp_path: Path) -> None:
    outside = Outside(str(tmp_path))
    inside = [b"x.db", b"a/../x.db", b""]
    assert [outside.is_outside(bytes(tmp_path) + b"/" + path) for path in inside] == [False] * 3
    assert [outside.is_outside(bytes(tmp_path) + path) for path in (b"/../x", b"2/x")] == [True] * 2


@pytest.mark.parametrize("name", ["C:\\x.db", "c:/x.db"])
def test_a_file_that_is_called_like_a_drive_is_no_absolute_path(places: Places, name: str) -> None:
    assert places.show_path(f"{places.dir}/{name}") == f"./{name}"
    assert places.show_path(f"{places.dir}/a:b.db") == "a:b.db"
