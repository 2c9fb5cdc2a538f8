"""What changed between real versions, and what decides it: the changes that are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

import pytest

from matrix.comparison.causes import How
from matrix.comparison.compare import Comparison, compare_results
from matrix.comparison.explain import explain
from matrix.comparison.grouping import Group
from matrix.comparison.report import report_changes
from matrix.model import Case
from matrix.results.store import ResultSet
from matrix.runner.collect import observe
from matrix.scenarios.expand import expand_topics
from matrix.scenarios.load import load_topics
from matrix.stacks.catalogue import Catalogue
from matrix.stacks.provision import Provided, Provisioner
from matrix.stacks.spec import Stack, parse_stack
from tests.comparing import write_results
from tests.paths import SCENARIOS

Explained = Callable[..., Comparison]


@cache
def topics(*names: str) -> tuple[Case, ...]:
    return tuple(expand_topics(load_topics([SCENARIOS / f"{name}.yaml" for name in names])))


@pytest.fixture
def explained(catalogue: Catalogue, provisioner: Provisioner, tmp_path: Path) -> Explained:
    """Run topics, or every so many of their cases, on two stacks, and find what decides."""

    def run(asked: Iterable[tuple[Stack, Sequence[Case]]]) -> ResultSet:
        work = [(provisioner.provide(stack), cases) for stack, cases in asked]
        return observe(work)

    def explained(old: str, new: str, *names: str, every: int = 1) -> Comparison:
        for name, spec in (("old", old), ("new", new)):
            stack = parse_stack(spec, catalogue)
            assert isinstance(provisioner.provide(stack), Provided)
            cases = [case for case in topics(*names)[::every] if stack.runs_case(case)]
            write_results(tmp_path / name, run([(stack, cases)]))
        comparison = compare_results(tmp_path / "old", tmp_path / "new")
        return explain(comparison, run, catalogue)

    return explained


def groups(comparison: Comparison) -> tuple[Group, ...]:
    return report_changes(comparison).groups


def told(comparison: Comparison) -> set[tuple[str, str, str]]:
    """The words of each group, how its cause is known, and what it is."""
    return {(g.what, g.cause.how.value, ", ".join(g.cause.facts)) for g in groups(comparison)}


OMITTED = ("tied", "OMIT_SHARED_CACHE absent → set, apsw 3.47.2.0 → 3.48.0.0")
"""No package has the shared cache omitted under another driver than apsw."""
MOVED_ON = ("found", "SQLite 3.53.4 → 3.54.0")
TEMP_STORE = ("found", "TEMP_STORE 3 → 1")
DECODED = ("only", "sqlalchemy 2.0.58 → 2.1.9")


def test_apsw_3_48_lost_the_shared_cache_and_nothing_else(explained: Explained) -> None:
    names = ("sharing", "cache", "apsw-flags", "immutable-and-nolock", "read-only")
    comparison = explained("apsw==3.47.2.0", "apsw==3.48.0.0", *names)
    assert told(comparison) == {
        ("shared memory → memory", *OMITTED),
        ("error → memory", *OMITTED),
    }
    shared = groups(comparison)[0]
    assert {kind.value for kind in shared.kinds} == {"sharing"}
    assert shared.worse > 10
    assert len(shared.cause.stacks) > 15
    assert str(shared.cause).startswith("one of: OMIT_SHARED_CACHE absent → set, apsw 3.47.2.0 → ")


def test_sqlalchemy_2_1_decodes_paths_and_warns(explained: Explained) -> None:
    old, new = "sqlite3[sqlalchemy=2.0.58]", "sqlite3[sqlalchemy=2.1.9]"
    comparison = explained(old, new, "sqlalchemy-encoding", "sqlalchemy-uris")
    found = told(comparison)
    assert ("another string reaches the driver", *DECODED) in found
    warnings = {what for what, *_ in found if what.startswith("now warns: ")}
    assert {what.split()[2] for what in warnings} == {"SADeprecationWarning:", "SAWarning:"}
    rest = {what for what, *_ in found} - warnings - {"another string reaches the driver"}
    assert all("https://sqlalche.me/e/2" in what for what in rest)
    assert {(how, fact) for _, how, fact in found} == {DECODED}


def test_sqlite_3_54_under_one_driver_is_told_from_the_build(explained: Explained) -> None:
    old, new = "sqlite3[sqlite=3.53.4]", "sqlite3[sqlite=3.54.0]"
    names = ("immutable-and-nolock", "empty-name", "temporary-data", "sharing", "uri-switch")
    comparison = explained(old, new, *names)
    assert told(comparison) == {
        ("error → refused", *MOVED_ON),
        ("memory → temporary", *TEMP_STORE),
        ("kinds of side files: none → temporary", *TEMP_STORE),
        ("journal mode: memory → delete", *TEMP_STORE),
    }
    (refused,) = (g for g in groups(comparison) if g.what == "error → refused")
    assert all("immutable" in change.case.target for change in refused.changes)
    assert refused.cause.with_it == ("MAX_SCHEMA absent → 10000000",)


def test_apsw_3_54_refuses_immutable_and_names_no_temporary_file(explained: Explained) -> None:
    names = ("immutable-and-nolock", "empty-name", "apsw-flags")
    comparison = explained("apsw==3.53.4.0", "apsw==3.54.0.0", *names)
    assert told(comparison) == {
        ("error → refused", *MOVED_ON),
        ("side files: {tmp}/etilqs_* → {tmp}/(unnamed)", *MOVED_ON),
    }


def test_two_parts_exchanged_at_once_are_told_apart_by_exchanging_one(
    explained: Explained,
) -> None:
    old, new = "apsw==3.47.2.0[sqlalchemy=2.0.58]", "apsw==3.48.0.0[sqlalchemy=2.1.9]"
    comparison = explained(old, new, "sqlalchemy-encoding", every=3)
    decided = {(g.what.split(":")[0], g.cause.facts) for g in groups(comparison)}
    assert ("another string reaches the driver", ("sqlalchemy 2.0.58 → 2.1.9",)) in decided
    assert ("now warns", ("sqlalchemy 2.0.58 → 2.1.9",)) in decided
    assert {facts for _, facts in decided} == {
        ("sqlalchemy 2.0.58 → 2.1.9",),
        ("OMIT_SHARED_CACHE absent → set", "apsw 3.47.2.0 → 3.48.0.0"),
    }
    assert all(g.cause.swapped for g in groups(comparison))
    found = (g.cause.facts for g in groups(comparison) if g.cause.how is How.FOUND)
    assert set(found) == {("sqlalchemy 2.0.58 → 2.1.9",)}


def test_the_same_versions_do_not_differ_ten_times_in_a_row(
    catalogue: Catalogue, provisioner: Provisioner, tmp_path: Path
) -> None:
    specs = ("sqlite3", "apsw", "sqlite3[sqlalchemy]")
    stacks = [parse_stack(spec, catalogue) for spec in specs]
    cases = topics("sharing", "immutable-and-nolock", "sqlalchemy-urls")[::3]
    for number in range(11):
        work = [(provisioner.provide(s), [c for c in cases if s.runs_case(c)]) for s in stacks]
        directory = write_results(tmp_path / str(number), observe(work))
        comparison = compare_results(tmp_path / "0", directory)
        assert comparison.unchanged, comparison.changes[:3]
        assert comparison.cells > 50
