"""One string in full: what was passed, opened and created, stack by stack."""

from __future__ import annotations

from dataclasses import replace

from matrix.model import Intent
from matrix.reports.details import render_details
from matrix.results.store import ResultSet, StackResults
from tests.builders import in_file, in_memory, make_case, make_fingerprint

CASE = make_case("check", target="file:db?mode=memory", intent=Intent.PRIVATE_MEMORY)


def stack(name: str, **changes: object) -> StackResults:
    seen = replace(in_memory(CASE.id), stack=name, **changes)  # type: ignore[arg-type]  # its fields
    return StackResults(stack=name, fingerprint=make_fingerprint(), observations={CASE.id: seen})


def details(*stacks: StackResults) -> str:
    return render_details(ResultSet(scenarios=(), cases={CASE.id: CASE}, stacks=stacks))


def test_stacks_that_showed_the_same_stand_together() -> None:
    text = details(stack("a@3.11"), stack("b@3.11"), stack("c@3.11", warnings=("Careful: x",)))
    assert text.count("memory: in memory") == 2
    assert text.index("on a@3.11") < text.index("on b@3.11") < text.index("on c@3.11")
    assert text.count("warnings: ") == 1


def test_what_appeared_and_why_it_is_not_meant_is_shown() -> None:
    seen = replace(in_file(CASE.id, "file:db?mode=memory"), stack="a@3.11")
    found = StackResults(
        stack="a@3.11", fingerprint=make_fingerprint(), observations={CASE.id: seen}
    )
    text = details(found)
    assert "created: file:db?mode=memory (database)" in text
    assert "not as intended: " in text
