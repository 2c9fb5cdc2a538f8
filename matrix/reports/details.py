"""A few cases in full: all that was observed, on every stack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matrix.foreign import document, visible
from matrix.model import Case, Json, Observation
from matrix.model.outcome import judge, outcome
from matrix.model.rivals import describe_rival
from matrix.reports.grid import case_line, describe_stack
from matrix.reports.words import in_words
from matrix.results.store import ResultSet, StackResults
from matrix.versions.history import behaviour

_FIELDS = (
    "passed", "opened", "created", "unasked", "modified", "removed", "tried", "error",
    "second_connection", "reopened", "reused", "rivals", "pool", "warnings", "outside",
)  # fmt: skip


_LENGTH = 2000
"""Characters of a field: paths are to be read to their end."""


def render_details(results: ResultSet) -> str:
    """Each case, and what happened on which stacks; stacks that showed the same stand together."""
    lines: list[str] = []
    for case in results.cases.values():
        lines += ["", case_line(case)]
        for stacks in _alike(results.stacks, case):
            lines += _lines(case, stacks)
    return document("\n".join(map(visible, lines)) + "\n")


def _alike(stacks: Sequence[StackResults], case: Case) -> list[list[StackResults]]:
    """The stacks that ran the case, those together that showed the same."""
    groups: list[tuple[Json, list[StackResults]]] = []
    for stack in stacks:
        if case.id not in stack.observations:
            continue
        seen = behaviour(stack.observations[case.id])
        group = next((members for other, members in groups if other == seen), None)
        if group is None:
            groups.append((seen, [stack]))
        else:
            group.append(stack)
    return [members for _, members in groups]


def _rivals(case: Case, seen: Observation) -> Iterator[str]:
    for rival, met in zip(case.rivals, seen.rivals, strict=False):
        found = "nothing to look for" if met.found is None else met.found.value.replace("_", " ")
        yield f"      {describe_rival(rival)}: {found}{f' ({met.error})' if met.error else ''}"


def _lines(case: Case, stacks: Sequence[StackResults]) -> Iterator[str]:
    seen = stacks[0].observations[case.id]
    yield f"  {outcome(seen).word}: {outcome(seen).explanation}"
    yield from (f"    on {describe_stack(stack)}" for stack in stacks)
    fields = seen.to_json()
    for name in _FIELDS:
        if name == "rivals":
            yield from _rivals(case, seen)
        elif fields[name] not in (None, [], ""):
            yield f"      {name.replace('_', ' ')}: {in_words(name, fields[name], length=_LENGTH)}"
    judged = judge(seen, case)
    if judged.reason is not None:
        yield f"      {judged.verdict.word}: {judged.reason}"
