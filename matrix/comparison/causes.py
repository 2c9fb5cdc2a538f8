"""What decides a change: the recorded facts in which two stacks differ, and the evidence on them.

A fact is named as the cause when it is the only one that differs, or when every stack that was run
agrees with it: those which have its old value showed what was seen before, those with its new
value what is seen now. Where several facts are left, the cause names them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
    """Stacks in between were run, and it is the only fact with which all agree."""
    TIED = "tied"
    """Stacks in between were run, and agree with several facts."""
    REFUTED = "refuted"
    """Stacks in between were run, and no single fact agrees with all."""
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

    `facts`: what decides, or what is left of what may. `besides`: the code of the driver, which
    was exchanged in the same wheel, where no stack has the one without the other. `with_it`: what
    comes with the fact in every build that was run. `stacks`: those that were run and agree.
    """

    how: How
    facts: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()
    with_it: tuple[str, ...] = ()
    stacks: tuple[str, ...] = ()
    swapped: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two causes the same."""
        return (self.how, self.facts, self.besides)

    def __str__(self) -> str:
        ran = f"{len(self.stacks)} stacks that were run"
        facts, some = ", ".join(self.facts), few(self.facts, _MOST_FACTS)
        text = {
            How.ONLY: f"{facts}, the only recorded fact that differs",
            How.FOUND: f"{facts}: {ran} agree",
            How.TIED: f"{' or '.join(self.facts)}: not told apart by {ran}",
            How.REFUTED: f"no single fact: {ran} agree with none alone of {facts}",
            How.UNTRIED: f"not told apart: {some}",
            How.NOTHING: "no recorded fact differs: it varies from run to run, or the tool changed",
            How.NOT_REPEATED: f"not seen again in a run of both stacks: {some}",
            How.CASE: facts,
            How.OBSERVER: "one observer sees less than the other",
        }[self.how]
        if self.swapped and self.how is How.FOUND:
            text += ", and exchanged alone it makes the change"
        if self.with_it:
            text += f"; with it comes {', '.join(self.with_it)}"
        if self.besides:
            own = ", ".join(self.besides)
            text += f"; the code of {own} changed with it, and no stack here has one alone"
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A stack that was run, and what it showed of a change; None for neither of the two."""

    stack: str
    fingerprint: Fingerprint
    shown: Shown | None


def candidates(pair: Pair, components: Iterable[Component] | None = None) -> tuple[Candidate, ...]:
    """The facts that may decide what changed in a pair, or those of some of its components."""
    wanted = set(pair.components if components is None else components)
    facts = [fact for fact in pair.facts if fact.component in wanted]
    independent = [fact for fact in facts if fact.name not in _PROBED] or facts
    names = {fact.name for fact in independent}
    implied = set()
    if "sqlite" in names:
        implied.add("source_id")
    if "python" in names and pair.new.fingerprint and pair.new.fingerprint.distribution is None:
        implied.add("driver_version")
    return tuple(_candidate(pair, fact) for fact in independent if fact.name not in implied)


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
    return Cause(how=how, facts=found)


def weigh_evidence(
    facts: Sequence[Candidate],
    pair: Pair,
    evidence: Sequence[Evidence],
    builds: Iterable[Fingerprint] = (),
) -> Cause:
    """The facts with which all the evidence agrees.

    `builds`: of all that was run, whether it had the case or not; what comes with a version of
    SQLite in each of them is no fact apart.
    """
    known_builds = [*builds, *(each.fingerprint for each in evidence)]
    conclusive = [each for each in evidence if each.shown is not None]
    agreeing = [each for each in facts if _agrees(each, pair, conclusive)]
    implied = _implied(agreeing, known_builds)
    left = [each for each in agreeing if each not in implied]
    cause = _cause_among(left, conclusive)
    return replace(
        cause,
        facts=cause.facts or tuple(map(str, facts)),
        with_it=tuple(map(str, implied)),
        stacks=tuple(sorted({each.stack for each in conclusive})),
    )


def _cause_among(left: Sequence[Candidate], evidence: Sequence[Evidence]) -> Cause:
    """The cause that the facts which are left make: the code of a driver only where it is alone."""
    own = [each for each in left if each.own]
    deciding = [each for each in left if not each.own] or own
    return Cause(
        how={0: How.REFUTED, 1: How.FOUND}.get(len(deciding), How.TIED),
        facts=tuple(_in_words(each, evidence) for each in deciding),
        besides=tuple(str(each) for each in own if each not in deciding),
    )


def _implied(agreeing: Sequence[Candidate], builds: Sequence[Fingerprint]) -> list[Candidate]:
    """The facts that follow from another one: an option from another, or from SQLite's version."""
    names = {each.fact.name for each in agreeing}

    def follows(candidate: Candidate) -> bool:
        name = candidate.fact.name
        if _DERIVED.get(name) in names:
            return True
        return "sqlite" in names and name != "sqlite" and _comes_with(candidate, builds)

    return [each for each in agreeing if follows(each)]


def _agrees(candidate: Candidate, pair: Pair, evidence: Sequence[Evidence]) -> bool:
    """Whether all stacks agree with it; of a driver's code those which run that driver."""
    if candidate.own and _varies_without_it(evidence):
        return False
    values = [(each, _value(candidate, pair, each)) for each in evidence]
    known = [(each, value) for each, value in values if value is not None]
    if _is_version(candidate):
        return _one_boundary(candidate, known)
    expected = {candidate.fact.old: Shown.OLD, candidate.fact.new: Shown.NEW}
    return all(expected.get(value) is each.shown for each, value in known)


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
