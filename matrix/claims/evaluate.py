"""Claims evaluated against cells: a verdict is computed, never written.

A claim holds on a stack if every assertion of its proof holds for which the stack has cells. It is
*true* if it holds on every stack that ran them, *false* if on none; if it holds on some, it
*depends*. Stacks that are all of one kind show neither the first nor the second.
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
from matrix.scenarios.conditions import NONE, Condition, Facts, cell_facts, meets, stack_facts
from matrix.scenarios.selector import Selector

NEEDS: tuple[Condition, ...] = tuple(
    {name: (value,)}
    for name in ("uri_default", "shared_cache", "temp_files")
    for value in ("yes", "no")
)
"""The kinds of stacks that a verdict needs where a document says nothing: each kind of build."""


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
    """One assertion, on the stacks that have cells of it.

    `lacking`: the kinds of stacks without which it is neither true nor false, in words.
    """

    assertion: Assertion
    verdict: ClaimVerdict
    stacks_for: tuple[str, ...] = ()
    stacks_against: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    separation: Distinction | None = None
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InsteadResult:
    """Advice through one way in: its cells that are what they are meant to be, and the others.

    `via`: the middleware, None for the driver itself.
    """

    write: str
    via: str | None
    cases: tuple[str, ...]
    good: tuple[str, ...]
    bad: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimResult:
    """A claim with its verdict; `missing` is the reason why there is none.

    `stacks_for`, `stacks_against`: those on which it holds, and on which it does not; of a claim
    that the stacks do not show, too. `unadvised`: those of them that ran no advice.
    """

    document: str
    claim: Claim
    verdict: ClaimVerdict
    stacks_for: tuple[str, ...] = ()
    stacks_against: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    separation: Distinction | None = None
    assertions: tuple[AssertionResult, ...] = ()
    also: tuple[AssertionResult, ...] = ()
    instead: tuple[InsteadResult, ...] = ()
    unadvised: tuple[str, ...] = ()
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
    claims = [
        (document.id, _with_needs(claim, document))
        for document in documents
        for claim in document.claims
    ]
    evidence = _gather(
        [claim for _, claim in claims],
        results,
        tuple(experiments),
        results.cases if corpus is None else corpus,
    )
    return tuple(_evaluate(document, claim, evidence) for document, claim in claims)


def _with_needs(claim: Claim, document: ClaimsDocument) -> Claim:
    """The claim, with the needs of its document, or the usual ones, where it has none itself."""
    needs = next((n for n in (claim.needs, document.needs) if n is not None), NEEDS)
    return claim.model_copy(update={"needs": needs})


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
    yield from (advice.cases for advice in claim.instead)


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
        instead=tuple(
            result for each in claim.instead for result in _evaluate_instead(each, evidence)
        ),
        missing=_missing(assertions, evidence),
    )
    if unsettled.missing is not None:
        return unsettled
    against = dict.fromkeys(_union(each.stacks_against for each in assertions))
    held = [name for name in _union(each.stacks_for for each in assertions) if name not in against]
    verdict = _verdict(held, against)
    lacking = () if verdict is ClaimVerdict.DEPENDS else _union(each.lacking for each in assertions)
    return replace(
        unsettled,
        verdict=ClaimVerdict.UNSETTLED if lacking else verdict,
        stacks_for=tuple(held),
        stacks_against=tuple(against),
        cells=_union(each.cells for each in assertions),
        separation=_separation(held, against, evidence),
        unadvised=_unadvised((*held, *against), unsettled.instead, evidence),
        missing=f"not shown by these stacks: {'; '.join(lacking)}" if lacking else None,
    )


def _evaluate_assertion(assertion: Assertion, claim: Claim, evidence: _Evidence) -> AssertionResult:
    held: list[str] = []
    failed: list[str] = []
    cells: list[str] = []
    ran: list[_Subject] = []
    for subject in _subjects(claim, assertion, evidence):
        chosen = {
            case: facts
            for case, facts in subject.cells.items()
            if assertion.when is None or meets(facts, assertion.when)
        }
        driver = assertion.better_on
        rival = None if driver is None else _rival(subject, driver, evidence)
        if driver is not None and rival is None:
            continue
        ran.append(subject)
        if not chosen:
            continue
        (held if _holds(assertion, chosen, rival) else failed).append(subject.name)
        cells += [f"{case} @ {subject.name}" for case in chosen]
        cells += [f"{case} @ {rival.name}" for case in chosen] if rival else []
    verdict = _verdict(held, failed)
    lacking = () if verdict is ClaimVerdict.DEPENDS else _lacking(assertion, claim, evidence, ran)
    return AssertionResult(
        assertion=assertion,
        verdict=ClaimVerdict.UNSETTLED if lacking else verdict,
        stacks_for=tuple(held),
        stacks_against=tuple(failed),
        cells=tuple(dict.fromkeys(cells)),
        separation=_separation(held, failed, evidence),
        lacking=lacking,
    )


def _lacking(
    assertion: Assertion, claim: Claim, evidence: _Evidence, ran: Iterable[_Subject]
) -> tuple[str, ...]:
    """The kinds of stacks that a verdict on an assertion needs, and none of which ran it."""
    cases = [evidence.results.cases[case] for case in evidence.selected[assertion.cases].run]
    facts = [stack_facts(each.fingerprint) for each in ran if each.fingerprint is not None]
    return tuple(
        f"none has {_in_words(need)}"
        for need in claim.needs or ()
        if _concerns(need, claim, cases) and not any(meets(each, need) for each in facts)
    )


def _concerns(need: Condition, claim: Claim, cases: Collection[Case]) -> bool:
    """Whether stacks of a kind could run these cases, and `on` leaves open whether they do."""
    if not cases or need.keys() & (claim.on or {}).keys():
        return False
    layers = tuple({case.via or NONE for case in cases})
    above = {name: texts for name, texts in need.items() if name == "middleware"}
    return meets({"middleware": layers}, above)


def _in_words(need: Condition) -> str:
    return ", ".join(f"{name} {' or '.join(texts)}" for name, texts in need.items())


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


def _evaluate_instead(instead: Instead, evidence: _Evidence) -> Iterator[InsteadResult]:
    """The advice through each way in that its cases have."""
    known = evidence.results.cases
    selected = evidence.selected[instead.cases].run
    for via in dict.fromkeys(known[case].via for case in selected):
        cases = tuple(case for case in selected if known[case].via == via)
        cells = [
            (f"{case} @ {stack.name}", _is_as_intended(stack.cells[case]))
            for stack in evidence.stacks
            if _is_on(stack, instead.on)
            for case in cases
            if case in stack.cells
        ]
        yield InsteadResult(
            write=instead.write,
            via=via,
            cases=cases,
            good=tuple(cell for cell, good in cells if good),
            bad=tuple(cell for cell, good in cells if not good),
        )


def _unadvised(
    stacks: Iterable[str], advice: Collection[InsteadResult], evidence: _Evidence
) -> tuple[str, ...]:
    """The stacks of a verdict on which none of the advice was run, if there is any."""
    ran = {cell.partition(" @ ")[2] for each in advice for cell in (*each.good, *each.bad)}
    known = {subject.name for subject in evidence.stacks}
    return tuple(s for s in stacks if advice and s in known and s not in ran)


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
