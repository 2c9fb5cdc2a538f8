"""Texts that try to be more than text, and results in which every text from outside is one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from matrix.claims.document import ClaimsDocument
from matrix.claims.evaluate import ClaimResult, evaluate_claims
from matrix.comparison.accepted import entries_of
from matrix.comparison.compare import compare_results
from matrix.comparison.report import ChangeReport, report_changes
from matrix.model import Case, Failure, Intent, Observation
from matrix.results.store import ResultSet
from tests.builders import (
    make_case,
    make_created,
    make_fingerprint,
    make_observation,
    make_results,
    make_scenario,
    make_stack,
)
from tests.comparing import STACK, stack, write

TEXTS = (
    "::error::forged",
    "  ::add-mask::x",
    "x\n::set-env name=PATH::/tmp",
    "x\r::error::forged",
    "x\u2028::error::forged",
    "##[error]forged",
    "x ##[group]y",
    "##vso[task.setvariable variable=a]b",
    "##teamcity[buildStatus]",
    "%0A::error::forged,title=x:y",
    "\x1b[31mred\x1b]0;title\x07",
    "\x9b31m\x85\x7f",
    "a\u202eb\u2066c\u200d\ufeff\U000e0041",
    "a\x00b\x08\x0b\x0c",
    "\udcff\ud800\ufffe\uffff",
    "=cmd|'/c calc'!A1",
    "+1+1",
    "-1;=1+1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    " =1",
    "＝1",
    'a";=1+1;"',
    "a|b\\|c",
    "`x` ``y``",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</script></style></code>--><!--",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "[x](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "https://evil.example www.evil.example",
    "<https://evil.example>",
    "someone@evil.example @someone",
    "# heading",
    "- item",
    "1. item",
    "    code",
    "| a | b |\n|---|---|",
    "***",
    "$x$ &lt; &#60; \\",
    "]]><x/>",
    "{{ 7*7 }} {% raw %}",
    "[red]markup[/red] [/]",
    "x" * 300,
    "",
)


def results_of(text: str) -> ResultSet:
    """Results in which every text that a stranger can write is this one."""
    cases = cases_of(text)
    names = [f"{number}{text}@3.11" for number in range(3)]
    prints = [make_fingerprint(driver=text, driver_version="1", observer=text, source_id=text,
                               compile_options=(text,), platform=text) for _ in names]  # fmt: skip
    seen = [observation_of(case.id, text, number) for number, case in enumerate(cases)]
    return make_results(
        cases,
        [
            make_stack(names[0], seen, fingerprint=prints[0]),
            make_stack(names[1], seen[:1], fingerprint=replace(prints[1], middleware=text)),
            make_stack(names[2], unavailable=text),
        ],
        make_scenario(cases[0].scenario, title=text, question=text, references=(text,), then=text),
    )


def cases_of(text: str) -> list[Case]:
    steps = {
        "target": text,
        "connect": {text: text, "list": [text]},
        "sql": [text],
        "setup": [{"db": text, "sql": [text], "keep_wal": False}],
    }
    return [
        make_case(f"{text}/{text}[a={text}]", intent=Intent.PRIVATE_MEMORY, **steps),
        make_case(f"{text}/{text}[b={text}]", intent=Intent.FILE, **{**steps, "via": text}),
    ]


def observation_of(case: str, text: str, number: int) -> Observation:
    created = (make_created(text, asked=bool(number)), make_created(f"/{text}"))
    return make_observation(
        case=case,
        error=Failure(phase="write", type=text, message=text, statement=text),
        created=created,
        there=(text,),
        tried=(text,),
        modified=(text,),
        passed={"args": [text], "kwargs": {text: text}},
        opened=text,
        journal_mode=text,
        pool=text,
        warnings=(text, text),
    )


def changes_of(text: str, directory: Path) -> ChangeReport:
    """A comparison of such results, with a change that was accepted and one that is stale."""
    cases = cases_of(text)
    before = [make_observation(case=case.id) for case in cases]
    after = [observation_of(case.id, text, number) for number, case in enumerate(cases)]
    old = write(directory / "old", stack(STACK, *before), cases=cases)
    new = write(directory / "new", stack(STACK, *after, source_id=text, observer=text), cases=cases)
    report = report_changes(compare_results(old, new))
    words = text.encode("utf-8", "replace").decode() or "words"
    entries = entries_of(report.groups[:1], (), reason=words, reference=words)
    return replace(report, stale=entries, accepted=tuple((each, 1) for each in entries))


def claims_of(text: str) -> tuple[ClaimResult, ...]:
    """A claim whose words are this text, on such results."""
    text = text.encode("utf-8", "replace").decode()  # as YAML holds it
    words = text or "words"
    assertion = {"says": text, "cases": "*", "every": {"storage": "memory"}}
    claim = {
        "id": "C1",
        "says": words,
        "reading": words,
        "proof": [assertion],
        "also": [assertion],
        "if_true": text,
        "if_false": text,
        "if_depends": text,
        "instead": [{"write": words, "cases": "*"}],
    }
    document = ClaimsDocument.model_validate({"id": "d", "title": "T", "claims": [claim]})
    return evaluate_claims([document], results_of(text))
