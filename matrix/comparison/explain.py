"""What decides a change, found by running: stacks between the old one and the new one.

    from matrix.comparison.explain import explain
    explained = explain(comparison, run_cases, load_catalogue())

First one component at a time is exchanged: Python, the middleware, the URI setting, the driver's
wheel, the SQLite under stdlib sqlite3. Which fact of a wheel decides, stacks show that combine its
facts in other ways: every listed SQLite under stdlib sqlite3, other versions of the drivers.
Only the cases that changed are run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

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
"""Runs cases on stacks; a stack that is unavailable is among the results, with its reason."""

_MOST_CASES = 300
"""More changed cases than these of a pair are represented by a few of each kind."""
_FEW = 3
_MOST_VERSIONS = 8
"""So many versions of a driver stand for all."""

_Work = Iterator[tuple[Stack, Sequence[Case]]]
_Runs = Mapping[str, StackResults]
_CaseAspect = tuple[str, str]
"""The id of a changed case, and an aspect of its change: each has a cause of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """The changes of one pair that need runs, and those of them whose cases are run.

    `swapped`: for each component that can be exchanged the old stack with the new component;
    `kept`: the new stack with the old one. Both are empty where only one component differs.
    """

    pair: Pair
    changes: tuple[Change, ...]
    chosen: tuple[Change, ...]
    old: StackId
    new: StackId
    swapped: Mapping[Component, StackId]
    kept: Mapping[Component, StackId]

    @property
    def aspects(self) -> Iterator[tuple[Change, Aspect]]:
        """The aspects of which a cause is sought."""
        return ((change, aspect) for change in self.chosen for aspect in change.aspects)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settled:
    """What the exchanges of components showed: the one that decides, or why there is none."""

    components: Mapping[_CaseAspect, Component]
    causes: Mapping[_CaseAspect, Cause]


def explain(comparison: Comparison, run_cases: RunCases, catalogue: Catalogue) -> Comparison:
    """The same comparison, its changes with causes; a change with two causes becomes two.

    Pairs in which one fact differs, or none, need no run.
    """
    plans = tuple(_plans(comparison, catalogue))
    if not plans:
        return comparison
    exchanged = _run(run_cases, (work for plan in plans for work in _exchanges(plan, catalogue)))
    settled = [(plan, _settle(plan, exchanged)) for plan in plans]
    bundles = (work for plan, each in settled for work in _bundles(plan, each, catalogue))
    runs = {**exchanged, **_run(run_cases, bundles, for_their_facts=True)}
    explained = {
        change.key: changes
        for plan, each in settled
        for change, changes in _by_cause(plan, _weigh(plan, each, runs))
    }
    changes = (
        found
        for change in comparison.changes
        for found in (explained.get(change.key, (change,)) if _is_open(change) else (change,))
    )
    return replace(comparison, changes=tuple(changes))


def needs_runs(comparison: Comparison) -> bool:
    """Whether there is a change of which the headers alone do not say the cause."""
    return any(map(_is_open, comparison.changes))


def _is_open(change: Change) -> bool:
    return change.cause.how is How.UNTRIED


def _plans(comparison: Comparison, catalogue: Catalogue) -> Iterator[_Plan]:
    for pair in comparison.pairs:
        changes = [c for c in comparison.changes if c.pair == pair and _is_open(c)]
        old, new = _full_name(pair.old, catalogue), _full_name(pair.new, catalogue)
        if changes and old is not None and new is not None:
            several = pair.components if len(pair.components) > 1 else ()
            yield _Plan(
                pair=pair,
                changes=tuple(changes),
                chosen=tuple(_representatives(changes)),
                old=old,
                new=new,
                swapped=_with_each(several, old, new),
                kept=_with_each(several, new, old),
            )


def _with_each(
    components: Iterable[Component], stack: StackId, other: StackId
) -> dict[Component, StackId]:
    """For each component that can be exchanged the stack with that of the other."""
    found = {component: _exchange(stack, other, component) for component in components}
    return {component: name for component, name in found.items() if name is not None}


def _exchanges(plan: _Plan, catalogue: Catalogue) -> _Work:
    """The two stacks themselves, and each with one component of the other."""
    names = (plan.old, plan.new, *plan.swapped.values(), *plan.kept.values())
    return _work(plan, names, catalogue)


def _bundles(plan: _Plan, settled: _Settled, catalogue: Catalogue) -> _Work:
    """Stacks in which what a deciding component bundles is combined in other ways."""
    deciding = set(settled.components.values())
    several = {each for each in deciding if len(candidates(plan.pair, [each])) > 1}
    if several & {Component.DRIVER, Component.LIBRARY, Component.PYTHON}:
        yield from _work(plan, _others(plan.old, catalogue), catalogue)


def _work(plan: _Plan, names: Iterable[StackId], catalogue: Catalogue) -> _Work:
    cases = [change.case for change in plan.chosen]
    for name in names:
        try:
            yield parse_stack(str(name), catalogue), cases
        except UsageError:  # noqa: PERF203 - a version that this driver or middleware lacks
            continue


def _run(run_cases: RunCases, work: _Work, *, for_their_facts: bool = False) -> _Runs:
    """Run each stack once, with all its cases; one that runs none of them only for its facts."""
    asked: dict[str, tuple[Stack, dict[str, Case]]] = {}
    for stack, cases in work:
        mine = {case.id: case for case in cases if stack.runs_case(case)}
        if mine or for_their_facts:
            asked.setdefault(stack.id, (stack, {}))[1].update(mine)
    if not asked:
        return {}
    results = run_cases([(stack, list(cases.values())) for stack, cases in asked.values()])
    return {stack.stack: stack for stack in results.stacks}


def _settle(plan: _Plan, runs: _Runs) -> _Settled:
    """Find the component that decides each aspect of each case, or why there is none."""
    components: dict[_CaseAspect, Component] = {}
    causes: dict[_CaseAspect, Cause] = {}
    for change, aspect in plan.aspects:
        found = _deciding(plan, change, aspect, runs)
        if isinstance(found, Component):
            components[change.case.id, aspect.name] = found
        else:
            causes[change.case.id, aspect.name] = found
    return _Settled(components=components, causes=causes)


def _deciding(plan: _Plan, change: Change, aspect: Aspect, runs: _Runs) -> Component | Cause:
    def shown(name: StackId) -> Shown | None:
        stack = runs.get(str(name))
        evidence = None if stack is None else _evidence(stack, change, aspect)
        return None if evidence is None else evidence.shown

    if shown(plan.old) is not Shown.OLD or shown(plan.new) is not Shown.NEW:
        ran = {str(plan.old), str(plan.new)} <= _available(runs)
        how = How.NOT_REPEATED if ran else How.UNTRIED
        return Cause(how=how, facts=change.cause.facts)
    components = plan.pair.components
    if len(components) == 1:
        return components[0]
    found = [
        component
        for component, name in plan.swapped.items()
        if shown(name) is Shown.NEW and shown(plan.kept[component]) is Shown.OLD
    ]
    if len(found) == 1:
        return found[0]
    return _no_single_component(plan, change, runs)


def _no_single_component(plan: _Plan, change: Change, runs: _Runs) -> Cause:
    names = {str(name) for name in (*plan.swapped.values(), *plan.kept.values())}
    ran = names & _available(runs)
    all_ran = ran == names and len(plan.swapped) == len(plan.pair.components)
    return Cause(
        how=How.REFUTED if all_ran else How.UNTRIED,
        facts=change.cause.facts,
        stacks=tuple(sorted(ran)),
        swapped=True,
    )


def _weigh(plan: _Plan, settled: _Settled, runs: _Runs) -> Mapping[_CaseAspect, Cause]:
    """The causes, those within a deciding component by the evidence of all stacks."""
    causes = dict(settled.causes)
    builds = [each.fingerprint for each in runs.values() if each.fingerprint is not None]
    for change, aspect in plan.aspects:
        component = settled.components.get((change.case.id, aspect.name))
        if component is None:
            continue
        seen = [_evidence(stack, change, aspect) for stack in runs.values()]
        evidence = [e for e in seen if e is not None and _is_comparable(plan, settled, e.stack)]
        cause = weigh_evidence(candidates(plan.pair, [component]), plan.pair, evidence, builds)
        swapped = len(plan.pair.components) > 1
        causes[change.case.id, aspect.name] = replace(cause, swapped=swapped)
    return _narrowed(plan, causes)


def _is_comparable(plan: _Plan, settled: _Settled, stack: str) -> bool:
    """Whether a stack speaks of the wheels: nothing but those may be exchanged in it."""
    if Component.PYTHON in settled.components.values():
        return True
    name = StackId.parse(stack)
    assert name is not None
    return _around_the_wheel(name) == _around_the_wheel(plan.old)


def _around_the_wheel(name: StackId) -> tuple[str | None, ...]:
    version = name.options.get(name.middleware or "")
    return (name.python, name.middleware, version, name.options.get("uri"))


def _narrowed(plan: _Plan, causes: Mapping[_CaseAspect, Cause]) -> Mapping[_CaseAspect, Cause]:
    """Causes that leave several facts, narrowed to those left for the same change elsewhere.

    A case that only one driver runs is run on fewer stacks than others.
    """
    sorts = {(c.case.id, a.name): (a.name, gist(a.old, a.new)) for c, a in plan.aspects}
    alike: dict[object, set[Cause]] = {}
    for place, cause in causes.items():
        if cause.how in (How.FOUND, How.TIED):
            alike.setdefault(sorts[place], set()).add(replace(cause, stacks=()))
    return {
        place: _narrowest(cause, alike.get(sorts[place], set())) for place, cause in causes.items()
    }


def _narrowest(cause: Cause, alike: Iterable[Cause]) -> Cause:
    """A cause, or the one of the same change elsewhere that leaves the fewest of its facts."""
    left = {*cause.facts}
    narrower = [each for each in alike if {*each.facts} < left]
    fewest = min((len(each.facts) for each in narrower), default=0)
    found = {each.facts: each for each in narrower if len(each.facts) == fewest}
    if cause.how is not How.TIED or len(found) != 1:
        return cause
    (only,) = found.values()
    return replace(only, stacks=cause.stacks, likewise=True)


def _by_cause(
    plan: _Plan, causes: Mapping[_CaseAspect, Cause]
) -> Iterator[tuple[Change, list[Change]]]:
    """Each change of the plan, once for each cause that it has; one that was not run by another."""
    run = {change.key for change in plan.chosen}
    alike: dict[object, Change] = {}
    for change in plan.chosen:
        alike.setdefault(_alike(change), change)
    for change in plan.changes:
        model = change if change.key in run else alike[_alike(change)]
        own = [causes.get((model.case.id, a.name), change.cause) for a in change.aspects]
        yield change, _divided(change, own)


def _divided(change: Change, causes: Sequence[Cause]) -> list[Change]:
    """A change, divided by the causes of its aspects; what has no cause stays with the worst."""
    groups: dict[tuple[object, ...], tuple[Cause, list[Aspect]]] = {}
    for aspect, cause in zip(change.aspects, causes, strict=True):
        known = cause.how in (How.FOUND, How.TIED)
        key = cause.key if known else causes[0].key
        groups.setdefault(key, (cause, []))[1].append(aspect)
    return [
        replace(change, cause=cause, aspects=tuple(aspects), kinds=kinds_of(aspects))
        for cause, aspects in groups.values()
    ]


def _available(runs: _Runs) -> set[str]:
    return {name for name, stack in runs.items() if stack.unavailable is None}


def _evidence(stack: StackResults, change: Change, aspect: Aspect) -> Evidence | None:
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
    """A stack with one component of another; None where it does not come on its own."""
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
