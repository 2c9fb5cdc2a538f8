"""What to write for what one means: the strings that are as intended everywhere, and the traps.

Computed from the cells alone, and stated only where these can tell: `ways` has what there is to
write, `cells` what is good advice, `limits` and `situations` where it ends, and `builds` what it
has to be measured on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from matrix.claims.distinguish import distinguish
from matrix.model import Case, Fingerprint, Intent
from matrix.reports.recipes.builds import unvaried
from matrix.reports.recipes.calls import shape_of, words_of
from matrix.reports.recipes.ways import Way, find_ways
from matrix.results.store import ResultSet

MOST = 3
"""How many ways a recipe lists, and how many traps."""

WANTS: Mapping[Intent, str] = {
    Intent.PRIVATE_MEMORY: "a private in-memory database",
    Intent.SHARED_MEMORY: "one in-memory database for several users, while one is connected",
    Intent.TEMPORARY: "a temporary database that goes away by itself",
    Intent.FILE: "a database file of this name, and no other",
    Intent.READ_ONLY: "to read a database, and never to create or change one",
}
"""The intents that a recipe serves, in words that follow *I want*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What to write for an intent, bare (`via` is None) or through a middleware.

    `safe`: as intended on all `stacks`, among which the builds of SQLite differ; `one_build`: as
    intended on all of them, but they do not differ enough; `most`: as intended on most of them.
    These are at most MOST together, and as many are the `traps`: they read alike, and leave a
    stray file. `also_safe` counts the safe ones that are not listed.
    """

    intent: Intent
    via: str | None
    stacks: int
    safe: tuple[Way, ...]
    one_build: tuple[Way, ...]
    most: tuple[Way, ...]
    traps: tuple[Way, ...]
    also_safe: int

    @property
    def advised(self) -> tuple[Way, ...]:
        """Those to write, the better ones first."""
        return (*self.safe, *self.one_build, *self.most)

    def good_of(self, way: Way) -> str:
        """On how many stacks it is as intended: `all 20`, `19 of 20`."""
        return f"{len(way.good)} of {self.stacks}" if way.bad else f"all {self.stacks}"


class _Standing(Enum):
    """How far a way can be advised."""

    SAFE = auto()
    ONE_BUILD = auto()
    MOSTLY = auto()
    TRAP = auto()
    NO_ADVICE = auto()


_ADVISED = (_Standing.SAFE, _Standing.ONE_BUILD, _Standing.MOSTLY)


def build_recipes(results: ResultSet) -> tuple[Recipe, ...]:
    """The recipes of all intents and layers that have cells, in the order of `WANTS`."""
    vias = sorted({case.via for case in results.cases.values()}, key=_layer_order)
    scenarios = _scenarios_by_words(results.cases.values())
    recipes = (_recipe(results, scenarios, intent, via) for intent in WANTS for via in vias)
    return tuple(recipe for recipe in recipes if recipe is not None)


def _layer_order(via: str | None) -> tuple[bool, bool, str]:
    return via is not None, via != "sqlalchemy", via or ""


def _scenarios_by_words(cases: Iterable[Case]) -> Counter[object]:
    """In how many scenarios the same is written: how many people ask about it."""
    return Counter(words for words, _ in {(words_of(case), case.scenario) for case in cases})


def _recipe(
    results: ResultSet, scenarios: Counter[object], intent: Intent, via: str | None
) -> Recipe | None:
    """Sort the ways to an intent into those that are advised, and the traps."""
    stacks = [s for s in results.stacks if s.fingerprint is not None and s.middleware == via]
    prints = {s.stack: s.fingerprint for s in stacks if s.fingerprint is not None}
    cases = [case for case in results.cases.values() if case.intent is intent and case.via == via]
    standings: dict[_Standing, list[Way]] = {standing: [] for standing in _Standing}
    for way in find_ways(cases, stacks):
        standings[_standing(way, prints.values())].append(way)
    advised = [way for standing in _ADVISED for way in standings[standing]]
    traps = [way for way in standings[_Standing.TRAP] if not way.odd] or [
        way
        for way in standings[_Standing.TRAP]
        if shape_of(way.case) not in {shape_of(other.case) for other in advised}
    ]
    if not advised and not traps:
        return None

    def popular(way: Way) -> tuple[object, ...]:
        return len(way.case.connect), -scenarios[words_of(way.case)], *way.oddness

    def stacks_then_plain(way: Way) -> tuple[object, ...]:
        return -len(way.good), len(words_of(way.case)[1]), *popular(way)

    listed = _first_few(advised, stacks_then_plain)

    def with_where(ways: Iterable[Way], standing: _Standing) -> tuple[Way, ...]:
        return tuple(_with_where(way, prints) for way in ways if way in standings[standing])

    safe = with_where(listed, _Standing.SAFE)
    return Recipe(
        intent=intent,
        via=via,
        stacks=len(stacks),
        safe=safe,
        one_build=with_where(listed, _Standing.ONE_BUILD),
        most=with_where(listed, _Standing.MOSTLY),
        traps=with_where(_first_few(traps, popular), _Standing.TRAP),
        also_safe=len(standings[_Standing.SAFE]) - len(safe),
    )


def _standing(way: Way, prints: Collection[Fingerprint]) -> _Standing:
    """Where a way stands among the stacks with these fingerprints.

    What strays on a third of the stacks is a trap, and what is not as intended on a third is no
    advice: one reader in three would be let down. Nor is what needs a certain build of SQLite,
    which a reader, who may pin versions, cannot choose.
    """
    if 3 * len(way.strays) >= way.stacks:
        return _Standing.TRAP
    on_most = 3 * len(way.good) > 2 * len(prints)
    if not way.proved or way.odd or not on_most or way.unvaried != unvaried(prints):
        return _Standing.NO_ADVICE
    if len(way.good) < len(prints):
        return _Standing.MOSTLY
    return _Standing.ONE_BUILD if way.unvaried else _Standing.SAFE


def _first_few(ways: Iterable[Way], rank: Callable[[Way], tuple[object, ...]]) -> tuple[Way, ...]:
    """The first few by rank, without those that only say more, or the same in other words."""
    found: list[Way] = []
    before: list[Way] = []
    for way in sorted(ways, key=rank):
        if not any(_comes_to(way, other) for other in before):
            found.append(way)
        before.append(way)
    return tuple(found[:MOST])


def _comes_to(way: Way, other: Way) -> bool:
    """Whether a way does what another does, or says all that the other says, and more."""
    (kind, words), (other_kind, others) = words_of(way.case), words_of(other.case)
    return (kind == other_kind and words >= others) or (way.does == other.does != "")


def _with_where(way: Way, prints: Mapping[str, Fingerprint]) -> Way:
    """The same way, with what distinguishes the stacks on which it is as intended."""
    if not way.good or not way.bad:
        return way
    distinction = distinguish(
        {stack: prints[stack] for stack in way.good}, {stack: prints[stack] for stack in way.bad}
    )
    return way if distinction is None else replace(way, where=distinction.where)
