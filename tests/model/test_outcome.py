"""What was observed, and whether it was as intended: two facts, two marks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from matrix.model import (
    Case,
    Failure,
    Found,
    Intent,
    Observation,
    PathKind,
    Result,
    Rival,
    SecondConnection,
    Storage,
)
from matrix.model.outcome import Outcome, Verdict, outcome, reason, verdict
from tests.builders import (
    in_file,
    in_memory,
    make_case,
    make_created,
    make_observation,
    refused,
    shared,
    stray,
)

CASE = "topic/scenario"
MEMORY, SHARED, IN_FILE, STRAY, REFUSED = (
    build(CASE) for build in (in_memory, shared, in_file, stray, refused)
)
EXISTING = make_observation(
    storage=Storage.FILE, second_connection=SecondConnection.SEES, modified=("db",)
)
UNASKED = replace(EXISTING, unasked=("file:db",))
TEMPORARY = make_observation(
    storage=Storage.TEMPORARY,
    created=(make_created("{tmp}/etilqs_1", kind=PathKind.TEMPORARY, kept=False, asked=False),),
)
OUTSIDE = replace(STRAY, created=(make_created("/file:db", asked=False),))
CRASHED = make_observation(result=Result.CRASHED, storage=Storage.NONE, second_connection=None)
TIMED_OUT = replace(CRASHED, result=Result.TIMED_OUT)
UNAVAILABLE = replace(CRASHED, result=Result.UNAVAILABLE)


FOREIGN = replace(REFUSED, foreign=("~/db", "C:\\db"))


def meant(intent: Intent) -> Case:
    return make_case(intent=intent)


def failed(phase: str, observation: Observation = MEMORY) -> Observation:
    """Make an observation in which a phase after the opening raised an error."""
    error = Failure(phase=phase, type="OperationalError", message="attempt to write")
    asked = observation.second_connection if phase in ("second_connection", "close") else None
    return replace(observation, error=error, second_connection=asked)


def unread(statement: str, there: tuple[str, ...] = ("db",)) -> Observation:
    """Make an observation of a database that was there, and of a statement that failed on it."""
    read = failed("sql", replace(EXISTING, modified=(), there=there))
    assert read.error is not None
    return replace(read, error=replace(read.error, statement=statement))


NOT_SET_UP = failed("setup", replace(REFUSED, error=None))


@pytest.mark.parametrize(
    ("observation", "expected"),
    [
        (MEMORY, Outcome.MEMORY),
        (SHARED, Outcome.SHARED_MEMORY),
        (TEMPORARY, Outcome.TEMPORARY),
        (IN_FILE, Outcome.FILE),
        (EXISTING, Outcome.EXISTING),
        (UNASKED, Outcome.UNASKED),
        (STRAY, Outcome.STRAY),
        (OUTSIDE, Outcome.STRAY_OUTSIDE),
        (make_observation(storage=Storage.NONE), Outcome.OPENED),
        (REFUSED, Outcome.REFUSED),
        (NOT_SET_UP, Outcome.NOT_SET_UP),
        (CRASHED, Outcome.CRASHED),
        (TIMED_OUT, Outcome.TIMED_OUT),
        (UNAVAILABLE, Outcome.UNAVAILABLE),
    ],
    ids=lambda value: value.name.lower() if isinstance(value, Outcome) else "",
)
def test_every_observation_has_one_sign(observation: Observation, expected: Outcome) -> None:
    assert outcome(observation) is expected


@pytest.mark.parametrize("ending", [REFUSED, NOT_SET_UP, CRASHED, TIMED_OUT, failed("write")])
def test_a_stray_file_wins_over_how_it_ended(ending: Observation) -> None:
    assert outcome(replace(ending, created=STRAY.created)) is Outcome.STRAY


@pytest.mark.parametrize("ending", [REFUSED, NOT_SET_UP, CRASHED, TIMED_OUT, failed("sql")])
def test_so_does_an_existing_file_that_nobody_asked_for(ending: Observation) -> None:
    assert outcome(replace(ending, unasked=("file:db",))) is Outcome.UNASKED
    assert outcome(replace(STRAY, unasked=("file:db",))) is Outcome.STRAY


def test_one_stray_outside_is_enough_to_say_so() -> None:
    both = replace(STRAY, created=(*STRAY.created, *OUTSIDE.created))
    assert outcome(both) is Outcome.STRAY_OUTSIDE


def test_a_stray_that_was_removed_again_is_a_stray() -> None:
    passing = make_created("file:db", asked=False, kept=False, size=None)
    assert outcome(replace(MEMORY, created=(passing,))) is Outcome.STRAY


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        ("sql", Outcome.FAILED),
        ("write", Outcome.FAILED),
        ("backup", Outcome.FAILED),
        ("second_connection", Outcome.MEMORY),
        ("close", Outcome.MEMORY),
        ("reopen", Outcome.MEMORY),
    ],
)
def test_an_error_is_the_sign_only_if_a_step_of_the_case_failed(
    phase: str, expected: Outcome
) -> None:
    assert outcome(failed(phase)) is expected


def test_the_sign_says_where_the_data_is_whatever_a_statement_created() -> None:
    vacuumed = replace(MEMORY, created=(make_created("copy.db", stage="sql"),))
    assert outcome(vacuumed) is Outcome.MEMORY


def test_the_first_connection_in_other_hands_shares_nothing() -> None:
    handed_out = replace(SHARED, reused=("second_connection",))
    assert outcome(handed_out) is Outcome.MEMORY
    assert "handed the same connection" in (reason(handed_out, meant(Intent.PRIVATE_MEMORY)) or "")
    assert reason(handed_out, meant(Intent.SHARED_MEMORY)) is None  # every user sees it
    reopened = replace(SHARED, reused=("reopen",))
    assert outcome(reopened) is Outcome.SHARED_MEMORY


def test_a_side_file_alone_is_no_new_database() -> None:
    journal = make_created("db-journal", kind=PathKind.JOURNAL, kept=False, asked=False)
    assert outcome(replace(EXISTING, created=(journal,))) is Outcome.EXISTING


def test_signs_are_short_plain_and_distinct() -> None:
    signs = [each.sign for each in Outcome]
    assert len(set(signs)) == len(signs)
    assert all(sign.isascii() and sign.isprintable() and 1 <= len(sign) <= 2 for sign in signs)


def test_no_mark_of_a_verdict_is_a_sign_of_an_outcome() -> None:
    marks = {each.mark for each in Verdict}
    assert len(marks) == len(Verdict)
    assert not marks & {character for each in Outcome for character in each.sign}


AS_INTENDED: dict[Intent, list[Observation]] = {
    Intent.PRIVATE_MEMORY: [MEMORY, replace(MEMORY, second_connection=None)],
    Intent.SHARED_MEMORY: [SHARED],
    Intent.TEMPORARY: [TEMPORARY, MEMORY],
    Intent.FILE: [IN_FILE, EXISTING],
    Intent.READ_ONLY: [
        REFUSED,
        failed("write", replace(EXISTING, modified=(), there=("db",))),
        failed("write", replace(EXISTING, modified=(), storage=Storage.NONE)),
        unread("ATTACH 'file:missing.db?mode=ro' AS other"),
        replace(unread("ATTACH 'file:y.db?mode=ro' AS y"), storage=Storage.MEMORY),
        unread("INSERT INTO t SELECT * FROM u"),
    ],
    Intent.REFUSE: [REFUSED, failed("sql")],
}


@pytest.mark.parametrize(
    ("intent", "observation"),
    [(intent, each) for intent, several in AS_INTENDED.items() for each in several],
)
def test_what_was_meant_is_as_intended(intent: Intent, observation: Observation) -> None:
    assert verdict(observation, meant(intent)) is Verdict.AS_INTENDED
    assert reason(observation, meant(intent)) is None


NOT_AS_INTENDED: list[tuple[Intent, Observation, str]] = [
    (Intent.PRIVATE_MEMORY, SHARED, "a second connection saw the data"),
    (Intent.PRIVATE_MEMORY, REFUSED, "refused: OperationalError: unable to open database file"),
    (
        Intent.PRIVATE_MEMORY,
        replace(MEMORY, second_connection=SecondConnection.REFUSED),
        "a second connection was refused",
    ),
    (Intent.PRIVATE_MEMORY, failed("second_connection"), "a second connection failed"),
    (Intent.PRIVATE_MEMORY, STRAY, "a stray file appeared: file:db?mode=memory"),
    (Intent.PRIVATE_MEMORY, replace(TEMPORARY, created=()), "the data is in a temporary file"),
    (
        Intent.PRIVATE_MEMORY,
        replace(MEMORY, created=(make_created("a-wal", kind=PathKind.WAL, kept=False),)),
        "a write-ahead log appeared: a-wal",
    ),
    (Intent.PRIVATE_MEMORY, replace(MEMORY, modified=("a.db",)), "a file was modified: a.db"),
    (Intent.SHARED_MEMORY, MEMORY, "no second connection saw the data"),
    (
        Intent.SHARED_MEMORY,
        replace(SHARED, second_connection=SecondConnection.REFUSED),
        "a second connection was refused",
    ),
    (Intent.SHARED_MEMORY, IN_FILE, "the data is in a file"),
    (Intent.TEMPORARY, IN_FILE, "a database file appeared: db"),
    (
        Intent.TEMPORARY,
        replace(TEMPORARY, created=(make_created("t", kind=PathKind.TEMPORARY),)),
        "a temporary file appeared: t",
    ),
    (
        Intent.TEMPORARY,
        replace(TEMPORARY, created=(make_created("db", kept=False, size=None),)),
        "a database file appeared: db",
    ),
    (Intent.FILE, MEMORY, "the data is in memory"),
    (Intent.FILE, failed("close", IN_FILE), "closing failed"),
    (Intent.FILE, OUTSIDE, "a stray file appeared: /file:db"),
    (
        Intent.FILE,
        replace(IN_FILE, created=(make_created("/x", kind=PathKind.OTHER, asked=False),)),
        "a file appeared: /x",
    ),
    (Intent.READ_ONLY, IN_FILE, "a write went through"),
    (Intent.READ_ONLY, replace(REFUSED, created=(make_created("db"),)), "a database file appeared"),
    (Intent.READ_ONLY, replace(REFUSED, modified=("a.db",)), "a file was modified: a.db"),
    (Intent.READ_ONLY, replace(REFUSED, there=("db",)), "it was refused: OperationalError"),
    (Intent.READ_ONLY, unread("SELECT * FROM t"), "a statement failed: OperationalError"),
    (Intent.READ_ONLY, unread("SELECT * FROM t", there=()), "a statement failed"),
    (Intent.READ_ONLY, unread("WITH a AS (VALUES (1)) SELECT * FROM a"), "a statement failed"),
    (Intent.READ_ONLY, failed("reopen", replace(EXISTING, modified=())), "reopening failed"),
    (
        Intent.READ_ONLY,
        replace(failed("write", EXISTING), storage=Storage.MEMORY, modified=()),
        "the data is in memory",
    ),
    (
        Intent.READ_ONLY,
        replace(EXISTING, storage=Storage.TEMPORARY, modified=(), second_connection=None),
        "the data is in a temporary file",
    ),
    *(
        (Intent.READ_ONLY, replace(EXISTING, modified=(), second_connection=second), "a write went")
        for second in SecondConnection
    ),
    (Intent.READ_ONLY, failed("second_connection", EXISTING), "a write went through"),
    (Intent.REFUSE, MEMORY, "it was not refused"),
    (Intent.REFUSE, failed("write"), "it was not refused"),
    (Intent.REFUSE, replace(REFUSED, created=(make_created("db"),)), "a database file appeared"),
    (Intent.FILE, FOREIGN, "refused: OperationalError: unable to open database file; only a shell"),
    (Intent.FILE, FOREIGN, "only Windows understands C:\\db"),
    (
        Intent.FILE,
        replace(failed("sql", IN_FILE), foreign=("~/y",)),
        "attempt to write; only a shell understands ~/y",
    ),
    *(
        (intent, UNASKED, "an existing file that is not asked for was opened: file:db")
        for intent in Intent
        if intent not in (Intent.OBSERVE, Intent.REFUSE)
    ),
]


@pytest.mark.parametrize(("intent", "observation", "why"), NOT_AS_INTENDED)
def test_what_was_not_meant_has_a_reason_in_plain_words(
    intent: Intent, observation: Observation, why: str
) -> None:
    assert verdict(observation, meant(intent)) is Verdict.NOT_AS_INTENDED
    assert why in (reason(observation, meant(intent)) or "")


ONLY_NOTED: list[tuple[Intent, Observation, str]] = [
    (Intent.SHARED_MEMORY, replace(SHARED, second_connection=None), "no second connection looked"),
    (Intent.READ_ONLY, FOREIGN, "only a shell understands ~/db; only Windows understands C:\\db"),
    (Intent.REFUSE, FOREIGN, "only a shell understands ~/db"),
    (Intent.REFUSE, replace(failed("sql"), foreign=("~/db",)), "only a shell understands ~/db"),
]


@pytest.mark.parametrize(("intent", "observation", "why"), ONLY_NOTED)
def test_what_does_not_show_whether_the_intent_is_met_is_only_noted(
    intent: Intent, observation: Observation, why: str
) -> None:
    assert verdict(observation, meant(intent)) is Verdict.NOTED
    assert why in (reason(observation, meant(intent)) or "")


def test_what_is_wrong_is_wrong_though_it_was_not_asked() -> None:
    nobody_looked = replace(IN_FILE, second_connection=None)
    assert verdict(nobody_looked, meant(Intent.SHARED_MEMORY)) is Verdict.NOT_AS_INTENDED


def test_a_foreign_name_is_told_only_where_something_was_refused() -> None:
    opened = replace(IN_FILE, foreign=("~/y",))
    assert verdict(opened, meant(Intent.FILE)) is Verdict.AS_INTENDED


def test_a_temporary_file_of_a_sort_is_no_objection_to_memory() -> None:
    assert verdict(replace(MEMORY, created=TEMPORARY.created), meant(Intent.PRIVATE_MEMORY)) is (
        Verdict.AS_INTENDED
    )


def test_side_files_belong_to_the_file_that_was_asked_for_wherever_it_lies() -> None:
    journal = make_created("/a/db-journal", kind=PathKind.JOURNAL, kept=False, asked=False)
    elsewhere = replace(IN_FILE, created=(make_created("/a/db"), journal))
    assert verdict(elsewhere, meant(Intent.FILE)) is Verdict.AS_INTENDED


def test_reading_alone_is_as_intended_for_a_file_that_is_only_read() -> None:
    read = replace(EXISTING, modified=(), second_connection=None)
    assert verdict(read, meant(Intent.READ_ONLY)) is Verdict.AS_INTENDED


@pytest.mark.parametrize("observation", [CRASHED, TIMED_OUT, NOT_SET_UP])
@pytest.mark.parametrize("intent", [intent for intent in Intent if intent is not Intent.OBSERVE])
def test_a_case_that_came_to_no_end_is_never_as_intended(
    intent: Intent, observation: Observation
) -> None:
    assert verdict(observation, meant(intent)) is Verdict.NOT_AS_INTENDED


@pytest.mark.parametrize("observation", [MEMORY, STRAY, REFUSED, CRASHED, UNAVAILABLE])
def test_without_an_opinion_everything_is_only_noted(observation: Observation) -> None:
    assert verdict(observation, meant(Intent.OBSERVE)) is Verdict.NOTED
    assert reason(observation, meant(Intent.OBSERVE)) is None


@pytest.mark.parametrize("intent", Intent)
def test_what_could_not_be_measured_is_only_noted(intent: Intent) -> None:
    assert verdict(UNAVAILABLE, meant(intent)) is Verdict.NOTED


def test_memory_says_no_more_than_was_asked() -> None:
    assert outcome(replace(MEMORY, second_connection=None)) is Outcome.MEMORY
    assert "no second connection saw it" in Outcome.MEMORY.explanation


# Rivals


def beside(where: str, when: str, found: Found | None, error: str | None = None) -> Any:
    spec = {"where": where, "when": when, "does": "open", "target": None, "connect": None}
    return {"rivals": (spec,)}, {"rivals": (Rival(found=found, error=error),)}


@pytest.mark.parametrize(
    ("intent", "where", "when", "found", "objection"),
    [
        (Intent.FILE, "process", "before", Found.SEES, None),
        (Intent.FILE, "process", "before", Found.DOES_NOT_SEE, "did not see the data"),
        (Intent.FILE, "thread", "during", Found.DOES_NOT_SEE, None),
        (Intent.FILE, "thread", "during", Found.SEES, "saw what was not committed"),
        (Intent.FILE, "thread", "during", Found.REFUSED, "was refused: busy"),
        (Intent.FILE, "thread", "after", Found.WROTE, None),
        (Intent.FILE, "thread", "before", None, None),
        (Intent.SHARED_MEMORY, "process", "after", Found.DOES_NOT_SEE, "did not see the data"),
        (Intent.PRIVATE_MEMORY, "same", "after", Found.SEES, "saw the data"),
        (Intent.PRIVATE_MEMORY, "same", "after", Found.DOES_NOT_SEE, None),
        (Intent.PRIVATE_MEMORY, "engine", "after", Found.DOES_NOT_SEE, "did not see the data"),
        (Intent.PRIVATE_MEMORY, "engine", "after", Found.SEES, None),
        (Intent.READ_ONLY, "same", "after", Found.DOES_NOT_SEE, None),
    ],
)
def test_what_others_find_is_judged_by_what_they_should_find(
    intent: Intent, where: str, when: str, found: Found | None, objection: str | None
) -> None:
    error = "busy" if found is Found.REFUSED else None
    of_case, of_observation = beside(where, when, found, error)
    case = make_case(intent=intent, **of_case)
    storage = Storage.FILE if intent in (Intent.FILE, Intent.READ_ONLY) else Storage.MEMORY
    second = {
        Intent.SHARED_MEMORY: SecondConnection.SEES,
        Intent.FILE: SecondConnection.SEES,
        Intent.READ_ONLY: None,
    }.get(intent, SecondConnection.DOES_NOT_SEE)
    seen = make_observation(storage=storage, second_connection=second, **of_observation)
    assert (reason(seen, case) or "").endswith(objection or "")
    assert (reason(seen, case) is None) == (objection is None)


def test_a_cell_that_has_no_word_of_its_rivals_is_judged_without_them() -> None:
    of_case, _ = beside("thread", "before", None)
    assert reason(make_observation(result=Result.CRASHED), make_case(intent=Intent.FILE, **of_case))
