"""Where a case's paths lie, and what its names lead to."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.probe.outside import Outside
from matrix.probe.places import Places


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.chdir(tmp_path)
    places = Places(str(tmp_path), 1, "worker")
    places.make()
    return places


def test_a_path_is_outside_unless_it_goes_with_the_case(places: Places) -> None:
    inside = [f"{places.dir}/x.db", f"{places.around}/x.db", f"{places.tmp}/x.db"]
    outside = ["/x.db", f"{places.around}2/x.db", f"{places.home}/x.db"]
    assert [places.is_outside(path) for path in inside] == [False] * len(inside)
    assert [places.is_outside(path) for path in outside] == [True] * len(outside)


def test_what_the_scratch_directory_does_not_hold_is_outside_of_it(tmp_path: Path) -> None:
    outside = Outside(str(tmp_path))
    inside = [b"x.db", b"a/../x.db", b""]
    assert [outside.is_outside(bytes(tmp_path) + b"/" + path) for path in inside] == [False] * 3
    assert [outside.is_outside(bytes(tmp_path) + path) for path in (b"/../x", b"2/x")] == [True] * 2


def test_a_name_leads_to_a_path_and_to_that_without_its_links(places: Places) -> None:
    Path(places.dir, "real").mkdir()
    Path(places.dir, "link").symlink_to("real")
    Path(places.dir, "dangling.db").symlink_to("real/y.db")
    assert places.resolve(["link/x.db"]) == [
        f"{places.dir}/link/x.db",
        f"{places.dir}/real/x.db",
    ]
    assert f"{places.dir}/real/y.db" in places.resolve(["dangling.db"])


@pytest.mark.parametrize("name", ["C:\\x.db", "c:/x.db"])
def test_a_file_that_is_called_like_a_drive_is_no_absolute_path(places: Places, name: str) -> None:
    assert places.show_path(f"{places.dir}/{name}") == f"./{name}"
    assert places.show_path(f"{places.dir}/a:b.db") == "a:b.db"
