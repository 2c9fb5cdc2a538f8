"""What a bisection found, in words and as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matrix.foreign import document, visible
from matrix.model import Case, Fingerprint, Json, canonical
from matrix.model.outcome import outcome, verdict
from matrix.reports.grid import case_line
from matrix.reports.history import another_build
from matrix.reports.words import in_words
from matrix.versions.bisect import Boundary
from matrix.versions.history import builds_between, changes_between

Fingerprints = Mapping[str, Fingerprint]
"""What each version was that ran a case, by version."""


def render_boundaries(
    axis: str,
    cases: Mapping[str, Case],
    boundaries: Sequence[Boundary],
    prints: Mapping[str, Fingerprints],
) -> str:
    """Boundaries as lines; cases that change alike in one place stand together."""
    alike: dict[str, list[Boundary]] = {}
    for boundary in boundaries:
        key = canonical([_answer(axis, boundary), changes_between(boundary.before, boundary.after)])
        alike.setdefault(key, []).append(boundary)
    groups = sorted(alike.values(), key=lambda group: group[0].last is None)
    return "\n".join(_group(axis, cases, group, prints[group[0].case]) for group in groups)


def _group(
    axis: str, cases: Mapping[str, Case], group: Sequence[Boundary], prints: Fingerprints
) -> str:
    """The first of some boundaries that are alike, and the cases of the others."""
    boundary, *others = group
    case = cases[boundary.case]
    lines = [
        visible(case.id),
        f"  {case_line(case)}",
        *(f"  {line}" for line in _answer(axis, boundary)),
    ]
    if boundary.last is not None and boundary.first is not None:
        was, is_ = (
            f"{outcome(seen).sign}{verdict(seen, case).mark} {outcome(seen).word}"
            for seen in (boundary.before, boundary.after)
        )
        lines.append(f"    until {boundary.last:<12} {was}")
        lines.append(f"    since {boundary.first:<12} {is_}")
        for name, old, new in changes_between(boundary.before, boundary.after):
            lines.append(f"          {name}: {in_words(name, old)} → {in_words(name, new)}")
        builds = builds_between(axis, prints[boundary.last], prints[boundary.first])
        lines += [f"          {another_build(builds)}"] if builds else []
    lines += [f"  likewise {visible(other.case)}" for other in others]
    return document("\n".join(map(visible, lines)) + "\n")


def boundary_json(axis: str, case: Case, boundary: Boundary, prints: Fingerprints) -> Json:
    """The same as data; `last` and `first` are null where the ends behave alike."""
    changed = boundary.last is not None
    builds = (
        builds_between(axis, prints[boundary.last], prints[boundary.first])
        if boundary.last is not None and boundary.first is not None
        else ()
    )
    return {
        "case": case.id,
        "target": case.target,
        "axis": axis,
        "old": boundary.old,
        "new": boundary.new,
        "last": boundary.last,
        "first": boundary.first,
        "exact": boundary.exact if changed else None,
        "settled": boundary.settled if changed else None,
        "skipped": list(boundary.skipped),
        "outcomes": [outcome(boundary.before).word, outcome(boundary.after).word],
        "changes": {n: [o, w] for n, o, w in changes_between(boundary.before, boundary.after)},
        "builds": {name: [old, new] for name, old, new in builds},
    }


def _answer(axis: str, boundary: Boundary) -> list[str]:
    if boundary.last is None or boundary.first is None:
        if boundary.old == boundary.new:
            return [f"{axis} {boundary.old} alone could be seen: nothing to compare it with."]
        word = outcome(boundary.before).word
        return [
            f"{axis} {boundary.old} and {boundary.new} behave alike: {word}.",
            "A change in between that went back is not excluded.",
        ]
    later = f"It changes again later: {boundary.new} behaves in a third way."
    if boundary.exact:
        where = f"{axis} {boundary.first} is the first that behaves differently."
    else:
        skipped = f"; {', '.join(boundary.skipped)} could not be seen" if boundary.skipped else ""
        where = (
            f"{axis} {boundary.first} behaves differently, or a release between it and "
            f"{boundary.last} already does{skipped}."
        )
    return [where] if boundary.settled else [where, later]
