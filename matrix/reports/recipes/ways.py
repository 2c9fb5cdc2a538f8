"""The ways to an intent: each a shape of string, with the stacks on which it does what is meant.

The shape alone decides, whatever the name: a string is never advised beside one of its own shape
that is warned of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from matrix.model import Case, Fingerprint, Intent, canonical
from matrix.reports.grid import display
from matrix.reports.recipes.builds import builds_of, unvaried
from matrix.reports.recipes.calls import as_advice, has_odd_name, oddness, shape_of, words_of
from matrix.reports.recipes.cells import JudgedCell
from matrix.reports.recipes.limits import Limit, find_limits
from matrix.reports.recipes.situations import names_others, situation_of
from matrix.results.store import StackResults

_SHOWN_BY: Mapping[Intent, set[bool]] = {
    Intent.FILE: {False},
    Intent.READ_ONLY: {False, True},
}
"""Whether a database has to be there beforehand, or not, to show that the string does it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A shape of string for an intent, and what it did on the stacks that ran it.

    `case`: the plainest of its cases, whose string stands for the shape; `cases`: the ids of the
    plain ones. `good`: the stacks on which it is as intended in all of them; `bad`: the
    others, each with the first objection. `strays`: the stacks on which a stray file appeared, and
    the first such path. `builds`: how many builds of SQLite differ among the good ones, and
    `unvaried`: what all these have in common, in words. `limits`: where it ends on the good ones.
    `where`: what distinguishes the good ones, in words; empty where nothing recorded does.
    `proved`: whether its cases show what is meant; `odd`: whether it is what nobody would write.
    `does`: what it comes to, pool and arguments of the driver; two ways that do the same are one.
    """

    case: Case
    cases: tuple[str, ...]
    good: tuple[str, ...]
    bad: Mapping[str, str]
    strays: Mapping[str, str]
    builds: int
    unvaried: tuple[str, ...]
    limits: tuple[Limit, ...] = ()
    where: str = ""
    proved: bool = True
    odd: bool = False
    does: str = ""

    @property
    def call(self) -> str:
        """As one writes it in Python."""
        return as_advice(self.case)

    @property
    def stacks(self) -> int:
        return len(self.good) + len(self.bad)

    @property
    def stray_path(self) -> str:
        return next(iter(self.strays.values()), "")

    @property
    def why(self) -> str:
        """What is wrong on the first of the stacks on which it is not as intended."""
        return next(iter(self.bad.values()), "")

    @property
    def caveats(self) -> tuple[str, ...]:
        """Where it was not measured, where it does not hold, and where it ends, in words."""
        return (*self.reach, *(limit.words for limit in self.limits))

    @property
    def reach(self) -> tuple[str, ...]:
        """Where it was not measured, and where it does not hold, in words."""
        if self.bad:
            where = f"where {self.where}; else" if self.where else f"not on {', '.join(self.bad)}:"
            return (f"{where} {self.why}",)
        if self.unvaried:
            on = "on one build only," if self.builds == 1 else "only"
            return (f"measured {on} where {' and '.join(self.unvaried)}",)
        return ()

    @property
    def oddness(self) -> tuple[bool, int, str]:
        return oddness(self.case)


def find_ways(cases: Iterable[Case], stacks: Sequence[StackResults]) -> Iterator[Way]:
    """The ways of cases of one intent, each asked plainly at least once.

    Of a shape, the cases with odd names are a way of their own: such a name decides more than the
    shape does. What happens in a situation holds for all that say the same, wherever the name lies.
    """
    shapes: dict[object, list[JudgedCell]] = {}
    situations: dict[object, list[JudgedCell]] = {}
    for cell in filter(attrgetter("is_measured"), _cells(cases, stacks)):
        odd = has_odd_name(cell.case)
        if cell.situation.is_plain:
            shapes.setdefault((odd, shape_of(cell.case)), []).append(cell)
        else:
            situations.setdefault((odd, words_of(cell.case)), []).append(cell)
    for plain in shapes.values():
        case = plain[0].case
        yield _way([*plain, *situations.get((has_odd_name(case), words_of(case)), ())])


def _cells(cases: Iterable[Case], stacks: Sequence[StackResults]) -> Iterator[JudgedCell]:
    for case in cases:
        situation = situation_of(case)
        if (situation.is_plain and not case.write) or names_others(case):
            continue
        for stack in stacks:
            observation = stack.observations.get(case.id)
            if observation is not None:
                yield JudgedCell(case, situation, stack, observation)


def _way(cells: Sequence[JudgedCell]) -> Way:
    plain = [cell for cell in cells if cell.situation.is_plain]
    bad: dict[str, str] = {}
    for cell in sorted(cells, key=lambda cell: not cell.situation.is_plain):
        if cell.objection is not None and not cell.objection.is_limit:
            said = f"{cell.situation.words}: " if cell.situation.words else ""
            bad.setdefault(cell.stack.stack, said + cell.objection.words)
    intended = [cell for cell in plain if cell.is_as_intended]
    good = {cell.stack.stack: cell for cell in intended if cell.stack.stack not in bad}
    prints = [_print(cell) for cell in good.values()]
    case = min((cell.case for cell in _telling(plain)), key=oddness)
    strays: dict[str, str] = {}
    for cell in sorted(plain, key=lambda cell: cell.case is not case):
        if cell.observation.strays:
            strays.setdefault(cell.stack.stack, display(cell.observation.strays[0].path))
    return Way(
        case=case,
        cases=tuple(dict.fromkeys(cell.case.id for cell in plain)),
        good=tuple(good),
        bad=bad,
        strays=strays,
        builds=len(builds_of(prints)),
        unvaried=unvaried(prints),
        limits=find_limits(cell for cell in cells if cell.stack.stack in good),
        proved=_is_proof(plain),
        odd=_is_odd(case, plain),
        does=_what_it_does(next(iter(good.values()), plain[0])),
    )


def _telling(plain: Sequence[JudgedCell]) -> Sequence[JudgedCell]:
    """The cells whose string stands for all: of a trap those with a stray file."""
    straying = [cell for cell in plain if cell.observation.strays]
    stacks = {cell.stack.stack for cell in plain}
    is_trap = 3 * len({cell.stack.stack for cell in straying}) >= len(stacks)
    return straying if is_trap and straying else plain


def _print(cell: JudgedCell) -> Fingerprint:
    fingerprint = cell.stack.fingerprint
    assert fingerprint is not None  # a stack without one has no cells
    return fingerprint


def _is_proof(plain: Sequence[JudgedCell]) -> bool:
    """Whether a database was there beforehand, or not, as the intent needs it; not in the root."""
    there = {bool(cell.observation.there) for cell in plain}
    created = (entry for cell in plain for entry in cell.observation.created)
    in_root = any(entry.outside and not entry.stray for entry in created)
    return not in_root and there >= _SHOWN_BY.get(plain[0].case.intent, set())


def _is_odd(case: Case, plain: Sequence[JudgedCell]) -> bool:
    """Whether it is rare, or in vain: a warning says that a part of it is ignored."""
    said = (text for cell in plain for text in cell.observation.warnings)
    in_vain = any("being ignored" in text for text in said)
    strays = any(cell.observation.strays for cell in plain)
    return has_odd_name(case) or (in_vain and not strays) or "TEST" in case.connect


def _what_it_does(cell: JudgedCell) -> str:
    passed = cell.observation.passed
    return "" if passed is None else f"{canonical(dict(passed))} {cell.observation.pool}"
