"""What a page says of the cells in a few words: what is the same everywhere, and where it is not.

However many cells there are, a summary stays short: what it leaves out is counted, and is in the
grid below it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from matrix.model import Case, Intent, ScenarioInfo
from matrix.model.outcome import Outcome, Verdict
from matrix.model.stack_id import StackId
from matrix.reports.grid import display, visible
from matrix.reports.page.data import NOT_RUN, PageData, PageRow, PageTable, decode
from matrix.results.store import StackResults

_DIFFERENCES = 3
_DIFFERENCES_IN_ALL = 900
_SCENARIOS_IN_FULL = 400
_CELLS_IN_FULL = 250_000
_SCENARIOS_AT_ALL = 1500
_STRAY = (Outcome.STRAY, Outcome.STRAY_OUTSIDE)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeOnStacks:
    """An outcome with its verdict, and the stacks on which it was seen, in words."""

    outcome: Outcome
    verdict: Verdict
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferingCases:
    """Cases on which the stacks differ, all in the same way; the first stands for the others."""

    case: Case
    alike: int
    places: tuple[OutcomeOnStacks, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreeingCases:
    """Cases with one outcome and verdict on all stacks; one of them as an example."""

    outcome: Outcome
    verdict: Verdict
    cases: int
    example: Case | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioSummary:
    """A scenario on the stacks of a kind.

    `everywhere`: each outcome that cases have on all stacks, with those cases.
    `more`: how many cases differ besides those of the differences.
    """

    scenario: ScenarioInfo
    intents: tuple[Intent, ...]
    cases: int
    everywhere: tuple[AgreeingCases, ...]
    differences: tuple[DifferingCases, ...]
    more: int
    strays: int
    not_as_intended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSummary:
    """The scenarios of a topic on the stacks of a kind; `told` is empty if there are too many."""

    name: str
    told: tuple[ScenarioSummary, ...]
    scenarios: int
    cases: int
    strays: int
    not_as_intended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSummary:
    """The topics of one kind. `brief`: too many scenarios for a word on each question."""

    via: str | None
    stacks: int
    topics: tuple[TopicSummary, ...]
    brief: bool

    @property
    def title(self) -> str:
        return "Bare drivers" if self.via is None else f"Through {self.via}"


def summarise(data: PageData) -> tuple[TableSummary, ...]:
    """Sum up each kind; the more there is in all, the shorter each part."""
    scenarios = sum(len({row.scenario for row in kind.rows}) for kind in data.kinds)
    brief = scenarios > _SCENARIOS_IN_FULL or data.totals.cells > _CELLS_IN_FULL
    limit = 0 if brief else min(_DIFFERENCES, _DIFFERENCES_IN_ALL // max(1, scenarios))
    listed = scenarios <= _SCENARIOS_AT_ALL
    return tuple(
        TableSummary(
            via=kind.via,
            stacks=len(kind.stacks),
            topics=tuple(_topics(data, kind, limit, listed)),
            brief=brief,
        )
        for kind in data.kinds
    )


def describe(stacks: Sequence[StackResults], among: Sequence[StackResults]) -> str:
    """Name a part of the stacks of a kind by what its members share."""
    if len(stacks) == len(among) > 1:
        return "all stacks"
    wanted = {stack.stack for stack in stacks}
    named = [StackId.of(s.stack) for s in among]
    every = [(name, stack.stack in wanted) for name, stack in zip(named, among, strict=True)]
    drivers = dict.fromkeys(name.driver for name in named)
    parts = (_driver(driver, [e for e in every if e[0].driver == driver]) for driver in drivers)
    return "; ".join(part for part in parts if part)


def _driver(driver: str, stacks: list[tuple[StackId, bool]]) -> str:
    """A driver alone where all its stacks are meant, else which."""
    if not any(meant for _, meant in stacks):
        return ""
    if all(meant for _, meant in stacks):
        return visible(driver)
    varied = [
        [part(name) for name, _ in stacks]
        for part in (_above, lambda n: n.version, _library, _python)
    ]
    telling = [values for values in varied if len(set(values)) > 1]
    labels = [" ".join(filter(None, each)) for each in zip(*telling, strict=True)]
    labels = labels or [""] * len(stacks)
    runs: dict[str, list[str]] = {}
    for uri in ("", "off", "on"):
        lane = [
            (label, meant)
            for label, (name, meant) in zip(labels, stacks, strict=True)
            if name.options.get("uri", "") == uri
        ]
        if any(meant for _, meant in lane):
            which = "" if all(meant for _, meant in lane) and len(lane) > 1 else _runs(lane)
            runs.setdefault(which, []).append(f"uri {uri}" if uri else "as built")
    several = len({name.options.get("uri", "") for name, _ in stacks}) > 1
    told = [
        " ".join(filter(None, (which, f"({' or '.join(uris)})" if several else "")))
        for which, uris in runs.items()
    ]
    return visible(f"{driver} {', '.join(told)}".rstrip())


def _runs(lane: list[tuple[str, bool]]) -> str:
    """Neighbouring versions in short: `3.48.0.0 … 3.54.1.0`."""
    told = []
    for meant, group in groupby(lane, key=lambda each: each[1]):
        labels = list(dict.fromkeys(label for label, _ in group))
        if meant and labels != [""]:
            told.append(labels[0] if len(labels) == 1 else f"{labels[0]} … {_end(labels)}")
    return ", ".join(told)


def _end(labels: list[str]) -> str:
    """The last label, without the word with which the first begins as well."""
    word = labels[0].rpartition(" ")[0]
    return labels[-1].removeprefix(f"{word} ") if word else labels[-1]


def _above(name: StackId) -> str:
    return f"{name.middleware} {name.options[name.middleware]}" if name.middleware else ""


def _library(name: StackId) -> str:
    return f"on SQLite {name.options['sqlite']}" if "sqlite" in name.options else ""


def _python(name: StackId) -> str:
    return f"on Python {name.python}"


def _topics(data: PageData, kind: PageTable, limit: int, listed: bool) -> Iterator[TopicSummary]:
    def topic(row: PageRow) -> str:
        return data.scenarios[row.scenario].id.split("/")[0]

    for name, rows in groupby(kind.rows, key=topic):
        told = [
            _told(data, kind, data.scenarios[scenario], list(group), limit)
            for scenario, group in groupby(rows, key=lambda row: row.scenario)
        ]
        yield TopicSummary(
            name=name,
            told=tuple(told) if listed else (),
            scenarios=len(told),
            cases=sum(each.cases for each in told),
            strays=sum(each.strays for each in told),
            not_as_intended=sum(each.not_as_intended for each in told),
        )


def _told(
    data: PageData, kind: PageTable, scenario: ScenarioInfo, rows: list[PageRow], limit: int
) -> ScenarioSummary:
    everywhere: dict[str, list[PageRow]] = {}
    differing: dict[str, list[PageRow]] = {}
    counts: Counter[str] = Counter()
    for row in rows:
        vector = row.vector
        codes = set(vector) - {NOT_RUN}
        for code in codes:
            counts[code] += vector.count(code)
        if len(codes) == 1:
            everywhere.setdefault(codes.pop(), []).append(row)
        elif codes:
            differing.setdefault(vector, []).append(row)
    ranked = sorted(differing.items(), key=lambda item: -len(item[1]))[:limit]
    shown = sum(len(group) for _, group in ranked)
    return ScenarioSummary(
        scenario=scenario,
        intents=tuple(dict.fromkeys(row.case.intent for row in rows)),
        cases=len(rows),
        everywhere=tuple(
            AgreeingCases(
                outcome=decode(code)[0],
                verdict=decode(code)[1],
                cases=len(alike),
                example=_plainest(alike) if limit else None,
            )
            for code, alike in sorted(everywhere.items())
        ),
        differences=tuple(_difference(data, kind, vector, group) for vector, group in ranked),
        more=sum(map(len, differing.values())) - shown,
        strays=sum(n for code, n in counts.items() if decode(code)[0] in _STRAY),
        not_as_intended=sum(
            n for code, n in counts.items() if decode(code)[1] is Verdict.NOT_AS_INTENDED
        ),
    )


def _difference(
    data: PageData, kind: PageTable, vector: str, rows: list[PageRow]
) -> DifferingCases:
    ran = [data.stacks[n] for n, c in zip(kind.stacks, vector, strict=True) if c != NOT_RUN]
    codes = vector.replace(NOT_RUN, "")
    ranked = [code for code, _ in Counter(codes).most_common()]
    places = []
    for code in (*ranked[1:], ranked[0]):
        stacks = [stack for stack, each in zip(ran, codes, strict=True) if each == code]
        seen, judged = decode(code)
        where = "elsewhere" if code == ranked[0] else f"on {describe(stacks, ran)}"
        places.append(OutcomeOnStacks(outcome=seen, verdict=judged, where=where))
    return DifferingCases(case=_plainest(rows), alike=len(rows) - 1, places=tuple(places))


def _plainest(rows: Sequence[PageRow]) -> Case:
    """The case that is quickest to read."""
    return min(
        (row.case for row in rows),
        key=lambda case: len(display(case.target)) + 4 * len(case.connect) + 9 * len(case.sql),
    )
