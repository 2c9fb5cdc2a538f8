"""A badge per driver: the JSON that shields.io draws, for a README that wants to show it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from matrix.foreign import json_document
from matrix.model.outcome import Verdict, verdict
from matrix.model.stack_id import StackId
from matrix.results.store import ResultSet, StackResults


def render_badges(results: ResultSet) -> Mapping[str, str]:
    """A document per driver, by the driver's name; of each the newest bare stack, as built."""
    newest: dict[str, StackResults] = {}
    for stack in _as_built(results):
        newest[stack.stack.partition("=")[0].partition("@")[0]] = stack
    return {driver: _badge(results, stack) for driver, stack in newest.items()}


def _as_built(results: ResultSet) -> Iterator[StackResults]:
    """The stacks without options, the newest of each driver last: the order of a result set."""
    for stack in results.stacks:
        parsed = StackId.parse(stack.stack)
        if stack.fingerprint is not None and parsed is not None and not parsed.options:
            yield stack


def _badge(results: ResultSet, stack: StackResults) -> str:
    """How many strings left a stray file, and how many did what is meant: counts, no praise."""
    assert stack.fingerprint is not None
    seen = [
        (observation, verdict(observation, results.cases[case]))
        for case, observation in stack.observations.items()
    ]
    judged = [each for _, each in seen if each is not Verdict.NOTED]
    good = sum(each is Verdict.AS_INTENDED for each in judged)
    strays = sum(bool(observation.strays) for observation, _ in seen)
    shown = stack.fingerprint
    document = {
        "schemaVersion": 1,
        "label": f"{shown.driver} {shown.driver_version}, SQLite {shown.sqlite}",
        "message": f"{good:,} of {len(judged):,} as intended, {strays:,} stray files",
        "color": "informational",
    }
    return json_document(json.dumps(document, indent=1) + "\n")
