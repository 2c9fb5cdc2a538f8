"""Claims: read at the door, settled by cells, and never by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable
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


def read(tmp_path: Path, claim: str, cases: Iterable[str] = (ONE, TWO)) -> ClaimsDocument:
    path = tmp_path / "doc.yaml"
    lines = "\n".join("    " + line for line in claim.strip("\n").splitlines())
    claims = "claims:\n  - id: C1\n    says: So it is\n    reading: Plainly.\n"
    head = f"id: doc\ntitle: A document\n{claims}"
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
    results = bare(("a@3.11", READS, [in_memory(ONE)]), ("b@3.11", READS_NOT, [stray(ONE)]))
    judged = settle(read(tmp_path, IN_MEMORY), results)
    assert judged.verdict is ClaimVerdict.DEPENDS
    assert claim_row(judged).where.startswith("holds where SQLite reads URIs by default")


def test_what_no_recorded_fact_tells_apart_is_listed(tmp_path: Path) -> None:
    results = bare(("a@3.11", READS, [in_memory(ONE)]), ("b@3.11", READS, [stray(ONE)]))
    assert claim_row(settle(read(tmp_path, IN_MEMORY), results)).where == "holds on a@3.11"


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
    claim = IN_MEMORY + "instead:\n  write: other words\n  cases: topic/one\n"
    results = bare(("a@3.11", READS, [in_memory(ONE)]), ("b@3.11", READS_NOT, [stray(ONE)]))
    row = claim_row(settle(read(tmp_path, claim), results))
    assert (row.instead, row.measured) == (
        "other words",
        "as intended in 1 of 2 cells, not on b@3.11",
    )


def test_nothing_is_to_be_written_instead_of_what_is_true(tmp_path: Path) -> None:
    claim = IN_MEMORY + "instead:\n  write: other words\n  cases: topic/one\n"
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
        (PART.format("topic/on", "every: {storage: file}"), ":8:16: claims[0].proof[0].cases"),
        (PART.format("topic/one", "every: {storge: file}"), "no fact 'storge'; did you mean"),
        (PART.format("topic/one", ""), "no relations, but needs one"),
        (PART.format("topic/one", "every: {storage: a}\n    none: {storage: b}"), "2 relations"),
        (PART.format("'{{'", "none: {storage: b}").replace("{{", "{"), "lacks a '}'"),
        ("on: {sqlit: new}\n" + PART.format("topic/one", "same: [storage]"), "no fact 'sqlit'"),
        (PART.format("topic/one", "same: [storge]"), "no fact 'storge'; did you mean 'storage'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_place(tmp_path: Path, claim: str, problem: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read(tmp_path, claim)
    assert problem in str(caught.value)
    assert "doc.yaml:" in str(caught.value)


def corpus() -> dict[str, Case]:
    return {case.id: case for case in expand_topics(load_topics([ROOT / "scenarios"]))}


def test_the_founding_document_has_its_38_claims() -> None:
    (document,) = load_claims([DOCUMENT], corpus())
    assert [claim.id for claim in document.claims] == [f"C{n}" for n in range(1, 39)]


def test_every_replacement_is_a_case_with_an_intent() -> None:
    cases = corpus()
    (document,) = load_claims([DOCUMENT], cases)
    replacements = [
        claim.model_copy(update={"proof": (), "also": ()})
        for claim in document.claims
        if claim.instead is not None
    ]
    wanted = wanted_cases(replacements, cases)
    assert wanted
    assert {name for name in wanted if cases[name].intent is Intent.OBSERVE} == set()


def test_the_committed_schema_is_the_generated_one() -> None:
    committed = json.loads((ROOT / "matrix/schemas/claims.schema.json").read_text("utf-8"))
    assert committed == json_schema("claims")


STACKS = ("sqlite3", "sqlite3[uri=off]", "apsw", "sqlite3[sqlalchemy]", "sqlite3[sqlalchemy=1.3.8]")
EXPECTED = {"C1": "depends", "C9": "false", "C10": "false", "C14": "false", "C16": "depends",
            "C18": "false", "C24": "true", "C27": "true", "C36": "false",
            "C38": "true"}  # fmt: skip


def test_verdicts_on_real_stacks_are_the_same_twice(provide: Provide) -> None:
    cases = corpus()
    (document,) = load_claims([DOCUMENT], cases)
    claims = tuple(claim for claim in document.claims if claim.id in EXPECTED)
    chosen = document.model_copy(update={"claims": claims})
    wanted = [cases[name] for name in sorted(wanted_cases(claims, cases))]

    def settle_again() -> str:
        provided = [provide(spec) for spec in STACKS]
        work = [(p, [case for case in wanted if p.stack.runs_case(case)]) for p in provided]
        return claims_json(evaluate_claims([chosen], observe(work, options=RunOptions(jobs=1))))

    once = settle_again()
    assert {each["id"]: each["verdict"] for each in json.loads(once)} == EXPECTED
    assert settle_again() == once


def test_the_command_measures_and_settles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = ["claims", "--run", "--select", "c27", "--stack", "sqlite3", "--format", "json"]
    done = CliRunner().invoke(cli, words, standalone_mode=False)
    assert done.return_value == 0
    assert [each["verdict"] for each in json.loads(done.stdout)] == ["true"]


def test_the_command_fails_where_a_claim_is_unsettled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = ["claims", "--run", "--select", "C21", "--stack", "sqlite3", "--offline"]
    done = CliRunner().invoke(cli, words, standalone_mode=False)
    assert done.return_value == 1
    assert "C21" in done.stdout
