"""What decides a change: the facts with which every stack that was run agrees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from matrix.comparison.causes import (
    Cause,
    Evidence,
    How,
    Shown,
    candidates,
    stated_cause,
    weigh_evidence,
)
from matrix.comparison.pairing import Component, Pair, Side
from matrix.model import Fingerprint, UriDefault
from tests.builders import make_fingerprint

WHEEL = {"driver": "apsw", "distribution": "apsw"}
SHOWN = {"old": Shown.OLD, "new": Shown.NEW, "neither": None}


def pair(old: Mapping[str, Any], new: Mapping[str, Any]) -> Pair:
    sides = [
        Side(stack=f"apsw=={n}@3.11", fingerprint=make_fingerprint(**{**WHEEL, **facts}))
        for n, facts in enumerate((old, new), start=1)
    ]
    return Pair(old=sides[0], new=sides[1])


def facts(version: str, *options: str) -> dict[str, Any]:
    return {
        "driver_version": f"{version}.0",
        "sqlite": version,
        "compile_options": tuple(sorted((*options, "COMPILER=gcc"))),
    }


OMITTED = pair(facts("3.47.2"), facts("3.48.0", "OMIT_SHARED_CACHE"))


def evidence(shown: str, version: str, *options: str, driver: str = "sqlite3") -> Evidence:
    seen = facts(version, *options) | {"driver": driver}
    if driver != "apsw":
        seen |= {"driver_version": "3.11.2", "distribution": None}
    fingerprint = make_fingerprint(**seen)
    name = f"{driver}=={version}[{','.join(options)}]@3.11"
    return Evidence(stack=name, fingerprint=fingerprint, shown=SHOWN[shown])


def judged(seen: Sequence[Evidence], of: Pair = OMITTED) -> Cause:
    ends = [
        evidence("old", "3.47.2", driver="apsw"),
        evidence("new", "3.48.0", "OMIT_SHARED_CACHE", driver="apsw"),
    ]
    return weigh_evidence(candidates(of), of, [*ends, *seen] if of is OMITTED else seen)


def test_nothing_that_differs_is_no_cause() -> None:
    same = pair(facts("3.47.2"), facts("3.47.2"))
    assert stated_cause(same) == Cause(how=How.NOTHING)


def test_the_only_fact_that_differs_is_the_cause() -> None:
    one = pair(facts("3.47.2"), facts("3.47.2", "OMIT_SHARED_CACHE"))
    assert stated_cause(one) == Cause(how=How.ONLY, facts=("OMIT_SHARED_CACHE absent → set",))


def test_several_facts_are_all_told_and_none_is_guessed() -> None:
    cause = stated_cause(OMITTED)
    assert cause.how is How.UNTRIED
    assert cause.facts == (
        "apsw 3.47.2.0 → 3.48.0.0",
        "SQLite 3.47.2 → 3.48.0",
        "OMIT_SHARED_CACHE absent → set",
    )


def test_what_was_probed_follows_from_the_rest() -> None:
    probed = pair(facts("3.47.2"), {**facts("3.47.2", "USE_URI"), "uri_default": False})
    assert stated_cause(probed).facts == ("USE_URI absent → set",)
    alone = pair(facts("3.47.2"), {**facts("3.47.2"), "uri_default": False})
    assert stated_cause(alone).how is How.ONLY


def test_the_compiler_is_a_recorded_fact_like_others() -> None:
    other = {**facts("3.47.2"), "compile_options": ("COMPILER=clang",)}
    (only,) = candidates(pair(facts("3.47.2"), other))
    assert str(only) == "COMPILER gcc → clang"


def test_candidates_may_be_those_of_a_part() -> None:
    both = pair(facts("3.47.2"), {**facts("3.47.2"), "uri_setting": UriDefault.ON})
    assert [str(c) for c in candidates(both, [Component.URI])] == ["the URI setting as-built → on"]
    assert candidates(both, [Component.DRIVER]) == ()


OMIT, SQLITE, APSW = (
    "OMIT_SHARED_CACHE absent → set",
    "SQLite 3.47.2 → 3.48.0",
    "apsw 3.47.2.0 → 3.48.0.0",
)


def test_a_version_that_showed_both_is_ruled_out() -> None:
    cause = judged([evidence("old", "3.48.0")])
    assert (cause.how, cause.facts) == (How.TIED, (OMIT, APSW))
    assert str(cause) == f"one of: {OMIT}, {APSW} (not told apart by 3 stacks that were run)"


def test_a_version_that_went_back_and_forth_may_be_it_still() -> None:
    assert judged([evidence("old", "3.51.1")]).facts == (SQLITE, OMIT, APSW)


def test_an_option_without_the_behaviour_rules_out_the_option() -> None:
    cause = judged([evidence("old", "3.46.0", "OMIT_SHARED_CACHE"), evidence("new", "3.51.1")])
    assert (cause.how, cause.facts) == (How.FOUND, (SQLITE,))


def test_the_driver_is_out_where_it_changes_under_one_driver() -> None:
    cause = judged([evidence("old", "3.51.1"), evidence("new", "3.51.1", "OMIT_SHARED_CACHE")])
    assert (cause.how, cause.facts) == (How.FOUND, (OMIT,))


def test_the_driver_is_what_is_left_where_another_one_shows_no_difference() -> None:
    cause = judged([evidence("old", "3.48.0"), evidence("old", "3.51.1", "OMIT_SHARED_CACHE")])
    assert (cause.how, cause.facts) == (How.FOUND, (APSW,))


def test_facts_that_no_stack_tells_apart_are_all_named() -> None:
    cause = judged([evidence("neither", "3.51.1")])
    assert (cause.how, cause.facts) == (How.TIED, (SQLITE, OMIT, APSW))


def test_many_facts_that_are_left_are_cut_short() -> None:
    options = [f"OPTION_{letter}" for letter in "ABCDEF"]
    many = pair(facts("3.48.0"), facts("3.48.0", *options))
    ends = [evidence("old", "3.48.0"), evidence("new", "3.48.0", *options)]
    cause = weigh_evidence(candidates(many), many, ends)
    assert len(cause.facts) == 6
    assert "OPTION_E absent → set and 1 more (not told apart by" in str(cause)


def test_what_was_probed_comes_with_what_decides() -> None:
    old = facts("3.48.0") | {"shared_cache": True}
    new = facts("3.48.0", "OMIT_SHARED_CACHE") | {"shared_cache": False}
    comes = ("whether there is a shared cache yes → no",)
    assert stated_cause(pair(old, new)).with_it == comes
    of = pair(old, new | {"driver_version": "3.48.0.1"})
    both = [
        Evidence(stack=side.stack, fingerprint=side.fingerprint, shown=shown)
        for side, shown in ((of.old, Shown.OLD), (of.new, Shown.NEW))
        if side.fingerprint is not None
    ]
    assert weigh_evidence(candidates(of), of, both).with_it == comes
    elsewhere = replace(both[0], fingerprint=replace(both[0].fingerprint, shared_cache=False))
    assert weigh_evidence(candidates(of), of, [*both, elsewhere]).with_it == ()


def test_no_fact_may_be_left() -> None:
    seen = [
        evidence("old", "3.51.1"),
        evidence("new", "3.46.0"),
        evidence("old", "3.49.0", "OMIT_SHARED_CACHE"),
    ]
    cause = judged(seen)
    assert (cause.how, len(cause.facts)) == (How.REFUTED, 3)
    assert str(cause).startswith("no single fact: 5 stacks that were run agree with none alone")


@pytest.mark.parametrize(
    ("third", "left"),
    [
        (("new", "TEMP_STORE=2", "X"), 2),
        (("old", "TEMP_STORE=2"), 2),
        (("new", "TEMP_STORE=3", "X"), 1),
        (("old", "TEMP_STORE=1"), 1),
    ],
)
def test_a_third_value_may_show_either_and_one_of_both_only_its_own(
    third: tuple[str, ...], left: int
) -> None:
    temp = pair(facts("3.47.2", "TEMP_STORE=3"), facts("3.47.2", "TEMP_STORE=1", "X"))
    ends = [
        evidence("old", "3.47.2", "TEMP_STORE=3", driver="apsw"),
        evidence("new", "3.47.2", "TEMP_STORE=1", "X", driver="apsw"),
    ]
    assert len(weigh_evidence(candidates(temp), temp, ends).facts) == 2
    shown, *options = third
    more = [*ends, evidence(shown, "3.47.2", *options, driver="apsw")]
    assert len(weigh_evidence(candidates(temp), temp, more).facts) == left


def test_a_third_value_that_showed_both_rules_the_fact_out() -> None:
    temp = pair(facts("3.47.2", "TEMP_STORE=3"), facts("3.47.2", "TEMP_STORE=1", "X"))
    seen = [
        evidence("old", "3.47.2", "TEMP_STORE=2"),
        evidence("new", "3.47.2", "TEMP_STORE=2", "X"),
    ]
    assert weigh_evidence(candidates(temp), temp, seen).facts == ("X absent → set",)


def test_the_boundary_is_told_as_narrow_as_it_was_run() -> None:
    far = pair(facts("3.40.0"), facts("3.54.0"))
    seen = [evidence("old", v) for v in ("3.40.0", "3.46.1")]
    seen += [evidence("new", v) for v in ("3.50.0", "3.54.0")]
    assert weigh_evidence(candidates(far), far, seen).facts == ("SQLite 3.46.1 → 3.50.0",)
    back = Pair(old=far.new, new=far.old)
    turned = [replace(w, shown=Shown.NEW if w.shown is Shown.OLD else Shown.OLD) for w in seen]
    assert weigh_evidence(candidates(back), back, turned).facts == ("SQLite 3.50.0 → 3.46.1",)


def test_one_version_that_showed_both_is_no_boundary() -> None:
    far = pair(facts("3.40.0"), facts("3.54.0"))
    seen = [evidence("old", "3.46.0"), evidence("new", "3.46.0")]
    assert weigh_evidence(candidates(far), far, seen).how is How.REFUTED


def test_versions_that_go_back_and_forth_are_no_boundary() -> None:
    far = pair(facts("3.40.0"), facts("3.54.0"))
    seen = [evidence("old", "3.40.0"), evidence("new", "3.46.0"), evidence("old", "3.50.0")]
    assert (
        weigh_evidence(candidates(far), far, [*seen, evidence("new", "3.54.0")]).how is How.REFUTED
    )


def builds(*told: tuple[str, str]) -> list[Fingerprint]:
    """Builds of two drivers, or of as many as are named."""
    return [
        make_fingerprint(**{**facts(version, *option.split()), "driver": driver})
        for version, option in told
        for driver in ("apsw", "sqlean")
    ]


@pytest.mark.parametrize(
    ("more", "with_it"),
    [
        ([("3.53.0", ""), ("3.54.1", "MAX_SCHEMA=9")], ("MAX_SCHEMA absent → 9",)),
        ([("3.53.0", "MAX_SCHEMA=9")], ()),
    ],
)
def test_an_option_that_comes_with_a_version_in_every_build_is_no_fact_apart(
    more: list[tuple[str, str]], with_it: tuple[str, ...]
) -> None:
    new = pair(facts("3.53.4"), facts("3.54.0", "MAX_SCHEMA=9"))
    seen = [evidence("old", "3.53.4"), evidence("new", "3.54.0", "MAX_SCHEMA=9")]
    cause = weigh_evidence(candidates(new), new, seen, builds(*more))
    assert cause.with_it == with_it
    assert (cause.how is How.FOUND) == bool(with_it)


def test_an_option_that_sqlite_itself_derives_is_no_fact_apart() -> None:
    temp = pair(
        facts("3.53.4", "TEMP_STORE=3", "MAX_WORKER_THREADS=0"),
        facts("3.53.4", "TEMP_STORE=1", "MAX_WORKER_THREADS=8"),
    )
    seen = [
        evidence("old", "3.53.4", "TEMP_STORE=3", "MAX_WORKER_THREADS=0"),
        evidence("new", "3.53.4", "TEMP_STORE=1", "MAX_WORKER_THREADS=8"),
    ]
    cause = weigh_evidence(candidates(temp), temp, seen)
    assert (cause.how, cause.facts) == (How.FOUND, ("TEMP_STORE 3 → 1",))
    assert cause.with_it == ("MAX_WORKER_THREADS 0 → 8",)


def test_what_one_driver_alone_has_since_a_version_is_a_fact_apart() -> None:
    """Its maker may have changed the build with that version."""
    alone = [each for each in builds(("3.53.0", ""), ("3.54.1", "X")) if each.driver == "apsw"]
    new = pair(facts("3.53.4"), facts("3.54.0", "X"))
    seen = [evidence("old", "3.53.4", driver="apsw"), evidence("new", "3.54.0", "X", driver="apsw")]
    cause = weigh_evidence(candidates(new), new, seen, alone)
    assert (cause.how, len(cause.facts), cause.with_it) == (How.TIED, 3, ())


@pytest.mark.parametrize("how", How)
def test_every_cause_can_be_said(how: How) -> None:
    assert str(Cause(how=how, facts=("A 1 → 2", "B 1 → 2"), stacks=("a", "b")))
