"""Result sets for tests about recipes: a few cases, on two builds that differ in both facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from matrix.model import (
    Case,
    Failure,
    Found,
    Intent,
    Observation,
    Rival,
    SecondConnection,
    Storage,
)
from matrix.reports.recipes import Recipe, build_recipes
from matrix.results.store import ResultSet, StackResults
from tests.builders import make_case, make_fingerprint, make_observation, make_results, make_stack

Shown = Callable[[str], Observation]
"""From the id of a case to what it showed."""

ON, OFF = "sqlite3@3.11", "apsw==3.54.1.0@3.11"
"""The stack with URIs by default and the shared cache, and the stack with neither."""
NEITHER: Mapping[str, Any] = {"uri_default": False, "shared_cache": False}


def seen_by_rival(seen: Observation, found: Found, error: str | None = None) -> Observation:
    """The same observation, with what the rival found and the error that it met."""
    return replace(seen, rivals=(Rival(found=found, error=error),))


def private(case: str, target: str, **fields: Any) -> Case:
    return make_case(case, target=target, intent=Intent.PRIVATE_MEMORY, **fields)


def reads(case: str, **fields: Any) -> Case:
    asked = {"target": "file:x.db?mode=ro", "intent": Intent.READ_ONLY, **fields}
    return make_case(case, **asked)


def with_rival(case: Case, **rival: Any) -> Case:
    """The same case under another id, beside a rival."""
    return replace(case, id=f"{case.id}+", rivals=(make_rival(**rival),))


def make_rival(**fields: Any) -> dict[str, Any]:
    """A rival that has the database open beforehand, by the string of the case."""
    defaults = {"where": "same", "when": "before", "does": "open", "target": None, "connect": None}
    return {**defaults, **fields}


def stack_of(name: str, *shown: Observation, **facts: Any) -> StackResults:
    return make_stack(name, shown, fingerprint=make_fingerprint(**facts))


def on_two_builds(*rows: tuple[Case, Shown, Shown], **facts: Any) -> ResultSet:
    """What each case showed on ON, and on OFF."""
    on = (shown(case.id) for case, shown, _ in rows)
    off = (shown(case.id) for case, _, shown in rows)
    stacks = [stack_of(ON, *on, **facts), stack_of(OFF, *off, **{**facts, **NEITHER})]
    return make_results((case for case, _, _ in rows), stacks)


def on_both(*rows: tuple[Case, Shown], **facts: Any) -> ResultSet:
    """The same on both builds."""
    return on_two_builds(*((case, shown, shown) for case, shown in rows), **facts)


def only(results: ResultSet) -> Recipe:
    (recipe,) = build_recipes(results)
    return recipe


def calls(recipe: Recipe) -> list[str]:
    """What it advises, in its order."""
    return [way.call for way in recipe.advised]


def read_alone(case: str, **fields: Any) -> Observation:
    """A file that was there was read, and a write was told that it may not."""
    error = Failure(phase="write", type="OperationalError", message="readonly database")
    seen = {"storage": Storage.FILE, "second_connection": None, "there": ("x.db",), **fields}
    return make_observation(case=case, error=error, **seen)


def written(case: str) -> Observation:
    """A write went through, which nobody was told."""
    return replace(read_alone(case), error=None, second_connection=SecondConnection.SEES)


def locked(case: str) -> Observation:
    error = Failure(phase="write", type="OperationalError", message="database is locked")
    return make_observation(case=case, error=error, second_connection=None)


def locked_in_sql(case: str) -> Observation:
    """A statement of the case failed, not what is written after them."""
    seen = locked(case)
    assert seen.error is not None
    return replace(seen, error=replace(seen.error, phase="sql"))


def pooled(pool: str, **fields: Any) -> Shown:
    return lambda case: make_observation(case=case, pool=pool, **fields)


def warned(text: str) -> Shown:
    return lambda case: make_observation(case=case, warnings=(text,))
