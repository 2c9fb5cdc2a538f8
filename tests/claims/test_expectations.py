"""What documents promise: told where it does not hold, and where it holds again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from matrix.claims.expectations import unmet
from matrix.cli import _exit_code
from matrix.errors import DocumentError
from matrix.model import Observation, SecondConnection, Storage
from matrix.results.store import ResultSet, StackResults
from matrix.scenarios.load import load_topics
from matrix.scenarios.topic import Topic
from tests.builders import in_memory, make_case, make_fingerprint

TOPIC = """
id: topic
title: A topic
question: What?
scenarios:
  - id: shared
    title: Shared
    question: Is it shared?
    intent: shared-memory
    target: "file:{{name}}?mode=memory&cache={cache}"
    connect: {{uri: true}}
    axes: {{cache: [shared, private]}}
    expect:
      - when: {{cache: shared}}
        every: {{second_connection: {promised}, files: none}}
        reason: The document says so.
        reference: https://example.org/document
        {more}
"""
KNOWN = """known:
          - on: {shared_cache: "no"}
            reason: It was built without.
            reference: https://example.org/thread"""


def topics(directory: Path, promised: str = "sees", more: str = KNOWN) -> tuple[Topic, ...]:
    path = directory / "topic.yaml"
    text = TOPIC.format(cache="{cache}", promised=promised, more=more)
    path.write_text(text, encoding="utf-8")
    return load_topics([path])


def results(second: SecondConnection, *, shared_cache: bool) -> ResultSet:
    case = make_case("topic/shared[cache=shared]")
    seen: Observation = replace(
        in_memory(case.id), second_connection=second, storage=Storage.MEMORY
    )
    stack = StackResults(
        stack="apsw@3.11",
        fingerprint=replace(make_fingerprint(), shared_cache=shared_cache),
        observations={case.id: seen},
    )
    return ResultSet(scenarios=(), cases={case.id: case}, stacks=(stack,))


def test_what_holds_is_not_told(tmp_path: Path) -> None:
    assert unmet(topics(tmp_path), results(SecondConnection.SEES, shared_cache=True)) == ()


def test_what_does_not_hold_is_told_with_reason_reference_and_what_was_seen(tmp_path: Path) -> None:
    (found,) = unmet(topics(tmp_path), results(SecondConnection.DOES_NOT_SEE, shared_cache=True))
    assert str(found) == (
        "topic/shared[cache=shared] on apsw@3.11: does not hold: The document says so. "
        "(https://example.org/document); seen: second_connection: does_not_see; files: none"
    )


def test_a_known_exception_is_not_told(tmp_path: Path) -> None:
    seen = results(SecondConnection.DOES_NOT_SEE, shared_cache=False)
    assert unmet(topics(tmp_path), seen) == ()


def test_a_known_exception_that_holds_again_is_stale(tmp_path: Path) -> None:
    (found,) = unmet(topics(tmp_path), results(SecondConnection.SEES, shared_cache=False))
    assert "holds again" in str(found)
    assert "the exception is stale: It was built without." in str(found)


def test_an_expectation_of_other_stacks_says_nothing(tmp_path: Path) -> None:
    more = "on: {sqlite: '>=4', driver: apsw}"
    seen = results(SecondConnection.DOES_NOT_SEE, shared_cache=True)
    assert unmet(topics(tmp_path, more=more), seen) == ()


def test_an_unknown_fact_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as error:
        topics(tmp_path, more="on: {drivr: apsw}")
    assert "topic.yaml:18:21: scenarios[0].expect[0].on.drivr: no fact 'drivr'" in str(error.value)
    assert "did you mean 'driver'" in str(error.value)


@pytest.mark.parametrize(("promised", "code"), [("sees", 0), ("does_not_see", 1)])
def test_a_run_fails_where_an_expectation_does_not_hold(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    promised: str,
    code: int,
) -> None:
    topics(tmp_path, promised)
    monkeypatch.chdir(tmp_path)
    words = ["run", "topic.yaml", "--stack", "pysqlite3", "-o", "out"]
    assert _exit_code(words) == code
    assert ("not as expected: topic/shared" in capsys.readouterr().err) == bool(code)
