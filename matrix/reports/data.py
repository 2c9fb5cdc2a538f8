"""Results for programs: JSON, JSON Lines and CSV. Nothing is folded and nothing is left out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from matrix.foreign import csv_cell, document, json_document
from matrix.model import Case, Json, Observation, canonical
from matrix.model.outcome import Outcome, outcome, reason, verdict
from matrix.model.selection import Selection
from matrix.reports.grid import build_grid, connect_options
from matrix.results.file_format import SCHEMA
from matrix.results.store import ResultSet, StackResults

CSV_COLUMNS = (
    "scenario",
    "case",
    "target",
    "connect",
    "intent",
    "stack",
    "sqlite",
    "outcome",
    "verdict",
    "reason",
    "storage",
    "second_connection",
    "created",
    "error",
)


def render_json(results: ResultSet, selection: Selection | None = None) -> str:
    """Write one document: scenarios, cases, stacks, and observations with outcome and verdict."""
    wanted = [case for case in results.cases.values() if selection is None or selection(case.id)]
    data = {
        "schema": SCHEMA,
        "totals": asdict(build_grid(results, selection).totals),
        "scenarios": [scenario.to_json() for scenario in results.scenarios],
        "cases": [case.to_json() for case in wanted],
        "stacks": [_stack(stack) for stack in results.stacks],
        "observations": [
            _judged(observation, case) for _, case, observation in _cells(results, selection)
        ],
    }
    return json_document(json.dumps(data, indent=2, ensure_ascii=True) + "\n")


def render_jsonl(results: ResultSet, selection: Selection | None = None) -> str:
    """Write one observation per line, as the result files hold it."""
    return observation_lines(each for _, _, each in _cells(results, selection))


def observation_lines(observations: Iterable[Observation]) -> str:
    """Observations as JSON Lines, one each."""
    return json_document("".join(f"{canonical(each.to_json())}\n" for each in observations))


def render_csv(results: ResultSet, selection: Selection | None = None) -> str:
    """Write one row per cell, and one without a case for each unavailable stack.

    Every cell is in quotes, so that no other separator splits it, and one that a spreadsheet would
    evaluate begins with an apostrophe.
    """
    text = io.StringIO()
    writer = csv.DictWriter(
        text, CSV_COLUMNS, restval="", lineterminator="\n", quoting=csv.QUOTE_ALL
    )
    writer.writeheader()
    for row in _csv_rows(results, selection):
        writer.writerow({name: csv_cell(value) for name, value in row.items()})
    return document(text.getvalue())


def _csv_rows(results: ResultSet, selection: Selection | None) -> Iterator[dict[str, str]]:
    for stack, case, observation in _cells(results, selection):
        yield _csv_row(stack, case, observation)
    for stack in results.stacks:
        if stack.unavailable is not None:
            word = Outcome.UNAVAILABLE.word
            yield {"stack": stack.stack, "outcome": word, "error": stack.unavailable}


def _cells(
    results: ResultSet, selection: Selection | None
) -> Iterator[tuple[StackResults, Case, Observation]]:
    """Yield stack by stack, the cases of each in the order of the case ids."""
    for stack in results.stacks:
        for case in results.cases.values():
            observation = stack.observations.get(case.id)
            if observation is not None and (selection is None or selection(case.id)):
                yield stack, case, observation


def _stack(stack: StackResults) -> Json:
    fingerprint = stack.fingerprint
    return {
        "stack": stack.stack,
        "fingerprint": None if fingerprint is None else fingerprint.to_json(),
        "unavailable": stack.unavailable,
    }


def _judged(observation: Observation, case: Case) -> Json:
    return {
        **observation.to_json(),
        "outcome": outcome(observation).word,
        "verdict": verdict(observation, case).value,
        "reason": reason(observation, case),
    }


def _csv_row(stack: StackResults, case: Case, observation: Observation) -> dict[str, str]:
    error, second = observation.error, observation.second_connection
    return {
        "scenario": case.scenario,
        "case": case.id,
        "target": case.target,
        "connect": connect_options(case.connect),
        "intent": case.intent.value,
        "stack": stack.stack,
        "sqlite": stack.fingerprint.sqlite if stack.fingerprint is not None else "",
        "outcome": outcome(observation).word,
        "verdict": verdict(observation, case).value,
        "reason": reason(observation, case) or "",
        "storage": observation.storage.value,
        "second_connection": second.value if second is not None else "",
        "created": " ".join(entry.path for entry in observation.created),
        "error": f"{error.phase}: {error.type}: {error.message}" if error is not None else "",
    }
