"""What a page says of the cells in a few words: what is the same everywhere, and where it is not.

However many cells there are, a summary stays short: what it leaves out is counted, and stands in
the grid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from matrix.foreign import visible
from matrix.model import Case, Intent, ScenarioInfo
from matrix.model.outcome import Outcome, Verdict
from matrix.model.stack_id import StackId
from matrix.reports.grid import display, table_title
from matrix.reports.page.data import NOT_RUN, PageData, PageRow, PageTable, decode
from matrix.reports.page.words import STRAYS
from matrix.results.store import StackResults

_DIFFERENCES = 3
_DIFFERENCES_IN_ALL = 900
_SCENARIOS_IN_FULL = 400
_CELLS_IN_FULL = 250_000
_SCENARIOS_AT_ALL = 1500


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
    """A scenario on the stacks of a table.

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
    """The scenarios of a topic on the stacks of a table, and how many of what there are.

    `summaries`: one per scenario, or none where there are too many scenarios.
    """

    name: str
    summaries: tuple[ScenarioSummary, ...]
    scenarios: int
    cases: int
    strays: int
    not_as_intended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSummary:
    """The topics of one table. `brief`: too many scenarios for a word on each question."""

    via: str | None
    stacks: int
    topics: tuple[TopicSummary, ...]
    brief: bool

    @property
    def title(self) -> str:
        return table_title(self.via)


def summarise(data: PageData) -> tuple[TableSummary, ...]:
    """Sum up each table; the more there is in all, the shorter each part."""
    scenarios = sum(len({row.scenario for row in table.rows}) for table in data.tables)
    brief = scenarios > _SCENARIOS_IN_FULL or data.totals.cells > _CELLS_IN_FULL
    limit = 0 if brief else min(_DIFFERENCES, _DIFFERENCES_IN_ALL // max(1, scenarios))
    listed = scenarios <= _SCENARIOS_AT_ALL
    return tuple(
        TableSummary(
            via=table.via,
            stacks=len(table.stacks),
            topics=tuple(_topics(data, table, limit, listed)),
            brief=brief,
        )
        for table in data.tables
    )


def describe(stacks: Sequence[StackResults], among: Sequence[StackResults]) -> str:
    """Name a part of the stacks of a table by what its members share."""
    if len(stacks) == len(among) > 1:
        return "all stacks"
    wanted = {stack.stack for stack in stacks}
    by_driver: dict[str, list[_Named]] = {}
    for stack in among:
        named = _Named(name=StackId.of(stack.stack), meant=stack.stack in wanted)
        by_driver.setdefault(named.name.driver, []).append(named)
    parts = (_describe_driver(driver, members) for driver, members in by_driver.items())
    return "; ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A stack by its name, and whether it is one of those that are described."""

    name: StackId
    meant: bool

    @property
    def uri(self) -> str:
        return self.name.options.get("uri", "")


def _describe_driver(driver: str, stacks: Sequence[_Named]) -> str:
    """A driver alone where all its stacks are meant, else with versions and URI settings."""
    if not any(stack.meant for stack in stacks):
        return ""
    if all(stack.meant for stack in stacks):
        return visible(driver)
    settings = _settings_by_versions(stacks)
    several = len({stack.uri for stack in stacks}) > 1
    parts = (
        f"{versions} ({' or '.join(uris)})".lstrip() if several else versions
        for versions, uris in settings.items()
    )
    return visible(f"{driver} {', '.join(parts)}".rstrip())


def _settings_by_versions(stacks: Sequence[_Named]) -> dict[str, list[str]]:
    """The versions that are meant, in words, each with the URI settings at which they are."""
    labels = _labels([stack.name for stack in stacks])
    settings: dict[str, list[str]] = {}
    for uri in ("", "off", "on"):
        labelled = [
            (label, stack.meant)
            for label, stack in zip(labels, stacks, strict=True)
            if stack.uri == uri
        ]
        if any(meant for _, meant in labelled):
            words = f"uri {uri}" if uri else "as built"
            settings.setdefault(_describe_versions(labelled), []).append(words)
    return settings


def _labels(names: Sequence[StackId]) -> list[str]:
    """For each stack of a driver its versions: those in which the stacks differ."""
    parts = (_middleware, lambda name: name.version, _library, _python)
    versions = [[part(name) for name in names] for part in parts]
    telling = [each for each in versions if len(set(each)) > 1]
    return [" ".join(filter(None, (each[i] for each in telling))) for i in range(len(names))]


def _describe_versions(labelled: Sequence[tuple[str, bool]]) -> str:
    """The versions that are meant, neighbours in short: `3.48.0.0 … 3.54.1.0`; empty for all."""
    if len(labelled) > 1 and all(meant for _, meant in labelled):
        return ""
    runs = []
    for meant, group in groupby(labelled, key=lambda each: each[1]):
        labels = list(dict.fromkeys(label for label, _ in group))
        if meant and labels != [""]:
            runs.append(labels[0] if len(labels) == 1 else f"{labels[0]} … {_end(labels)}")
    return ", ".join(runs)


def _end(labels: list[str]) -> str:
    """The last label, without the word with which the first begins as well."""
    word = labels[0].rpartition(" ")[0]
    return labels[-1].removeprefix(f"{word} ") if word else labels[-1]


def _middleware(name: StackId) -> str:
    return f"{name.middleware} {name.options[name.middleware]}" if name.middleware else ""


def _library(name: StackId) -> str:
    return f"on SQLite {name.options['sqlite']}" if "sqlite" in name.options else ""


def _python(name: StackId) -> str:
    return f"on Python {name.python}"


def _topics(data: PageData, table: PageTable, limit: int, listed: bool) -> Iterator[TopicSummary]:
    def topic(row: PageRow) -> str:
        return data.scenarios[row.scenario].id.split("/")[0]

    for name, rows in groupby(table.rows, key=topic):
        summaries = [
            _scenario(data, table, data.scenarios[scenario], list(group), limit)
            for scenario, group in groupby(rows, key=lambda row: row.scenario)
        ]
        yield TopicSummary(
            name=name,
            summaries=tuple(summaries) if listed else (),
            scenarios=len(summaries),
            cases=sum(each.cases for each in summaries),
            strays=sum(each.strays for each in summaries),
            not_as_intended=sum(each.not_as_intended for each in summaries),
        )


def _scenario(
    data: PageData, table: PageTable, scenario: ScenarioInfo, rows: Sequence[PageRow], limit: int
) -> ScenarioSummary:
    """Sum up the rows of a scenario, with at most `limit` differences."""
    counts = Counter("".join(row.vector for row in rows).replace(NOT_RUN, ""))
    agreeing, differing = _by_agreement(rows)
    ranked = sorted(differing.items(), key=lambda item: -len(item[1]))[:limit]
    shown = sum(len(group) for _, group in ranked)
    return ScenarioSummary(
        scenario=scenario,
        intents=tuple(dict.fromkeys(row.case.intent for row in rows)),
        cases=len(rows),
        everywhere=tuple(
            _agreement(code, alike, with_example=limit > 0)
            for code, alike in sorted(agreeing.items())
        ),
        differences=tuple(_difference(data, table, vector, group) for vector, group in ranked),
        more=sum(map(len, differing.values())) - shown,
        strays=sum(n for code, n in counts.items() if decode(code)[0] in STRAYS),
        not_as_intended=sum(
            n for code, n in counts.items() if decode(code)[1] is Verdict.NOT_AS_INTENDED
        ),
    )


def _by_agreement(
    rows: Iterable[PageRow],
) -> tuple[dict[str, list[PageRow]], dict[str, list[PageRow]]]:
    """The rows with one code on all stacks, by that code; and the others, by their vector."""
    agreeing: dict[str, list[PageRow]] = {}
    differing: dict[str, list[PageRow]] = {}
    for row in rows:
        vector = row.vector
        codes = set(vector) - {NOT_RUN}
        if len(codes) == 1:
            agreeing.setdefault(codes.pop(), []).append(row)
        elif codes:
            differing.setdefault(vector, []).append(row)
    return agreeing, differing


def _agreement(code: str, rows: Sequence[PageRow], *, with_example: bool) -> AgreeingCases:
    seen, judged = decode(code)
    return AgreeingCases(
        outcome=seen,
        verdict=judged,
        cases=len(rows),
        example=_plainest(rows) if with_example else None,
    )


def _difference(
    data: PageData, table: PageTable, vector: str, rows: Sequence[PageRow]
) -> DifferingCases:
    """Rows with one vector: where each outcome was seen; the most frequent one is elsewhere."""
    ran = [data.stacks[n] for n, c in zip(table.stacks, vector, strict=True) if c != NOT_RUN]
    codes = vector.replace(NOT_RUN, "")
    ranked = [code for code, _ in Counter(codes).most_common()]
    places = []
    for code in (*ranked[1:], ranked[0]):
        stacks = [stack for stack, each in zip(ran, codes, strict=True) if each == code]
        seen, judged = decode(code)
        where = "elsewhere" if code == ranked[0] else f"on {describe(stacks, ran)}"
        places.append(OutcomeOnStacks(outcome=seen, verdict=judged, where=where))
    return DifferingCases(case=_plainest(rows), alike=len(rows) - 1, places=tuple(places))


def _plainest(rows: Iterable[PageRow]) -> Case:
    """The case that is quickest to read."""
    return min(
        (row.case for row in rows),
        key=lambda case: len(display(case.target)) + 4 * len(case.connect) + 9 * len(case.sql),
    )
