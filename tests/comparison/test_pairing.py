"""Which stack is which, and in what two stacks differ."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from matrix.comparison.pairing import Component, Pair, Side, facts_between, pair_stacks
from matrix.model import UriDefault
from tests.builders import make_fingerprint


def side(name: str, **facts: Any) -> Side:
    return Side(stack=name, fingerprint=make_fingerprint(**facts))


def paired(old: list[str], new: list[str], **versions: str) -> list[str]:
    def sides(names: list[str]) -> list[Side]:
        return [side(name, driver_version=versions.get(name, name)) for name in names]

    pairs, gone, added = pair_stacks(sides(old), sides(new))
    told = [f"{pair.old.stack}={pair.new.stack}" for pair in pairs]
    return [*told, *(f"-{each.stack}" for each in gone), *(f"+{each.stack}" for each in added)]


def test_the_same_name_comes_first() -> None:
    names = ["apsw==3.54.0.0@3.11", "apsw==3.53.4.0@3.11"]
    assert paired(names, names[::-1]) == [f"{name}={name}" for name in reversed(names)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("apsw==3.53.4.0@3.11", "apsw==3.54.0.0@3.11"),
        ("apsw", "apsw==3.54.0.0@3.11"),
        ("pysqlite3[sqlalchemy]", "pysqlite3==0.6.1[sqlalchemy=2.1.9]@3.11"),
        ("sqlite3[sqlite=3.53.4]@3.11", "sqlite3[sqlite=3.54.0]@3.11"),
        ("sqlite3[sqlalchemy=2.0.58]@3.11", "sqlite3[sqlalchemy=2.1.9]@3.11"),
        ("sqlite3@3.11", "sqlite3@3.12"),
    ],
)
def test_the_only_one_of_its_shape_is_a_partner(old: str, new: str) -> None:
    assert paired([old, "sqlean@3.11"], [new, "sqlean@3.11"]) == [
        f"{old}={new}",
        "sqlean@3.11=sqlean@3.11",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("apsw==3.54.0.0@3.11", "pysqlite3==0.6.1@3.11"),
        ("apsw==3.54.0.0@3.11", "apsw==3.54.0.0[uri=off]@3.11"),
        ("apsw==3.54.0.0@3.11", "apsw==3.54.0.0[sqlalchemy=2.1.9]@3.11"),
        ("sqlite3[django=6.1.3]@3.11", "sqlite3[peewee=4.5.3]@3.11"),
        ("sqlite3@3.11", "sqlite3[sqlite=3.54.0]@3.11"),
    ],
)
def test_stacks_of_other_shapes_are_strangers(old: str, new: str) -> None:
    assert paired([old], [new]) == [f"-{old}", f"+{new}"]


def test_of_several_the_one_that_differs_in_one_version_is_the_partner() -> None:
    old = ["apsw==1.0[sqlalchemy=2.0]@3.11", "apsw==2.0[sqlalchemy=2.0]@3.11"]
    new = ["apsw==1.0[sqlalchemy=2.1]@3.11", "apsw==2.0[sqlalchemy=2.1]@3.11"]
    assert paired(old, new) == [f"{a}={b}" for a, b in zip(old, new, strict=True)]


def test_of_several_of_a_shape_the_one_with_the_same_fingerprint_is_the_partner() -> None:
    new = ["apsw==3.53.4.0@3.11", "apsw==3.54.0.0@3.11"]
    versions = {"apsw": "3.54.0.0", new[0]: "3.53.4.0", new[1]: "3.54.0.0"}
    assert paired(["apsw"], new, **versions) == [f"apsw={new[1]}", f"+{new[0]}"]


def test_several_of_a_shape_are_not_guessed_at() -> None:
    old, new = ["apsw==1@3.11", "apsw==2@3.11"], ["apsw==3@3.11", "apsw==4@3.11"]
    assert paired(old, new) == ["-apsw==1@3.11", "-apsw==2@3.11", "+apsw==3@3.11", "+apsw==4@3.11"]


def test_a_stack_that_could_not_be_had_is_paired_by_its_name() -> None:
    old, new = side("apsw"), Side(stack="apsw==3.54.0.0@3.11", unavailable="no wheel")
    pairs, _, _ = pair_stacks([old], [new])
    assert pairs == [Pair(old=old, new=new)]
    assert pairs[0].facts == ()


def parts(**facts: Any) -> dict[str, Component]:
    wheel = {"driver": "apsw", "distribution": "apsw", "driver_version": "1"}
    old = side("apsw==1@3.11", **wheel)
    new = side("apsw==2@3.11", **{**wheel, **facts})
    return {fact.name: fact.component for fact in facts_between(old, new)}


def test_what_a_wheel_bundles_hangs_on_the_driver() -> None:
    found = parts(driver_version="2", sqlite="3.48.0", shared_cache=False)
    assert found == dict.fromkeys(("driver_version", "sqlite", "shared_cache"), Component.DRIVER)


def test_facts_hang_on_what_can_be_exchanged() -> None:
    found = parts(python="3.12.0", uri_setting=UriDefault.ON, middleware_version="2", observer="x")
    assert found == {
        "python": Component.PYTHON,
        "uri_setting": Component.URI,
        "middleware_version": Component.MIDDLEWARE,
        "observer": Component.MACHINE,
    }


def test_the_uri_default_hangs_on_the_setting_if_that_differs() -> None:
    assert parts(uri_default=False)["uri_default"] is Component.DRIVER
    assert parts(uri_default=False, uri_setting=UriDefault.OFF)["uri_default"] is Component.URI


def test_a_library_of_its_own_is_a_part_of_its_own() -> None:
    old, new = (side(f"sqlite3[sqlite={v}]@3.11", sqlite=v) for v in ("3.53.4", "3.54.0"))
    assert {fact.component for fact in facts_between(old, new)} == {Component.LIBRARY}


def test_compile_options_are_facts_by_name() -> None:
    options = ("COMPILER=gcc-1", "TEMP_STORE=3", "OMIT_SHARED_CACHE")
    old = side("sqlite3@3.11")
    new = side("sqlite3@3.11", compile_options=options)
    assert [str(fact) for fact in facts_between(old, new)] == [
        "COMPILER absent → gcc-1",
        "OMIT_SHARED_CACHE absent → set",
        "TEMP_STORE 1 → 3",
        "USE_URI set → absent",
    ]


def test_equal_fingerprints_have_no_facts_between_them() -> None:
    old = side("sqlite3@3.11")
    assert facts_between(old, replace(old, stack="sqlite3")) == ()
