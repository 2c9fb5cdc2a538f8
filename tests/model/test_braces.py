from __future__ import annotations

import pytest

from matrix.errors import UsageError
from matrix.model.braces import alternatives


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a{,x,y}", ["a", "ax", "ay"]),
        ("{a,b}[{c,d}]", ["a[c]", "a[d]", "b[c]", "b[d]"]),
        ("a{b}", ["ab"]),
        ("a{,x,{y,z}}", ["a", "ax", "ay", "az"]),
        ("a{}b,c", ["ab,c"]),
    ],
)
def test_braces_are_alternatives_in_the_order_in_which_they_are_written(
    text: str, expanded: list[str]
) -> None:
    assert alternatives(text) == expanded


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{a,b", "the pattern '{a,b' lacks a '}'; alternatives are written {a,b}"),
        ("a}b{", "the pattern 'a}b{' lacks a '{'"),
        ("{a,b}" * 30, "stands for texts of more than 10,000 characters; use fewer"),
        ("{," * 5_000 + "}" * 5_000, "nests braces more than 64 levels deep"),
        ("{" + "," * 20_000 + "}", "more than 10,000 characters"),
        ("{}" * 100_000 + "{a,b}" * 20, "more than 10,000 characters"),
        ("x" * 10_001, f"the pattern '{'x' * 99}…' stands for texts of more than 10,000"),
    ],
)
def test_braces_that_do_not_pair_or_stand_for_too_much_are_refused(text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        alternatives(text)
    assert told in str(caught.value)


def test_braces_that_stand_for_nothing_cost_nothing() -> None:
    assert alternatives("{}" * 100_000) == [""]
