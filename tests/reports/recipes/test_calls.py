"""A case as one writes it, and its shape."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from matrix.model import Intent
from matrix.reports.recipes import build_recipes
from matrix.reports.recipes.calls import CALLS, as_advice, as_call, has_odd_name, shape_of
from matrix.results.store import load_results
from tests.builders import in_file, make_case
from tests.paths import ROOT
from tests.reports.recipes.building import on_both, only


def test_a_call_is_python_as_one_writes_it() -> None:
    through = make_case(target="sqlite:///{name}", via="sqlalchemy", connect={"echo": True})
    assert as_call(through) == 'create_engine("sqlite:///db", echo=True)'
    assert as_call(make_case(target="")) == 'connect("")'


def test_classes_and_modules_are_written_as_such() -> None:
    connect = {"poolclass": "StaticPool", "module": "sqlite3"}
    case = make_case(target="sqlite://", via="sqlalchemy", connect=connect)
    assert as_call(case) == 'create_engine("sqlite://", module=sqlite3, poolclass=StaticPool)'


def test_the_directory_of_a_case_is_a_path_in_a_recipe() -> None:
    asked = make_case(intent=Intent.FILE, target="file://{dir}/x.db", connect={"uri": True})
    (way,) = only(on_both((asked, lambda case: in_file(case, "x.db")))).safe
    assert way.call == 'connect("file:///path/to/x.db", uri=True)'


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("file:x?mode=memory", "file:{name}?mode=memory", True),
        ("file:x?mode=memory&cache=shared", "file:x?cache=shared&mode=memory", True),
        ("file:x?mode=memory&mode=rwc", "file:x?mode=rwc&mode=memory", False),
        ("file:x?mode=memory", "x?mode=memory", False),
        ("file:x?mode=memory", "file:?mode=memory", False),
        ("file:x", "file:x?", False),
        ("file:///x.db", "file://{dir}/x.db", False),
        (":memory:", "memory", False),
        ("sqlite:///file:x", "sqlite:///x", False),
    ],
)
def test_cases_have_one_shape_if_they_differ_in_the_name_alone(
    one: str, other: str, alike: bool
) -> None:
    assert (shape_of(make_case(target=one)) == shape_of(make_case(target=other))) is alike


def test_options_are_part_of_the_shape_with_their_values() -> None:
    shapes = [{}, {"uri": True}, {"uri": False}, {"timeout": 1}, {"timeout": 2}]
    assert len({shape_of(make_case(connect=connect)) for connect in shapes}) == len(shapes)


@pytest.mark.parametrize(
    "target",
    [
        "file:a b",
        "file:a%20b",
        "file:a?b",
        "../x",
        "file:sub/x",
        "file://x",
        "file:////x",
        "a#b",
        "File:x.db",
        "C:x.db",
        "sqlite:///File:x.db",
    ],
)
def test_a_name_that_few_would_give_is_odd(target: str) -> None:
    assert has_odd_name(make_case(target=target))


@pytest.mark.parametrize(
    "target",
    [
        "", ":memory:", "x.db", "file:x?mode=ro", "file://{dir}/x.db", "file://localhost{dir}/x.db",
        "sqlite:///{dir}/x.db", "sqlite+aiosqlite:///:memory:?x=y", "file://", "file::memory:",
        "FILE:x?mode=memory",
    ],
)  # fmt: skip
def test_what_people_write_is_not_odd(target: str) -> None:
    assert not has_odd_name(make_case(target=target))


class Name(str):
    """A name in Python that stands for itself, as a class or a module."""

    __slots__ = ()


def evaluated(call: str) -> tuple[Any, dict[str, Any]]:
    """The target and the options with which a line, run as Python, would call."""

    def called(target: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
        return target, options

    names = {word: word for word in re.findall(r"\w+Pool|sqlite3", call)}
    aiosqlite = type("aiosqlite", (), {"connect": staticmethod(called)})
    verbs = dict.fromkeys(CALLS.values(), called)
    found = eval(call, {**names, **verbs, "aiosqlite": aiosqlite, "Path": Path})
    assert isinstance(found, tuple)
    return found


def test_every_line_of_the_measured_recipes_is_python_that_calls_what_was_measured() -> None:
    recipes = build_recipes(load_results(ROOT / "results" / "baseline"))
    ways = [way for each in recipes for way in each.advised if each.via in CALLS]
    assert len(ways) > 10
    for way in ways:
        target, options = evaluated(way.call)
        meant = way.case.target.replace("{name}", "db").replace("{dir}", "/path/to")
        assert (target, options) == (meant, dict(way.case.connect)), as_advice(way.case)
