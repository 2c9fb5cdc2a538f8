"""What a bisection found, in words and as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matrix.model import Case, Fingerprint, Json, canonical
from matrix.model.outcome import outcome, verdict
from matrix.reports.grid import case_line, visible
from matrix.reports.words import in_words
from matrix.versions.bisect import Boundary
from matrix.versions.history import builds_between, changes_between

Fingerprints = Mapping[str, Fingerprint]
"""What each version was that ran a case, by version."""


def render_boundaries(
    axis: str,
    cases: Mapping[str, Case],
    found: Sequence[Boundary],
    prints: Mapping[str, Fingerprints],
) -> str:
    """Boundaries as lines; cases that change alike in one place are told together."""
    alike: dict[str, list[Boundary]] = {}
    for boundary in found:
        key = canonical([_answer(axis, boundary), changes_between(boundary.before, boundary.after)])
        alike.setdefault(key, []).append(boundary)
    groups = sorted(alike.values(), key=lambda group: group[0].last is None)
    return "\n".join(_group(axis, cases, group, prints[group[0].case]) for group in groups)


def _group(
    axis: str, cases: Mapping[str, Case], group: Sequence[Boundary], prints: Fingerprints
) -> str:
    """The first of some boundaries that are alike, and the cases of the others."""
    found, *others = group
    case = cases[found.case]
    lines = [
        visible(case.id),
        f"  {case_line(case)}",
        *(f"  {line}" for line in _answer(axis, found)),
    ]
    if found.last is not None and found.first is not None:
        was, is_ = (
            f"{outcome(seen).sign}{verdict(seen, case.intent).mark} {outcome(seen).word}"
            for seen in (found.before, found.after)
        )
        lines.append(f"    until {found.last:<12} {was}")
        lines.append(f"    since {found.first:<12} {is_}")
        for name, old, new in changes_between(found.before, found.after):
            lines.append(f"          {name}: {in_words(name, old)} → {in_words(name, new)}")
        for name, old, new in builds_between(prints[found.last], prints[found.first]):
            lines.append(f"          another build: {name} {canonical(old)} → {canonical(new)}")
    lines += [f"  likewise {visible(other.case)}" for other in others]
    return "\n".join(lines) + "\n"


def boundary_json(axis: str, case: Case, found: Boundary, prints: Fingerprints) -> Json:
    """The same as data; `last` and `first` are null where the ends behave alike."""
    changed = found.last is not None
    builds = (
        builds_between(prints[found.last], prints[found.first])
        if found.last is not None and found.first is not None
        else ()
    )
    return {
        "case": case.id,
        "target": case.target,
        "axis": axis,
        "old": found.old,
        "new": found.new,
        "last": found.last,
        "first": found.first,
        "exact": found.exact if changed else None,
        "settled": found.settled if changed else None,
        "skipped": list(found.skipped),
        "outcomes": [outcome(found.before).word, outcome(found.after).word],
        "changes": {n: [o, w] for n, o, w in changes_between(found.before, found.after)},
        "builds": {name: [old, new] for name, old, new in builds},
    }


def _answer(axis: str, found: Boundary) -> list[str]:
    if found.last is None or found.first is None:
        if found.old == found.new:
            return [f"{axis} {found.old} alone could be seen: nothing to compare it with."]
        return [
            f"{axis} {found.old} and {found.new} behave alike: {outcome(found.before).word}.",
            "A change in between that went back is not excluded.",
        ]
    later = f"It changes again later: {found.new} behaves in a third way."
    if found.exact:
        where = f"{axis} {found.first} is the first that behaves differently."
    else:
        skipped = f"; {', '.join(found.skipped)} could not be seen" if found.skipped else ""
        where = (
            f"{axis} {found.first} behaves differently, or a release between it and "
            f"{found.last} already does{skipped}."
        )
    return [where] if found.settled else [where, later]
