"""Topics and their scenarios, as docs/scenarios.md describes them, read and checked at the door."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from matrix.axes import Axis, Settings, Text, Value
from matrix.errors import DocumentError, Problem
from matrix.facts import CELL_FACTS, STACK_FACTS
from matrix.template import RUN_TIME, TemplateError, check, placeholders
from matrix.yamldoc import (
    Document,
    Flaw,
    FromPlain,
    Inward,
    Place,
    Record,
    Shape,
    Shorthand,
    load_documents,
    suggest,
)

SCHEMA = Path(__file__).parent / "schemas" / "scenario.schema.json"

Id = Annotated[str, Shape("[a-z0-9-]+", "use a-z, 0-9 and '-'")]
AxisName = Annotated[str, Shape("[a-z][a-z0-9_-]*", "use a-z, 0-9, '-' and '_'")]
Url = Annotated[str, Shape(r"https?://\S+", "write a URL that begins with https://")]
References = FromPlain[tuple[Url, ...]]

Combination = tuple[tuple[str, str, Value], ...]
"""One choice for each axis, in order: the axis, the label, the value."""


def _one(label: str) -> list[str]:
    return [label]


Labels = Annotated[
    FromPlain[tuple[str, ...]], Field(min_length=1), Shorthand(_one, "a text or a list of texts")
]


class Rule(Record):
    """Some combinations, and why they stay or go."""

    when: Annotated[Mapping[str, Labels], Field(min_length=1)] = Field(
        description="The combinations meant: for each axis its label, or a list of labels."
    )
    reason: Text = Field(description="Why they stay or go; shown by list cases --explain.")

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(labels.get(axis) in meant for axis, meant in self.when.items())

    def meets(self, other: Rule) -> bool:
        """Whether some combination matches both."""
        shared = self.when.keys() & other.when.keys()
        return all(set(self.when[axis]) & set(other.when[axis]) for axis in shared)


Facts = Annotated[Mapping[str, Labels], Field(min_length=1)]
"""Facts, each with the text that it has to match, or several of which one; `*` is any text."""


class Known(Record):
    """Stacks on which an expectation is known not to hold."""

    on: Facts = Field(description="The stacks, by facts of their fingerprints.")
    reason: Text = Field(description="Why it does not hold there.")
    reference: Url = Field(description="The thread or the document that says so.")


class Expectation(Record):
    """What a document promises of some cells; it is held against what was observed."""

    when: Mapping[str, Labels] = Field(
        default={}, description="Only these combinations: for each axis its label or labels."
    )
    on: Facts | None = Field(default=None, description="Only stacks that are so.")
    every: Facts = Field(description="What each cell has to be.")
    reason: Text = Field(description="Why this is expected.")
    reference: Url = Field(description="The document or the upstream test that says so.")
    known: FromPlain[tuple[Known, ...]] = Field(
        default=(), description="Where it is known not to hold; once it does, that is stale."
    )

    def means(self, labels: Mapping[str, str]) -> bool:
        return all(labels.get(axis) in meant for axis, meant in self.when.items())


class Scenario(Settings):
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
    axes: Mapping[AxisName, Axis] = Field(default={}, description="Names and their values.")
    include: FromPlain[tuple[Rule, ...]] = Field(
        default=(), description="Only these combinations stay."
    )
    exclude: FromPlain[tuple[Rule, ...]] = Field(default=(), description="These combinations go.")
    expect: FromPlain[tuple[Expectation, ...]] = Field(
        default=(), description="What documents promise; it fails where it does not hold."
    )

    def combinations(self) -> Iterator[Combination]:
        """The product of the axes, the last one fastest; never held in memory as a whole."""
        return _product(list(self.axes.items()))

    def dropped(self, combination: Combination) -> str | None:
        """Why a combination goes; None for one that stays."""
        labels = {axis: label for axis, label, _ in combination}
        if self.include and not any(rule.matches(labels) for rule in self.include):
            return f"matches no include rule: {'; '.join(rule.reason for rule in self.include)}"
        return next((rule.reason for rule in self.exclude if rule.matches(labels)), None)

    def templates(self) -> Iterator[tuple[Inward, str]]:
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


def _product(axes: list[tuple[str, Axis]]) -> Iterator[Combination]:
    if not axes:
        yield ()
        return
    (name, axis), *below = axes
    for label, value in axis.choices():
        for rest in _product(below):
            yield ((name, label, value), *rest)


def load_topics(paths: Iterable[Path]) -> tuple[Topic, ...]:
    """Read topics from files, and from the *.yaml of directories, in order.

    Raises DocumentError with every problem of every file.
    """
    files, problems = _files(paths)
    documents, unread = load_documents(files, Topic)
    problems += [*unread, *_repeated_topics(documents)]
    for document in documents:
        problems += map(document.problem, _topic_flaws(document))
    if problems:
        raise DocumentError(problems)
    return tuple(document.content for document in documents)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a topic file, for editors."""
    schema = Topic.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def write_schema(path: Path = SCHEMA) -> None:
    """Write the committed schema anew.

    `python -c "from matrix.scenario import write_schema; write_schema()"`
    """
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(json_schema(), indent=2) + "\n", encoding="utf-8")


def _files(paths: Iterable[Path]) -> tuple[list[Path], list[Problem]]:
    files: dict[Path, None] = {}
    problems = []
    for path in paths:
        found = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
        files.update(dict.fromkeys(found))
        if not found:
            message = "the directory holds no *.yaml file"
            problems.append(Problem(path=str(path), line=1, column=1, key="", message=message))
    return list(files), problems


def _repeated_topics(documents: Iterable[Document[Topic]]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for document in documents:
        name, positions = document.content.id, document.positions
        if name in first:
            message = f"the topic '{name}' is in two files"
            yield positions.problem(("id",), message, f"also in {first[name]}")
        first.setdefault(name, positions.path)


def _topic_flaws(document: Document[Topic]) -> Iterator[Flaw]:
    topic, positions = document.content, document.positions
    stem = Path(positions.path).stem
    if topic.id != stem:
        yield Flaw(("id",), f"'{topic.id}' is not the file's name", f"write '{stem}'")
    first: dict[str, Place] = {}
    for index, scenario in enumerate(topic.scenarios):
        at: Inward = ("scenarios", index)
        if scenario.id in first:
            hint = f"first on line {first[scenario.id].line}"
            yield Flaw((*at, "id"), f"the scenario '{scenario.id}' is written twice", hint)
        first.setdefault(scenario.id, positions.at((*at, "id")))
        for flaw in _scenario_flaws(scenario):
            yield flaw._replace(at=(*at, *flaw.at))


def _scenario_flaws(scenario: Scenario) -> Iterator[Flaw]:
    flaws = [
        *_axis_flaws(scenario),
        *_placeholder_flaws(scenario),
        *_rule_flaws(scenario),
        *_expectation_flaws(scenario),
    ]
    yield from flaws
    if not flaws and all(scenario.dropped(chosen) for chosen in scenario.combinations()):
        yield Flaw((), "empty expansion: its rules drop every combination")


def _expectation_flaws(scenario: Scenario) -> Iterator[Flaw]:
    for index, expectation in enumerate(scenario.expect):
        at: Inward = ("expect", index)
        for axis, labels in expectation.when.items():
            yield from _label_flaws(scenario, (*at, "when", axis), axis, labels)
        yield from _fact_flaws((*at, "on"), expectation.on, STACK_FACTS)
        yield from _fact_flaws((*at, "every"), expectation.every, CELL_FACTS)
        for number, known in enumerate(expectation.known):
            yield from _fact_flaws((*at, "known", number, "on"), known.on, STACK_FACTS)


def _fact_flaws(
    at: Inward, condition: Mapping[str, tuple[str, ...]] | None, facts: Iterable[str]
) -> Iterator[Flaw]:
    for name in condition or ():
        if name not in facts:
            yield Flaw((*at, name), f"no fact '{name}'", suggest(name, facts))


def _axis_flaws(scenario: Scenario) -> Iterator[Flaw]:
    used = _used(scenario)
    for name, axis in scenario.axes.items():
        at: Inward = ("axes", name)
        if name in RUN_TIME:
            yield Flaw(at, f"'{{{name}}}' is filled in when a case runs", "choose another name")
        elif name not in used and any(text for _, text in axis.texts()):
            yield Flaw(at, "its text stands nowhere", f"put {{{name}}} into target, connect or sql")
        elif name not in used and not axis.changes():
            yield Flaw(at, "changes nothing", "give its values a text or a setting, or remove it")
        for flaw in axis.flaws():
            yield flaw._replace(at=(*at, *flaw.at))


def _templates(scenario: Scenario) -> Iterator[tuple[Inward, str, tuple[str, ...]]]:
    """Every text with placeholders, with the axes that it may hold."""
    every = tuple(scenario.axes)
    for at, text in scenario.templates():
        yield at, text, every
    for count, (name, axis) in enumerate(scenario.axes.items()):
        for at, text in axis.texts():
            yield ("axes", name, *at), text, every[:count]
        for at, text in axis.templates():
            yield ("axes", name, *at), text, every


def _used(scenario: Scenario) -> set[str]:
    return {name for _, text, _ in _templates(scenario) for name in placeholders(text)}


def _placeholder_flaws(scenario: Scenario) -> Iterator[Flaw]:
    for at, text, axes in _templates(scenario):
        try:
            check(text)
        except TemplateError as error:
            yield Flaw(at, str(error), error.hint)
        for name in placeholders(text):
            if name in scenario.axes and name not in axes:
                yield Flaw(at, f"{{{name}}} is not an axis above this one", "move that axis up")
            elif name not in (*axes, *RUN_TIME):
                yield Flaw(at, f"undefined axis '{name}'", suggest(name, (*axes, *RUN_TIME)))


def _rule_flaws(scenario: Scenario) -> Iterator[Flaw]:
    for kind, rules in (("include", scenario.include), ("exclude", scenario.exclude)):
        for index, rule in enumerate(rules):
            for axis, labels in rule.when.items():
                at: Inward = (kind, index, "when", axis)
                yield from _label_flaws(scenario, at, axis, labels)
    for index, rule in enumerate(scenario.exclude):
        if scenario.include and not any(rule.meets(kept) for kept in scenario.include):
            yield Flaw(("exclude", index), "matches nothing: no include rule keeps any of these")


def _label_flaws(
    scenario: Scenario, at: Inward, axis: str, labels: tuple[str, ...]
) -> Iterator[Flaw]:
    if axis not in scenario.axes:
        yield Flaw(at, f"undefined axis '{axis}'", suggest(axis, scenario.axes))
        return
    for index, label in enumerate(labels):
        if not scenario.axes[axis].has(label):
            known = [known for known, _ in islice(scenario.axes[axis].choices(), 100)]
            message = f"matches nothing: axis '{axis}' has no label '{label}'"
            yield Flaw((*at, index), message, suggest(label, known))
