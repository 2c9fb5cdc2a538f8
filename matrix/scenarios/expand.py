"""From topics to cases: lazily, in the order of the file, under ids that stay.

An id is `topic/scenario[axis=label,...]`, without brackets where there are no axes.
It does not depend on other scenarios, nor on rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from matrix.errors import UsageError
from matrix.model import Case, Json, ScenarioInfo
from matrix.model.plain import to_plain
from matrix.scenarios.axes import TEMPLATED, CaseSettings
from matrix.scenarios.rules import Rules
from matrix.scenarios.template import TemplateError, fill, substitute
from matrix.scenarios.topic import Combination, Scenario, Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A combination that its scenario's rules drop: the id that it would have, and why."""

    id: str
    reason: str

    def to_json(self) -> dict[str, Json]:
        return to_plain(self)


def expand_topics(topics: Iterable[Topic]) -> Iterator[Case]:
    """The cases of topics, in their order."""
    for topic in topics:
        for scenario in topic.scenarios:
            yield from expand_scenario(topic, scenario)


def expand_scenario(topic: Topic, scenario: Scenario) -> Iterator[Case]:
    """The cases of one scenario, in the order of its axes, the last one fastest.

    Raises UsageError for a text whose literal braces come to spell `{dir}` or `{name}`.
    """
    rules = Rules(scenario)
    settings = {name: scenario.plain(name) for name in CaseSettings.model_fields}
    for combination in scenario.combinations():
        if rules.dropped(_labels(combination)) is None:
            yield _case(topic, scenario, settings, combination)


def explain_topics(topics: Iterable[Topic]) -> Iterator[Dropped]:
    """The combinations that the rules of the topics' scenarios drop, in their order."""
    for topic in topics:
        for scenario in topic.scenarios:
            yield from explain_scenario(topic, scenario)


def explain_scenario(topic: Topic, scenario: Scenario) -> Iterator[Dropped]:
    """The combinations that the rules of one scenario drop, each with the reason."""
    rules = Rules(scenario)
    for combination in scenario.combinations():
        reason = rules.dropped(_labels(combination))
        if reason is not None:
            yield Dropped(id=case_id(topic, scenario, combination), reason=reason)


def scenario_infos(topics: Iterable[Topic]) -> tuple[ScenarioInfo, ...]:
    """What reports say about each scenario; the topic's references come first."""
    return tuple(_info(topic, scenario) for topic in topics for scenario in topic.scenarios)


def case_id(topic: Topic, scenario: Scenario, combination: Combination) -> str:
    """`sharing/named[via=bare,order=mode-cache]`."""
    labels = ",".join(f"{axis}={label}" for axis, label, _ in combination)
    return f"{topic.id}/{scenario.id}" + (f"[{labels}]" if labels else "")


def _info(topic: Topic, scenario: Scenario) -> ScenarioInfo:
    return ScenarioInfo(
        id=f"{topic.id}/{scenario.id}",
        title=scenario.title,
        question=scenario.question,
        references=tuple(dict.fromkeys(topic.references + scenario.references)),
        then=scenario.then,
    )


def _labels(combination: Combination) -> dict[str, str]:
    return {axis: label for axis, label, _ in combination}


def _case(
    topic: Topic, scenario: Scenario, own: Mapping[str, Any], combination: Combination
) -> Case:
    name = case_id(topic, scenario, combination)
    settings = dict(own)
    for _, _, value in combination:
        if value.changes:
            settings = _with(settings, {name: value.plain(name) for name in value.changes})
    texts = _texts(combination)
    try:
        settings.update((name, _filled(settings[name], texts)) for name in TEMPLATED)
        return Case(id=name, target=fill(scenario.target, texts), **settings)
    except TemplateError as error:
        raise UsageError(f"{name}: {error}", hint=error.hint) from None


def _filled(setting: Json, texts: Mapping[str, str]) -> Json:
    filled = fill(setting, texts)
    return tuple(filled) if isinstance(filled, list) else filled


def _texts(combination: Combination) -> dict[str, str]:
    """The text of each axis, which may hold the texts of the axes above it."""
    texts: dict[str, str] = {}
    for axis, _, value in combination:
        texts[axis] = substitute(value.text, texts)
    return texts


def _with(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Settings below those of a value: mappings merge, lists add up, the rest is replaced."""
    merged = dict(settings)
    for name, change in changes.items():
        if name == "connect":
            merged[name] = _merged(merged[name], change)
        elif name == "permissions":
            merged[name] = {**merged[name], **change}
        elif name in ("setup", "sql", "before", "rivals"):
            merged[name] = (*merged[name], *change)
        else:
            merged[name] = change
    return merged


def _merged(under: Json, over: Json) -> Json:
    if not (isinstance(under, Mapping) and isinstance(over, Mapping)):
        return over
    return {**under, **{key: _merged(under.get(key), value) for key, value in over.items()}}
