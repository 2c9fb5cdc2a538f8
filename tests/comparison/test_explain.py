"""What is run to find what decides, and what is made of it; no driver is needed for that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from matrix.comparison.causes import How
from matrix.comparison.compare import Change, Comparison, compare_results
from matrix.comparison.explain import explain, needs_runs
from matrix.model import Case, Failure, Fingerprint, Observation
from matrix.model.stack_id import StackId
from matrix.results.store import ResultSet, StackResults
from matrix.stacks.catalogue import Catalogue
from matrix.stacks.spec import Stack, parse_stack
from tests.builders import in_memory, make_case, make_fingerprint, make_results
from tests.comparing import CASE, write_results

Behaviour = Callable[[Fingerprint, str], Observation]
"""What a stack with these facts shows in a case."""

OMITTING = "3.48"
"""The version from which this world's apsw is built without the shared cache."""


def fingerprint(stack: Stack) -> Fingerprint:
    """A world in which apsw omits the shared cache from some version on, and nobody else does."""
    name = StackId.parse(stack.id)
    assert name is not None
    own = stack.package is not None
    sqlite = ".".join(name.version.split(".")[:3]) if own else name.options.get("sqlite", "3.40.1")
    omits = stack.driver == "apsw" and sqlite >= OMITTING
    return make_fingerprint(
        driver=stack.driver,
        driver_version=name.version or "3.11.2",
        distribution=stack.package.distribution if stack.package else None,
        sqlite=sqlite,
        compile_options=("OMIT_SHARED_CACHE",) if omits else (),
        shared_cache=not omits,
        middleware=name.middleware,
        middleware_version=name.options.get(name.middleware or ""),
        uri_setting=stack.uri,
    )


@dataclass
class World:
    """Runs cases as `behaviour` says; `missing` stacks are not available."""

    behaviour: Behaviour
    missing: tuple[str, ...] = ()
    ran: list[list[str]] = field(default_factory=list)

    def __call__(self, asked: Sequence[tuple[Stack, Sequence[Case]]]) -> ResultSet:
        self.ran.append([stack.id for stack, _ in asked])
        cases = {case.id: case for _, cases in asked for case in cases}
        return make_results(cases.values(), [self.run(s, c) for s, c in asked])

    def run(self, stack: Stack, cases: Sequence[Case]) -> StackResults:
        if stack.id.startswith(self.missing or ("-",)):
            return StackResults(stack=stack.id, unavailable="no wheel")
        facts = fingerprint(stack)
        seen = {c.id: replace(self.behaviour(facts, c.id), stack=stack.id) for c in cases}
        return StackResults(stack=stack.id, fingerprint=facts, observations=seen)


@pytest.fixture
def compared(catalogue: Catalogue, tmp_path: Path) -> Callable[..., Comparison]:
    def compared(world: World, old: str, new: str, *names: str) -> Comparison:
        for label, spec in (("old", old), ("new", new)):
            stack = parse_stack(spec, catalogue, "3.11")
            cases = [make_case(name, via=stack.middleware) for name in names or (CASE,)]
            results = make_results(cases, [world.run(stack, cases)])
            write_results(tmp_path / label, results)
        return compare_results(tmp_path / "old", tmp_path / "new")

    return compared


def pooled(case: str, pool: str) -> Observation:
    return replace(in_memory(case), pool=pool)


def by_cache(facts: Fingerprint, case: str) -> Observation:
    return pooled(case, "shared" if facts.shared_cache else "private")


def by_sqlite(facts: Fingerprint, case: str) -> Observation:
    return pooled(case, "new" if facts.sqlite >= OMITTING else "old")


def by_middleware(facts: Fingerprint, case: str) -> Observation:
    return pooled(case, facts.middleware_version or "")


def by_both(facts: Fingerprint, case: str) -> Observation:
    """Two aspects, each with a cause of its own."""
    warnings = () if facts.shared_cache else ("no shared cache",)
    return replace(by_sqlite(facts, case), warnings=warnings)


def causes(comparison: Comparison) -> list[tuple[How, tuple[str, ...]]]:
    return [(change.cause.how, change.cause.facts) for change in comparison.changes]


VERSIONS = ("apsw==3.47.2.0", "apsw==3.48.0.0")
OMITTED = ("OMIT_SHARED_CACHE absent → set", "apsw 3.47.2.0 → 3.48.0.0")
"""What nobody but apsw shows: the option, or apsw's own code."""


def test_what_follows_sqlite_under_another_driver_is_sqlite(
    compared: Callable[..., Comparison], catalogue: Catalogue
) -> None:
    world = World(by_sqlite)
    comparison = compared(world, *VERSIONS)
    assert needs_runs(comparison)
    assert causes(explain(comparison, world, catalogue)) == [
        (How.FOUND, ("SQLite 3.47.2 → 3.48.0",))
    ]
    exchanged, bundles = world.ran
    assert exchanged == [f"{name}@3.11" for name in VERSIONS]
    assert {f"sqlite3[sqlite={version}]@3.11" for version in catalogue.sqlite} < set(bundles)


def test_what_does_not_is_the_option_or_the_code_of_the_driver(
    compared: Callable[..., Comparison], catalogue: Catalogue
) -> None:
    world = World(by_cache)
    (change,) = explain(compared(world, *VERSIONS), world, catalogue).changes
    assert (change.cause.how, change.cause.facts) == (How.TIED, OMITTED)


def test_a_change_with_two_causes_becomes_two(
    compared: Callable[..., Comparison], catalogue: Catalogue
) -> None:
    world = World(by_both)
    changes = explain(compared(world, *VERSIONS), world, catalogue).changes
    assert sorted((c.aspects[0].name, c.cause.facts) for c in changes) == [
        ("pool", ("SQLite 3.47.2 → 3.48.0",)),
        ("warnings", OMITTED),
    ]
    assert len({change.cell for change in changes}) == 1


def test_one_part_at_a_time_is_exchanged(
    compared: Callable[..., Comparison], catalogue: Catalogue
) -> None:
    world = World(by_middleware)
    old, new = "apsw==3.47.2.0[sqlalchemy=2.0.58]", "apsw==3.48.0.0[sqlalchemy=2.1.9]"
    (change,) = explain(compared(world, old, new), world, catalogue).changes
    assert (change.cause.how, change.cause.facts) == (How.FOUND, ("sqlalchemy 2.0.58 → 2.1.9",))
    assert change.cause.swapped
    (exchanged,) = world.ran
    assert set(exchanged) == {
        f"apsw=={version}[sqlalchemy={above}]@3.11"
        for version in ("3.47.2.0", "3.48.0.0")
        for above in ("2.0.58", "2.1.9")
    }


def test_a_change_that_takes_two_parts_is_not_put_on_one(
    compared: Callable[..., Comparison], catalogue: Catalogue
) -> None:
    def behaviour(facts: Fingerprint, case: str) -> Observation:
        both = facts.middleware_version == "2.1.9" and not facts.shared_cache
        return pooled(case, "new" if both else "old")

    world = World(behaviour)
    old, new = "apsw==3.47.2.0[sqlalchemy=2.0.58]", "apsw==3.48.0.0[sqlalchemy=2.1.9]"
    (change,) = explain(compared(world, old, new), world, catalogue).changes
    assert change.cause.how is How.REFUTED


def test_one_fact_needs_no_run(compared: Callable[..., Comparison], catalogue: Catalogue) -> None:
    world = World(by_middleware)
    comparison = compared(world, "sqlite3[sqlalchemy=2.0.58]", "sqlite3[sqlalchemy=2.1.9]")
    assert not needs_runs(comparison)
    assert explain(comparison, world, catalogue) is comparison
    assert world.ran == []


def test_what_is_not_seen_again_is_said_to_be_so(
    compared: Callable[..., Comparison], catalogue: Catalogue
) -> None:
    comparison = compared(World(by_cache), *VERSIONS)
    elsewhere = World(lambda _, case: pooled(case, "shared"))
    (change,) = explain(comparison, elsewhere, catalogue).changes
    assert change.cause.how is How.NOT_REPEATED


def test_stacks_that_cannot_be_had_decide_nothing(
    compared: Callable[..., Comparison], catalogue: Catalogue
) -> None:
    comparison = compared(World(by_cache), *VERSIONS)
    (change,) = explain(comparison, World(by_cache, ("apsw==3.47.2.0",)), catalogue).changes
    assert change.cause == comparison.changes[0].cause
    world = World(by_cache, ("sqlite3", "sqlean"))
    (change,) = explain(comparison, world, catalogue).changes
    assert change.cause.how is How.TIED


def test_a_stack_that_came_to_another_end_says_nothing(
    compared: Callable[..., Comparison], catalogue: Catalogue
) -> None:
    def behaviour(facts: Fingerprint, case: str) -> Observation:
        if facts.driver != "sqlean":
            return by_cache(facts, case)
        error = Failure(phase="sql", type="Error", message="no")
        return replace(pooled(case, "private"), error=error)

    world = World(behaviour)
    (change,) = explain(compared(world, *VERSIONS), world, catalogue).changes
    assert change.cause.facts == OMITTED


def test_a_file_named_without_versions_is_run_at_those_of_its_fingerprint(
    compared: Callable[..., Comparison], catalogue: Catalogue
) -> None:
    world = World(by_cache)
    comparison = compared(world, *VERSIONS)
    (pair,) = comparison.pairs
    named = replace(pair, old=replace(pair.old, stack="apsw"))
    changes = tuple(replace(change, pair=named) for change in comparison.changes)
    renamed = replace(comparison, pairs=(named,), changes=changes)
    explain(renamed, world, catalogue)
    assert world.ran[0] == [f"{name}@3.11" for name in VERSIONS]


def test_many_changes_alike_are_represented_by_a_few(
    compared: Callable[..., Comparison], catalogue: Catalogue
) -> None:
    names = [f"topic/scenario[n={n:04}]" for n in range(400)]
    ran: set[str] = set()

    def behaviour(facts: Fingerprint, case: str) -> Observation:
        ran.add(case)
        return by_cache(facts, case)

    comparison = compared(World(by_cache), *VERSIONS, *names)
    explained = explain(comparison, World(behaviour), catalogue)
    assert len(ran) < 10
    assert {change.cause.facts for change in explained.changes} == {OMITTED}
    assert len(explained.changes) == 400


def test_a_case_that_only_one_driver_runs_learns_from_others(
    compared: Callable[..., Comparison], catalogue: Catalogue
) -> None:
    world = World(by_cache)
    comparison = compared(world, *VERSIONS, "topic/all", "topic/apsw")

    def narrowed(change: Change) -> Change:
        only = ("apsw",) if change.case.id == "topic/apsw" else None
        return replace(change, case=replace(change.case, drivers=only))

    changes = tuple(map(narrowed, comparison.changes))
    explained = explain(replace(comparison, changes=changes), world, catalogue).changes
    assert {change.cause.facts for change in explained} == {OMITTED}
    assert {c.case.id: c.cause.likewise for c in explained} == {
        "topic/all": False,
        "topic/apsw": True,
    }
    (alone,) = (change for change in changes if change.case.id == "topic/apsw")
    (left,) = explain(replace(comparison, changes=(alone,)), world, catalogue).changes
    assert (left.cause.how, len(left.cause.facts)) == (How.TIED, 3)


def test_those_that_represent_others_run_on_as_many_drivers_as_possible(
    compared: Callable[..., Comparison], catalogue: Catalogue
) -> None:
    world = World(by_cache)
    comparison = compared(world, *VERSIONS, *(f"topic/scenario[n={n:04}]" for n in range(400)))
    changes = tuple(
        replace(change, case=replace(change.case, drivers=("apsw",))) if place < 200 else change
        for place, change in enumerate(comparison.changes)
    )
    explained = explain(replace(comparison, changes=changes), world, catalogue).changes
    assert {change.cause.facts for change in explained} == {OMITTED}


def by_driver(facts: Fingerprint, case: str) -> Observation:
    """The text of an error, which is apsw's own; at "topic/refused" others raise none."""
    if facts.driver != "apsw" and case == "topic/refused":
        return in_memory(case)
    old = facts.driver == "apsw" and facts.driver_version < OMITTING
    message = "CantOpenError: no such file" if old else "no such file"
    return replace(in_memory(case), error=Failure(phase="write", type="Error", message=message))


def test_what_is_left_is_learned_from_others_too(
    compared: Callable[..., Comparison], catalogue: Catalogue
) -> None:
    world = World(by_driver)
    comparison = compared(world, *VERSIONS, "topic/refused", "topic/written")
    explained = explain(comparison, world, catalogue).changes
    assert {(c.cause.how, c.cause.facts) for c in explained} == {
        (How.FOUND, ("apsw 3.47.2.0 → 3.48.0.0",))
    }
