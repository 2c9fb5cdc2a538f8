"""Ids and stacks are read off raw lines as a parser would read them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matrix.model import Observation, canonical
from matrix.results import lines
from matrix.results.lines import CASES, CELLS, case_of_line, stack_replacer
from tests.builders import make_case, make_observation

ODD = ["plain", 'a"b', "a\\", '","stack":"old"', "é\udcff\U0001f600", "", '"id":"x","intent":"y"']
NESTED = {"args": [], "kwargs": {"stack": "old", "id": "x", "intent": "y", "warnings": ["x"]}}


def line(seen: Observation) -> bytes:
    return canonical(seen.to_json()).encode()


@pytest.mark.parametrize("name", ODD)
def test_the_case_is_read_off_the_line_of_an_observation(name: str) -> None:
    raw = line(make_observation(case=name, passed=NESTED, warnings=(name, name)))
    assert CELLS.id_of(raw) == case_of_line(raw) == name


@pytest.mark.parametrize("name", ODD)
def test_the_id_is_read_off_the_line_of_a_case(name: str) -> None:
    case = make_case(name, connect={"id": "x", "intent": "y", "o": NESTED}, sql=ODD)
    assert CASES.id_of(canonical(case.to_json()).encode()) == name


def test_a_line_of_another_form_has_no_id() -> None:
    assert CELLS.ids([b"", b'{"value":0}', b'{"case":0}']) == [None, None, None]
    assert CASES.ids([b'{"id":"x"}']) == [None]


@pytest.mark.parametrize("name", ODD)
def test_a_stack_is_replaced_where_it_is_the_stack_of_the_observation(name: str) -> None:
    seen = make_observation(case=name, stack="old", passed=NESTED, warnings=(name,))
    renamed = line(replace(seen, stack='new"\\'))
    assert stack_replacer("old", 'new"\\')(line(seen)) == renamed


def test_the_line_of_another_stack_stays_as_it_is() -> None:
    raw = line(make_observation(stack="older"))
    assert stack_replacer("old", "new")(raw) == raw


def test_a_change_of_the_keys_does_not_go_unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_line", lambda record: canonical({"a": record.to_json()}).encode())
    with pytest.raises(RuntimeError, match="does not fit the fields"):
        lines._check_order_of_keys()
