"""Two sorted files side by side give the lines in which they differ, whatever their lengths."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from matrix.errors import ResultsError
from matrix.model import canonical
from matrix.results.file_format import ResultFile, write_document
from matrix.results.lines import CELLS
from matrix.results.sorted_diff import SortedLines, side_by_side

HEADER = {"kind": "stack", "schema": 1}


def line(name: str, value: object = 0) -> bytes:
    return canonical({"case": name, "value": value}).encode()


def write(path: Path, *lines: bytes) -> ResultFile:
    write_document(path, HEADER, lines)
    return ResultFile(path, "stack")


def differing(old: ResultFile, new: ResultFile) -> tuple[int, list[str]]:
    same, names = 0, []
    for stretch in side_by_side(SortedLines(old, CELLS), SortedLines(new, CELLS)):
        same += stretch.same
        names += [each.name for each in stretch.others]
    return same, names


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2500])
def test_equal_files_differ_nowhere(tmp_path: Path, count: int) -> None:
    lines = [line(f"{n:05}") for n in range(count)]
    old, new = write(tmp_path / "a", *lines), write(tmp_path / "b", *lines)
    assert differing(old, new) == (count, [])


@pytest.mark.parametrize("place", [0, 1, 998, 999, 1000, 1001, 1999, 2000, 2499])
@pytest.mark.parametrize("how", ["changed", "gone", "added", "first-half-gone"])
def test_a_difference_is_found_wherever_it_is(tmp_path: Path, place: int, how: str) -> None:
    old = [line(f"{n:05}") for n in range(2500)]
    new = list(old)
    wanted = [f"{place:05}"]
    if how == "changed":
        new[place] = line(f"{place:05}", 1)
    elif how == "gone":
        del new[place]
    elif how == "added":
        new.insert(place, line(f"{place - 1:05}x" if place else "!"))
        wanted = [f"{place - 1:05}x" if place else "!"]
    else:
        wanted = [f"{n:05}" for n in range(place)]
        del new[:place]
    same, names = differing(write(tmp_path / "a", *old), write(tmp_path / "b", *new))
    assert names == wanted
    assert same == 2500 - (0 if how == "added" else len(wanted))


def test_an_empty_file_lacks_everything(tmp_path: Path) -> None:
    names = [f"{n:05}" for n in range(1500)]
    full, empty = write(tmp_path / "a", *map(line, names)), write(tmp_path / "b")
    assert differing(full, empty) == (0, names)
    assert differing(empty, full) == (0, names)


def test_ids_that_json_escapes_are_in_their_own_order(tmp_path: Path) -> None:
    names = sorted(['a"b', 'a",b', "a\\", "aé", "a\U0001f600", "a\udcff", "a\uffff", "az"])
    full = write(tmp_path / "a", *map(line, names))
    less = write(tmp_path / "b", *(line(name) for name in names if name != "aé"))
    assert differing(full, less) == (7, ["aé"])


def test_lines_out_of_order_are_refused_with_their_number(tmp_path: Path) -> None:
    lines = [line(f"{n:05}") for n in range(1500)]
    lines[1200], lines[1201] = lines[1201], lines[1200]
    old, new = write(tmp_path / "a", *lines), write(tmp_path / "b", *sorted(lines))
    with pytest.raises(ResultsError, match=r"a:1203: out of order: '01200'"):
        differing(old, new)


def test_an_id_twice_is_refused(tmp_path: Path) -> None:
    old = write(tmp_path / "a", line("x"), line("x", 1))
    with pytest.raises(ResultsError, match=r"a:3: duplicate case 'x'"):
        differing(old, write(tmp_path / "b", line("x")))


def test_a_line_without_an_id_is_refused(tmp_path: Path) -> None:
    old = write(tmp_path / "a", b'{"value":0}')
    with pytest.raises(ResultsError, match="a:2: not as expected"):
        differing(old, write(tmp_path / "b", line("x")))


def test_a_file_that_is_cut_off_is_refused_after_its_last_line(tmp_path: Path) -> None:
    lines = [line(f"{n:05}") for n in range(2500)]
    new = write(tmp_path / "b", *lines)
    write(tmp_path / "a", *lines)
    content = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(b"".join(content.splitlines(keepends=True)[:-1]))
    with pytest.raises(ResultsError, match="the footer is missing"):
        differing(ResultFile(tmp_path / "a", "stack"), new)


def test_equal_files_take_no_more_memory_for_being_longer(tmp_path: Path) -> None:
    peaks = []
    for count in (20_000, 100_000):
        names = [line(f"{n:09}", "x" * 100) for n in range(count)]
        old, new = write(tmp_path / "a", *names), write(tmp_path / "b", *names)
        del names
        tracemalloc.start()
        differing(old, new)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2
