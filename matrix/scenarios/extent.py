"""How much scenarios expand to, by arithmetic: nothing is expanded to count it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod

from matrix.documents.yaml_model import Flaw
from matrix.limits import CASE_CHARACTERS, COMBINATIONS, EXPANSION_CHARACTERS
from matrix.model import Json
from matrix.scenarios.axes import CaseSettings
from matrix.scenarios.template import placeholders
from matrix.scenarios.topic import Scenario

_ADVICE = "leave out axes or values"
_TOO_LONG_TO_READ = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """The combinations of a scenario, and the most characters that a case of it can have."""

    combinations: int
    case_characters: int

    @property
    def characters(self) -> int:
        return self.combinations * self.case_characters


def extent_of(scenario: Scenario) -> Extent:
    """How much a scenario expands to, before its rules."""
    texts: dict[str, int] = {}
    for name, axis in scenario.axes.items():
        texts[name] = axis.longest(lambda text: _length(text, texts))
    ids = sum(len(name) + axis.longest_label() + 2 for name, axis in scenario.axes.items())
    given = (
        max((_settings(value, texts) for value in axis.given()), default=0)
        for axis in scenario.axes.values()
    )
    own = _length(scenario.target, texts) + _settings(scenario, texts)
    return Extent(
        combinations=prod(axis.count() for axis in scenario.axes.values()),
        case_characters=ids + own + sum(given),
    )


def first_excess(scenarios: Iterable[Scenario]) -> tuple[int, Flaw] | None:
    """The number of the first scenario with which a limit is exceeded, and the flaw."""
    combinations = characters = 0
    for number, extent in enumerate(map(extent_of, scenarios)):
        combinations += extent.combinations
        characters += extent.characters
        for message in _excesses(extent, combinations, characters):
            return number, Flaw((), message, _ADVICE)
    return None


def _excesses(extent: Extent, combinations: int, characters: int) -> Iterator[str]:
    """What is too much: of this scenario, or of it and those before it."""
    yield from _over(extent.combinations, COMBINATIONS, "expands to {} combinations")
    yield from _over(extent.case_characters, CASE_CHARACTERS, "a case can have {} characters")
    yield from _over(extent.characters, EXPANSION_CHARACTERS, "its cases can have {} characters")
    yield from _over(combinations, COMBINATIONS, "with it, the scenarios expand to {} combinations")
    yield from _over(characters, EXPANSION_CHARACTERS, "with it, the cases can have {} characters")


def _over(count: int, limit: int, message: str) -> Iterator[str]:
    if count > limit:
        shown = f"{count:,}" if count < _TOO_LONG_TO_READ else f"more than {_TOO_LONG_TO_READ:,}"
        yield f"{message.format(shown)}, and the limit is {limit:,}"


def _settings(settings: CaseSettings, texts: Mapping[str, int]) -> int:
    names = ("connect", "setup", "sql", "second", "backup")
    return sum(_weight(settings.plain(name), texts) for name in names)


def _weight(value: Json, texts: Mapping[str, int]) -> int:
    """The characters of plain data; what is no text counts as one."""
    if isinstance(value, str):
        return _length(value, texts)
    if isinstance(value, Mapping):
        return sum(len(key) + _weight(inner, texts) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return sum(1 + _weight(inner, texts) for inner in value)
    return 1


def _length(template: str, texts: Mapping[str, int]) -> int:
    """The characters of a text into which the longest texts of the axes are put."""
    return len(template) + sum(texts.get(name, 0) for name in placeholders(template))
