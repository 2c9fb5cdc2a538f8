"""What decides a change, found by running: stacks between the old one and the new one.

    from matrix.comparison.explain import explain
    explained = explain(comparison, run_cases, load_catalogue())

First one component at a time is exchanged: Python, the middleware, the URI setting, the driver's
wheel, the SQLite under stdlib sqlite3. What a wheel bundles is told apart by stacks that combine
its facts in other ways: every listed SQLite under stdlib sqlite3, other versions of the drivers.
Only the cases that changed are run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from matrix.comparison.causes import Cause, Evidence, How, Shown, candidates, weigh_evidence
from matrix.comparison.compare import Change, Comparison, kinds_of
from matrix.comparison.diff import Aspect, aspects_of, gist
from matrix.comparison.pairing import Component, Pair, Side
from matrix.errors import UsageError
from matrix.model import Case, Json
from matrix.model.stack_id import StackId
from matrix.results.store import ResultSet, StackResults
from matrix.stacks.catalogue import Catalogue
from matrix.stacks.spec import Stack, parse_stack

RunCases = Callable[[Sequence[tuple[Stack, Sequence[Case]]]], ResultSet]
"""Runs cases on stacks; what cannot be had is among the results, with its reason."""

_MOST_CASES = 300
"""More changed cases than these of a pair are represented by a few of each kind."""
_FEW = 3
_MOST_VERSIONS = 8
"""So many versions of a driver stand for all."""


def explain(comparison: Comparison, run_cases: RunCases, catalogue: Catalogue) -> Comparison:
    """The same comparison, its changes with causes; a change with two causes becomes two.

    Pairs in which one fact differs, or none, need no run.
    """
    plans = list(_plans(comparison, catalogue))
    if not plans:
        return comparison
    swapped = _runs(run_cases, (asked for plan in plans for asked in plan.swaps()))
    for plan in plans:
        plan.settle(swapped)
    asked = (asked for plan in plans for asked in plan.witnesses())
    seen = _runs(run_cases, asked, for_their_facts=True)
    for plan in plans:
        plan.weigh({**swapped, **seen})
    strands = {id(change): plan.strands(change) for plan in plans for change in plan.changes}
    changes = [c for change in comparison.changes for c in strands.get(id(change), (change,))]
    return replace(comparison, changes=tuple(changes))


def needs_runs(comparison: Comparison) -> bool:
    """Whether there is a change of which the headers alone do not say the cause."""
    return any(change.cause.how is How.UNTRIED for change in comparison.changes)


_Asked = tuple[Stack, Sequence[Case]]
_Runs = Mapping[str, StackResults]
_Strand = tuple[str, str]
"""A case and an aspect of its change."""


def _plans(comparison: Comparison, catalogue: Catalogue) -> Iterator[_Plan]:
    for pair in comparison.pairs:
        changes = [
            change
            for change in comparison.changes
            if change.pair is pair and change.cause.how is How.UNTRIED
        ]
        old, new = _full_name(pair.old, catalogue), _full_name(pair.new, catalogue)
        if changes and old is not None and new is not None:
            yield _Plan(pair, changes, old, new, catalogue)


def _runs(run_cases: RunCases, asked: Iterable[_Asked], *, for_their_facts: bool = False) -> _Runs:
    """Run what is asked for, each stack once; one without a case of its own for its facts."""
    work: dict[str, tuple[Stack, dict[str, Case]]] = {}
    for stack, cases in asked:
        mine = {case.id: case for case in cases if stack.runs_case(case)}
        if mine or for_their_facts:
            work.setdefault(stack.id, (stack, {}))[1].update(mine)
    if not work:
        return {}
    results = run_cases([(stack, list(cases.values())) for stack, cases in work.values()])
    return {stack.stack: stack for stack in results.stacks}


class _Plan:
    """What is run to explain the changes of one pair, and what it showed."""

    def __init__(
        self,
        pair: Pair,
        changes: Sequence[Change],
        old: StackId,
        new: StackId,
        catalogue: Catalogue,
    ) -> None:
        self.changes = changes
        self._pair = pair
        self._old = old
        self._new = new
        self._catalogue = catalogue
        self._chosen = _representatives(changes)
        self._components: dict[_Strand, Component] = {}
        self._causes: dict[_Strand, Cause] = {}

    @property
    def _cases(self) -> list[Case]:
        return [change.case for change in self._chosen]

    def swaps(self) -> Iterator[_Asked]:
        """The two stacks themselves, and each with one component of the other."""
        for name in (self._old, self._new, *self._swapped().values(), *self._kept().values()):
            yield from self._asked(name)

    def settle(self, runs: _Runs) -> None:
        """Find the component that decides each strand, or why there is none."""
        for change in self._chosen:
            for aspect in change.aspects:
                strand = (change.case.id, aspect.name)
                found = self._deciding(change, aspect, runs)
                if isinstance(found, Component):
                    self._components[strand] = found
                else:
                    self._causes[strand] = found

    def witnesses(self) -> Iterator[_Asked]:
        """Stacks in which what a component bundles is combined otherwise."""
        bundles = {p for p in self._components.values() if len(candidates(self._pair, [p])) > 1}
        if bundles & {Component.DRIVER, Component.LIBRARY, Component.PYTHON}:
            for name in _others(self._old, self._catalogue):
                yield from self._asked(name)

    def weigh(self, runs: _Runs) -> None:
        """Hold what each bundle brought against what all the stacks showed."""
        for change in self._chosen:
            for aspect in change.aspects:
                strand = (change.case.id, aspect.name)
                if strand not in self._components:
                    continue
                facts = candidates(self._pair, [self._components[strand]])
                seen = [_witness(stack, change, aspect) for stack in runs.values()]
                told = [each for each in seen if each is not None and self._counts(each)]
                builds = (s.fingerprint for s in runs.values() if s.fingerprint is not None)
                cause = weigh_evidence(facts, self._pair, told, builds)
                self._causes[strand] = replace(cause, swapped=len(self._pair.components) > 1)
        self._learn_from_the_alike()

    def strands(self, change: Change) -> list[Change]:
        """The change, once for each cause that it has."""
        model = change
        if not any(chosen is change for chosen in self._chosen):
            model = next(chosen for chosen in self._chosen if _alike(chosen) == _alike(change))
        groups: dict[tuple[object, ...], tuple[Cause, list[Aspect]]] = {}
        first: tuple[object, ...] = ()
        for aspect in change.aspects:
            cause = self._causes.get((model.case.id, aspect.name), change.cause)
            first = first or cause.key
            key = cause.key if cause.how in (How.FOUND, How.TIED) else first
            groups.setdefault(key, (cause, []))[1].append(aspect)
        return [
            replace(change, cause=cause, aspects=tuple(mine), kinds=kinds_of(mine))
            for cause, mine in groups.values()
        ]

    def _learn_from_the_alike(self) -> None:
        """Where several facts are left, one may be told apart by the same change of other cases.

        A case that only one driver runs has fewer witnesses than others.
        """
        found: dict[object, set[Cause]] = {}
        sorts = {
            (c.case.id, a.name): (a.name, gist(a.old, a.new))
            for c in self._chosen
            for a in c.aspects
        }
        for strand, cause in self._causes.items():
            if cause.how is How.FOUND:
                found.setdefault(sorts[strand], set()).add(replace(cause, stacks=()))
        for strand, cause in self._causes.items():
            if cause.how is How.TIED or (cause.how is How.FOUND and cause.besides):
                known = found.get(sorts[strand], set())
                left = {*cause.facts, *cause.besides}
                fitting = [each for each in known if set(each.facts) <= left]
                certain = [each for each in fitting if not each.besides] or fitting
                if len(certain) == 1:
                    self._causes[strand] = replace(certain[0], stacks=cause.stacks)

    def _counts(self, witness: Evidence) -> bool:
        """Whether a stack speaks of the wheels: nothing but those may be exchanged in it."""
        name = StackId.parse(witness.stack)
        assert name is not None
        above = name.options.get(name.middleware or "")
        mine = self._old.options.get(self._old.middleware or "")
        same = (name.python, name.middleware, above, name.options.get("uri"))
        return same == (
            self._old.python, self._old.middleware, mine, self._old.options.get("uri"),
        ) or Component.PYTHON in self._components.values()  # fmt: skip

    def _deciding(self, change: Change, aspect: Aspect, runs: _Runs) -> Component | Cause:
        if (
            self._shown(self._old, change, aspect, runs) is not Shown.OLD
            or self._shown(self._new, change, aspect, runs) is not Shown.NEW
        ):
            ran = {str(self._old), str(self._new)} <= _available(runs)
            facts = change.cause.facts
            return Cause(how=How.NOT_REPEATED if ran else How.UNTRIED, facts=facts)
        components = self._pair.components
        if len(components) == 1:
            return components[0]
        swapped, kept = self._swapped(), self._kept()
        found = [
            component
            for component in swapped
            if self._shown(swapped[component], change, aspect, runs) is Shown.NEW
            and self._shown(kept[component], change, aspect, runs) is Shown.OLD
        ]
        if len(found) == 1:
            return found[0]
        names = {str(name) for name in (*swapped.values(), *kept.values())}
        ran = names <= _available(runs) and len(swapped) == len(components)
        return Cause(
            how=How.REFUTED if ran else How.UNTRIED,
            facts=change.cause.facts,
            stacks=tuple(sorted(names & _available(runs))),
            swapped=True,
        )

    def _swapped(self) -> dict[Component, StackId]:
        """For each component that can be exchanged the old stack with the new component."""
        return self._exchanged(self._old, self._new)

    def _kept(self) -> dict[Component, StackId]:
        """The new stack with the old component."""
        return self._exchanged(self._new, self._old)

    def _exchanged(self, stack: StackId, other: StackId) -> dict[Component, StackId]:
        components = self._pair.components if len(self._pair.components) > 1 else ()
        found = {component: _exchange(stack, other, component) for component in components}
        return {component: name for component, name in found.items() if name is not None}

    def _asked(self, name: StackId) -> Iterator[_Asked]:
        try:
            yield parse_stack(str(name), self._catalogue), self._cases
        except UsageError:
            return  # a version that this driver or this middleware does not have

    def _shown(self, name: StackId, change: Change, aspect: Aspect, runs: _Runs) -> Shown | None:
        stack = runs.get(str(name))
        found = None if stack is None else _witness(stack, change, aspect)
        return None if found is None else found.shown


def _available(runs: _Runs) -> set[str]:
    return {name for name, stack in runs.items() if stack.unavailable is None}


def _witness(stack: StackResults, change: Change, aspect: Aspect) -> Evidence | None:
    """What a stack showed of an aspect; None where the case was not run on it."""
    observation = stack.observations.get(change.case.id)
    if observation is None or stack.fingerprint is None:
        return None
    seen = aspects_of(observation)
    value = seen[aspect.name]
    shown = Shown.OLD if value == aspect.old else Shown.NEW if value == aspect.new else None
    ends = [_end(aspects_of(each)) for each in (change.old, change.new) if each is not None]
    if _end(seen) not in ends:
        shown = None  # it came to another end, and says nothing of what would have followed
    return Evidence(stack=stack.stack, fingerprint=stack.fingerprint, shown=shown)


def _end(seen: Mapping[str, Json]) -> tuple[Json, Json]:
    return (seen["ending"], seen["error"])


def _representatives(changes: Sequence[Change]) -> list[Change]:
    """All of them, or a few of each sort, of cases that as many stacks as possible can run."""
    if len(changes) <= _MOST_CASES:
        return list(changes)
    taken: dict[object, list[Change]] = {}
    for change in sorted(changes, key=lambda change: change.case.drivers is not None):
        alike = taken.setdefault(_alike(change), [])
        if len(alike) < _FEW:
            alike.append(change)
    return [change for alike in taken.values() for change in alike]


def _alike(change: Change) -> object:
    return tuple((aspect.name, gist(aspect.old, aspect.new)) for aspect in change.aspects)


def _full_name(side: Side, catalogue: Catalogue) -> StackId | None:
    """The name with every version in it, as the fingerprint has them; None if it cannot be."""
    found, seen = side.id, side.fingerprint
    if seen is None:
        return None
    try:
        return StackId.parse(parse_stack(str(found.as_probed(seen)), catalogue).id)
    except UsageError:
        return None


def _exchange(stack: StackId, other: StackId, component: Component) -> StackId | None:
    """A stack with one component of another; None for a component that cannot be had on its own."""
    if component is Component.PYTHON:
        return replace(stack, python=other.python)
    if component is Component.DRIVER:
        return replace(stack, version=other.version)
    names = {
        Component.LIBRARY: "sqlite",
        Component.URI: "uri",
        Component.MIDDLEWARE: stack.middleware,
    }
    option = names.get(component)
    if option is None or option not in {**stack.options, **other.options}:
        return None
    options = {k: v for k, v in stack.options.items() if k != option}
    if option in other.options:
        options[option] = other.options[option]
    ordered = sorted(options, key=lambda name: (name != "sqlite", name != "uri"))
    return replace(stack, options={name: options[name] for name in ordered})


def _others(base: StackId, catalogue: Catalogue) -> Iterator[StackId]:
    """Stacks that hold SQLite in other versions and builds, all else being as in `base`."""
    options = {k: v for k, v in base.options.items() if k != "sqlite"}
    for version in catalogue.sqlite:
        yield replace(base, driver="sqlite3", version="", options={"sqlite": version, **options})
    yield replace(base, driver="sqlite3", version="", options=options)
    for driver in dict.fromkeys((base.driver, "apsw", "sqlean")):
        for version in _spread(catalogue.versions(driver), base.version):
            yield replace(base, driver=driver, version=version, options=options)


def _spread(versions: Sequence[str], near: str) -> list[str]:
    """The newest, the oldest, those beside a version, and some in between."""
    places = {round(i * (len(versions) - 1) / (_MOST_VERSIONS - 1)) for i in range(_MOST_VERSIONS)}
    if near in versions:
        middle = versions.index(near)
        places |= set(range(middle - 2, middle + 3))
    return [version for place, version in enumerate(versions) if place in places]
