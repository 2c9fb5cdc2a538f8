"""Claims: read at the door, settled by cells, and never by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from matrix.claims.document import EXPERIMENT_FACTS, ClaimsDocument, load_claims
from matrix.claims.evaluate import (
    ClaimResult,
    ClaimVerdict,
    ExperimentResult,
    evaluate_claims,
    wanted_cases,
)
from matrix.claims.experiments import load_experiments, perform, write_experiments
from matrix.cli import cli
from matrix.errors import DocumentError
from matrix.model import Case, Fingerprint, Intent, Observation
from matrix.reports.claims import claim_row, claims_json, render_claims
from matrix.results.store import ResultSet, StackResults
from matrix.runner.collect import observe
from matrix.runner.options import RunOptions
from matrix.scenarios.expand import expand_topics
from matrix.scenarios.load import load_topics
from matrix.schemas import json_schema
from matrix.stacks.provision import Provided
from tests.builders import (
    in_memory,
    make_case,
    make_fingerprint,
    make_results,
    make_stack,
    not_measured,
    refused,
    shared,
    stray,
)
from tests.conftest import Provide
from tests.paths import ROOT

DOCUMENT = ROOT / "scenarios" / "claims" / "founding-document.yaml"

ONE, TWO = "topic/one", "topic/two"
READS = make_fingerprint(uri_default=True)
READS_NOT = make_fingerprint(driver="apsw", uri_default=False)


def read(
    tmp_path: Path, claim: str, cases: Iterable[str] = (ONE, TWO), needs: str = "[]"
) -> ClaimsDocument:
    """A document with one claim, which by default needs stacks of no kind in particular."""
    path = tmp_path / "doc.yaml"
    lines = "\n".join("    " + line for line in claim.strip("\n").splitlines())
    claims = "claims:\n  - id: C1\n    says: So it is\n    reading: Plainly.\n"
    head = f"id: doc\ntitle: A document\nneeds: {needs}\n{claims}"
    text = f"{head}{lines}\n"
    path.write_text(text, "utf-8")
    (document,) = load_claims([path], cases)
    return document


def bare(*stacks: tuple[str, Fingerprint, list[Observation]]) -> ResultSet:
    cases: list[Case] = [make_case(ONE, intent=Intent.PRIVATE_MEMORY), make_case(TWO)]
    made: list[StackResults] = [
        make_stack(name, seen, fingerprint=fingerprint) for name, fingerprint, seen in stacks
    ]
    return make_results(cases, made)


def settle(document: ClaimsDocument, results: ResultSet) -> ClaimResult:
    (judged,) = evaluate_claims([document], results)
    return judged


IN_MEMORY = """
proof:
  - cases: topic/one
    every: {storage: memory, files: none}
"""


def test_a_claim_is_true_where_it_holds_on_every_stack(tmp_path: Path) -> None:
    results = bare(("a@3.11", READS, [in_memory(ONE)]), ("b@3.11", READS, [in_memory(ONE)]))
    judged = settle(read(tmp_path, IN_MEMORY), results)
    assert judged.verdict is ClaimVerdict.TRUE
    assert judged.stacks_for == ("a@3.11", "b@3.11")
    assert judged.cells == ("topic/one @ a@3.11", "topic/one @ b@3.11")


def test_a_claim_is_false_where_it_holds_on_none(tmp_path: Path) -> None:
    judged = settle(read(tmp_path, IN_MEMORY), bare(("a@3.11", READS, [stray(ONE)])))
    assert judged.verdict is ClaimVerdict.FALSE
    assert judged.stacks_against == ("a@3.11",)


def test_a_claim_that_depends_says_on_what(tmp_path: Path) -> None:
    reads_not = make_fingerprint(uri_default=False)
    results = bare(("a@3.11", READS, [in_memory(ONE)]), ("b@3.11", reads_not, [stray(ONE)]))
    judged = settle(read(tmp_path, IN_MEMORY), results)
    assert judged.verdict is ClaimVerdict.DEPENDS
    assert claim_row(judged).where == "holds where SQLite reads URIs by default"


def test_a_claim_that_may_depend_on_several_facts_names_them(tmp_path: Path) -> None:
    results = bare(("a@3.11", READS, [in_memory(ONE)]), ("b@3.11", READS_NOT, [stray(ONE)]))
    judged = settle(read(tmp_path, IN_MEMORY), results)
    assert claim_row(judged).where == (
        "holds where one of: SQLite reads URIs by default, the driver is sqlite3 "
        "(not told apart by these stacks)"
    )
    (told,) = json.loads(claims_json([judged]))
    assert told["facts"] == ["SQLite reads URIs by default", "the driver is sqlite3"]


def test_what_no_recorded_fact_tells_apart_is_listed(tmp_path: Path) -> None:
    results = bare(("a@3.11", READS, [in_memory(ONE)]), ("b@3.11", READS, [stray(ONE)]))
    assert claim_row(settle(read(tmp_path, IN_MEMORY), results)).where == (
        "holds on a@3.11, which no recorded fact tells from the others"
    )


PARTS = """
proof:
  - says: One.
    cases: topic/one
    every: {storage: memory}
  - says: Two.
    cases: topic/two
    every: {storage: memory}
"""


def test_each_part_of_a_claim_has_what_it_depends_on(tmp_path: Path) -> None:
    one, two = make_fingerprint(shared_cache=False), make_fingerprint(temp_files=False)
    results = bare(
        ("a@3.11", READS, [in_memory(ONE), in_memory(TWO)]),
        ("b@3.11", one, [stray(ONE), in_memory(TWO)]),
        ("c@3.11", two, [in_memory(ONE), stray(TWO)]),
    )
    row = claim_row(settle(read(tmp_path, PARTS), results))
    assert row.parts == (
        "One. depends (2 of 3): holds where SQLite has the shared cache",
        "Two. depends (2 of 3): holds where temporary data may go to files",
    )
    assert row.where == (
        "holds where SQLite has the shared cache and temporary data may go to files "
        "(this fits, and is not proved)"
    )


def test_what_the_whole_claim_depends_on_is_not_said_of_its_parts_again(tmp_path: Path) -> None:
    other = make_fingerprint(shared_cache=False)
    results = bare(
        ("a@3.11", READS, [in_memory(ONE), in_memory(TWO)]),
        ("b@3.11", other, [stray(ONE), in_memory(TWO)]),
    )
    row = claim_row(settle(read(tmp_path, PARTS), results))
    assert row.parts == ("One. depends (1 of 2)", "Two. true (2 of 2)")


NEEDS = "[{uri_default: 'yes'}, {uri_default: 'no'}]"


@pytest.mark.parametrize("seen", [in_memory, stray])
def test_stacks_of_one_kind_show_neither_true_nor_false(
    tmp_path: Path, seen: Callable[[str], Observation]
) -> None:
    document = read(tmp_path, IN_MEMORY, needs=NEEDS)
    judged = settle(document, bare(("a@3.11", READS, [seen(ONE)]), ("b@3.11", READS, [seen(ONE)])))
    assert judged.verdict is ClaimVerdict.UNSETTLED
    assert judged.missing == "not shown by these stacks: none has uri_default no"
    assert {*judged.stacks_for, *judged.stacks_against} == {"a@3.11", "b@3.11"}
    assert claim_row(judged).command == "sqlite-matrix claims --run --select C1 --stacks standard"
    both = bare(("a@3.11", READS, [seen(ONE)]), ("b@3.11", READS_NOT, [seen(ONE)]))
    expected = ClaimVerdict.TRUE if seen is in_memory else ClaimVerdict.FALSE
    assert settle(document, both).verdict is expected
    assert claim_row(settle(document, both)).command == "sqlite-matrix claims --run --select C1"


def test_that_it_depends_is_shown_by_any_two_stacks_that_differ(tmp_path: Path) -> None:
    document = read(tmp_path, IN_MEMORY, needs="[{driver: apsw}]")
    results = bare(("a@3.11", READS, [in_memory(ONE)]), ("b@3.11", READS, [stray(ONE)]))
    assert settle(document, results).verdict is ClaimVerdict.DEPENDS


def test_a_part_is_not_shown_either_by_stacks_of_one_kind(tmp_path: Path) -> None:
    results = bare(
        ("a@3.11", READS, [in_memory(ONE), in_memory(TWO)]),
        ("b@3.11", READS, [stray(ONE), in_memory(TWO)]),
    )
    judged = settle(read(tmp_path, PARTS, needs=NEEDS), results)
    assert [each.verdict.value for each in judged.assertions] == ["depends", "unsettled"]
    assert judged.verdict is ClaimVerdict.DEPENDS


def test_a_document_that_says_nothing_needs_every_kind_of_build(tmp_path: Path) -> None:
    document = read(tmp_path, IN_MEMORY).model_copy(update={"needs": None})
    one = bare(("a@3.11", READS, [in_memory(ONE)]))
    judged = settle(document, one)
    assert judged.missing == (
        "not shown by these stacks: "
        "none has uri_default no; none has shared_cache no; none has temp_files no"
    )
    other = make_fingerprint(uri_default=False, shared_cache=False, temp_files=False)
    two = bare(("a@3.11", READS, [in_memory(ONE)]), ("b@3.11", other, [in_memory(ONE)]))
    assert settle(document, two).verdict is ClaimVerdict.TRUE


@pytest.mark.parametrize(
    "claim",
    [
        "needs: []\n" + IN_MEMORY,
        "on: {uri_default: 'yes'}\n" + IN_MEMORY,
    ],
)
def test_a_claim_may_need_less_than_its_document(tmp_path: Path, claim: str) -> None:
    """By needs of its own, or because it speaks of one kind only."""
    judged = settle(read(tmp_path, claim, needs=NEEDS), bare(("a@3.11", READS, [in_memory(ONE)])))
    assert judged.verdict is ClaimVerdict.TRUE


def test_a_kind_with_a_middleware_concerns_the_cases_that_go_through_it(tmp_path: Path) -> None:
    document = read(tmp_path, IN_MEMORY, needs="[{middleware: orm, middleware_version: '>=2'}]")
    assert settle(document, bare(("a@3.11", READS, [in_memory(ONE)]))).verdict is ClaimVerdict.TRUE
    old = make_fingerprint(middleware="orm", middleware_version="1.4")
    stack = make_stack("a[orm=1.4]@3.11", [in_memory(ONE)], fingerprint=old)
    through = make_results([make_case(ONE, via="orm"), make_case(TWO, via="orm")], [stack])
    assert settle(document, through).missing == (
        "not shown by these stacks: none has middleware orm, middleware_version >=2"
    )


def test_a_stack_whose_cells_do_not_count_has_run_them(tmp_path: Path) -> None:
    claim = "proof:\n  - cases: topic/one\n    when: {storage: file}\n    every: {stray: any}\n"
    results = bare(("a@3.11", READS, [in_memory(ONE)]), ("b@3.11", READS_NOT, [stray(ONE)]))
    assert settle(read(tmp_path, claim, needs=NEEDS), results).verdict is ClaimVerdict.TRUE


def test_a_claim_whose_cases_were_not_run_is_unsettled(tmp_path: Path) -> None:
    document = read(tmp_path, IN_MEMORY)
    (judged,) = evaluate_claims([document], make_results([make_case(TWO)], []), corpus=[ONE, TWO])
    assert judged.verdict is ClaimVerdict.UNSETTLED
    assert judged.missing is not None
    assert ONE in judged.missing


def test_a_claim_is_unsettled_where_not_every_one_of_its_cases_was_run(tmp_path: Path) -> None:
    document = read(tmp_path, IN_MEMORY.replace("topic/one", "topic/*"))
    results = make_results([make_case(ONE)], [make_stack("a@3.11", [in_memory(ONE)])])
    (judged,) = evaluate_claims([document], results, corpus=[ONE, TWO])
    assert judged.verdict is ClaimVerdict.UNSETTLED


def test_a_stack_that_lacks_one_of_the_cells_has_no_say(tmp_path: Path) -> None:
    document = read(tmp_path, IN_MEMORY.replace("topic/one", "topic/*"))
    whole, half = [in_memory(ONE), in_memory(TWO)], [in_memory(ONE), not_measured(TWO)]
    judged = settle(document, bare(("a@3.11", READS, whole), ("b@3.11", READS, half)))
    assert judged.stacks_for + judged.stacks_against == ("a@3.11",)


@pytest.mark.parametrize(
    ("relation", "seen", "verdict"),
    [
        ("some: {stray: any}", [in_memory(ONE), stray(TWO)], "true"),
        ("some: {stray: any}", [in_memory(ONE), in_memory(TWO)], "false"),
        ("none: {stray: any}", [in_memory(ONE), in_memory(TWO)], "true"),
        ("none: {stray: any}", [in_memory(ONE), stray(TWO)], "false"),
        ("every: {result: [opened, refused]}", [in_memory(ONE), refused(TWO)], "true"),
        ("every: {error: '*unable*'}", [refused(ONE), refused(TWO)], "true"),
        ("same: [storage]", [in_memory(ONE), shared(TWO)], "true"),
        ("same: [storage, second_connection]", [in_memory(ONE), shared(TWO)], "false"),
        ("differ: [second_connection]", [in_memory(ONE), shared(TWO)], "true"),
        ("differ: [second_connection]", [shared(ONE), shared(TWO)], "false"),
    ],
)
def test_relations(tmp_path: Path, relation: str, seen: list[Observation], verdict: str) -> None:
    document = read(tmp_path, f"proof:\n  - cases: topic/*\n    {relation}\n")
    assert settle(document, bare(("a@3.11", READS, seen))).verdict.value == verdict


def test_when_leaves_out_the_cells_that_do_not_meet_the_condition(tmp_path: Path) -> None:
    claim = "proof:\n  - cases: topic/*\n    when: {result: opened}\n    every: {storage: memory}\n"
    results = bare(
        ("a@3.11", READS, [in_memory(ONE), refused(TWO)]),
        ("b@3.11", READS, [refused(ONE), refused(TWO)]),
    )
    judged = settle(read(tmp_path, claim), results)
    assert judged.verdict is ClaimVerdict.TRUE
    assert judged.cells == ("topic/one @ a@3.11",)


def test_on_confines_a_claim_to_the_stacks_that_it_speaks_of(tmp_path: Path) -> None:
    results = bare(("a@3.11", READS, [in_memory(ONE)]), ("b@3.11", READS_NOT, [stray(ONE)]))
    judged = settle(read(tmp_path, "on: {driver: sqlite3}\n" + IN_MEMORY), results)
    assert judged.verdict is ClaimVerdict.TRUE


@pytest.mark.parametrize(
    ("own", "other", "verdict"),
    [(stray, in_memory, "true"), (in_memory, in_memory, "false"), (in_memory, stray, "false")],
)
def test_better_on_compares_two_drivers(
    tmp_path: Path, own: object, other: object, verdict: str
) -> None:
    assert callable(own)
    assert callable(other)
    claim = "on: {driver: sqlite3}\nproof:\n  - cases: topic/one\n    better_on: pysqlite3\n"
    results = bare(
        ("sqlite3@3.11", READS, [own(ONE)]),
        ("pysqlite3==0.6.1@3.11", make_fingerprint(driver="pysqlite3"), [other(ONE)]),
    )
    judged = settle(read(tmp_path, claim), results)
    assert judged.verdict.value == verdict
    assert judged.cells == ("topic/one @ sqlite3@3.11", "topic/one @ pysqlite3==0.6.1@3.11")


def test_what_is_measured_besides_does_not_decide(tmp_path: Path) -> None:
    claim = IN_MEMORY + "also:\n  - cases: topic/one\n    every: {storage: file}\n"
    judged = settle(read(tmp_path, claim), bare(("a@3.11", READS, [in_memory(ONE)])))
    assert judged.verdict is ClaimVerdict.TRUE
    assert [part.verdict for part in judged.also] == [ClaimVerdict.FALSE]


def test_the_text_follows_the_verdict(tmp_path: Path) -> None:
    document = read(tmp_path, IN_MEMORY + "if_true: It does.\nif_false: It does not.\n")
    yes = settle(document, bare(("a@3.11", READS, [in_memory(ONE)])))
    no = settle(document, bare(("a@3.11", READS, [stray(ONE)])))
    assert (claim_row(yes).why, claim_row(no).why) == ("It does.", "It does not.")


def test_a_replacement_is_measured_and_told_where_it_fails(tmp_path: Path) -> None:
    claim = IN_MEMORY + "instead:\n- write: other words\n  cases: topic/one\n"
    results = bare(("a@3.11", READS, [in_memory(ONE)]), ("b@3.11", READS_NOT, [stray(ONE)]))
    (advice,) = claim_row(settle(read(tmp_path, claim), results)).instead
    assert (advice.way, advice.write, advice.measured) == (
        "the driver",
        "other words",
        "as intended in 1 of 2 cells, not on b@3.11",
    )


def test_advice_is_measured_through_each_way_in_for_itself(tmp_path: Path) -> None:
    claim = IN_MEMORY + "instead:\n- write: other words\n  cases: topic/*\n"
    above = make_fingerprint(middleware="orm", middleware_version="2")
    intended = {"intent": Intent.PRIVATE_MEMORY}
    results = make_results(
        [make_case(ONE, **intended), make_case(TWO, via="orm", **intended)],
        [
            make_stack("a@3.11", [stray(ONE)]),
            make_stack("a[orm=2]@3.11", [stray(TWO)], fingerprint=above),
        ],
    )
    row = claim_row(settle(read(tmp_path, claim), results))
    assert [(each.way, each.measured) for each in row.instead] == [
        ("the driver", "as intended in 0 of 1 cells, not on a@3.11"),
        ("through orm", "as intended in 0 of 1 cells, not on a[orm=2]@3.11"),
    ]


def test_a_stack_of_the_verdict_that_ran_no_advice_is_named(tmp_path: Path) -> None:
    advice = "instead:\n- write: other words\n  cases: topic/one\n  on: {uri_default: 'yes'}\n"
    results = bare(("a@3.11", READS, [stray(ONE)]), ("b@3.11", READS_NOT, [stray(ONE)]))
    judged = settle(read(tmp_path, IN_MEMORY + advice), results)
    assert claim_row(judged).unadvised == "no advice was run on b@3.11"
    assert claim_row(settle(read(tmp_path, IN_MEMORY), results)).unadvised == ""


def test_nothing_is_to_be_written_instead_of_what_is_true(tmp_path: Path) -> None:
    claim = IN_MEMORY + "instead:\n- write: other words\n  cases: topic/one\n"
    judged = settle(read(tmp_path, claim), bare(("a@3.11", READS, [in_memory(ONE)])))
    assert json.loads(claims_json([judged]))[0]["instead"] == ""


def test_the_json_has_the_keys_of_the_contract(tmp_path: Path) -> None:
    judged = settle(read(tmp_path, IN_MEMORY), bare(("a@3.11", READS, [in_memory(ONE)])))
    (told,) = json.loads(claims_json([judged]))
    assert list(told)[:6] == ["id", "verdict", "stacks_for", "stacks_against", "cells", "instead"]


def test_ascii_has_letters_for_the_signs(tmp_path: Path) -> None:
    judged = settle(read(tmp_path, IN_MEMORY), bare(("a@3.11", READS, [in_memory(ONE)])))
    assert render_claims([judged], unicode=False).startswith("C1  T true")


EXPERIMENT = """
id: doc
title: A document
experiments:
  - {id: install, title: An install, install: [pysqlite3]}
claims:
  - id: C1
    says: So it is
    reading: As it stands.
    proof:
      - cases: experiment/install
        every: {installed: "yes"}
"""


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        (ExperimentResult(id="install", python="3.11", facts={"installed": ("yes",)}), "true"),
        (ExperimentResult(id="install", python="3.11", facts={"installed": ("no",)}), "false"),
        (ExperimentResult(id="install", python="3.11", unavailable="no index"), "unsettled"),
    ],
)
def test_an_experiment_settles_a_claim_or_says_why_not(
    tmp_path: Path, result: ExperimentResult, verdict: str
) -> None:
    path = tmp_path / "doc.yaml"
    path.write_text(EXPERIMENT, "utf-8")
    documents = load_claims([path], [ONE])
    (judged,) = evaluate_claims(documents, bare(), [result])
    assert judged.verdict.value == verdict
    assert (judged.missing is None) is (verdict != "unsettled")


def test_experiments_come_back_from_their_file(tmp_path: Path) -> None:
    facts = {**dict.fromkeys(EXPERIMENT_FACTS, ("none",)), "installed": ("yes",)}
    results = (
        ExperimentResult(id="a", python="3.11", facts=facts),
        ExperimentResult(id="b", python="3.11", unavailable="no index"),
    )
    write_experiments(tmp_path, reversed(results))
    assert load_experiments(tmp_path) == results


def test_offline_an_experiment_is_unavailable() -> None:
    (document,) = load_claims([DOCUMENT], corpus())
    (first, *_) = perform(document.experiments, offline=True)
    assert first.unavailable is not None


PART = "proof:\n  - cases: {}\n    {}\n"


@pytest.mark.parametrize(
    ("claim", "problem"),
    [
        (PART.format("topic/on", "every: {storage: file}"), ":9:16: claims[0].proof[0].cases"),
        (PART.format("topic/one", "every: {storge: file}"), "no fact 'storge'; did you mean"),
        (PART.format("topic/one", ""), "no relations, but needs one"),
        (PART.format("topic/one", "every: {storage: a}\n    none: {storage: b}"), "2 relations"),
        (PART.format("'{{'", "none: {storage: b}").replace("{{", "{"), "lacks a '}'"),
        ("needs: [{sqli: new}]\n" + PART.format("topic/one", "same: [storage]"), "no fact 'sqli'"),
        ("on: {sqlit: new}\n" + PART.format("topic/one", "same: [storage]"), "no fact 'sqlit'"),
        (PART.format("topic/one", "same: [storge]"), "no fact 'storge'; did you mean 'storage'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_place(tmp_path: Path, claim: str, problem: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read(tmp_path, claim)
    assert problem in str(caught.value)
    assert "doc.yaml:" in str(caught.value)


@cache
def corpus() -> Mapping[str, Case]:
    return {case.id: case for case in expand_topics(load_topics([ROOT / "scenarios"]))}


def test_the_founding_document_has_its_38_claims() -> None:
    (document,) = load_claims([DOCUMENT], corpus())
    assert [claim.id for claim in document.claims] == [f"C{n}" for n in range(1, 39)]


def test_every_replacement_is_a_case_with_an_intent() -> None:
    cases = corpus()
    (document,) = load_claims([DOCUMENT], cases)
    replacements = [claim.model_copy(update={"proof": (), "also": ()}) for claim in document.claims]
    wanted = wanted_cases(replacements, cases)
    assert wanted
    assert {name for name in wanted if cases[name].intent is Intent.OBSERVE} == set()


def test_the_committed_schema_is_the_generated_one() -> None:
    committed = json.loads((ROOT / "matrix/schemas/claims.schema.json").read_text("utf-8"))
    assert committed == json_schema("claims")


STACKS = (
    "sqlite3", "sqlite3[uri=off]", "pysqlite3", "apsw", "sqlite3[sqlalchemy]",
    "sqlite3[uri=off,sqlalchemy]", "sqlite3[sqlalchemy=1.3.8]", "pysqlite3[sqlalchemy]",
    "apsw[sqlalchemy]", "apsw[uri=on,sqlalchemy]",
)  # fmt: skip
EXPECTED = {"C1": "depends", "C9": "false", "C10": "false", "C14": "false", "C16": "depends",
            "C18": "false", "C24": "true", "C27": "true", "C36": "false",
            "C38": "true"}  # fmt: skip


def founding_document() -> ClaimsDocument:
    (document,) = load_claims([DOCUMENT], corpus())
    return document


def choose(document: ClaimsDocument, *ids: str) -> ClaimsDocument:
    """The document with these claims alone."""
    claims = tuple(claim for claim in document.claims if claim.id in ids)
    return document.model_copy(update={"claims": claims})


def measure(document: ClaimsDocument, provided: Iterable[Provided]) -> ResultSet:
    """Run the cases of claims."""
    cases = corpus()
    wanted = [cases[name] for name in sorted(wanted_cases(document.claims, cases))]
    work = [(p, [case for case in wanted if p.stack.runs_case(case)]) for p in provided]
    return observe(work, options=RunOptions(jobs=1))


def test_claims_are_settled_alike_twice(provide: Provide) -> None:
    document = choose(founding_document(), "C1", "C14", "C36")
    stacks = [provide(spec) for spec in ("sqlite3", "apsw", "sqlite3[sqlalchemy=1.3.8]")]
    once = claims_json(evaluate_claims([document], measure(document, stacks)))
    assert claims_json(evaluate_claims([document], measure(document, stacks))) == once


@pytest.fixture(scope="module")
def measured(provide: Provide) -> ResultSet:
    """All cases of the founding document, on stacks of every kind that it needs."""
    return measure(founding_document(), map(provide, STACKS))


@pytest.fixture(scope="module")
def settled(measured: ResultSet) -> Mapping[str, ClaimResult]:
    return {each.claim.id: each for each in evaluate_claims([founding_document()], measured)}


def test_verdicts_on_real_stacks(settled: Mapping[str, ClaimResult]) -> None:
    assert {name: settled[name].verdict.value for name in EXPECTED} == EXPECTED


def test_no_fewer_stacks_give_a_claim_that_depends_another_verdict(
    measured: ResultSet, settled: Mapping[str, ClaimResult]
) -> None:
    """Not even those on which it holds alone, nor those on which it does not."""
    document = founding_document()
    wrong = []
    for name, judged in settled.items():
        for side in (judged.stacks_for, judged.stacks_against):
            stacks = tuple(stack for stack in measured.stacks if stack.stack in side)
            fewer = replace(measured, stacks=stacks)
            (again,) = evaluate_claims([choose(document, name)], fewer)
            if (
                judged.verdict is ClaimVerdict.DEPENDS
                and again.verdict is not ClaimVerdict.UNSETTLED
            ):
                wrong.append((name, again.verdict.value, side))
    assert wrong == []
    assert sum(each.verdict is ClaimVerdict.DEPENDS for each in settled.values()) > 10


def test_one_stack_makes_no_claim_true_or_false(measured: ResultSet) -> None:
    for stack in measured.stacks[::4]:
        judged = evaluate_claims([founding_document()], replace(measured, stacks=(stack,)))
        assert {each.verdict for each in judged} == {ClaimVerdict.UNSETTLED}


def test_drivers_as_built_do_not_tell_the_shared_cache_from_what_else_they_differ_in(
    measured: ResultSet, settled: Mapping[str, ClaimResult]
) -> None:
    built = [s for s in measured.stacks if "[" not in s.stack and not s.stack.startswith("sqlean")]
    fewer = replace(measured, stacks=tuple(built))
    (judged,) = evaluate_claims([choose(founding_document(), "C23")], fewer)
    assert claim_row(judged).where.startswith(
        "holds where one of: SQLite reads URIs by default, SQLite has the shared cache, "
    )
    more = settled["C23"].separation
    assert more is not None
    assert "SQLite has the shared cache" in more.facts
    assert "SQLite reads URIs by default" not in more.facts


def test_every_advice_is_as_intended_on_every_stack_of_its_verdict(
    settled: Mapping[str, ClaimResult],
) -> None:
    advised = [each for each in settled.values() if each.instead]
    bad = {each.claim.id: a.bad for each in advised for a in each.instead if a.bad}
    unadvised = {each.claim.id: each.unadvised for each in advised if each.unadvised}
    assert (bad, unadvised) == ({}, {})
    assert all(a.good for each in advised for a in each.instead)


def test_every_advice_is_given_for_the_ways_in_of_its_claim_and_through_sqlalchemy(
    measured: ResultSet,
) -> None:
    cases = measured.cases
    for claim in founding_document().claims:
        if claim.instead:
            asked = wanted_cases([claim.model_copy(update={"also": (), "instead": ()})], cases)
            advised = wanted_cases([claim.model_copy(update={"also": (), "proof": ()})], cases)
            ways = {cases[name].via for name in asked} | {"sqlalchemy"}
            assert {cases[name].via for name in advised} >= ways, claim.id


BUILDS = ("--stack", "sqlite3", "--stack", "pysqlite3", "--stack", "apsw")


def test_the_command_measures_and_settles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = ["claims", "--run", "--select", "c27", *BUILDS, "--format", "json"]
    done = CliRunner().invoke(cli, words, standalone_mode=False)
    assert done.return_value == 0
    assert [each["verdict"] for each in json.loads(done.stdout)] == ["true"]


def test_the_command_fails_where_its_stacks_cannot_show_a_claim(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    words = ["claims", "--run", "--select", "c27", "--stack", "sqlite3"]
    done = CliRunner().invoke(cli, words, standalone_mode=False)
    assert done.return_value == 1
    assert "unsettled" in done.stdout
    assert "proof: sqlite-matrix claims --run --select C27 --stacks standard" in done.stdout


def test_the_command_fails_where_a_claim_is_unsettled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = ["claims", "--run", "--select", "C21", "--stack", "sqlite3", "--offline"]
    done = CliRunner().invoke(cli, words, standalone_mode=False)
    assert done.return_value == 1
    assert "C21" in done.stdout
