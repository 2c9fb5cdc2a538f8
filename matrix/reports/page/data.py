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

from matrix.model import Case, Intent, Json, Observation, ScenarioInfo, canonical
from matrix.model.outcome import Outcome, Verdict, outcome, reason, verdict
from matrix.model.selection import Selection
from matrix.model.stack_id import StackId
from matrix.reports.grid import Totals
from matrix.results.store import ResultSet, StackResults
from matrix.stacks.catalogue import Catalogue
from matrix.versions.history import known_sqlite, lines

VERSION = 1
NOT_RUN = "."

_OUTCOMES = tuple(Outcome)
_VERDICTS = tuple(Verdict)
_INTENTS = tuple(Intent)
_FIRST = ord("0")
_APART = ("case", "stack", "observer", "transients_complete")
_BEHAVIOUR = attrgetter(*(f.name for f in fields(Observation) if f.name not in _APART))
_STRAYS = (Outcome.STRAY, Outcome.STRAY_OUTSIDE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRow:
    """A case on the stacks of its kind.

    `pattern`: a character per stack, the same for stacks that showed exactly the same, `.` where
    the case did not run. `codes`: outcome and verdict of each of those groups, in the order in
    which they occur, and `seen` the number of what it showed.
    """

    case: Case
    scenario: int
    pattern: str
    codes: str
    seen: tuple[int, ...]

    @property
    def vector(self) -> str:
        """The code of each stack."""
        return self.pattern.translate(self._places())

    def _places(self) -> dict[int, str]:
        return {ord(mark(i)): code for i, code in enumerate(self.codes)}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTable:
    """The stacks with the same thing on top of the driver, by their number, and their rows."""

    via: str | None
    stacks: tuple[int, ...]
    rows: tuple[PageRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageData:
    """All that the page shows of the cells."""

    kinds: tuple[PageTable, ...]
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
    r"""The character of the n-th group of a pattern; neither a quote nor a backslash."""
    return chr(_FIRST + group if _FIRST + group < ord("\\") else _FIRST + group + 1)


def encode(seen: Outcome, judged: Verdict) -> str:
    """Outcome and verdict in one character."""
    return chr(_FIRST + _OUTCOMES.index(seen) * len(_VERDICTS) + _VERDICTS.index(judged))


def decode(code: str) -> tuple[Outcome, Verdict]:
    number = ord(code) - _FIRST
    return _OUTCOMES[number // len(_VERDICTS)], _VERDICTS[number % len(_VERDICTS)]


def build_page_data(results: ResultSet, selection: Selection | None = None) -> PageData:
    """Take a result set apart for the page: all cases, or those that the selection wants."""
    return _Builder(results).build(selection)


@dataclass(slots=True)
class _Builder:
    results: ResultSet
    numbers: dict[str, int] = field(default_factory=dict)
    observations: list[Json] = field(default_factory=list)
    judged: dict[tuple[Intent, int], str] = field(default_factory=dict)
    reasons: dict[tuple[Intent, int], str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def build(self, selection: Selection | None) -> PageData:
        results = self.results
        cases = [case for case in results.cases.values() if selection is None or selection(case.id)]
        listed = {info.id: info for info in results.scenarios}
        unlisted = dict.fromkeys(case.scenario for case in cases if case.scenario not in listed)
        listed |= {name: ScenarioInfo(id=name, title=name, question="") for name in unlisted}
        ranks = {name: rank for rank, name in enumerate(listed)}
        open_to_all = {_topic(case) for case in cases if case.drivers is None}
        cases.sort(
            key=lambda case: (
                _topic(case) not in open_to_all,
                ranks[case.scenario],
                _INTENTS.index(case.intent),
            )
        )
        vias = sorted({case.via for case in cases}, key=lambda via: (via is not None, via or ""))
        kinds = tuple(
            self._kind(via, [case for case in cases if case.via == via], ranks) for via in vias
        )
        return PageData(
            kinds=tuple(kind for kind in kinds if kind.stacks),
            scenarios=tuple(listed.values()),
            stacks=results.stacks,
            observations=tuple(self.observations),
            reasons=self.reasons,
            totals=self._totals(len(cases)),
            outcomes=frozenset(decode(code)[0] for code in self.counts),
        )

    def _kind(self, via: str | None, cases: list[Case], ranks: Mapping[str, int]) -> PageTable:
        numbers = tuple(
            number
            for number, stack in enumerate(self.results.stacks)
            if stack.unavailable is None
            and (stack.middleware == via or any(case.id in stack.observations for case in cases))
        )
        seen = [self.results.stacks[number].observations for number in numbers]
        rows = tuple(self._row(case, ranks[case.scenario], seen) for case in cases)
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
                number = self._number(observation, case.intent)
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

    def _number(self, observation: Observation, intent: Intent) -> int:
        shown = {k: v for k, v in observation.to_json().items() if k not in _APART}
        number = self.numbers.setdefault(canonical(shown), len(self.numbers))
        if number == len(self.observations):
            self.observations.append({k: v for k, v in shown.items() if v not in (None, [], {})})
        if (intent, number) not in self.judged:
            self.judged[intent, number] = encode(outcome(observation), verdict(observation, intent))
            why = reason(observation, intent)
            if why is not None:
                self.reasons[intent, number] = why
        return number

    def _totals(self, cases: int) -> Totals:
        seen = [(decode(code), count) for code, count in self.counts.items()]
        stacks = self.results.stacks
        return Totals(
            cases=cases,
            cells=sum(n for (o, _), n in seen if o is not Outcome.UNAVAILABLE),
            strays=sum(n for (o, _), n in seen if o in _STRAYS),
            not_as_intended=sum(n for (_, v), n in seen if v is Verdict.NOT_AS_INTENDED),
            unavailable=sum(n for (o, _), n in seen if o is Outcome.UNAVAILABLE),
            stacks=len(stacks),
            unavailable_stacks=sum(stack.unavailable is not None for stack in stacks),
        )


def grid_document(data: PageData, claims: Mapping[str, Iterable[str]] | None = None) -> Json:
    """What the page needs to show the grid, and to filter it.

    `claims`: the ids of the cases that each claim is about.
    """
    patterns: dict[str, int] = {}
    options: dict[str, int] = {}
    statements: dict[str, int] = {"": 0}
    kinds = []
    for kind in data.kinds:
        rows = kind.rows
        kinds.append(
            {
                "via": kind.via,
                "stacks": kind.stacks,
                "scenario": [row.scenario for row in rows],
                "variant": [_variant(row.case) for row in rows],
                "target": [row.case.target for row in rows],
                "type": "".join(row.case.target_type.value[0] for row in rows),
                "connect": [
                    options.setdefault(canonical(dict(row.case.connect)), len(options))
                    for row in rows
                ],
                "sql": [
                    statements.setdefault("; ".join(row.case.sql), len(statements)) for row in rows
                ],
                "intent": "".join(chr(_FIRST + _INTENTS.index(row.case.intent)) for row in rows),
                "pattern": [patterns.setdefault(row.pattern, len(patterns)) for row in rows],
                "codes": [row.codes for row in rows],
            }
        )
    return {
        "version": VERSION,
        "outcomes": [[each.sign, each.word, each.explanation] for each in Outcome],
        "verdicts": [[each.mark, each.word] for each in Verdict],
        "intents": [each.value for each in Intent],
        "scenarios": [[each.id, each.title] for each in data.scenarios],
        "stacks": [_stack(stack) for stack in data.stacks],
        "kinds": kinds,
        "patterns": list(patterns),
        "connect": list(options),
        "sql": list(statements),
        "claims": _claims(data, claims or {}),
    }


def detail_document(data: PageData, catalogue: Catalogue | None = None) -> Json:
    """What the page needs to tell one cell in full; `catalogue` knows the versions in between."""
    texts: dict[str, int] = {}
    reasons: dict[str, dict[str, int]] = {}
    for (intent, number), why in data.reasons.items():
        place = reasons.setdefault(intent.value, {})
        place[str(number)] = texts.setdefault(why, len(texts))
    seen: dict[tuple[int, ...], int] = {}
    asked: dict[str, int] = {}
    rows = [
        {
            "seen": [seen.setdefault(row.seen, len(seen)) for row in kind.rows],
            "asked": [asked.setdefault(_asked(row.case), len(asked)) for row in kind.rows],
            "strips": [] if catalogue is None else list(_lines(data, kind, catalogue)),
        }
        for kind in data.kinds
    ]
    return {
        "observations": list(data.observations),
        "texts": list(texts),
        "reasons": reasons,
        "kinds": rows,
        "seen": list(seen),
        "asked": list(asked),
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


def _topic(case: Case) -> str:
    return case.scenario.partition("/")[0]


def _variant(case: Case) -> str:
    """What a case's id says beyond its scenario's."""
    return case.id[len(case.scenario) :]


def _asked(case: Case) -> str:
    """What is asked besides the target, without what is as ever."""
    told = {k: v for k, v in case.to_json().items() if k not in ("id", "target", "via", "intent")}
    usual = Case(id="", target="").to_json()
    return canonical({k: v for k, v in told.items() if v != usual[k] and k != "connect"})


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
        for number, kind in enumerate(data.kinds)
        for index, row in enumerate(kind.rows)
    }
    return {
        claim: sorted({places[case] for case in cases if case in places})
        for claim, cases in claims.items()
    }


def _lines(data: PageData, kind: PageTable, catalogue: Catalogue) -> Iterator[Json]:
    """The lines on which stacks of a table lie: the versions, and the place of each in the table.

    `exact`: for each step, whether no known version lies between it and the one before.
    """
    places = {data.stacks[number].stack: place for place, number in enumerate(kind.stacks)}
    stacks = [data.stacks[number] for number in kind.stacks]
    for line in lines(stacks, known_sqlite(catalogue, data.stacks), catalogue):
        yield {
            "axis": line.axis,
            "still": line.still,
            "versions": [step.version for step in line.steps],
            "places": [places[step.stack.stack] for step in line.steps],
            "exact": "".join(str(int(step.exact)) for step in line.steps),
        }
