"""Topics and their scenarios: the models of the YAML that docs/scenarios.md describes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from matrix.documents.yaml_model import (
    FromPlain,
    KeyPath,
    Record,
    Shape,
)
from matrix.limits import AXES
from matrix.scenarios.axes import Axis, CaseSettings, Text, Value
from matrix.scenarios.conditions import Condition, Labels

Id = Annotated[str, Shape("[a-z0-9-]+", "use a-z, 0-9 and '-'")]
AxisName = Annotated[str, Shape("[a-z][a-z0-9_-]*", "use a-z, 0-9, '-' and '_'")]
Url = Annotated[str, Shape(r"https?://\S+", "write a URL that begins with https://")]
References = FromPlain[tuple[Url, ...]]

_MANY = 10_000
"""More choices than this are not kept."""

Combination = tuple[tuple[str, str, Value], ...]
"""One choice for each axis, in order: the axis, the label, the value."""


class Rule(Record):
    """Some combinations, and why they stay or go."""

    when: Annotated[Mapping[str, Labels], Field(min_length=1)] = Field(
        description="The combinations meant: for each axis its label, or a list of labels."
    )
    reason: Text = Field(description="Why they stay or go; shown by list cases --explain.")


class Known(Record):
    """Stacks on which an expectation is known not to hold."""

    on: Condition = Field(description="The stacks, by facts of their fingerprints.")
    reason: Text = Field(description="Why it does not hold there.")
    reference: Url = Field(description="The thread or the document that says so.")


class Expectation(Record):
    """What a document promises of some cells, to be compared with what is observed."""

    when: Mapping[str, Labels] = Field(
        default={}, description="Only these combinations: for each axis its label or labels."
    )
    on: Condition | None = Field(default=None, description="Only stacks that are so.")
    every: Condition = Field(description="What each cell has to be.")
    reason: Text = Field(description="Why this is expected.")
    reference: Url = Field(description="The document or the upstream test that says so.")
    known: FromPlain[tuple[Known, ...]] = Field(
        default=(), description="Where it is known not to hold; once it does, that is stale."
    )

    def means(self, labels: Mapping[str, str]) -> bool:
        return all(labels.get(axis) in meant for axis, meant in self.when.items())


class Scenario(CaseSettings):
    """One question about targets; it expands to the product of its axes."""

    id: Id = Field(description="Its name, unique in the topic.")
    title: Text = Field(description="A few words.")
    question: Text = Field(description="What it asks, in one sentence.")
    references: References = Field(default=(), description="URLs that document or report it.")
    then: Text | None = Field(
        default=None,
        description="What was seen when it was reported, with the version where that is known.",
    )
    target: str = Field(description="The string under test, with {axis} for an axis's text.")
    axes: Annotated[Mapping[AxisName, Axis], Field(max_length=AXES)] = Field(
        default={}, description="Names and their values."
    )
    include: FromPlain[tuple[Rule, ...]] = Field(
        default=(), description="Only these combinations stay."
    )
    exclude: FromPlain[tuple[Rule, ...]] = Field(default=(), description="These combinations go.")
    expect: FromPlain[tuple[Expectation, ...]] = Field(
        default=(), description="What documents promise; it fails where it does not hold."
    )

    def combinations(self) -> Iterator[Combination]:
        """The product of the axes, the last one fastest; never held in memory as a whole."""
        return _product([(name, _choices(axis)) for name, axis in self.axes.items()])

    def templates(self) -> Iterator[tuple[KeyPath, str]]:
        yield ("target",), self.target
        yield from super().templates()


class Topic(Record):
    """A file of scenarios."""

    id: Id = Field(description="The file's name without .yaml.")
    title: Text = Field(description="A few words.")
    question: Text = Field(description="What its scenarios ask together, in one sentence.")
    references: References = Field(default=(), description="URLs on the whole topic.")
    scenarios: Annotated[FromPlain[tuple[Scenario, ...]], Field(min_length=1)] = Field(
        description="The scenarios, in the order in which they are shown."
    )


def _choices(axis: Axis) -> Callable[[], Iterable[tuple[str, Value]]]:
    """A function that gives the choices of an axis; only many of them are made anew each time."""
    if axis.count() > _MANY:
        return axis.choices
    made = tuple(axis.choices())
    return lambda: made


def _product(
    axes: Sequence[tuple[str, Callable[[], Iterable[tuple[str, Value]]]]],
) -> Iterator[Combination]:
    if not axes:
        yield ()
        return
    (name, choices), *below = axes
    for label, value in choices():
        for rest in _product(below):
            yield ((name, label, value), *rest)
