"""Claims evaluated against cells: a verdict is computed, never written.

A claim holds on a stack if every assertion of its proof holds for which the stack has cells. It is
*true* if it holds on every stack that ran them, *false* if on none; otherwise it *depends*.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from matrix.claims.distinguish import Distinction, distinguish
from matrix.claims.document import EXPERIMENT, Assertion, Claim, ClaimsDocument, Instead
from matrix.model import Case, Fingerprint, Result, UriDefault
from matrix.model.outcome import Verdict
from matrix.model.stack_id import StackId
from matrix.model.versions import version_key
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
    """What was seen in an environment of its own, or why there is none."""

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
    claims = [(document.id, claim) for document in documents for claim in document.claims]
    evidence = _gather(
        [claim for _, claim in claims],
        results,
        tuple(experiments),
        results.cases if corpus is None else corpus,
    )
    return tuple(_evaluate(document, claim, evidence) for document, claim in claims)


def wanted_cases(claims: Iterable[Claim], corpus: Iterable[str]) -> frozenset[str]:
    """The cases that have to be run to settle claims, their replacements included."""
    patterns = [pattern for claim in claims for cases in _patterns(claim) for pattern in cases]
    selector = Selector.parse(patterns)
    return frozenset(case for case in corpus if selector(case))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """A stack, or the environment of an experiment, with the facts of its measured cells."""

    name: str
    cells: Mapping[str, Facts]
    fingerprint: Fingerprint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """All that claims are evaluated against.

    `stacks`: those that ran, with their cells of the cases that a claim names.
    `selected`: the cases that were run and those that were not, by the patterns of a claim.
    """

    results: ResultSet
    experiments: tuple[ExperimentResult, ...]
    stacks: tuple[_Subject, ...]
    selected: Mapping[tuple[str, ...], _Selected]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Selected:
    """The cases that patterns select."""

    run: tuple[str, ...]
    not_run: tuple[str, ...]


def _patterns(claim: Claim) -> Iterator[tuple[str, ...]]:
    """The patterns over cases of each part of a claim."""
    yield from (assertion.cases for assertion in (*claim.proof, *claim.also))
    if claim.instead is not None:
        yield claim.instead.cases


def _gather(
    claims: Iterable[Claim],
    results: ResultSet,
    experiments: tuple[ExperimentResult, ...],
    corpus: Iterable[str],
) -> _Evidence:
    """Select the cases of claims, and turn their observations into facts: each once."""
    known = tuple(dict.fromkeys((*results.cases, *corpus)))
    wanted = dict.fromkeys(patterns for claim in claims for patterns in _patterns(claim))
    selected = {patterns: _select(patterns, known, results) for patterns in wanted}
    cases = dict.fromkeys(case for each in selected.values() for case in each.run)
    stacks = (
        _Subject(
            name=stack.stack, cells=_cells(stack, cases, results), fingerprint=stack.fingerprint
        )
        for stack in results.stacks
        if stack.fingerprint is not None
    )
    return _Evidence(
        results=results, experiments=experiments, stacks=tuple(stacks), selected=selected
    )


def _select(patterns: tuple[str, ...], known: Iterable[str], results: ResultSet) -> _Selected:
    chosen = tuple(filter(Selector(patterns), known))
    return _Selected(
        run=tuple(case for case in chosen if case in results.cases),
        not_run=tuple(case for case in chosen if case not in results.cases),
    )


def _cells(stack: StackResults, cases: Iterable[str], results: ResultSet) -> Mapping[str, Facts]:
    """The facts of a stack's measured cells of some cases."""
    return {
        case: cell_facts(observation, results.cases[case])
        for case in cases
        if (observation := stack.observations.get(case)) is not None
        and observation.result is not Result.UNAVAILABLE
    }


def _evaluate(document: str, claim: Claim, evidence: _Evidence) -> ClaimResult:
    assertions = tuple(_evaluate_assertion(each, claim, evidence) for each in claim.proof)
    unsettled = ClaimResult(
        document=document,
        claim=claim,
        verdict=ClaimVerdict.UNSETTLED,
        assertions=assertions,
        also=tuple(_evaluate_assertion(each, claim, evidence) for each in claim.also),
        instead=None if claim.instead is None else _evaluate_instead(claim.instead, evidence),
        missing=_missing(assertions, evidence),
    )
    if unsettled.missing is not None:
        return unsettled
    against = dict.fromkeys(_union(each.stacks_against for each in assertions))
    held = [name for name in _union(each.stacks_for for each in assertions) if name not in against]
    return replace(
        unsettled,
        verdict=_verdict(held, against),
        stacks_for=tuple(held),
        stacks_against=tuple(against),
        cells=_union(each.cells for each in assertions),
        separation=_separation(held, against, evidence),
    )


def _evaluate_assertion(assertion: Assertion, claim: Claim, evidence: _Evidence) -> AssertionResult:
    held: list[str] = []
    failed: list[str] = []
    cells: list[str] = []
    for subject in _subjects(claim, assertion, evidence):
        chosen = {
            case: facts
            for case, facts in subject.cells.items()
            if assertion.when is None or meets(facts, assertion.when)
        }
        driver = assertion.better_on
        rival = None if driver is None else _rival(subject, driver, evidence)
        if not chosen or (driver is not None and rival is None):
            continue
        (held if _holds(assertion, chosen, rival) else failed).append(subject.name)
        cells += [f"{case} @ {subject.name}" for case in chosen]
        cells += [f"{case} @ {rival.name}" for case in chosen] if rival else []
    return AssertionResult(
        assertion=assertion,
        verdict=_verdict(held, failed),
        stacks_for=tuple(held),
        stacks_against=tuple(failed),
        cells=tuple(dict.fromkeys(cells)),
    )


def _subjects(claim: Claim, assertion: Assertion, evidence: _Evidence) -> Iterator[_Subject]:
    """The experiments and the stacks that an assertion speaks of, each with its cells of it.

    A stack that lacks one of the cells is left out.
    """
    for each in evidence.experiments:
        case = EXPERIMENT + each.id
        if each.unavailable is None and case in assertion.cases:
            yield _Subject(name=each.stack, cells={case: each.facts})
    cases = evidence.selected[assertion.cases].run
    for stack in evidence.stacks:
        if not _is_on(stack, claim.on):
            continue
        own = [case for case in cases if _runs(stack, evidence.results.cases[case])]
        if own and all(case in stack.cells for case in own):
            yield replace(stack, cells={case: stack.cells[case] for case in own})


def _runs(stack: _Subject, case: Case) -> bool:
    """Whether a stack is one for this case; else it is no gap that it lacks it."""
    fingerprint = stack.fingerprint
    assert fingerprint is not None
    return case.via == fingerprint.middleware and case.fits_driver(fingerprint.driver)


def _holds(assertion: Assertion, cells: Mapping[str, Facts], rival: _Subject | None) -> bool:
    """Whether the one relation that an assertion states holds in these cells."""
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
    return _is_better(rival.cells, cells)


def _is_better(rival: Mapping[str, Facts], cells: Mapping[str, Facts]) -> bool:
    """Whether the rival is as intended wherever these cells are, and in one more."""
    own = {case for case, facts in cells.items() if _is_as_intended(facts)}
    others = {case for case in cells if case in rival and _is_as_intended(rival[case])}
    return own < others


def _is_as_intended(facts: Facts) -> bool:
    return facts["intent"] == (Verdict.AS_INTENDED.value,)


def _rival(subject: _Subject, driver: str, evidence: _Evidence) -> _Subject | None:
    """The newest stack of another driver as built, with the same Python and middleware."""
    own = StackId.parse(subject.name)
    if own is None or subject.fingerprint is None:
        return None
    middleware = _middleware(subject.fingerprint)
    rivals = [
        (version_key(other.driver_version.partition(" ")[0]), stack)
        for stack in evidence.stacks
        if (other := stack.fingerprint) is not None
        and other.driver == driver
        and other.uri_setting is UriDefault.AS_BUILT
        and _middleware(other) == middleware
        and (StackId.parse(stack.name) or own).python == own.python
    ]
    return max(rivals, key=lambda each: each[0])[1] if rivals else None


def _middleware(fingerprint: Fingerprint) -> tuple[str | None, str | None]:
    return fingerprint.middleware, fingerprint.middleware_version


def _evaluate_instead(instead: Instead, evidence: _Evidence) -> InsteadResult:
    cases = evidence.selected[instead.cases].run
    cells = [
        (f"{case} @ {stack.name}", _is_as_intended(stack.cells[case]))
        for stack in evidence.stacks
        if _is_on(stack, instead.on)
        for case in cases
        if case in stack.cells
    ]
    return InsteadResult(
        write=instead.write,
        cases=cases,
        good=tuple(cell for cell, good in cells if good),
        bad=tuple(cell for cell, good in cells if not good),
    )


def _missing(assertions: Iterable[AssertionResult], evidence: _Evidence) -> str | None:
    """Why assertions cannot settle a claim; None if they can."""
    gaps = (gap for each in assertions for gap in _gaps(each, evidence))
    return next(gaps, None)


def _gaps(result: AssertionResult, evidence: _Evidence) -> Iterator[str]:
    """What was not done of all that an assertion needs."""
    patterns = result.assertion.cases
    done = {EXPERIMENT + each.id: each for each in evidence.experiments}
    for name in (pattern for pattern in patterns if pattern.startswith(EXPERIMENT)):
        if name not in done:
            yield f"{name} was not done"
        elif done[name].unavailable is not None:
            yield f"{name}: {done[name].unavailable}"
    selected = evidence.selected[patterns]
    if selected.not_run:
        yield f"{len(selected.not_run)} of its cases were not run, such as {selected.not_run[0]}"
    if result.assertion.when is None:
        yield from _stacks_not_run(result, selected, evidence.results)


def _stacks_not_run(
    result: AssertionResult, selected: _Selected, results: ResultSet
) -> Iterator[str]:
    """The middlewares of its cases, or none, with which no stack ran an assertion."""
    ran = {*result.stacks_for, *result.stacks_against}
    for via in sorted({results.cases[case].via for case in selected.run}, key=lambda v: v or ""):
        if not any(stack.middleware == via and stack.stack in ran for stack in results.stacks):
            what = "bare stack" if via is None else f"stack with {via}"
            yield f"no {what} ran {' '.join(result.assertion.cases)}"


def _separation(
    held: Collection[str], against: Collection[str], evidence: _Evidence
) -> Distinction | None:
    """What distinguishes the stacks on which a claim holds; None where it is not known of all."""
    prints = {s.name: s.fingerprint for s in evidence.stacks if s.fingerprint is not None}
    if not held or not against or not {*held, *against} <= prints.keys():
        return None
    return distinguish({s: prints[s] for s in held}, {s: prints[s] for s in against})


def _is_on(stack: _Subject, on: Condition | None) -> bool:
    assert stack.fingerprint is not None
    return on is None or meets(stack_facts(stack.fingerprint), on)


def _verdict(held: Collection[str], against: Collection[str]) -> ClaimVerdict:
    if held and against:
        return ClaimVerdict.DEPENDS
    if not held and not against:
        return ClaimVerdict.UNSETTLED
    return ClaimVerdict.TRUE if held else ClaimVerdict.FALSE


def _union(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Each text of some lists once, in their order."""
    return tuple(dict.fromkeys(item for items in lists for item in items))
