"""The rules of a scenario, made ready for many combinations.

Which rules match a combination is worked out as bits, one for each rule: the bits of its labels
are joined with `&`, so that a thousand rules take as long as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import product
from operator import and_, or_

from matrix.scenarios.topic import Rule, Scenario
from matrix.text import cut

_LONGEST_REASON = 1_000


class RuleBits:
    """Some rules: which of them match the labels of a combination."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.every = (1 << len(rules)) - 1
        self._named: dict[str, dict[str, int]] = {}
        silent: dict[str, int] = {}
        for number, rule in enumerate(rules):
            for axis, meant in rule.when.items():
                silent[axis] = silent.get(axis, self.every) & ~(1 << number)
                bits = self._named.setdefault(axis, {})
                for label in meant:
                    bits[label] = bits.get(label, 0) | 1 << number
        self._silent = silent

    @property
    def axes(self) -> Iterable[str]:
        """The axes that a rule names."""
        return self._named

    def of_label(self, axis: str, label: str | None) -> int:
        """The rules that a label does not contradict."""
        if axis not in self._named:
            return self.every
        return self._silent[axis] | self._named[axis].get(label or "", 0)

    def matching(self, labels: Mapping[str, str]) -> int:
        """The rules that match a combination."""
        bits = (self.of_label(axis, labels.get(axis)) for axis in self._named)
        return reduce(and_, bits, self.every)

    def meeting(self, rule: Rule) -> int:
        """The rules that some combination matches together with this one."""
        return reduce(
            and_,
            (
                reduce(or_, (self.of_label(axis, label) for label in meant))
                for axis, meant in rule.when.items()
            ),
            self.every,
        )


class Rules:
    """What the rules of a scenario make of its combinations."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self.include = RuleBits(scenario.include)
        self.exclude = RuleBits(scenario.exclude)
        reasons = "; ".join(rule.reason for rule in scenario.include)
        self._not_included = cut(f"matches no include rule: {reasons}", _LONGEST_REASON)

    def dropped(self, labels: Mapping[str, str]) -> str | None:
        """Why a combination goes; None for one that stays."""
        if self.include.every and not self.include.matching(labels):
            return self._not_included
        return self._first_reason(self.exclude.matching(labels))

    def drop_all(self) -> bool:
        """Whether no combination stays; of labels that the rules treat alike, one is tried."""
        named = {*self.include.axes, *self.exclude.axes}
        axes = [name for name in self._scenario.axes if name in named]
        return all(
            (self.include.every and not included) or excluded
            for included, excluded in self._joined(axes)
        )

    def _joined(self, axes: Sequence[str]) -> Iterator[tuple[int, int]]:
        bits = [list(self._distinct(axis)) for axis in axes]
        for chosen in product(*bits):
            yield (
                reduce(and_, (include for include, _ in chosen), self.include.every),
                reduce(and_, (exclude for _, exclude in chosen), self.exclude.every),
            )

    def _distinct(self, axis: str) -> Iterable[tuple[int, int]]:
        """The bits of the labels of an axis, each once."""
        return dict.fromkeys(
            (self.include.of_label(axis, label), self.exclude.of_label(axis, label))
            for label, _ in self._scenario.axes[axis].choices()
        )

    def _first_reason(self, matching: int) -> str | None:
        if not matching:
            return None
        first = (matching & -matching).bit_length() - 1
        return cut(self._scenario.exclude[first].reason, _LONGEST_REASON)
