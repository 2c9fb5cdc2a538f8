"""Results as JUnit's XML."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from matrix.model import Intent
from matrix.reports.junit import JunitSuite, JunitTest, render_junit, render_suites
from tests.builders import in_memory, make_case, make_results, make_stack, stray

FIRST, SECOND = "mode/memory[order=1]", "mode/memory[order=2]"


def test_a_scenario_with_a_cell_that_is_not_as_intended_fails_and_lists_it() -> None:
    cases = [make_case(case, intent=Intent.PRIVATE_MEMORY) for case in (FIRST, SECOND)]
    stack = make_stack(observations=[in_memory(FIRST), stray(SECOND)])
    root = ET.fromstring(render_junit(make_results(cases, [stack])))
    (test,) = root.iter("testcase")
    failure = test.find("failure")
    assert (test.get("classname"), test.get("name")) == ("mode", "memory")
    assert failure is not None
    assert failure.get("message") == "1 of 2 not as intended"
    assert SECOND in (failure.text or "")
    assert root.get("failures") == "1"


def test_what_nobody_judges_passes() -> None:
    stack = make_stack(observations=[stray(FIRST)])
    root = ET.fromstring(render_junit(make_results([make_case(FIRST)], [stack])))
    assert root.get("failures") == "0"
    assert root.get("tests") == "1"


def test_a_stack_that_could_not_be_had_is_skipped_with_its_reason() -> None:
    stack = make_stack("apsw==9@3.11", unavailable="no such version")
    root = ET.fromstring(render_junit(make_results([make_case(FIRST)], [stack])))
    (skipped,) = root.iter("skipped")
    assert skipped.get("message") == "no such version"


@given(st.text(), st.text())
def test_any_text_makes_a_document_that_reads_and_says_it_visibly(name: str, why: str) -> None:
    test = JunitTest(classname="a", name=name, failure=why, details=(why,))
    root = ET.fromstring(render_suites("all", [JunitSuite(name=name, tests=(test,))]))
    (failure,) = root.iter("failure")
    told = failure.get("message") or ""
    assert told.isprintable()
    assert not why.isprintable() or told == why
