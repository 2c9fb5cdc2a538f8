"""What documents promise, compared with what was observed.

Reported are expectations that do not hold, and exceptions that are stale: those for stacks on which
the expectation holds again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from matrix.results.store import ResultSet
from matrix.scenarios.conditions import Facts, cell_facts, meets, stack_facts
from matrix.scenarios.expand import case_id
from matrix.scenarios.rules import Rules
from matrix.scenarios.topic import Expectation, Known, Scenario, Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet:
    """A cell that is not as a document promises, or is so again although it is known not to be."""

    case: str
    stack: str
    expectation: Expectation
    known: Known | None
    seen: tuple[tuple[str, tuple[str, ...]], ...]

    def __str__(self) -> str:
        seen = "; ".join(f"{name}: {', '.join(texts)}" for name, texts in self.seen)
        if self.known is not None:
            what = f"holds again ({seen}), so the exception is stale: {self.known.reason}"
            return f"{self.case} on {self.stack}: {what}"
        promise = f"{self.expectation.reason} ({self.expectation.reference})"
        return f"{self.case} on {self.stack}: does not hold: {promise}; seen: {seen}"


def unmet(topics: Iterable[Topic], results: ResultSet) -> tuple[Unmet, ...]:
    """Every cell at which an expectation of these topics is not met, or an exception is stale."""
    return tuple(
        found
        for topic in topics
        for scenario in topic.scenarios
        if scenario.expect
        for case, expectation in _expected(topic, scenario)
        for found in _hold(case, expectation, results)
    )


def _expected(topic: Topic, scenario: Scenario) -> Iterator[tuple[str, Expectation]]:
    rules = Rules(scenario)
    for combination in scenario.combinations():
        labels = {axis: label for axis, label, _ in combination}
        if rules.dropped(labels) is None:
            case = case_id(topic, scenario, combination)
            yield from ((case, each) for each in scenario.expect if each.means(labels))


def _hold(case: str, expectation: Expectation, results: ResultSet) -> Iterator[Unmet]:
    for stack in results.stacks:
        if stack.fingerprint is None or case not in stack.observations:
            continue
        facts = stack_facts(stack.fingerprint)
        if expectation.on is not None and not meets(facts, expectation.on):
            continue
        cell = cell_facts(stack.observations[case], results.cases[case])
        known = next((each for each in expectation.known if meets(facts, each.on)), None)
        if meets(cell, expectation.every) == (known is not None):
            seen = _seen(cell, expectation)
            yield Unmet(
                case=case, stack=stack.stack, expectation=expectation, known=known, seen=seen
            )


def _seen(cell: Facts, expectation: Expectation) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((name, cell[name]) for name in expectation.every)
