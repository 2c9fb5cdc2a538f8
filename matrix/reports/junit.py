"""JUnit's XML, as continuous integration reads it: a suite per stack, a test per scenario."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from xml.etree import ElementTree as ET

from matrix.foreign import document, visible
from matrix.model import Case
from matrix.model.outcome import Verdict, outcome, reason, verdict
from matrix.model.selection import Selection
from matrix.reports.recipes.calls import as_call
from matrix.results.store import ResultSet, StackResults

_MOST_CELLS = 20
"""How many cells a failure lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JunitTest:
    """One `<testcase>`: failed if there is a `failure`, else skipped if there is a `skipped`.

    `details` is the text of the failure, a line each.
    """

    classname: str
    name: str
    failure: str | None = None
    skipped: str | None = None
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JunitSuite:
    """One `<testsuite>`, with the properties of what was tested."""

    name: str
    tests: tuple[JunitTest, ...]
    properties: Mapping[str, str] = field(default_factory=dict)


def render_junit(results: ResultSet, selection: Selection | None = None) -> str:
    """The results as suites: a scenario fails on a stack where a cell is not as intended."""
    cases = [case for case in results.cases.values() if selection is None or selection(case.id)]
    return render_suites("sqlite-matrix", (_suite(stack, cases) for stack in results.stacks))


def render_suites(name: str, suites: Iterable[JunitSuite]) -> str:
    """Suites as an XML document, in the form that pytest and Ant write; hostile text is escaped."""
    root = ET.Element("testsuites", name=name)
    for suite in suites:
        _add_suite(root, suite)
    for total in ("tests", "failures", "skipped"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    root.set("errors", "0")
    ET.indent(root, " ")
    text = ET.tostring(root, encoding="unicode")
    return document(f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n')


def _suite(stack: StackResults, cases: Iterable[Case]) -> JunitSuite:
    if stack.unavailable is not None:
        missing = JunitTest(classname=stack.stack, name="stack", skipped=stack.unavailable)
        return JunitSuite(name=stack.stack, tests=(missing,))
    print_ = stack.fingerprint
    properties = {} if print_ is None else {"sqlite": print_.sqlite, "python": print_.python}
    ran = (case for case in cases if case.id in stack.observations)
    groups = groupby(sorted(ran, key=lambda case: case.id), key=lambda case: case.scenario)
    tests = tuple(_test(stack, name, list(members)) for name, members in groups)
    return JunitSuite(name=stack.stack, tests=tests, properties=properties)


def _test(stack: StackResults, scenario: str, cases: list[Case]) -> JunitTest:
    topic, _, name = scenario.partition("/")
    off = list(_not_as_intended(stack, cases))
    more = (f"and {len(off) - _MOST_CELLS} more",) if len(off) > _MOST_CELLS else ()
    return JunitTest(
        classname=topic,
        name=name,
        failure=f"{len(off)} of {len(cases)} not as intended" if off else None,
        details=(*off[:_MOST_CELLS], *more),
    )


def _not_as_intended(stack: StackResults, cases: Iterable[Case]) -> Iterator[str]:
    for case in cases:
        observation = stack.observations[case.id]
        if verdict(observation, case) is Verdict.NOT_AS_INTENDED:
            why = reason(observation, case)
            word = outcome(observation).word
            yield f"{as_call(case)}: {word}, meant {case.intent.value}: {why} ({case.id})"


def _add_suite(root: ET.Element, suite: JunitSuite) -> None:
    failures = sum(test.failure is not None for test in suite.tests)
    skipped = sum(test.failure is None and test.skipped is not None for test in suite.tests)
    element = ET.SubElement(
        root,
        "testsuite",
        name=visible(suite.name),
        tests=str(len(suite.tests)),
        failures=str(failures),
        errors="0",
        skipped=str(skipped),
    )
    if suite.properties:
        properties = ET.SubElement(element, "properties")
        for name, value in suite.properties.items():
            ET.SubElement(properties, "property", name=name, value=visible(value))
    for test in suite.tests:
        _add_test(element, test)


def _add_test(suite: ET.Element, test: JunitTest) -> None:
    case = ET.SubElement(
        suite, "testcase", classname=visible(test.classname), name=visible(test.name)
    )
    if test.failure is not None:
        failure = ET.SubElement(case, "failure", message=visible(test.failure))
        failure.text = "\n".join(map(visible, test.details)) or None
    elif test.skipped is not None:
        ET.SubElement(case, "skipped", message=visible(test.skipped))
