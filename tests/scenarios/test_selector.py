from __future__ import annotations

import pytest

from matrix.errors import EXIT_USAGE, UsageError
from matrix.scenarios.selector import Selector

CASE = "mode/memory[via=bare,order=mode-cache]"
CELL = f"{CASE} @ sqlite3[uri=off]@3.11"


@pytest.mark.parametrize(
    "pattern",
    [
        CASE,
        "mode/memory",
        "mode",
        "*",
        "mode/*",
        "mo?e",
        "*via=bare*",
        "*[via=*,order=mode-*]",
        "{mode,cache}/memory",
        "mode/{file,memory}[via={bare,sqlalchemy},*",
        "{mode/{memory,file},cache}",
        "mode/memory{,-other}",
    ],
)
def test_a_pattern_matches_the_case_or_what_it_belongs_to(pattern: str) -> None:
    assert Selector.parse([pattern])(CASE)


@pytest.mark.parametrize("pattern", ["mod", "memory", "mode/", "mode/mem", "mode/memory[*", "?"])
def test_a_part_of_a_name_is_not_the_name(pattern: str) -> None:
    assert not Selector.parse([pattern])("mode/memory-other")


@pytest.mark.parametrize("pattern", [CELL, CASE, "mode/memory", "mode", "* @ sqlite3[uri=off]*"])
def test_a_cell_is_matched_like_its_case_and_by_its_stack(pattern: str) -> None:
    assert Selector.parse([pattern])(CELL)


def test_a_pattern_with_a_stack_does_not_match_the_case_alone() -> None:
    assert not Selector.parse(["mode* @ *"])(CASE)


def test_square_brackets_and_other_signs_are_literal() -> None:
    assert not Selector.parse(["mode/memory[vo]"])("mode/memoryv")
    assert not Selector.parse(["a.b"])("axb")
    assert Selector.parse(["a,b+c|d"])("a,b+c|d")


def test_several_patterns_are_a_union() -> None:
    selector = Selector.parse(["mode", "cache/*"])
    names = ["mode/a", "cache/b", "vfs/c"]
    assert [selector(name) for name in names] == [True, True, False]


def test_no_pattern_selects_everything() -> None:
    assert Selector.parse([])(CASE)
    assert Selector()(CASE)


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("{a,b", "the pattern '{a,b' lacks a '}'; alternatives are written {a,b}"),
        ("a}b{", "the pattern 'a}b{' lacks a '{'; alternatives are written {a,b}"),
        ("", "an empty pattern selects nothing; leave it out, or write '*'"),
    ],
)
def test_a_pattern_that_cannot_be_meant_is_refused_with_a_hint(pattern: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        Selector.parse([pattern])
    assert str(caught.value).startswith(told)
    assert caught.value.exit_code == EXIT_USAGE


def test_selectors_are_equal_when_their_patterns_are() -> None:
    assert Selector.parse(["a", "b"]) == Selector.parse(("a", "b"))
    assert Selector.parse(["a"]) != Selector.parse(["b"])
