"""Claims evaluated against cells: a verdict is computed, never written.

A claim holds on a stack if every assertion of its proof holds for which the stack has cells. It is
*true* if it holds on every stack that ran them, *false* if on none; otherwise it *depends*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from packaging.version import Version

from matrix.claims.distinguish import Distinction, distinguish
from matrix.claims.document import EXPERIMENT, Assertion, Claim, ClaimsDocument, Instead
from matrix.model import Fingerprint, Observation, Result, UriDefault
from matrix.model.stack_id import StackId
from matrix.results.store import ResultSet, StackResults
from matrix.scenarios.conditions import Condition, Facts, cell_facts, meets, stack_facts
from matrix.scenarios.selector import Selector


class ClaimVerdict(str, Enum):
    """What the cells say of a claim; a sign of its own, which no cell has."""

    sign: str
    letter: str

    def __new__(cls, value: str, sign: str, letter: str) -> ClaimVerdict:
        member = str.__new__(cls, value)
        member._value_ = value
        member.sign, member.letter = sign, letter
        return member

    TRUE = "true", "●", "T"
    FALSE = "false", "○", "F"
    DEPENDS = "depends", "◐", "D"
    UNSETTLED = "unsettled", "·", "U"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentResult:
    """What was seen in an environment of its own, or why it could not be had."""

    id: str
    python: str
    facts: Facts = field(default_factory=dict)
    unavailable: str | None = None

    @property
    def stack(self) -> str:
        return f"venv@{self.python}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionResult:
    """One assertion, on the stacks that have cells of it."""

    assertion: Assertion
    verdict: ClaimVerdict
    stacks_for: tuple[str, ...] = ()
    stacks_against: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InsteadResult:
    """The advice, and its cells: those in which it is what it is meant to be, and the others."""

    write: str
    cases: tuple[str, ...]
    good: tuple[str, ...]
    bad: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimResult:
    """A claim with its verdict; `missing` is the reason why there is none."""

    document: str
    claim: Claim
    verdict: ClaimVerdict
    stacks_for: tuple[str, ...] = ()
    stacks_against: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    separation: Distinction | None = None
    assertions: tuple[AssertionResult, ...] = ()
    also: tuple[AssertionResult, ...] = ()
    instead: InsteadResult | None = None
    missing: str | None = None


def evaluate_claims(
    documents: Iterable[ClaimsDocument],
    results: ResultSet,
    experiments: Iterable[ExperimentResult] = (),
    corpus: Iterable[str] | None = None,
) -> tuple[ClaimResult, ...]:
    """Settle the claims of documents by results.

    `corpus`: the ids of the cases that there are; a claim of which not every one was run is
    unsettled. By default those of the results.
    """
    court = _Court(results, tuple(experiments), tuple(results.cases if corpus is None else corpus))
    return tuple(court.judge(doc.id, claim) for doc in documents for claim in doc.claims)


def wanted_cases(claims: Iterable[Claim], corpus: Iterable[str]) -> frozenset[str]:
    """The cases that have to be run to settle claims, their replacements included."""
    patterns = [
        pattern
        for claim in claims
        for cases in (
            *(assertion.cases for assertion in (*claim.proof, *claim.also)),
            claim.instead.cases if claim.instead else (),
        )
        for pattern in cases
    ]
    selector = Selector.parse(patterns)
    return frozenset(case for case in corpus if selector(case))


@dataclass(frozen=True, slots=True)
class _Subject:
    """A stack, or the environment of an experiment, with what was seen there."""

    name: str
    cells: Mapping[str, Facts]
    fingerprint: Fingerprint | None = None
    stack: StackResults | None = None


class _Court:
    """Results, made ready to be asked."""

    def __init__(
        self, results: ResultSet, experiments: Sequence[ExperimentResult], corpus: Sequence[str]
    ) -> None:
        self._results = results
        self._corpus = corpus
        self._experiments = experiments
        self._facts: dict[tuple[str, str], Facts] = {}
        self._chosen: dict[tuple[str, ...], tuple[str, ...]] = {}

    def judge(self, document: str, claim: Claim) -> ClaimResult:
        also = tuple(self._assertion(claim, assertion) for assertion in claim.also)
        instead = None if claim.instead is None else self._instead(claim.instead)
        assertions = tuple(self._assertion(claim, assertion) for assertion in claim.proof)
        missing = self._missing(assertions)
        if missing is not None:
            return ClaimResult(
                document=document, claim=claim, verdict=ClaimVerdict.UNSETTLED, missing=missing,
                assertions=assertions, also=also, instead=instead,
            )  # fmt: skip
        against = _union(assertion.stacks_against for assertion in assertions)
        held = [
            name for name in _union(p.stacks_for for p in assertions) if name not in set(against)
        ]
        return ClaimResult(
            document=document,
            claim=claim,
            verdict=_verdict(held, against),
            stacks_for=tuple(held),
            stacks_against=tuple(against),
            cells=tuple(_union(assertion.cells for assertion in assertions)),
            separation=self._separation(held, against),
            assertions=assertions,
            also=also,
            instead=instead,
        )

    def _assertion(self, claim: Claim, assertion: Assertion) -> AssertionResult:
        held: list[str] = []
        failed: list[str] = []
        cells: list[str] = []
        for subject in self._subjects(claim, assertion):
            chosen = {
                case: facts
                for case, facts in subject.cells.items()
                if assertion.when is None or meets(facts, assertion.when)
            }
            rival = self._rival(subject, assertion.better_on) if assertion.better_on else None
            if not chosen or (assertion.better_on and rival is None):
                continue
            (held if self._holds(assertion, chosen, rival) else failed).append(subject.name)
            cells += [f"{case} @ {subject.name}" for case in chosen]
            cells += [f"{case} @ {rival.stack}" for case in chosen] if rival else []
        return AssertionResult(
            assertion=assertion,
            verdict=_verdict(held, failed),
            stacks_for=tuple(held),
            stacks_against=tuple(failed),
            cells=tuple(dict.fromkeys(cells)),
        )

    def _subjects(self, claim: Claim, assertion: Assertion) -> Iterable[_Subject]:
        for each in self._experiments:
            case = EXPERIMENT + each.id
            if each.unavailable is None and case in assertion.cases:
                yield _Subject(each.stack, {case: each.facts})
        cases = self._selected(assertion.cases)
        for stack in self._results.stacks:
            if stack.fingerprint is None or not _is_on(stack.fingerprint, claim.on):
                continue
            own = [case for case in cases if self._runs(stack, case)]
            cells = {case: self._cell(stack, case) for case in own}
            whole = {case: facts for case, facts in cells.items() if facts is not None}
            if own and len(whole) == len(own):
                yield _Subject(stack.stack, whole, stack.fingerprint, stack)

    def _choose(self, patterns: tuple[str, ...]) -> tuple[str, ...]:
        """The cases that patterns select, whether they were run or not."""
        if patterns not in self._chosen:
            known = dict.fromkeys((*self._results.cases, *self._corpus))
            self._chosen[patterns] = tuple(filter(Selector(patterns), known))
        return self._chosen[patterns]

    def _selected(self, patterns: tuple[str, ...]) -> list[str]:
        return [case for case in self._choose(patterns) if case in self._results.cases]

    def _runs(self, stack: StackResults, name: str) -> bool:
        """Whether a stack is one for this case; else it is no gap that it lacks it."""
        case, fingerprint = self._results.cases[name], stack.fingerprint
        assert fingerprint is not None
        meant = case.fits_driver(fingerprint.driver)
        return case.via == fingerprint.middleware and meant

    def _cell(self, stack: StackResults, case: str) -> Facts | None:
        observation = stack.observations.get(case)
        if observation is None or not _is_measured(observation):
            return None
        key = (stack.stack, case)
        if key not in self._facts:
            self._facts[key] = cell_facts(observation, self._results.cases[case].intent)
        return self._facts[key]

    def _holds(
        self, assertion: Assertion, cells: Mapping[str, Facts], rival: StackResults | None
    ) -> bool:
        if assertion.every is not None:
            return all(meets(facts, assertion.every) for facts in cells.values())
        if assertion.some is not None:
            return any(meets(facts, assertion.some) for facts in cells.values())
        if assertion.none is not None:
            return not any(meets(facts, assertion.none) for facts in cells.values())
        if assertion.same is not None or assertion.differ is not None:
            names = assertion.same or assertion.differ or ()
            seen = {tuple(facts[name] for name in names) for facts in cells.values()}
            return (len(seen) == 1) is (assertion.same is not None)
        assert rival is not None
        return self._is_better(rival, cells)

    def _is_better(self, rival: StackResults, cells: Mapping[str, Facts]) -> bool:
        good = ("as_intended",)
        pairs = [
            (facts["intent"] == good, self._cell(rival, case)) for case, facts in cells.items()
        ]
        answers = [(own, other is not None and other["intent"] == good) for own, other in pairs]
        worse = any(own and not other for own, other in answers)
        return not worse and any(other and not own for own, other in answers)

    def _rival(self, subject: _Subject, driver: str) -> StackResults | None:
        """The newest stack of another driver as built, with the same Python and middleware."""
        own = StackId.parse(subject.name)
        if own is None or subject.fingerprint is None:
            return None
        found = [
            (Version(other.driver_version.split()[0]), stack)
            for stack in self._results.stacks
            if (other := stack.fingerprint) is not None
            and other.driver == driver
            and other.uri_setting is UriDefault.AS_BUILT
            and (other.middleware, other.middleware_version)
            == (subject.fingerprint.middleware, subject.fingerprint.middleware_version)
            and (StackId.parse(stack.stack) or own).python == own.python
        ]
        return max(found, key=lambda each: each[0])[1] if found else None

    def _instead(self, instead: Instead) -> InsteadResult:
        cases = self._selected(instead.cases)
        cells = [
            (f"{case} @ {stack.stack}", facts["intent"] == ("as_intended",))
            for stack in self._results.stacks
            if stack.fingerprint is not None and _is_on(stack.fingerprint, instead.on)
            for case in cases
            if (facts := self._cell(stack, case)) is not None
        ]
        return InsteadResult(
            write=instead.write,
            cases=tuple(cases),
            good=tuple(cell for cell, good in cells if good),
            bad=tuple(cell for cell, good in cells if not good),
        )

    def _missing(self, assertions: Sequence[AssertionResult]) -> str | None:
        done = {EXPERIMENT + each.id: each for each in self._experiments}
        for judged in assertions:
            for name in (p for p in judged.assertion.cases if p.startswith(EXPERIMENT)):
                if name not in done:
                    return f"{name} was not done"
                if done[name].unavailable is not None:
                    return f"{name}: {done[name].unavailable}"
            chosen = self._choose(judged.assertion.cases)
            lacking = [case for case in chosen if case not in self._results.cases]
            if lacking:
                return f"{len(lacking)} of its cases were not run, such as {lacking[0]}"
            missing = self._unrun(judged)
            if missing is not None:
                return missing
        return None

    def _unrun(self, judged: AssertionResult) -> str | None:
        """The kind of stack (bare, or a middleware) that the assertion needs, and did not run."""
        ran = set(judged.stacks_for + judged.stacks_against)
        kinds = {self._results.cases[case].via for case in self._selected(judged.assertion.cases)}
        for kind in sorted(kinds, key=lambda via: via or ""):
            stacks = {s.stack for s in self._results.stacks if s.middleware == kind}
            if not ran & stacks and judged.assertion.when is None:
                what = "bare stack" if kind is None else f"stack with {kind}"
                return f"no {what} ran {' '.join(judged.assertion.cases)}"
        return None

    def _separation(self, held: Sequence[str], against: Sequence[str]) -> Distinction | None:
        prints = {s.stack: s.fingerprint for s in self._results.stacks if s.fingerprint is not None}
        if not held or not against or not {*held, *against} <= prints.keys():
            return None
        return distinguish({s: prints[s] for s in held}, {s: prints[s] for s in against})


def _is_on(fingerprint: Fingerprint, on: Condition | None) -> bool:
    return on is None or meets(stack_facts(fingerprint), on)


def _is_measured(observation: Observation) -> bool:
    return observation.result is not Result.UNAVAILABLE


def _verdict(held: Sequence[str], against: Sequence[str]) -> ClaimVerdict:
    if held and against:
        return ClaimVerdict.DEPENDS
    if not held and not against:
        return ClaimVerdict.UNSETTLED
    return ClaimVerdict.TRUE if held else ClaimVerdict.FALSE


def _union(lists: Iterable[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(item for items in lists for item in items))
