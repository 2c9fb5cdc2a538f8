"""Older results are removed, damaged ones too, and what is no result never."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from matrix.errors import ResultsError
from matrix.results.leftovers import remove_results
from matrix.results.store import write_cases, write_unavailable_stack
from tests.builders import make_case

STACK = "sqlite3@3.11.jsonl"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_cases(tmp_path, (), [make_case()])
    write_unavailable_stack(tmp_path, "sqlite3@3.11", "sold out")
    (tmp_path / "mine.txt").touch()
    return tmp_path


def test_results_and_the_files_beside_them_are_removed_and_others_stay(results: Path) -> None:
    (results / "beside.json").write_text("{}")
    (results / ".cases.jsonl.4711.tmp").touch()
    assert remove_results(results, ["beside.json", "gone.json"]) == []
    assert [path.name for path in results.iterdir()] == ["mine.txt"]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _cut_in_the_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:16])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _zeros(path: Path) -> None:
    path.write_bytes(bytes(4096))


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_cut, "cut off, the last line has no end"),
        (_cut_in_the_header, "cut off, the last line has no end"),
        (_empty, "is empty"),
        (_zeros, "cut off, the last line has no end"),
        (_directory, "an empty directory"),
    ],
)
@pytest.mark.parametrize("name", ["cases.jsonl", STACK])
def test_what_a_power_loss_left_is_named_and_removed(
    results: Path, name: str, damage: Callable[[Path], None], words: str
) -> None:
    damage(results / name)
    assert remove_results(results) == [f"{results / name}: {words}: replaced"]
    assert [path.name for path in results.iterdir()] == ["mine.txt"]


def test_a_damaged_file_beside_the_results_is_named(results: Path) -> None:
    (results / "one.json").touch()
    (results / "two.json").mkdir()
    assert remove_results(results, ["one.json", "two.json"]) == [
        f"{results / 'one.json'}: empty: replaced",
        f"{results / 'two.json'}: an empty directory: replaced",
    ]


@pytest.mark.parametrize("what", ["text", "directory"])
def test_nothing_is_removed_where_something_else_would_be_lost(results: Path, what: str) -> None:
    other = results / "z.jsonl"
    if what == "text":
        other.write_text('{"mine":1}')
    else:
        (other / "inside").mkdir(parents=True)
    with pytest.raises(ResultsError, match="would be lost; name a directory for the results alone"):
        remove_results(results)
    assert len(list(results.iterdir())) == 4
