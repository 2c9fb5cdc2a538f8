"""The grid for the page: every cell in few bytes, and each thing that was observed once.

A row says which stacks did exactly the same, as one character per stack, a *pattern*; patterns
recur. For each group of stacks the row has a *code*, its outcome and verdict, and the number of
what was observed. Pattern and codes are all that the grid needs; what was observed stands in a
second document, which the page opens with the first cell.
"""

from __future__ import annotations

import base64
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter

from matrix.model import Case, Intent, Json, Observation, ScenarioInfo, TargetType, canonical
from matrix.model.outcome import Outcome, Verdict, judge, outcome
from matrix.model.rivals import DOES, WHERE
from matrix.model.selection import Selection
from matrix.model.stack_id import StackId
from matrix.reports.grid import Totals, in_table, vias_of
from matrix.reports.page.words import (
    AXIS_WORDS,
    BUILD_WORDS,
    FOUND_WORDS,
    PATH_WORDS,
    REOPENED_WORDS,
    SECOND_CONNECTION_WORDS,
    SHORT_WORDS,
    STORAGE_WORDS,
    STRAYS,
    TONES,
)
from matrix.reports.recipes.calls import CALLS, URI_FLAGS
from matrix.results.store import ResultSet, StackResults
from matrix.stacks.catalogue import Catalogue
from matrix.versions.history import known_sqlite, lines

NOT_RUN = "."

_OUTCOMES = tuple(Outcome)
_VERDICTS = tuple(Verdict)
_INTENTS = tuple(Intent)
_FIRST = ord("0")
_APART = ("case", "stack", "observer", "transients_complete")
"""The fields of an observation that say where and how it was seen, and not what."""
_BEHAVIOUR = attrgetter(*(f.name for f in fields(Observation) if f.name not in _APART))
_OF_THE_GRID = ("id", "target", "via", "connect", "intent")
"""The fields of a case that the grid has; the others stand among the details."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRow:
    """A case on the stacks of its table.

    `pattern`: a character per stack, the same for stacks that showed exactly the same, `.` where
    the case did not run. `codes`: outcome and verdict of each of those groups, in the order in
    which they occur; `seen`: the number of the observation that it showed.
    """

    case: Case
    scenario: int
    pattern: str
    codes: str
    seen: tuple[int, ...]

    @property
    def vector(self) -> str:
        """The code of each stack."""
        return self.pattern.translate({ord(mark(i)): code for i, code in enumerate(self.codes)})


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTable:
    """The stacks with the same middleware, by their number among all stacks, and their rows.

    `via` is None for bare drivers.
    """

    via: str | None
    stacks: tuple[int, ...]
    rows: tuple[PageRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageData:
    """All that the page shows of the cells.

    `observations`: each different one once; `reasons`: why one is not as intended, or only noted,
    by the intent and by its number among them. Of a case only the intent counts.
    """

    tables: tuple[PageTable, ...]
    scenarios: tuple[ScenarioInfo, ...]
    stacks: tuple[StackResults, ...]
    observations: tuple[Json, ...]
    reasons: Mapping[tuple[Intent, int], str]
    totals: Totals
    outcomes: frozenset[Outcome]

    @property
    def unavailable(self) -> tuple[StackResults, ...]:
        return tuple(stack for stack in self.stacks if stack.unavailable is not None)


def mark(group: int) -> str:
    r"""The character of the n-th of many; neither a quote nor a backslash."""
    return chr(_FIRST + group if _FIRST + group < ord("\\") else _FIRST + group + 1)


def encode(seen: Outcome, judged: Verdict) -> str:
    """Outcome and verdict in one character."""
    return mark(_OUTCOMES.index(seen) * len(_VERDICTS) + _VERDICTS.index(judged))


def decode(code: str) -> tuple[Outcome, Verdict]:
    number = ord(code) - _FIRST - (ord(code) > ord("\\"))
    return _OUTCOMES[number // len(_VERDICTS)], _VERDICTS[number % len(_VERDICTS)]


def build_page_data(results: ResultSet, selection: Selection | None = None) -> PageData:
    """Take a result set apart for the page: all cases, or those that the selection wants."""
    return _Builder(results).build(selection)


@dataclass(slots=True)
class _Builder:
    """Numbers the different observations, and counts codes, while the rows are made."""

    results: ResultSet
    numbers: dict[str, int] = field(default_factory=dict)
    observations: list[Json] = field(default_factory=list)
    judged: dict[tuple[Intent, int], str] = field(default_factory=dict)
    reasons: dict[tuple[Intent, int], str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def build(self, selection: Selection | None) -> PageData:
        results = self.results
        cases = [case for case in results.cases.values() if selection is None or selection(case.id)]
        scenarios = _scenarios(results, cases)
        ranks = {info.id: rank for rank, info in enumerate(scenarios)}
        ordered = _in_order(cases, ranks)
        tables = [
            self._table(via, [case for case in ordered if case.via == via], ranks)
            for via in vias_of(cases)
        ]
        return PageData(
            tables=tuple(table for table in tables if table.stacks),
            scenarios=scenarios,
            stacks=results.stacks,
            observations=tuple(self.observations),
            reasons=self.reasons,
            totals=self._totals(len(cases)),
            outcomes=frozenset(decode(code)[0] for code in self.counts),
        )

    def _table(self, via: str | None, cases: list[Case], ranks: Mapping[str, int]) -> PageTable:
        stacks = self.results.stacks
        numbers = tuple(n for n, stack in enumerate(stacks) if in_table(stack, via, cases))
        observations = [stacks[number].observations for number in numbers]
        rows = tuple(self._row(case, ranks[case.scenario], observations) for case in cases)
        return PageTable(via=via, stacks=numbers, rows=rows)

    def _row(
        self, case: Case, scenario: int, stacks: Sequence[Mapping[str, Observation]]
    ) -> PageRow:
        groups: dict[int, int] = {}
        same: dict[tuple[int, ...], str] = {}
        pattern: list[str] = []
        for observations in stacks:
            observation = observations.get(case.id)
            if observation is None:
                pattern.append(NOT_RUN)
                continue
            # Stacks share the parts of what they showed alike: a look at those is a quick one.
            parts = tuple(map(id, _BEHAVIOUR(observation)))
            character = same.get(parts)
            if character is None:
                number = self._number(observation, case)
                character = same[parts] = mark(groups.setdefault(number, len(groups)))
            pattern.append(character)
        codes = "".join(self.judged[case.intent, number] for number in groups)
        for character, code in zip(map(mark, range(len(codes))), codes, strict=True):
            self.counts[code] += pattern.count(character)
        return PageRow(
            case=case,
            scenario=scenario,
            pattern="".join(pattern),
            codes=codes,
            seen=tuple(groups),
        )

    def _number(self, observation: Observation, case: Case) -> int:
        shown = {k: v for k, v in observation.to_json().items() if k not in _APART}
        number = self.numbers.setdefault(canonical(shown), len(self.numbers))
        if number == len(self.observations):
            self.observations.append({k: v for k, v in shown.items() if v not in (None, [], {})})
        key = case.intent, number
        if key not in self.judged:
            judged = judge(observation, case)
            self.judged[key] = encode(outcome(observation), judged.verdict)
            if judged.reason is not None:
                self.reasons[key] = judged.reason
        return number

    def _totals(self, cases: int) -> Totals:
        seen = [(decode(code), count) for code, count in self.counts.items()]
        stacks = self.results.stacks
        return Totals(
            cases=cases,
            cells=sum(n for (o, _), n in seen if o is not Outcome.UNAVAILABLE),
            strays=sum(n for (o, _), n in seen if o in STRAYS),
            not_as_intended=sum(n for (_, v), n in seen if v is Verdict.NOT_AS_INTENDED),
            unavailable=sum(n for (o, _), n in seen if o is Outcome.UNAVAILABLE),
            stacks=len(stacks),
            unavailable_stacks=sum(stack.unavailable is not None for stack in stacks),
        )


# Complex only by count: one loop or comprehension for each field, and hardly a branch.
def grid_document(data: PageData, claims: Mapping[str, Iterable[str]] | None = None) -> Json:
    """What the page needs to show the grid, and to filter it.

    `claims`: the ids of the cases that each claim is about. `groups`: the characters of patterns;
    `codes`: those of outcomes with verdicts that occur, each with the numbers of the two.
    """
    patterns: dict[str, int] = {}
    options: dict[str, int] = {}
    statements: dict[str, int] = {"": 0}
    types = list(TargetType)
    tables = [
        {
            "via": table.via,
            "stacks": table.stacks,
            "scenario": [row.scenario for row in table.rows],
            "variant": [_variant(row.case) for row in table.rows],
            "target": [row.case.target for row in table.rows],
            "type": [types.index(row.case.target_type) for row in table.rows],
            "connect": [
                options.setdefault(canonical(dict(row.case.connect)), len(options))
                for row in table.rows
            ],
            "sql": [
                statements.setdefault("; ".join(row.case.sql), len(statements))
                for row in table.rows
            ],
            "intent": [_INTENTS.index(row.case.intent) for row in table.rows],
            "pattern": [patterns.setdefault(row.pattern, len(patterns)) for row in table.rows],
            "codes": [row.codes for row in table.rows],
        }
        for table in data.tables
    ]
    rows = [row for table in data.tables for row in table.rows]
    return {
        "outcomes": [_outcome(each) for each in _OUTCOMES],
        "verdicts": [_verdict(each) for each in _VERDICTS],
        "intents": [each.value for each in _INTENTS],
        "types": [each.value for each in types],
        "scenarios": [[each.id, each.title] for each in data.scenarios],
        "stacks": [_stack(stack) for stack in data.stacks],
        "tables": tables,
        "groups": "".join(map(mark, range(max((len(row.codes) for row in rows), default=0)))),
        "codes": [_code(code) for code in sorted({code for row in rows for code in row.codes})],
        "patterns": list(patterns),
        "connect": list(options),
        "sql": list(statements),
        "claims": _claims(data, claims or {}),
    }


# Complex only by count: one loop or comprehension for each field, and hardly a branch.
def detail_document(data: PageData, catalogue: Catalogue | None = None) -> Json:
    """What the page needs to tell one cell in full; `catalogue` knows the versions in between."""
    texts: dict[str, int] = {}
    reasons: dict[str, dict[str, int]] = {}
    for (intent, number), why in data.reasons.items():
        of_intent = reasons.setdefault(intent.value, {})
        of_intent[str(number)] = texts.setdefault(why, len(texts))
    seen: dict[tuple[int, ...], int] = {}
    asked: dict[str, int] = {}
    tables = [
        {
            "seen": [seen.setdefault(row.seen, len(seen)) for row in table.rows],
            "asked": [asked.setdefault(_asked(row.case), len(asked)) for row in table.rows],
            "lines": [] if catalogue is None else list(_lines(data, table, catalogue)),
        }
        for table in data.tables
    ]
    return {
        "observations": list(data.observations),
        "texts": list(texts),
        "reasons": reasons,
        "tables": tables,
        "seen": list(seen),
        "asked": list(asked),
        "usual": _usual(),
        "calls": {via: call for via, call in CALLS.items() if via is not None},
        "uri_flags": list(URI_FLAGS),
        "words": {
            "storage": {each.value: words for each, words in STORAGE_WORDS.items()},
            "second_connection": {
                each.value: words for each, words in SECOND_CONNECTION_WORDS.items()
            },
            "reopened": {each.value: words for each, words in REOPENED_WORDS.items()},
            "where": dict(WHERE),
            "does": {when: dict(words) for when, words in DOES.items()},
            "found": {each.value: words for each, words in FOUND_WORDS.items()},
            "path": {each.value: words for each, words in PATH_WORDS.items()},
            "build": dict(BUILD_WORDS),
            "stray": Outcome.STRAY.word,
        },
        "scenarios": [[each.question, list(each.references), each.then] for each in data.scenarios],
        "stacks": [
            None if stack.fingerprint is None else stack.fingerprint.to_json()
            for stack in data.stacks
        ],
        "observers": [_observer(stack) for stack in data.stacks],
    }


def pack(document: Json) -> str:
    """A document as text for the page: compressed JSON in base64."""
    return base64.b64encode(zlib.compress(canonical(document).encode(), 9)).decode()


def _scenarios(results: ResultSet, cases: Iterable[Case]) -> tuple[ScenarioInfo, ...]:
    """The scenarios of a result set; those that it does not list at the end, by their ids."""
    listed = {info.id: info for info in results.scenarios}
    unlisted = dict.fromkeys(case.scenario for case in cases if case.scenario not in listed)
    return (*listed.values(), *(ScenarioInfo(id=n, title=n, question="") for n in unlisted))


def _in_order(cases: Iterable[Case], ranks: Mapping[str, int]) -> list[Case]:
    """Cases by scenario and intent; topics of which every case is for some drivers only, last."""
    cases = list(cases)
    for_all_drivers = {_topic(case) for case in cases if case.drivers is None}

    def rank(case: Case) -> tuple[bool, int, int]:
        last = _topic(case) not in for_all_drivers
        return last, ranks[case.scenario], _INTENTS.index(case.intent)

    return sorted(cases, key=rank)


def _topic(case: Case) -> str:
    return case.scenario.partition("/")[0]


def _variant(case: Case) -> str:
    """What a case's id says beyond its scenario's."""
    return case.id[len(case.scenario) :]


def _usual() -> dict[str, Json]:
    """What a case asks unless it says otherwise; the grid has the rest."""
    usual = Case(id="", target="").to_json()
    return {
        name: value
        for name, value in usual.items()
        if name not in _OF_THE_GRID and value is not None and value is not False
    }


def _asked(case: Case) -> str:
    """What a case asks that is neither in the grid nor usual."""
    usual = Case(id="", target="").to_json()
    return canonical(
        {
            name: value
            for name, value in case.to_json().items()
            if name not in _OF_THE_GRID and value != usual[name]
        }
    )


def _outcome(outcome: Outcome) -> Json:
    return {
        "sign": outcome.sign,
        "word": outcome.word,
        "short": SHORT_WORDS.get(outcome, outcome.word),
        "explanation": outcome.explanation,
        "tone": TONES[outcome],
        "stray": outcome in STRAYS,
    }


def _verdict(verdict: Verdict) -> Json:
    return {
        "name": verdict.value,
        "mark": verdict.mark,
        "word": verdict.word,
        "judged": verdict is not Verdict.NOTED,
        "off": verdict is Verdict.NOT_AS_INTENDED,
    }


def _code(code: str) -> Json:
    """A code with the numbers of its outcome and its verdict."""
    seen, judged = decode(code)
    return [code, _OUTCOMES.index(seen), _VERDICTS.index(judged)]


def _stack(stack: StackResults) -> Json:
    parsed = StackId.of(stack.stack)
    above = parsed.middleware or ""
    return {
        "id": stack.stack,
        "driver": parsed.driver,
        "version": parsed.version,
        "sqlite": "" if stack.fingerprint is None else stack.fingerprint.sqlite,
        "library": parsed.options.get("sqlite", ""),
        "uri": parsed.options.get("uri", ""),
        "above": parsed.options.get(above, ""),
        "python": parsed.python,
    }


def _observer(stack: StackResults) -> Json:
    """Who watched on this stack, and whether nothing could slip past: as most cells have it."""
    seen = Counter((o.observer, o.transients_complete) for o in stack.observations.values())
    return list(seen.most_common(1)[0][0]) if seen else None


def _claims(data: PageData, claims: Mapping[str, Iterable[str]]) -> Json:
    places = {
        row.case.id: (number, index)
        for number, table in enumerate(data.tables)
        for index, row in enumerate(table.rows)
    }
    return {
        claim: sorted({places[case] for case in cases if case in places})
        for claim, cases in claims.items()
    }


def _lines(data: PageData, table: PageTable, catalogue: Catalogue) -> Iterator[Json]:
    """The lines on which stacks of a table lie: the versions, and the place of each in the table.

    `exact`: for each step, whether no known version lies between it and the one before.
    """
    places = {data.stacks[number].stack: place for place, number in enumerate(table.stacks)}
    stacks = [data.stacks[number] for number in table.stacks]
    for line in lines(stacks, known_sqlite(catalogue, data.stacks), catalogue):
        yield {
            "axis": AXIS_WORDS.get(line.axis, line.axis),
            "still": line.still,
            "versions": [step.version for step in line.steps],
            "places": [places[step.stack.stack] for step in line.steps],
            "exact": "".join(str(int(step.exact)) for step in line.steps),
        }
