"""A search along versions: its axis, its ends, its stacks, and its runs."""

from __future__ import annotations

import json

import pytest

from matrix.errors import NothingSelectedError, ProvisionError, UsageError
from matrix.runner.options import RunOptions
from matrix.stacks.catalogue import Catalogue
from matrix.stacks.interpreters import RUNNING
from matrix.stacks.provision import Provisioner
from matrix.versions.search import PYTHON, SQLITE, find_boundaries, plan_search, stack_at
from tests.builders import make_case
from tests.watching import Watcher

SHARED = make_case("topic/shared", target="file:x?mode=memory&cache=shared", connect={"uri": True})
THROUGH = make_case("topic/through", target="sqlite://", via="sqlalchemy")


def test_the_ends_are_the_oldest_and_the_newest_that_are_listed(catalogue: Catalogue) -> None:
    axis = plan_search([SHARED], "apsw", "apsw", catalogue).axis
    assert axis.versions[0] == "3.39.2.1" or RUNNING != "3.11"
    assert axis.versions[-1] == catalogue.versions("apsw")[0] or RUNNING != "3.11"
    assert len(axis.versions) > 3


def test_an_end_that_is_named_need_not_be_listed(catalogue: Catalogue) -> None:
    search = plan_search([SHARED], "apsw", "apsw", catalogue, old="3.1.0", new="3.46.0.0")
    assert search.axis.versions[0] == "3.1.0"
    assert search.axis.versions[-1] == "3.46.0.0"
    assert search.named == {"3.1.0", "3.46.0.0"}


@pytest.mark.parametrize(
    ("key", "old", "complaint"),
    [
        ("apsw", "99", "fewer than two versions of apsw"),
        ("apsw", "a-word", "not a version"),
        ("oracle", None, "no versions of oracle are listed"),
    ],
)
def test_an_impossible_search_is_reported(
    key: str, old: str | None, complaint: str, catalogue: Catalogue
) -> None:
    with pytest.raises(UsageError, match=complaint):
        plan_search([SHARED], key, "apsw", catalogue, old=old)


def test_only_the_cases_that_such_a_stack_runs_are_searched(catalogue: Catalogue) -> None:
    assert list(plan_search([SHARED, THROUGH], SQLITE, "sqlite3", catalogue).cases) == [
        "topic/shared",
        "topic/through",
    ]
    search = plan_search([SHARED, THROUGH], "sqlalchemy", "sqlite3", catalogue)
    assert list(search.cases) == ["topic/through"]
    with pytest.raises(NothingSelectedError, match="1 case, but none of them through sqlalchemy"):
        plan_search([SHARED], "sqlalchemy", "sqlite3", catalogue)


@pytest.mark.parametrize(
    ("key", "base", "version", "name"),
    [
        ("apsw", "apsw[uri=on]", "3.46.1.0", f"apsw==3.46.1.0[uri=on]@{RUNNING}"),
        (SQLITE, "sqlite3", "3.53.4", f"sqlite3[sqlite=3.53.4]@{RUNNING}"),
        (PYTHON, "sqlite3", "3.12", "sqlite3@3.12"),
        ("sqlalchemy", "sqlite3", "1.4.54", f"sqlite3[sqlalchemy=1.4.54]@{RUNNING}"),
    ],
)
def test_one_thing_varies_and_the_rest_stays(
    key: str, base: str, version: str, name: str, catalogue: Catalogue
) -> None:
    case = THROUGH if key == "sqlalchemy" else SHARED
    old = "3.8" if key == PYTHON else None
    search = plan_search([case], key, base, catalogue, old=old)
    assert stack_at(search, version, case.via).id == name


def test_every_run_is_recorded_and_reported(catalogue: Catalogue, provisioner: Provisioner) -> None:
    search = plan_search([SHARED], "apsw", "apsw", catalogue, old="3.46.1.0", new="3.50.0.0")
    watcher = Watcher()
    found = find_boundaries(
        search, provisioner=provisioner, options=RunOptions(jobs=1), progress=watcher
    )
    (boundary,) = found.boundaries
    assert (boundary.last, boundary.first) == ("3.47.2.0", "3.48.0.0")
    versions = [run.version for run in found.runs]
    assert set(found.fingerprints["topic/shared"]) == set(versions)
    assert [note.split()[1] for note in watcher.notes[1:]] == versions
    assert watcher.notes[0].startswith("apsw: ")
    assert json.loads(json.dumps(found.runs[0].to_json()))["seen"] == 1


def test_a_named_end_that_cannot_run_ends_the_search(
    catalogue: Catalogue, provisioner: Provisioner
) -> None:
    offline = Provisioner(provisioner.cache, offline=True)
    search = plan_search([SHARED], "apsw", "apsw", catalogue, old="3.1.0")
    with pytest.raises(ProvisionError, match=r"apsw 3\.1\.0: apsw==3\.1\.0 for Python"):
        find_boundaries(search, provisioner=offline)
