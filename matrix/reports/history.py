"""The history of a case, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matrix.foreign import document, visible
from matrix.model import Case, Json, canonical
from matrix.model.outcome import outcome, verdict
from matrix.reports.grid import case_line
from matrix.reports.words import in_words
from matrix.text import few
from matrix.versions.history import SameSqlite, Segment, Strip

_MOST_FACTS = 4
_AXES = {"SQLite": "SQLite under sqlite3 (the effect of library and build)"}


def render_history(case: Case, strips: Sequence[Strip], same: Sequence[SameSqlite]) -> str:
    """The strips of a case as lines: what it did since which version, and what changed there."""
    lines = [visible(case.id), f"  {case_line(case)}"]
    if not strips and not same:
        lines += ["", "  no second version to compare with: sqlite-matrix run --stacks full"]
    for strip in strips:
        lines += [
            "",
            f"{_AXES.get(strip.axis, strip.axis)}: {strip.versions} versions of {strip.still}",
        ]
        if len(strip.segments) == 1:
            lines.append(f"  always     {_sign(case, strip.segments[0])}")
            continue
        for before, segment in zip((None, *strip.segments), strip.segments, strict=False):
            lines += _segment(case, before, segment)
    if same:
        agree = dict.fromkeys(each.sqlite for each in same if not each.differs)
        lines += ["", "One SQLite version under several drivers (the effect of driver and build)"]
        lines += [f"  they agree at {', '.join(agree)}"] if agree else []
        lines += [line for each in same if each.differs for line in _differing(case, each)]
    return document("\n".join(map(visible, lines)) + "\n")


def history_json(case: Case, strips: Sequence[Strip], same: Sequence[SameSqlite]) -> Json:
    """The same as data."""
    return {
        "case": case.id,
        "target": case.target,
        "strips": [
            {
                "axis": strip.axis,
                "stack": strip.still,
                "segments": [
                    {
                        "since": segment.since,
                        "until": segment.until,
                        "exact": segment.exact,
                        "outcome": outcome(segment.observation).word,
                        "verdict": verdict(segment.observation, case).value,
                        "changes": {name: [old, new] for name, old, new in segment.changes},
                        "builds": {name: [old, new] for name, old, new in segment.builds},
                        "versions": [point.version for point in segment.points],
                    }
                    for segment in strip.segments
                ],
            }
            for strip in strips
        ],
        "same_sqlite": [
            {
                "sqlite": each.sqlite,
                "differs": list(each.differs),
                "outcomes": {p.stack: outcome(p.observation).word for p in each.points},
            }
            for each in same
        ],
    }


def _segment(case: Case, before: Segment | None, segment: Segment) -> Iterator[str]:
    if before is None:
        yield f"  until {segment.until:<12} {_sign(case, segment)}"
        return
    where = "" if segment.exact else f"  (or a release after {before.until}, not run)"
    yield f"  since {segment.since:<12} {_sign(case, segment)}{where}"
    for name, old, new in segment.changes:
        yield f"        {name}: {in_words(name, old)} → {in_words(name, new)}"
    if segment.builds:
        yield f"        {another_build(segment.builds)}"


def another_build(facts: Sequence[tuple[str, Json, Json]]) -> str:
    """The recorded facts that differ besides the version, the first of them."""
    texts = [f"{name} {_plain(old)} → {_plain(new)}" for name, old, new in facts]
    return f"another build: {few(texts, _MOST_FACTS)}"


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else canonical(value)


def _differing(case: Case, each: SameSqlite) -> Iterator[str]:
    yield f"  at {each.sqlite} they differ in {', '.join(each.differs)}: driver, or build"
    for point in each.points:
        seen = outcome(point.observation)
        mark = verdict(point.observation, case).mark
        yield f"    {seen.sign + mark:<4} {seen.word:<14} {visible(point.stack)}"


def _sign(case: Case, segment: Segment) -> str:
    seen = outcome(segment.observation)
    return f"{seen.sign}{verdict(segment.observation, case).mark} {seen.word}"
