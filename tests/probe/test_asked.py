"""Which files a case opened, and whether its strings ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from matrix.model import Case, Intent, Observation, PathKind, Result, Storage
from matrix.model.outcome import Outcome, Verdict, outcome, reason, verdict
from tests.builders import make_case
from tests.conftest import ObserveOn

URI = {"uri": True}
NO_URIS = ["apsw", "sqlite3[uri=off]"]
"""Stacks on which a `file:` string without the switch is the name of a file."""


def db(name: str) -> Mapping[str, Any]:
    return {"db": name, "sql": ["CREATE TABLE before(x)"]}


def a_file(target: str, *setup: Mapping[str, Any], **fields: Any) -> Case:
    return make_case(target=target, setup=setup, **{"intent": Intent.FILE, **fields})


def observe_all(observe_on: ObserveOn, stack: str, *cases: Case) -> list[Observation]:
    """Observe cases on a stack with one start of it."""
    numbered = (replace(case, id=f"asked/{number}") for number, case in enumerate(cases))
    return observe_on(stack, *numbered)


def databases(observation: Observation) -> dict[str, bool]:
    created = observation.created
    return {entry.path: entry.asked for entry in created if entry.kind is PathKind.DATABASE}


@pytest.mark.parametrize("stack", NO_URIS)
def test_the_second_run_of_a_string_is_judged_like_the_first(
    observe_on: ObserveOn, stack: str
) -> None:
    targets = ("file:x.db", "x.db?timeout=5&mode=rwc")
    first = [a_file(target) for target in targets]
    second = [a_file(target, db(target)) for target in targets]
    seen = observe_all(observe_on, stack, *first, *second)
    assert [outcome(each) for each in seen] == [Outcome.STRAY] * 2 + [Outcome.UNASKED] * 2
    for target, case, again in zip(targets, second, seen[2:], strict=True):
        assert (again.storage, again.unasked) == (Storage.FILE, (target,))
        assert verdict(again, case) is Verdict.NOT_AS_INTENDED
        assert f"not asked for was opened: {target}" in (reason(again, case) or "")


def test_a_file_that_is_asked_for_may_be_there(observe_on: ObserveOn) -> None:
    cases = [
        a_file("x.db", db("x.db")),
        a_file("./x.db", db("x.db")),
        a_file("file:x.db?mode=rw", db("x.db"), connect=URI),
        a_file("x.db", db("x.db"), db("y.db"), sql=("ATTACH 'y.db' AS y",)),
        a_file("x.db", db("x.db"), db("y.db"), second="y.db"),
        a_file("x.db", db("x.db"), db("y.db"), backup="y.db"),
        a_file("link.db", db("x.db"), {"symlink": "link.db", "to": "x.db"}),
        a_file("a/x.db", {"mkdir": "b"}, db("b/x.db"), {"symlink": "a", "to": "b"}),
        # What has another's name leads to the file that is asked for.
        a_file("file:x.db", db("x.db"), {"symlink": "file:x.db", "to": "x.db"}),
    ]
    for seen in observe_all(observe_on, "apsw", *cases):
        assert (seen.unasked, outcome(seen)) == ((), Outcome.EXISTING)
        assert seen.there


def test_whatever_opened_it_a_file_that_is_not_asked_for_is_told(observe_on: ObserveOn) -> None:
    there = db("x.db"), db("file:y.db")
    attach = "ATTACH 'file:y.db' AS y"
    unasked = {
        "file:y.db": [
            a_file("x.db", *there, sql=(attach,)),
            a_file("x.db", *there, sql=(attach, "SELECT nothing")),
            a_file("x.db", *there, sql=(attach, "DETACH y")),
            a_file("x.db", *there, second="file:y.db"),
            a_file("x.db", *there, backup="file:y.db"),
        ],
        "y.db": [a_file("file:x.db", db("y.db"), {"symlink": "file:x.db", "to": "y.db"})],
        ":memory": [a_file(":memory", db(":memory"))],
    }
    expected = [(name, case) for name, cases in unasked.items() for case in cases]
    observed = observe_all(observe_on, "apsw", *(case for _, case in expected))
    for (name, case), seen in zip(expected, observed, strict=True):
        assert (seen.unasked, outcome(seen)) == ((name,), Outcome.UNASKED)
        assert verdict(seen, case) is Verdict.NOT_AS_INTENDED


def test_a_file_beside_a_database_in_memory_was_not_opened(observe_on: ObserveOn) -> None:
    """Up to SQLite 3.40.1, SQLite names a file for a database of memdb."""
    case = make_case(target="file:{dir}/x.db?vfs=memdb", setup=(db("x.db"),), connect=URI)
    for stack in ("sqlite3", "apsw"):
        (seen,) = observe_on(stack, case)
        assert (seen.storage, seen.unasked) == (Storage.MEMORY, ())


def test_a_file_made_through_a_link_is_the_one_that_is_asked_for(observe_on: ObserveOn) -> None:
    case = a_file("link.db", {"symlink": "link.db", "to": "real.db"})
    (seen,) = observe_on("apsw", case)
    assert databases(seen) == {"real.db": True}
    assert verdict(seen, case) is Verdict.AS_INTENDED


SPELLINGS = (
    "VACUUM \"main\" INTO 'w.db'",
    "VACUUM INTO ('w.db')",
    "VACUUM INTO 'w' || '.db'",
    "ATTACH ('w.db') AS w",
    "ATTACH [w.db] AS w",
    "ATTACH `w.db` AS w",
    "ATTACH /* here */ 'w.db' AS w",
    'ATTACH "w.db" AS w -- there',
)


@pytest.mark.parametrize("stack", ["sqlite3", "apsw"])
def test_however_sql_spells_a_name_its_file_is_asked_for(observe_on: ObserveOn, stack: str) -> None:
    cases = [a_file("x.db", sql=(statement,)) for statement in SPELLINGS]
    for case, seen in zip(cases, observe_all(observe_on, stack, *cases), strict=True):
        assert databases(seen) == {"x.db": True, "w.db": True}
        assert verdict(seen, case) is Verdict.AS_INTENDED


def test_reading_only_means_that_the_file_which_is_meant_is_read(observe_on: ObserveOn) -> None:
    meant = {
        "r%20f.db": "file:r%20f.db?mode=ro",
        "a b.db": "file:a+b.db?mode=ro",
        "data/x.db": "file://data/x.db?mode=ro",
        "x.db": "file://x.db?mode=ro",
    }
    cases = [
        make_case(
            target=target,
            setup=({"mkdir": "data"}, db(name)),
            connect=URI,
            intent=Intent.READ_ONLY,
        )
        for name, target in meant.items()
    ]
    observed = observe_all(observe_on, "sqlite3", *cases)
    for name, case, seen in zip(meant, cases, observed, strict=True):
        assert (seen.result, seen.there) == (Result.REFUSED, (name,))
        assert verdict(seen, case) is Verdict.NOT_AS_INTENDED


def test_a_name_of_another_system_earns_nothing(observe_on: ObserveOn) -> None:
    targets = ("~/x.db", "C:/x.db", "$HOME/x.db")
    refused = [make_case(target=target, intent=Intent.READ_ONLY) for target in targets]
    made = [a_file(target, {"mkdir": target.partition("/")[0]}) for target in targets]
    seen = observe_all(observe_on, "sqlite3", *refused, *made)
    for target, case, nothing, literal in zip(targets, refused, seen[:3], seen[3:], strict=True):
        assert (nothing.result, nothing.foreign) == (Result.REFUSED, (target,))
        assert verdict(nothing, case) is Verdict.NOTED
        assert target in (reason(nothing, case) or "")
        assert outcome(literal) is Outcome.STRAY


def test_a_file_that_is_called_like_a_drive_is_in_the_directory(observe_on: ObserveOn) -> None:
    (seen,) = observe_on("sqlite3", a_file("C:\\x.db"))
    assert databases(seen) == {"./C:\\x.db": False}
    assert (outcome(seen), seen.outside) == (Outcome.STRAY, ())


def test_a_database_whose_file_was_removed_is_in_no_file(observe_on: ObserveOn) -> None:
    (seen,) = observe_on("unlinks", a_file("removed.db"))
    assert seen.storage is not Storage.FILE
