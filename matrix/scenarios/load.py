"""Topics read from YAML files, and checked: labels that do not exist, axes that nothing uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from matrix.documents.yaml_model import (
    Document,
    Flaw,
    KeyPath,
    Position,
    load_documents,
    quoted,
    suggest,
)
from matrix.errors import DocumentError, Problem
from matrix.files import is_directory
from matrix.limits import PROBLEMS
from matrix.scenarios.conditions import (
    CELL_FACTS,
    STACK_FACTS,
    fact_flaws,
    patterns_of,
    too_many_patterns,
)
from matrix.scenarios.extent import first_excess
from matrix.scenarios.options import option_flaws
from matrix.scenarios.rules import RuleBits, Rules
from matrix.scenarios.template import RUN_TIME, TemplateError, check, placeholders
from matrix.scenarios.topic import Scenario, Topic

_MOST_TEXTS = 1000
"""Of an axis that names something; the probe checks every name again."""


def load_topics(paths: Iterable[Path]) -> tuple[Topic, ...]:
    """Read topics from files, and from the *.yaml of directories, in order.

    Raises DocumentError with every problem of every file.
    """
    files, problems = _files(paths)
    documents, unread = load_documents(files, Topic)
    problems += [*unread, *_repeated_topics(documents)]
    problems += _excess(documents) or _flaws(documents)
    if problems:
        raise DocumentError(problems)
    return tuple(document.content for document in documents)


def _files(paths: Iterable[Path]) -> tuple[list[Path], list[Problem]]:
    files: dict[Path, None] = {}
    problems = []
    for path in paths:
        found = sorted(path.glob("*.yaml")) if is_directory(path) else [path]
        files.update(dict.fromkeys(found))
        if not found:
            message = "the directory holds no *.yaml file"
            problems.append(Problem(path=str(path), line=1, column=1, key="", message=message))
    return list(files), problems


def _excess(documents: Sequence[Document[Topic]]) -> list[Problem]:
    """That the scenarios expand to too much, where one exceeds a limit."""
    places = [
        (document, index, scenario)
        for document in documents
        for index, scenario in enumerate(document.content.scenarios)
    ]
    found = first_excess(scenario for _, _, scenario in places)
    if found is None:
        return []
    number, flaw = found
    document, index, _ = places[number]
    return [document.problem(flaw._replace(at=("scenarios", index, "axes")))]


def _flaws(documents: Iterable[Document[Topic]]) -> list[Problem]:
    problems: list[Problem] = []
    for document in documents:
        problems += map(document.problem, islice(_topic_flaws(document), PROBLEMS))
    return problems


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
    excess = list(too_many_patterns(("scenarios",), _patterns(topic)))
    if excess:
        yield from excess
        return
    stem = Path(positions.path).stem
    if topic.id != stem:
        yield Flaw(("id",), f"'{topic.id}' is not the file's name", f"write '{stem}'")
    first: dict[str, Position] = {}
    for index, scenario in enumerate(topic.scenarios):
        at: KeyPath = ("scenarios", index)
        if scenario.id in first:
            hint = f"first on line {first[scenario.id].line}"
            yield Flaw((*at, "id"), f"the scenario '{scenario.id}' is written twice", hint)
        first.setdefault(scenario.id, positions.at((*at, "id")))
        for flaw in _scenario_flaws(scenario):
            yield flaw._replace(at=(*at, *flaw.at))


def _patterns(topic: Topic) -> Iterator[str]:
    for scenario in topic.scenarios:
        for each in scenario.expect:
            yield from patterns_of(each.on, each.every, *(known.on for known in each.known))


def _scenario_flaws(scenario: Scenario) -> Iterator[Flaw]:
    every = chain(
        _axis_flaws(scenario),
        _placeholder_flaws(scenario),
        _option_flaws(scenario),
        _rival_flaws(scenario),
        _rule_flaws(scenario),
        _expectation_flaws(scenario),
    )
    flaws = list(islice(every, PROBLEMS))
    yield from flaws
    if not flaws and Rules(scenario).drop_all():
        yield Flaw((), "empty expansion: its rules drop every combination")


def _expectation_flaws(scenario: Scenario) -> Iterator[Flaw]:
    for index, expectation in enumerate(scenario.expect):
        at: KeyPath = ("expect", index)
        for axis, labels in expectation.when.items():
            yield from _label_flaws(scenario, (*at, "when", axis), axis, labels)
        yield from fact_flaws((*at, "on"), expectation.on, STACK_FACTS)
        yield from fact_flaws((*at, "every"), expectation.every, CELL_FACTS)
        for number, known in enumerate(expectation.known):
            yield from fact_flaws((*at, "known", number, "on"), known.on, STACK_FACTS)


def _axis_flaws(scenario: Scenario) -> Iterator[Flaw]:
    used = _used(scenario)
    for name, axis in scenario.axes.items():
        at: KeyPath = ("axes", name)
        if name in RUN_TIME:
            yield Flaw(at, f"'{{{name}}}' is filled in when a case runs", "choose another name")
        elif name not in used and any(text for _, text in axis.texts()):
            yield Flaw(
                at, "its text is used nowhere", f"put {{{name}}} into target, connect or sql"
            )
        elif name not in used and not axis.changes():
            yield Flaw(at, "changes nothing", "give its values a text or a setting, or remove it")
        for flaw in axis.flaws():
            yield flaw._replace(at=(*at, *flaw.at))


def _templates(scenario: Scenario) -> Iterator[tuple[KeyPath, str, tuple[str, ...]]]:
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
                yield Flaw(at, f"undefined axis {quoted(name)}", suggest(name, (*axes, *RUN_TIME)))


def _option_flaws(scenario: Scenario) -> Iterator[Flaw]:
    texts: dict[str, list[str]] = {}
    for name, axis in scenario.axes.items():
        values = (value.text for _, value in islice(axis.choices(), _MOST_TEXTS))
        texts[name] = [each for text in values for each in texts.get(_axis_of(text), [text])]
        texts[name] = list(dict.fromkeys(texts[name]))

    def possible(text: str) -> list[str]:
        """What a text can become where it is one `{axis}`; a mixture stays as it is."""
        return texts.get(_axis_of(text), [text])

    yield from option_flaws(scenario.connect, possible)
    for name, axis in scenario.axes.items():
        for label, connect in axis.options():
            for flaw in option_flaws(connect, possible):
                yield flaw._replace(at=("axes", name, label, *flaw.at))


def _rival_flaws(scenario: Scenario) -> Iterator[Flaw]:
    given = [via for axis in scenario.axes.values() for via in axis.vias()]
    vias = {scenario.via, *given}
    own: KeyPath = ("rivals",)
    rivals = [((*own, index), rival) for index, rival in enumerate(scenario.rivals)]
    for name, axis in scenario.axes.items():
        rivals += [(("axes", name, *at), rival) for at, rival in axis.rivals()]
    for at, rival in rivals:
        flaw = rival.flaw(vias)
        if flaw is not None:
            yield flaw._replace(at=(*at, *flaw.at))
        for flaw in option_flaws(rival.connect or {}, lambda text: [text]):
            yield flaw._replace(at=(*at, *flaw.at))


def _axis_of(text: str) -> str:
    """The name of the axis where a text is `{axis}` and nothing else."""
    return text[1:-1] if text[:1] + text[-1:] == "{}" else ""


def _rule_flaws(scenario: Scenario) -> Iterator[Flaw]:
    for kind, rules in (("include", scenario.include), ("exclude", scenario.exclude)):
        for index, rule in enumerate(rules):
            for axis, labels in rule.when.items():
                at: KeyPath = (kind, index, "when", axis)
                yield from _label_flaws(scenario, at, axis, labels)
    include = RuleBits(scenario.include)
    for index, rule in enumerate(scenario.exclude):
        if scenario.include and not include.meeting(rule):
            yield Flaw(("exclude", index), "matches nothing: no include rule keeps any of these")


def _label_flaws(
    scenario: Scenario, at: KeyPath, axis: str, labels: tuple[str, ...]
) -> Iterator[Flaw]:
    if axis not in scenario.axes:
        yield Flaw(at, f"undefined axis {quoted(axis)}", suggest(axis, scenario.axes))
        return
    for index, label in enumerate(labels):
        if not scenario.axes[axis].has(label):
            known = [known for known, _ in islice(scenario.axes[axis].choices(), 100)]
            message = f"matches nothing: axis '{axis}' has no label {quoted(label)}"
            yield Flaw((*at, index), message, suggest(label, known))
