"""What differs between two observations, in which kinds, and what is not told twice."""

from __future__ import annotations

from typing import Any

import pytest

from matrix.comparison.diff import (
    ChangeKind,
    aspects_of,
    differing_aspects,
    excerpts,
    gist,
    saw_less,
)
from matrix.model import Failure, Observation, PathKind, Reopened, Result, SecondConnection, Storage
from tests.builders import in_file, in_memory, make_created, make_observation, refused, stray

CASE = "topic/scenario"


def failing(phase: str, type_: str = "Error", message: str = "no", **fields: Any) -> Observation:
    error = Failure(phase=phase, type=type_, message=message)
    return make_observation(case=CASE, error=error, **fields)


def lost(result: Result) -> Observation:
    error = Failure(phase="process", type=result.value, message="SIGSEGV")
    return make_observation(case=CASE, result=result, error=error, storage=Storage.NONE)


def beside(path: str, **fields: Any) -> Observation:
    entry = make_created(path, kind=PathKind.TEMPORARY, kept=False, asked=False, size=None)
    return make_observation(case=CASE, created=(entry,), **fields)


KINDS = [
    (in_memory(CASE), stray(CASE), {"stray", "storage", "sharing"}),
    (stray(CASE), in_memory(CASE), {"no-stray", "storage", "sharing"}),
    (stray(CASE, "a"), stray(CASE, "b"), {"stray", "no-stray"}),
    (in_memory(CASE), in_file(CASE), {"creates", "storage", "sharing"}),
    (in_file(CASE), in_memory(CASE), {"no-file", "storage", "sharing"}),
    (in_memory(CASE), lost(Result.CRASHED), {"crashed"}),
    (lost(Result.TIMED_OUT), in_memory(CASE), {"recovered"}),
    (lost(Result.CRASHED), lost(Result.TIMED_OUT), {"crashed", "recovered"}),
    (in_memory(CASE), refused(CASE), {"error"}),
    (refused(CASE), in_memory(CASE), {"error"}),
    (failing("sql"), failing("write"), {"error"}),
    (failing("sql"), failing("sql", "Other"), {"error"}),
    (failing("sql"), failing("sql", message="another"), {"message"}),
    (in_memory(CASE), beside("{tmp}/etilqs_*"), {"side-files"}),
    (beside("{tmp}/a"), beside("{tmp}/b"), {"side-files"}),
]


@pytest.mark.parametrize(("old", "new", "kinds"), KINDS)
def test_a_difference_has_its_kinds(old: Observation, new: Observation, kinds: set[str]) -> None:
    found = differing_aspects(old, new)
    assert {kind.value for aspect in found for kind in aspect.kinds} == kinds


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("second_connection", SecondConnection.SEES, "sharing"),
        ("reopened", Reopened.SEES, "sharing"),
        ("modified", ("x.db",), "modified"),
        ("removed", ("x.db",), "modified"),
        ("passed", {"args": ["x"], "kwargs": {}}, "passed"),
        ("opened", "x.db", "opened"),
        ("tried", ("/x",), "side-files"),
        ("journal_mode", "wal", "side-files"),
        ("pool", "QueuePool", "pool"),
        ("warnings", ("take care",), "warnings"),
        ("conflicts", ("x",), "other"),
    ],
)
def test_a_field_that_differs_alone_has_its_kind(field: str, value: object, kind: str) -> None:
    old, new = make_observation(case=CASE), make_observation(case=CASE, **{field: value})
    (aspect,) = differing_aspects(old, new)
    assert [each.value for each in aspect.kinds] == [kind]


def test_every_field_of_an_observation_is_an_aspect_or_told_by_one() -> None:
    told_otherwise = {"case", "stack", "created"}
    not_compared = {"foreign", "outside", "observer", "transients_complete"}
    fields = make_observation().to_json().keys()
    assert fields - aspects_of(make_observation()).keys() == told_otherwise | not_compared


def test_aspects_are_worst_first() -> None:
    found = differing_aspects(in_memory(CASE), stray(CASE))
    assert [aspect.name for aspect in found] == ["strays", "storage", "second_connection"]


def test_what_an_error_leaves_without_a_value_is_not_told() -> None:
    found = differing_aspects(in_file(CASE), refused(CASE))
    assert [aspect.name for aspect in found] == ["error", "files"]


def test_a_refusal_that_raises_in_the_same_phase_is_told() -> None:
    refusing = failing("open", result=Result.REFUSED)
    (aspect,) = differing_aspects(failing("open"), refusing)
    assert (aspect.name, aspect.old, aspect.new) == ("result", "opened", "refused")


def test_who_watched_is_no_difference() -> None:
    old = make_observation(case=CASE, observer="a", transients_complete=True)
    assert differing_aspects(old, make_observation(case=CASE, observer="b")) == ()


def test_the_worst_kind_has_the_first_rank() -> None:
    assert min(ChangeKind, key=lambda kind: kind.rank) is ChangeKind.STRAY


def full(**fields: Any) -> dict[str, Any]:
    return {"observer": "vfs-hook+listing", "transients_complete": True, **fields}


def less(**fields: Any) -> dict[str, Any]:
    return {"observer": "listing", "transients_complete": False, **fields}


def judged(old: Observation, new: Observation) -> bool:
    return saw_less(old, new, differing_aspects(old, new))


def test_a_transient_file_that_the_lesser_observer_missed_is_not_comparable() -> None:
    seen, missed = beside("{tmp}/x", **full()), make_observation(case=CASE, **less())
    assert judged(seen, missed)
    assert judged(missed, seen)


def test_a_file_that_only_the_lesser_observer_saw_is_a_change() -> None:
    assert not judged(make_observation(case=CASE, **full()), beside("{tmp}/x", **less()))


def test_a_kept_file_is_a_change_whoever_watched() -> None:
    kept = make_observation(case=CASE, created=(make_created("x"),), **full())
    assert not judged(kept, make_observation(case=CASE, **less()))


def test_a_second_connection_is_a_change_whoever_watched() -> None:
    shared = make_observation(case=CASE, second_connection=SecondConnection.SEES, **full())
    assert not judged(shared, make_observation(case=CASE, **less()))


def test_one_observer_compares_with_itself() -> None:
    assert not judged(beside("{tmp}/x", **less()), make_observation(case=CASE, **less()))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("see /e/20/x for it", "see /e/21/x for it", ("/e/20/x", "/e/21/x")),
        ("no 'a'", "not 'b'", ("no '…'", "not '…'")),
        ([], ["arguments 'a', 'b' ignored"], ("", "arguments '…' ignored")),
        (None, "x", ("none", "x")),
        ("a a", "a a a", ("", "a")),
    ],
)
def test_the_gist_is_where_two_texts_differ(old: Any, new: Any, told: tuple[str, str]) -> None:
    assert gist(old, new) == told


def test_an_excerpt_shows_a_few_words_around_the_difference() -> None:
    old, new = excerpts("a b c d e f old g h i j", "a b c d e f new g h i j")
    assert (old, new) == ("…d e f old g h i…", "…d e f new g h i…")
