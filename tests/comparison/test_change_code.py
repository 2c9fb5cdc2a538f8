"""What changed, as a code and in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from matrix.comparison.change_code import ChangeCode, code_of, sentence
from matrix.comparison.diff import ASPECTS, ChangeKind, aspects_of
from matrix.model import Failure, Observation
from matrix.model.outcome import Outcome
from tests.builders import in_memory, make_observation, refused, shared, stray
from tests.comparing import CASE, STACK, changes, one_change, stack, write

PASSED = {"args": ["a"], "kwargs": {"uri": True}}


def with_fields(**fields: Any) -> Observation:
    return replace(in_memory(CASE), **fields)


def failing(message: str) -> Observation:
    return make_observation(case=CASE, error=Failure(phase="sql", type="Error", message=message))


@pytest.mark.parametrize(
    ("before", "after", "code", "words"),
    [
        (
            in_memory(CASE),
            stray(CASE),
            {"aspect": "outcome", "old": "memory", "new": "stray"},
            "memory → stray file",
        ),
        (
            shared(CASE),
            refused(CASE),
            {"aspect": "outcome", "old": "shared_memory", "new": "refused"},
            "shared memory → refused",
        ),
        (
            with_fields(passed=PASSED),
            with_fields(passed={**PASSED, "args": ["b"]}),
            {"aspect": "arguments"},
            "another string reaches the driver",
        ),
        (
            with_fields(warnings=()),
            with_fields(warnings=("no 'x' here",)),
            {"aspect": "warnings", "new": "no '…' here"},
            "now warns: no '…' here",
        ),
        (
            with_fields(warnings=("no 'x' here", "two")),
            with_fields(warnings=()),
            {"aspect": "warnings", "old": "no '…' here; two"},
            "no longer warns: no '…' here; two",
        ),
        (
            with_fields(warnings=("it is old",)),
            with_fields(warnings=("it is new",)),
            {"aspect": "warnings", "old": "old", "new": "new"},
            "other warnings: old → new",
        ),
        (
            with_fields(opened="/a"),
            with_fields(opened="/b"),
            {"aspect": "opened", "old": "some", "new": "others"},
            "opened by SQLite: some → others",
        ),
        (
            with_fields(tried=()),
            with_fields(tried=("x",)),
            {"aspect": "tried", "old": "none", "new": "some"},
            "files that it could not create: none → some",
        ),
        (
            with_fields(pool="NullPool"),
            with_fields(pool=None),
            {"aspect": "pool", "old": "NullPool", "new": "none"},
            "pool: NullPool → none",
        ),
        (
            failing("unable to open it"),
            failing("unable to open"),
            {"aspect": "error_text", "old": "it", "new": "none"},
            "error text: it → none",
        ),
    ],
)
def test_a_change_has_a_code_and_words(
    tmp_path: Path, before: Observation, after: Observation, code: dict[str, str], words: str
) -> None:
    found = code_of(one_change(tmp_path, before, after))
    assert found.model_dump(exclude_none=True) == code
    assert sentence(found) == words


def test_a_cell_that_is_gone_has_the_code_of_its_kind(tmp_path: Path) -> None:
    old = write(tmp_path / "old", stack(STACK, in_memory(CASE), in_memory("topic/x")))
    new = write(tmp_path / "new", stack(STACK, in_memory(CASE)))
    (change,) = changes(old, new)
    assert code_of(change) == ChangeCode(aspect="cell", new="gone")
    assert sentence(code_of(change)) == ChangeKind.GONE.word


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome_has_a_code_of_which_a_file_may_hold_any(outcome: Outcome) -> None:
    code = ChangeCode(aspect="outcome", old="memory", new=outcome.name.lower())
    assert sentence(code) == f"memory → {outcome.word}"


def test_the_aspects_that_a_code_may_name_are_those_of_an_observation() -> None:
    assert set(ASPECTS) == set(aspects_of(in_memory(CASE)))
