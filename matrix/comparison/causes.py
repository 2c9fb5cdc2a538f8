"""What decides a change: the recorded facts in which two stacks differ, and the evidence on them.

A fact is named as the cause when it is the only one that differs, or when the stacks that were run
rule out every other one. A fact is ruled out if one value of it showed both what was seen before
and what is seen now, or its old value the new, or its new value the old. Where several facts are
left, the cause names them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from packaging.version import Version

from matrix.comparison.pairing import Component, Fact, Pair
from matrix.model import Fingerprint
from matrix.model.versions import version_of
from matrix.text import few

_MOST_FACTS = 5
_PROBED = ("uri_default", "shared_cache", "temp_files")
"""Facts that follow from the others: they name a cause only where nothing else differs."""
_DERIVED = {"MAX_WORKER_THREADS": "TEMP_STORE"}
"""Options that SQLite's own source sets by another one (sqliteInt.h)."""
_NAMES = {
    "python": "Python",
    "sqlite": "SQLite",
    "source_id": "the source of SQLite",
    "uri_setting": "the URI setting",
    "uri_default": "whether file: names are URIs unasked",
    "shared_cache": "whether there is a shared cache",
    "temp_files": "whether temporary data goes to files",
}


class How(str, Enum):
    """How a cause is known."""

    ONLY = "only"
    """It is the only recorded fact that differs."""
    FOUND = "found"
    """Stacks in between were run, and rule out every other fact."""
    TIED = "tied"
    """Stacks in between were run, and leave several facts."""
    REFUTED = "refuted"
    """Stacks in between were run, and rule out every single fact."""
    UNTRIED = "untried"
    """Several facts differ, and nothing was run."""
    NOTHING = "nothing"
    """No recorded fact differs."""
    NOT_REPEATED = "not-repeated"
    """Run again here, the two stacks did not show what the results say."""
    CASE = "case"
    """The case itself is another one, or is not in both results."""
    OBSERVER = "observer"
    """One of the two observers sees less."""


class Shown(Enum):
    """What a stack that was run showed of a change."""

    OLD = "old"
    NEW = "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A fact that may decide: its name and both values. `own` is the code of a driver itself."""

    fact: Fact
    own: bool = False
    driver: str = ""

    @property
    def name(self) -> str:
        if self.own:
            return self.driver
        return _NAMES.get(self.fact.name, self.fact.name)

    def __str__(self) -> str:
        return f"{self.name} {self.fact.old} → {self.fact.new}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What decides a change, and how that is known.

    `facts`: what decides, or what is left of what may. `with_it`: what differs as well, and follows
    from the fact. `stacks`: those that were run and showed the one or the other. `likewise`: other
    cases that changed alike rule out what the stacks that ran this one leave.
    """

    how: How
    facts: tuple[str, ...] = ()
    with_it: tuple[str, ...] = ()
    stacks: tuple[str, ...] = ()
    swapped: bool = False
    likewise: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two causes the same."""
        return (self.how, self.facts)

    def __str__(self) -> str:
        ran = f"{len(self.stacks)} stacks that were run"
        facts, some = ", ".join(self.facts), few(self.facts, _MOST_FACTS)
        text = {
            How.ONLY: f"{facts}, the only recorded fact that differs",
            How.FOUND: f"{facts}: {ran} agree",
            How.TIED: f"one of: {some} (not told apart by {ran})",
            How.REFUTED: f"no single fact: {ran} agree with none alone of {facts}",
            How.UNTRIED: f"not told apart: {some}",
            How.NOTHING: "no recorded fact differs: it varies from run to run, or the tool changed",
            How.NOT_REPEATED: f"not seen again in a run of both stacks: {some}",
            How.CASE: facts,
            How.OBSERVER: "one observer sees less than the other",
        }[self.how]
        if self.likewise:
            text += ", and those of other cases that changed alike rule out the rest"
        if self.swapped and self.how is How.FOUND:
            text += ", and exchanged alone it makes the change"
        if self.with_it:
            text += f"; with it comes {', '.join(self.with_it)}"
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A stack that was run, and what it showed of a change; None for neither of the two."""

    stack: str
    fingerprint: Fingerprint
    shown: Shown | None


def candidates(pair: Pair, components: Iterable[Component] | None = None) -> tuple[Candidate, ...]:
    """The facts that may decide what changed in a pair, or those of some of its components."""
    facts = _facts(pair, components)
    independent = [fact for fact in facts if fact.name not in _PROBED] or facts
    return tuple(_candidate(pair, fact) for fact in independent)


def _probed(pair: Pair, components: Iterable[Component] | None = None) -> tuple[Candidate, ...]:
    """What was probed and differs, where something else differs from which it follows."""
    named = {candidate.fact for candidate in candidates(pair, components)}
    facts = _facts(pair, components)
    return tuple(_candidate(pair, fact) for fact in facts if fact not in named)


def _facts(pair: Pair, components: Iterable[Component] | None) -> list[Fact]:
    """The facts of some components, without those that are another one by another name."""
    wanted = set(pair.components if components is None else components)
    facts = [fact for fact in pair.facts if fact.component in wanted]
    names = {fact.name for fact in facts}
    same = set()
    if "sqlite" in names:
        same.add("source_id")
    if "python" in names and pair.new.fingerprint and pair.new.fingerprint.distribution is None:
        same.add("driver_version")
    return [fact for fact in facts if fact.name not in same]


def _candidate(pair: Pair, fact: Fact) -> Candidate:
    fingerprint = pair.new.fingerprint
    assert fingerprint is not None
    if fact.name in ("driver_version", "python"):
        own = fingerprint.driver if fact.name == "driver_version" else "Python"
        return Candidate(fact=fact, own=True, driver=own)
    if fact.name == "middleware_version":
        return Candidate(fact=fact, own=True, driver=fingerprint.middleware or fact.name)
    return Candidate(fact=fact)


def stated_cause(pair: Pair) -> Cause:
    """What the headers alone say: the only fact that differs, or those that do."""
    found = tuple(str(candidate) for candidate in candidates(pair))
    how = {0: How.NOTHING, 1: How.ONLY}.get(len(found), How.UNTRIED)
    probed = map(str, _probed(pair)) if how is How.ONLY else ()
    return Cause(how=how, facts=found, with_it=tuple(probed))


def weigh_evidence(
    facts: Sequence[Candidate],
    pair: Pair,
    evidence: Sequence[Evidence],
    builds: Iterable[Fingerprint] = (),
) -> Cause:
    """The facts that the evidence does not rule out.

    `builds`: of all that was run, whether it had the case or not; what comes with a version of
    SQLite in each of them is no fact apart.
    """
    known_builds = [*builds, *(each.fingerprint for each in evidence)]
    conclusive = [each for each in evidence if each.shown is not None]
    possible = [each for each in facts if not _is_ruled_out(each, pair, conclusive)]
    implied = _implied(possible, known_builds)
    left = sorted((each for each in possible if each not in implied), key=lambda each: each.own)
    if all(_goes_back_and_forth(each, pair, conclusive) for each in left):
        left = []
    probed = [
        each
        for each in _probed(pair, {fact.fact.component for fact in facts})
        if left and not _is_ruled_out(each, pair, conclusive)
    ]
    return Cause(
        how={0: How.REFUTED, 1: How.FOUND}.get(len(left), How.TIED),
        facts=tuple(_in_words(each, conclusive) for each in left) or tuple(map(str, facts)),
        with_it=tuple(map(str, (*implied, *probed))),
        stacks=tuple(sorted({each.stack for each in conclusive})),
    )


def _implied(possible: Sequence[Candidate], builds: Sequence[Fingerprint]) -> list[Candidate]:
    """The facts that follow from another one: an option from another, or from SQLite's version."""
    names = {each.fact.name for each in possible}

    def follows(candidate: Candidate) -> bool:
        name = candidate.fact.name
        if _DERIVED.get(name) in names:
            return True
        return "sqlite" in names and name != "sqlite" and _comes_with(candidate, builds)

    return [each for each in possible if follows(each)]


def _is_ruled_out(candidate: Candidate, pair: Pair, evidence: Sequence[Evidence]) -> bool:
    """Whether one value showed both; of a driver's code, on the stacks that run that driver.

    A value that is neither the old nor the new one may show either.
    """
    if candidate.own and _varies_without_it(evidence):
        return True
    shown: set[tuple[str, Shown | None]]
    shown = {(candidate.fact.old, Shown.OLD), (candidate.fact.new, Shown.NEW)}
    shown |= {(value, each.shown) for each, value in _known(candidate, pair, evidence)}
    return len(shown) > len({value for value, _ in shown})


def _goes_back_and_forth(candidate: Candidate, pair: Pair, evidence: Sequence[Evidence]) -> bool:
    """Whether there is no version on whose two sides the old and the new were shown.

    Such a version is not named as the cause; nor does it leave that to another fact.
    """
    known = _known(candidate, pair, evidence)
    return _is_version(candidate) and not _one_boundary(candidate, known)


def _known(
    candidate: Candidate, pair: Pair, evidence: Sequence[Evidence]
) -> list[tuple[Evidence, str]]:
    """The evidence that has such a fact, with its value."""
    values = ((each, _value(candidate, pair, each)) for each in evidence)
    return [(each, value) for each, value in values if value is not None]


def _varies_without_it(evidence: Sequence[Evidence]) -> bool:
    """Whether both were shown by one and the same code: then it is not that code which decides."""
    shown: dict[tuple[str, str, str], set[Shown | None]] = {}
    for each in evidence:
        code = (each.fingerprint.driver, each.fingerprint.driver_version, each.fingerprint.python)
        shown.setdefault(code, set()).add(each.shown)
    return any(len(both) > 1 for both in shown.values())


def _value(candidate: Candidate, pair: Pair, evidence: Evidence) -> str | None:
    """What the fact is on a stack that was run; None where it says nothing there."""
    theirs, ours = evidence.fingerprint, pair.new.fingerprint
    assert ours is not None
    if candidate.own and (theirs.driver, theirs.middleware) != (ours.driver, ours.middleware):
        return None
    return theirs.fact(candidate.fact.name)


def _is_version(candidate: Candidate) -> bool:
    named = candidate.fact.name == "sqlite" or candidate.own
    return named and None not in (version_of(candidate.fact.old), version_of(candidate.fact.new))


def _one_boundary(candidate: Candidate, known: Sequence[tuple[Evidence, str]]) -> bool:
    """Whether there is one version on whose two sides the old and the new were shown."""
    rising = version_of(candidate.fact.old) < version_of(candidate.fact.new)  # type: ignore[operator]
    sides: dict[Shown, list[Version]] = {Shown.OLD: [], Shown.NEW: []}
    for evidence, text in known:
        version = version_of(text)
        if version is not None and evidence.shown is not None:
            sides[evidence.shown].append(version)
    below, above = (Shown.OLD, Shown.NEW) if rising else (Shown.NEW, Shown.OLD)
    return not sides[below] or not sides[above] or max(sides[below]) < min(sides[above])


def _comes_with(candidate: Candidate, builds: Iterable[Fingerprint]) -> bool:
    """Whether every build from some version of SQLite on has it, and none before.

    Those of one driver alone would not do: what its maker changed once looks the same.
    """
    having: dict[str, set[tuple[Version, str]]] = {
        candidate.fact.old: set(),
        candidate.fact.new: set(),
    }
    for each in builds:
        value, version = each.fact(candidate.fact.name), version_of(each.sqlite)
        if value not in having or version is None:
            return False
        having[value].add((version, each.driver))
    if candidate.own or any(len({driver for _, driver in seen}) < 2 for seen in having.values()):
        return False
    old, new = ({version for version, _ in seen} for seen in having.values())
    return max(old) < min(new) or max(new) < min(old)


def _in_words(candidate: Candidate, evidence: Sequence[Evidence]) -> str:
    """The fact; of SQLite's version the two on either side of the boundary, as far as was run."""
    if candidate.fact.name == "sqlite" and _is_version(candidate):
        seen = sorted(
            {
                (version, each.shown is Shown.NEW)
                for each in evidence
                if (version := version_of(each.fingerprint.sqlite)) is not None
            }
        )
        for (below, first), (above, second) in pairwise(seen):
            if first is not second:
                old, new = (above, below) if first else (below, above)
                return f"{candidate.name} {old} → {new}"
    return str(candidate)
