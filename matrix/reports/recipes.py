"""What to write for what one means: the strings that are as intended everywhere, and the traps.

Computed from the cells alone. A *way* is a target with its connect options; it stands for every
case of one intent that has both, and is as intended on a stack where all of those cases are.

As advice, it is stricter than a verdict: a pool that keeps no connection open keeps no data in
memory, a refusal alone reads nothing, and few users may make a file in the root directory.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from matrix.claims.distinguish import distinguish
from matrix.model import Case, Fingerprint, Intent, Observation, TargetType
from matrix.model.outcome import Verdict, judge
from matrix.reports.grid import connect_options, display
from matrix.results.store import ResultSet, StackResults

MOST = 4
"""How many ways of each sort a recipe lists: one of each form."""

WANTS: Mapping[Intent, str] = {
    Intent.PRIVATE_MEMORY: "a private in-memory database",
    Intent.SHARED_MEMORY: "one in-memory database for several users, while one is connected",
    Intent.TEMPORARY: "a temporary database that goes away by itself",
    Intent.FILE: "a database file of this name, and no other",
    Intent.READ_ONLY: (
        "to read a database, and never to create or change one "
        "(beside one in WAL mode -shm and -wal may appear)"
    ),
}
"""The intents that a recipe serves, in words that follow *I want*."""
URI_FLAGS = ("SQLITE_OPEN_READWRITE", "SQLITE_OPEN_CREATE", "SQLITE_OPEN_URI")
"""What `uri=True` means under apsw."""
UNDER_APSW = (
    "connect(…, uri=True) stands for sqlite3.connect and its like; apsw is asked the same with "
    f"apsw.Connection(…, flags={' | '.join(URI_FLAGS)})."
)
"""What a bare call is under apsw, which has neither `connect` nor `uri`."""
_SHOWN_BY: Mapping[Intent, set[bool]] = {
    Intent.FILE: {False},
    Intent.READ_ONLY: {False, True},
}
"""Whether a database has to be there beforehand, or not, to show that the string does it."""
_PASSING = (Intent.PRIVATE_MEMORY, Intent.SHARED_MEMORY, Intent.TEMPORARY)
"""Those whose data goes with the last connection."""

CALLS: Mapping[str | None, str] = {
    None: "connect",
    "sqlalchemy": "create_engine",
    "sqlalchemy-asyncio": "create_async_engine",
    "aiosqlite": "aiosqlite.connect",
}
"""What is called, bare and through each middleware that is one call away."""
_ODD = re.compile(r"[^A-Za-z0-9_:/?=&.]|\?(?!\w+=)|\.\./|/{5}|file:/{4}")
_OBJECT = re.compile(r"\b(module|poolclass)='(\w+)'")
"""Options that are objects in Python, and named by their names in a case."""
_LEADS_IN = re.compile(r"(?:sqlite(?:\+\w+)?:/*)?(?:file:/*(?:localhost/+)?)?")
_NAMELESS = re.compile(r".*file:/*(?:localhost)?[./]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A target with its options, and the stacks on which it does what is meant.

    `where`: what the stacks on which it is as intended have in common, in words; empty where
    nothing recorded tells them apart. `why`: what is wrong on the first of the others.
    `strays`: the stacks on which a stray file appeared, and the first such path.
    `proved`: whether its cases show what is meant; `ignored`: whether a warning says that a part
    of it is; `one_connection`: whether all users were handed one and the same connection.
    """

    case: Case
    cases: int
    good: tuple[str, ...]
    bad: tuple[str, ...]
    strays: tuple[str, ...] = ()
    stray_path: str = ""
    where: str = ""
    why: str = ""
    proved: bool = True
    ignored: bool = False
    one_connection: bool = False

    @property
    def call(self) -> str:
        """As one writes it in Python."""
        return as_call(self.case).replace("{dir}", "/path/to")

    @property
    def stacks(self) -> int:
        return len(self.good) + len(self.bad)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What to write for an intent, bare (`via` is None) or through a middleware.

    `safe`: as intended on all `stacks`; `most`: on most of those that ran it;
    `traps`: read alike, and leave a stray file on a third of the stacks or more.
    `also_safe` counts the safe ones that are not among `safe`.
    """

    intent: Intent
    via: str | None
    stacks: int
    safe: tuple[Way, ...]
    also_safe: int
    most: tuple[Way, ...]
    traps: tuple[Way, ...]


def build_recipes(results: ResultSet) -> tuple[Recipe, ...]:
    """The recipes of all intents and layers that have cells, in the order of `WANTS`."""
    vias = sorted({case.via for case in results.cases.values()}, key=_layer_order)
    scenarios = _scenarios_by_form(results.cases.values())
    recipes = (_recipe(results, scenarios, intent, via) for intent in WANTS for via in vias)
    return tuple(recipe for recipe in recipes if recipe is not None)


def as_call(case: Case) -> str:
    """A case as one writes it: `connect("file:db?mode=memory", uri=True)`."""
    options = _OBJECT.sub(r"\1=\2", connect_options(case.connect))
    target = display(case.target, case.target_type)
    if case.via not in CALLS:
        return f"{target}  {options}" if options else target
    quoted = target if case.target_type is not TargetType.STR else _quoted(target)
    return f"{CALLS[case.via]}({quoted}{', ' + options if options else ''})"


def _quoted(target: str) -> str:
    return target if target.startswith('"') else f'"{target}"'


def _layer_order(via: str | None) -> tuple[bool, bool, str]:
    return via is not None, via != "sqlalchemy", via or ""


# Complex only by count: one loop or comprehension for each field, and hardly a branch.
def _recipe(
    results: ResultSet, scenarios: Counter[object], intent: Intent, via: str | None
) -> Recipe | None:
    """Sort the ways to an intent into the safe ones, those that mostly work, and the traps."""
    stacks = [s for s in results.stacks if s.fingerprint is not None and s.middleware == via]
    cases = [case for case in results.cases.values() if case.intent is intent and case.via == via]
    ways = [way for way in _ways(cases, stacks) if way.stacks]
    proved = [way for way in ways if way.proved]
    traps = [way for way in ways if _is_trap(way)]
    if not proved and not traps:
        return None
    everywhere = [way for way in proved if len(way.good) == len(stacks)]
    mostly = [way for way in proved if _is_mostly_good(way) and not _is_trap(way)]

    def popularity(way: Way) -> tuple[object, ...]:
        return -scenarios[form_of(way.case)], *_oddness(way)

    safe = _one_of_each_form(everywhere, _oddness)
    prints = {s.stack: s.fingerprint for s in stacks if s.fingerprint is not None}
    return Recipe(
        intent=intent,
        via=via,
        stacks=len(stacks),
        safe=safe,
        also_safe=len(everywhere) - len(safe),
        most=tuple(_with_where(way, prints) for way in _one_of_each_form(mostly, popularity)),
        traps=tuple(_with_where(way, prints) for way in _one_of_each_form(traps, popularity)),
    )


def _scenarios_by_form(cases: Iterable[Case]) -> Counter[object]:
    """In how many scenarios each form of a target stands: how many people ask about it."""
    return Counter(form for form, _ in {(form_of(case), case.scenario) for case in cases})


def _is_mostly_good(way: Way) -> bool:
    return len(way.good) > len(way.bad) > 0


def _is_trap(way: Way) -> bool:
    return len(way.strays) * 3 >= way.stacks


def _one_of_each_form(
    ways: Iterable[Way], rank: Callable[[Way], tuple[object, ...]]
) -> tuple[Way, ...]:
    """The first few by rank, of each form the one that is closest to what people write."""
    forms: dict[object, Way] = {}
    for way in sorted(_not_odd(ways), key=_oddness):
        forms.setdefault(form_of(way.case), way)
    return tuple(sorted(forms.values(), key=rank)[:MOST])


def _ways(cases: Iterable[Case], stacks: Sequence[StackResults]) -> Iterator[Way]:
    """The ways that open, write and close, and at most read in between."""
    by_text: dict[tuple[str, str], list[Case]] = {}
    for case in filter(_is_plain, cases):
        text = display(case.target, case.target_type), connect_options(case.connect)
        by_text.setdefault(text, []).append(case)
    return (_way(alike, stacks) for alike in by_text.values())


def _is_plain(case: Case) -> bool:
    """Whether nothing but the string decides.

    A database in WAL mode is none to judge reading by: its `-shm` is made whatever the string is.
    """
    if case.intent is Intent.READ_ONLY:
        prepared = str([step.get("sql") for step in case.setup]).lower()
        asked = all(sql.upper().startswith("SELECT") for sql in case.sql)
        return case.write and case.second is None and asked and "=wal" not in prepared
    return case.write and case.second is None and not case.sql


def _way(cases: Sequence[Case], stacks: Sequence[StackResults]) -> Way:
    """What cases with one target and one set of options showed on these stacks."""
    good: dict[str, None] = {}
    bad: dict[str, str] = {}
    strays: dict[str, str] = {}
    observations: list[Observation] = []
    for case, stack in product(cases, stacks):
        observation = stack.observations.get(case.id)
        if observation is None:
            continue
        observations.append(observation)
        judged = judge(observation, case)
        lost = _lost(observation, case.intent)
        if judged.verdict is Verdict.NOT_AS_INTENDED or lost is not None:
            bad.setdefault(stack.stack, judged.reason or lost or "")
        elif judged.verdict is Verdict.AS_INTENDED:
            good[stack.stack] = None
        if observation.strays:
            strays.setdefault(stack.stack, display(observation.strays[0].path))
    return Way(
        case=cases[0],
        cases=len(cases),
        good=tuple(stack for stack in good if stack not in bad),
        bad=tuple(bad),
        strays=tuple(strays),
        stray_path=next(iter(strays.values()), ""),
        why=next(iter(bad.values()), ""),
        proved=_is_proof(observations, cases[0].intent),
        ignored=any("being ignored" in text for each in observations for text in each.warnings),
        one_connection=any("second_connection" in each.reused for each in observations),
    )


def _is_proof(observations: Iterable[Observation], intent: Intent) -> bool:
    """Whether a database was there beforehand, or not, as the intent needs it; not in the root."""
    there = {bool(each.there) for each in observations}
    created = (entry for each in observations for entry in each.created)
    in_root = any(entry.outside and not entry.stray for entry in created)
    return not in_root and there >= _SHOWN_BY.get(intent, set())


def _lost(observation: Observation, intent: Intent) -> str | None:
    """What a user of a pool would lose though all is well while one connection is in use."""
    if observation.pool == "NullPool" and intent in _PASSING:
        return "the pool keeps no connection open, and the data goes with each"
    return None


def _with_where(way: Way, prints: Mapping[str, Fingerprint]) -> Way:
    """The same way, with what distinguishes the stacks on which it is as intended."""
    if not way.good:
        return way
    distinction = distinguish(
        {stack: prints[stack] for stack in way.good}, {stack: prints[stack] for stack in way.bad}
    )
    return way if distinction is None else replace(way, where=distinction.where)


def _not_odd(ways: Iterable[Way]) -> list[Way]:
    """The ways in which nothing is rare or in vain; all of them, if each has something."""
    every = list(ways)
    return [way for way in every if not _is_odd(way)] or every


def _is_odd(way: Way) -> bool:
    rare = _ODD.search(_named(way.case.target)) is not None
    return rare or (way.ignored and not way.strays) or "TEST" in way.case.connect


def _oddness(way: Way) -> tuple[bool, int, str]:
    return oddness(way.case)


def oddness(case: Case) -> tuple[bool, int, str]:
    """How far from what people write: a name that is none, then the length of the call."""
    nameless = _NAMELESS.fullmatch(case.target.partition("?")[0])
    call = as_call(case)
    return nameless is not None, len(call), call


def _named(target: str) -> str:
    plain = target.replace("sqlite+aiosqlite:", "sqlite:")
    return plain.replace("{name}", "db").replace("{dir}", "/path/to")


def form_of(case: Case) -> object:
    """What two cases have in common that differ in the name of the database only."""
    body, mark, query = case.target.partition("?")
    lead = _LEADS_IN.match(body)
    name = body if lead is None or ":memory:" in body.lower() else lead[0]
    parameters = tuple(sorted(query.split("&"))) if mark else None
    options = tuple(sorted(case.connect.keys() - {"uri"}))
    return case.via, case.target_type, name, body == name, parameters, options
