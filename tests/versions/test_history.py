"""A case across versions: where its behaviour changes, and how exact that is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from matrix.cli import main
from matrix.model import Case, Failure, Intent, Observation, canonical
from matrix.reports.history import history_json, render_history
from matrix.results.store import ResultSet, StackResults, write_cases, write_stack
from matrix.stacks.catalogue import Catalogue
from matrix.versions.history import (
    Strip,
    builds_between,
    known_sqlite,
    lines,
    same_sqlite,
    strips,
)
from tests.builders import (
    in_memory,
    make_case,
    make_fingerprint,
    make_results,
    make_stack,
    refused,
    shared,
    stray,
)
from tests.conftest import RunOn

CASE = "topic/scenario[form=plain]"

CATALOGUE = Catalogue.model_validate(
    {
        "drivers": {
            "sqlite3": [],
            "pysqlite3": ["pysqlite3==0.6.1"],
            "apsw": ["apsw==3.48.0.0", "apsw==3.47.2.0", "...", "apsw==3.46.1.0"],
        },
        "middleware": {"sqlalchemy": ["sqlalchemy==2.1.0b1", "sqlalchemy==2.0.58"]},
        "sqlite": {
            version: {"package": f"apsw=={version}.0", "file": "lib.so"}
            for version in ("3.54.0", "3.53.4", "3.53.3")
        },
        "sets": {},
    }
)


def seen(stack: str, observation: Observation, sqlite: str = "3.40.1") -> StackResults:
    return make_stack(stack, [observation], fingerprint=make_fingerprint(sqlite=sqlite))


def results_of(stacks: Iterable[StackResults]) -> ResultSet:
    return make_results([make_case(CASE, intent=Intent.SHARED_MEMORY)], stacks)


def segments(found: Iterable[Strip]) -> dict[str, list[tuple[str, str, bool]]]:
    """Since, until and exactness of each segment, by the stack that is held still."""
    return {
        strip.still: [(part.since, part.until, part.exact) for part in strip.segments]
        for strip in found
    }


def along(*stacks: StackResults) -> dict[str, list[tuple[str, str, bool]]]:
    return segments(strips(results_of(stacks), CASE, CATALOGUE))


def apsw(behaviours: Mapping[str, Observation]) -> list[StackResults]:
    return [
        seen(f"apsw=={version}@3.11", observation, version.rpartition(".")[0])
        for version, observation in behaviours.items()
    ]


def test_a_boundary_between_neighbouring_releases_is_exact() -> None:
    stacks = apsw({"3.47.2.0": shared(CASE), "3.48.0.0": in_memory(CASE)})
    assert along(*stacks) == {
        "apsw==*@3.11": [("3.47.2.0", "3.47.2.0", True), ("3.48.0.0", "3.48.0.0", True)]
    }


def test_a_boundary_across_releases_that_the_file_leaves_out_is_an_interval() -> None:
    stacks = apsw({"3.46.1.0": shared(CASE), "3.47.2.0": in_memory(CASE)})
    assert along(*stacks)["apsw==*@3.11"][1] == ("3.47.2.0", "3.47.2.0", False)


def test_a_boundary_across_a_release_that_was_not_run_is_an_interval() -> None:
    stacks = apsw({"3.46.1.0": shared(CASE), "3.48.0.0": in_memory(CASE)})
    assert along(*stacks)["apsw==*@3.11"][1] == ("3.48.0.0", "3.48.0.0", False)


def test_a_release_that_the_file_does_not_know_is_no_neighbour() -> None:
    stacks = apsw({"3.47.2.0": shared(CASE), "3.48.0.1": in_memory(CASE)})
    assert along(*stacks)["apsw==*@3.11"][1] == ("3.48.0.1", "3.48.0.1", False)


def test_versions_are_ordered_as_versions() -> None:
    names = ["pysqlite3==0.5.10@3.11", "pysqlite3==0.5.9@3.11"]
    found = along(seen(names[0], in_memory(CASE)), seen(names[1], shared(CASE)))
    assert [part[0] for part in found["pysqlite3==*@3.11"]] == ["0.5.9", "0.5.10"]


def test_neighbours_that_showed_the_same_are_one_segment_and_a_return_is_another() -> None:
    stacks = apsw(
        {"3.46.1.0": shared(CASE), "3.47.2.0": shared(CASE), "3.48.0.0": in_memory(CASE),
         "3.48.0.1": shared(CASE)}
    )  # fmt: skip
    assert [part[:2] for part in along(*stacks)["apsw==*@3.11"]] == [
        ("3.46.1.0", "3.47.2.0"),
        ("3.48.0.0", "3.48.0.0"),
        ("3.48.0.1", "3.48.0.1"),
    ]


def test_lines_hold_every_stack_whatever_ran_on_it() -> None:
    stacks = [
        make_stack(f"apsw=={version}@3.11", fingerprint=make_fingerprint(driver="apsw"))
        for version in ("3.48.0.0", "3.46.1.0", "3.47.2.0")
    ]
    (line,) = lines(stacks, known_sqlite(CATALOGUE), CATALOGUE)
    assert (line.axis, line.still) == ("apsw", "apsw==*@3.11")
    assert [(step.version, step.stack, step.exact) for step in line.steps] == [
        ("3.46.1.0", stacks[1], True),
        ("3.47.2.0", stacks[2], False),
        ("3.48.0.0", stacks[0], True),
    ]


def test_a_version_of_sqlite_that_any_stack_shows_is_known_to_lie_in_between() -> None:
    def libraries(*versions: str) -> list[StackResults]:
        return [
            make_stack(f"sqlite3[sqlite={v}]@3.11", fingerprint=make_fingerprint(sqlite=v))
            for v in versions
        ]

    other = make_stack("shell@3.11", fingerprint=make_fingerprint(driver="shell", sqlite="3.10.5"))
    stacks = libraries("3.10.1", "3.11.0")
    for every, exact in ((stacks, True), ([*stacks, other], False)):
        (line,) = lines(stacks, known_sqlite(CATALOGUE, every), CATALOGUE)
        assert [step.exact for step in line.steps] == [True, exact]


def test_the_changes_at_a_boundary_are_the_fields_that_differ_with_both_values() -> None:
    stacks = apsw({"3.47.2.0": shared(CASE), "3.48.0.0": refused(CASE, "no")})
    (strip,) = strips(results_of(stacks), CASE, CATALOGUE)
    error = {"phase": "open", "type": "OperationalError", "message": "no", "statement": None}
    assert strip.segments[0].changes == ()
    assert strip.segments[1].changes == (
        ("result", "opened", "refused"),
        ("error", None, error),
        ("storage", "memory", "none"),
        ("second_connection", "sees", None),
    )


def test_what_differs_between_the_builds_at_a_boundary_is_listed() -> None:
    case = make_case(CASE)
    stacks = [
        make_stack("sqlite3@3.11", [in_memory(CASE)], fingerprint=make_fingerprint()),
        make_stack(
            "sqlite3[sqlite=3.53.3]@3.11",
            [shared(CASE)],
            fingerprint=make_fingerprint(sqlite="3.53.3", temp_files=False),
        ),
    ]
    found = strips(results_of(stacks), CASE, CATALOGUE)
    assert found[0].segments[1].builds == (("temp_files", True, False),)
    assert "another build: temp_files true → false\n" in render_history(case, found, ())
    data = history_json(case, found, ())
    assert data["strips"][0]["segments"][1]["builds"] == {"temp_files": [True, False]}


@pytest.mark.parametrize(
    ("axis", "changed"),
    [
        ("SQLite", {"sqlite": "3.54.1", "source_id": "x"}),
        ("Python", {"python": "3.12.1", "driver_version": "3.12.1"}),
        ("apsw", {"driver_version": "3.54.1.0"}),
        ("orm", {"middleware_version": "3"}),
    ],
)
def test_the_version_on_the_axis_is_no_other_difference(axis: str, changed: dict[str, Any]) -> None:
    driver = axis if axis == "apsw" else "sqlite3"
    before = make_fingerprint(driver=driver, middleware="orm", middleware_version="2")
    after = replace(before, **changed)
    assert builds_between(axis, before, after) == ()
    another = replace(after, compile_options=("X", *before.compile_options), shared_cache=False)
    assert builds_between(axis, before, another) == (
        ("shared_cache", True, False),
        ("X", "absent", "set"),
    )


def test_one_version_makes_no_strip() -> None:
    assert along(*apsw({"3.48.0.0": shared(CASE)})) == {}


def test_a_stack_without_the_case_or_without_a_fingerprint_is_not_on_a_strip() -> None:
    stacks = [
        *apsw({"3.48.0.0": shared(CASE)}),
        make_stack("apsw==3.47.2.0@3.11"),
        make_stack("apsw==3.46.1.0@3.11", unavailable="no wheel"),
    ]
    assert along(*stacks) == {}


def test_each_axis_holds_all_else_still() -> None:
    found = along(
        seen("apsw==3.47.2.0@3.11", shared(CASE)),
        seen("apsw==3.48.0.0[uri=on]@3.11", shared(CASE)),
        seen("apsw==3.48.0.0@3.12", shared(CASE)),
        seen("apsw==3.48.0.0[sqlalchemy=2.0.58]@3.11", shared(CASE)),
        seen("pysqlite3==0.6.1[sqlalchemy=2.1.0b1]@3.11", shared(CASE)),
    )
    assert found == {}


def test_the_sqlite_under_stdlib_is_an_axis_of_its_own_and_the_installed_one_lies_on_it() -> None:
    found = along(
        seen("sqlite3@3.11", shared(CASE), "3.53.3"),
        seen("sqlite3[sqlite=3.53.4]@3.11", shared(CASE), "3.53.4"),
        seen("sqlite3[sqlite=3.54.0]@3.11", in_memory(CASE), "3.54.0"),
        seen("sqlite3[sqlite=3.54.0,uri=on]@3.11", in_memory(CASE), "3.54.0"),
    )
    assert found == {
        "sqlite3[sqlite=*]@3.11": [("3.53.3", "3.53.4", True), ("3.54.0", "3.54.0", True)]
    }


@pytest.mark.parametrize("between", ["a library", "a driver's release"])
def test_a_sqlite_that_is_known_to_lie_between_makes_an_interval(between: str) -> None:
    older, newer = ("3.53.3", "3.54.0") if between == "a library" else ("3.46.1", "3.48.0")
    found = along(
        seen("sqlite3@3.11", shared(CASE), older),
        seen("sqlite3[sqlite=newer]@3.11", in_memory(CASE), newer),
    )
    assert found["sqlite3[sqlite=*]@3.11"] == [(older, older, True), (newer, newer, False)]


def test_a_sqlite_that_any_stack_of_the_run_has_makes_an_interval() -> None:
    found = along(
        seen("sqlite3@3.11", shared(CASE), "3.20.0"),
        seen("sqlite3[sqlite=newer]@3.11", in_memory(CASE), "3.22.0"),
        seen("pysqlite3==0.6.1@3.11", shared(CASE), "3.21.0"),
    )
    assert found["sqlite3[sqlite=*]@3.11"][1] == ("3.22.0", "3.22.0", False)


def test_middleware_is_an_axis() -> None:
    found = along(
        seen("sqlite3[sqlalchemy=2.0.58]@3.11", shared(CASE)),
        seen("sqlite3[sqlalchemy=2.1.0b1]@3.11", in_memory(CASE)),
    )
    assert found == {
        "sqlite3[sqlalchemy=*]@3.11": [("2.0.58", "2.0.58", True), ("2.1.0b1", "2.1.0b1", True)]
    }


@pytest.mark.parametrize(("newer", "exact"), [("3.12", True), ("3.13", False)])
def test_a_boundary_along_python_is_exact_between_minor_versions(newer: str, exact: bool) -> None:
    found = along(seen("sqlite3@3.11", shared(CASE)), seen(f"sqlite3@{newer}", in_memory(CASE)))
    assert found["sqlite3@*"] == [("3.11", "3.11", True), (newer, newer, exact)]


def test_the_longest_strip_comes_first() -> None:
    found = along(
        seen("sqlite3@3.11", shared(CASE)),
        seen("sqlite3@3.12", shared(CASE)),
        *apsw({"3.46.1.0": shared(CASE), "3.47.2.0": shared(CASE), "3.48.0.0": shared(CASE)}),
    )
    assert list(found) == ["apsw==*@3.11", "sqlite3@*"]


def test_one_sqlite_under_several_drivers_shows_in_what_they_differ() -> None:
    results = results_of(
        [
            seen("sqlite3[sqlite=3.48.0]@3.11", shared(CASE), "3.48.0"),
            seen("apsw==3.48.0.0@3.11", in_memory(CASE), "3.48.0"),
            seen("apsw==3.47.2.0@3.11", shared(CASE), "3.47.2"),
        ]
    )
    (same,) = same_sqlite(results, CASE)
    assert (same.sqlite, same.differs) == ("3.48.0", ("second_connection",))
    assert [p.stack for p in same.points] == ["sqlite3[sqlite=3.48.0]@3.11", "apsw==3.48.0.0@3.11"]


def test_how_a_driver_is_called_and_names_its_errors_is_no_difference() -> None:
    error = Failure(phase="open", type="apsw.CantOpenError", message="no")
    theirs = replace(refused(CASE), error=error, passed={"args": ["x"], "kwargs": {"flags": 70}})
    ours = seen("sqlite3@3.11", refused(CASE, "no"))
    results = results_of([ours, seen("apsw==3.40.1.0@3.11", theirs)])
    (same,) = same_sqlite(results, CASE)
    assert same.differs == ()


@pytest.mark.parametrize(
    "other",
    [
        "sqlite3@3.12",
        "sqlite3[sqlite=3.40.1]@3.11",
        "apsw==3.40.1.0@3.12",
        "apsw==3.40.1.0[uri=on]@3.11",
        "apsw==3.40.1.0[sqlalchemy=2.0.58]@3.11",
    ],
)
def test_only_stacks_that_differ_just_in_the_driver_are_compared(other: str) -> None:
    results = results_of([seen("sqlite3@3.11", shared(CASE)), seen(other, in_memory(CASE))])
    assert same_sqlite(results, CASE) == ()


def results_in_words() -> tuple[Case, ResultSet]:
    case = make_case(
        CASE,
        target="file:{name}?mode=memory&cache=shared",
        connect={"uri": True},
        intent=Intent.SHARED_MEMORY,
    )
    stacks = [
        *apsw({"3.46.1.0": stray(CASE), "3.47.2.0": shared(CASE), "3.48.0.0": in_memory(CASE)}),
        seen("sqlite3[sqlite=3.48.0]@3.11", shared(CASE), "3.48.0"),
        seen("sqlite3[sqlite=3.47.2]@3.11", shared(CASE), "3.47.2"),
    ]
    return case, make_results([case], stacks)


def test_a_history_in_words_names_since_until_the_change_and_the_interval() -> None:
    case, results = results_in_words()
    found = strips(results, CASE, CATALOGUE)
    assert render_history(case, found, same_sqlite(results, CASE)) == (
        """\
topic/scenario[form=plain]
  file:db?mode=memory&cache=shared  uri=True

apsw: 3 versions of apsw==*@3.11
  until 3.46.1.0     !✗ stray file
  since 3.47.2.0     m+✓ shared memory  (or a release after 3.46.1.0, not run)
        storage: file → memory
        created: file:db?mode=memory (database) → none
        another build: sqlite 3.46.1 → 3.47.2
  since 3.48.0.0     m✗ memory
        second_connection: sees → does_not_see
        another build: sqlite 3.47.2 → 3.48.0

SQLite under sqlite3 (the effect of library and build): 2 versions of sqlite3[sqlite=*]@3.11
  always     m+✓ shared memory

One SQLite version under several drivers (the effect of driver and build)
  they agree at 3.47.2
  at 3.48.0 they differ in second_connection: driver, or build
    m+✓  shared memory  sqlite3[sqlite=3.48.0]@3.11
    m✗   memory         apsw==3.48.0.0@3.11
"""
    )


def test_a_history_without_any_second_version_says_so() -> None:
    case, _ = results_in_words()
    assert "no second version" in render_history(case, (), ())


def test_a_long_value_is_cut_and_a_hostile_one_made_visible() -> None:
    case, _ = results_in_words()
    stacks = apsw({"3.47.2.0": shared(CASE), "3.48.0.0": refused(CASE, "\x1b[31m" + "x" * 300)})
    text = render_history(case, strips(results_of(stacks), CASE, CATALOGUE), ())
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) < 160
    assert "…" in text


def test_a_history_as_data_holds_what_the_words_say() -> None:
    case, results = results_in_words()
    found = strips(results, CASE, CATALOGUE)
    data = history_json(case, found, same_sqlite(results, CASE))
    strip = data["strips"][0]
    assert (data["case"], strip["axis"], strip["stack"]) == (CASE, "apsw", "apsw==*@3.11")
    assert strip["segments"][2] == {
        "since": "3.48.0.0",
        "until": "3.48.0.0",
        "exact": True,
        "outcome": "memory",
        "verdict": "not_as_intended",
        "changes": {"second_connection": ["sees", "does_not_see"]},
        "builds": {"sqlite": ["3.47.2", "3.48.0"]},
        "versions": ["3.48.0.0"],
    }
    assert data["same_sqlite"][1]["outcomes"] == {
        "sqlite3[sqlite=3.48.0]@3.11": "shared memory",
        "apsw==3.48.0.0@3.11": "memory",
    }


def write_results(directory: Path, results: ResultSet) -> None:
    write_cases(directory, results.scenarios, results.cases.values())
    for stack in results.stacks:
        assert stack.fingerprint is not None
        lines = [canonical(each.to_json()) for each in stack.observations.values()]
        write_stack(directory, stack.stack, stack.fingerprint, lines)


def history(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["history", *arguments])
    assert isinstance(end.value.code, int)
    return end.value.code


def test_the_command_takes_a_pattern_and_shows_each_case_that_it_matches(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case, results = results_in_words()
    write_results(tmp_path, results)
    assert history("topic/*", str(tmp_path)) == 0
    assert capsys.readouterr().out.startswith(f"{case.id}\n")
    assert history("topic/*", str(tmp_path), "--format", "json") == 0
    (document,) = json.loads(capsys.readouterr().out)
    assert document["case"] == case.id


def test_the_command_writes_to_a_file(tmp_path: Path) -> None:
    _, results = results_in_words()
    write_results(tmp_path, results)
    assert history("topic", str(tmp_path), "-o", str(tmp_path / "out.txt")) == 0
    assert "since 3.48.0.0" in (tmp_path / "out.txt").read_text("utf-8")


def test_a_case_that_is_not_in_the_results_selects_nothing_and_names_the_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, results = results_in_words()
    write_results(tmp_path, results)
    assert history("absent", str(tmp_path)) == 5
    assert "sqlite-matrix list cases" in capsys.readouterr().err


def measured(
    run_on: RunOn, catalogue: Catalogue, axis: str, case: Case, *specs: str
) -> tuple[str, str, bool, set[str]]:
    """Run a case on stacks: where it changes along an axis, whether that is exact, and what."""
    stacks = [run_on(spec, case) for spec in specs]
    assert [stack.unavailable for stack in stacks] == [None] * len(stacks)
    results = make_results([case], stacks)
    (strip,) = (strip for strip in strips(results, case.id, catalogue) if strip.axis == axis)
    before, after = strip.segments
    return before.until, after.since, after.exact, {name for name, _, _ in after.changes}


def test_apsw_lost_the_shared_cache_at_3_48(run_on: RunOn, catalogue: Catalogue) -> None:
    case = make_case(target="file:{name}?mode=memory&cache=shared", connect={"uri": True})
    assert measured(run_on, catalogue, "apsw", case, "apsw==3.47.2.0", "apsw==3.48.0.0") == (
        "3.47.2.0",
        "3.48.0.0",
        True,
        {"second_connection"},
    )


def test_sqlalchemy_reads_the_uri_switch_of_a_url_since_1_3_9(
    run_on: RunOn, catalogue: Catalogue
) -> None:
    case = make_case(target="sqlite:///file:{name}?mode=memory&uri=true", via="sqlalchemy")
    specs = [f"sqlite3[sqlalchemy={version}]" for version in ("1.3.8", "1.3.9")]
    older, newer, exact, changed = measured(run_on, catalogue, "sqlalchemy", case, *specs)
    assert (older, newer, exact) == ("1.3.8", "1.3.9", True)
    assert {"result", "storage"} <= changed


def test_sqlalchemy_pools_a_uri_in_memory_like_memory_since_1_4_12(
    run_on: RunOn, catalogue: Catalogue
) -> None:
    case = make_case(target="sqlite:///file:{name}?mode=memory&uri=true", via="sqlalchemy")
    specs = [f"sqlite3[sqlalchemy={version}]" for version in ("1.4.11", "1.4.12")]
    assert measured(run_on, catalogue, "sqlalchemy", case, *specs) == (
        "1.4.11", "1.4.12", True, {"pool"}
    )  # fmt: skip


def test_sqlalchemy_decodes_the_path_of_a_url_since_2_1(
    run_on: RunOn, catalogue: Catalogue
) -> None:
    case = make_case(target="sqlite:///a%20b.db", via="sqlalchemy")
    specs = [f"sqlite3[sqlalchemy={version}]" for version in ("2.0.58", "2.1.0b1")]
    assert measured(run_on, catalogue, "sqlalchemy", case, *specs) == (
        "2.0.58", "2.1.0b1", True, {"created", "passed", "opened"}
    )  # fmt: skip


def test_sqlite_opens_no_missing_file_as_immutable_since_3_54(
    run_on: RunOn, catalogue: Catalogue
) -> None:
    """The libraries of 3.53.3 and 3.54.0 are built alike; that of 3.53.4 is another build."""
    case = make_case(target="file:x.db?immutable=1", connect={"uri": True})
    specs = [f"sqlite3[sqlite={version}]" for version in ("3.53.3", "3.53.4", "3.54.0")]
    older, newer, exact, changed = measured(run_on, catalogue, "SQLite", case, *specs)
    assert (older, newer, exact) == ("3.53.4", "3.54.0", True)
    assert {"result", "created"} <= changed


def test_a_name_without_versions_is_read_with_those_that_were_probed() -> None:
    def named(stack: str, observation: Observation, **probed: str) -> StackResults:
        return make_stack(stack, [observation], fingerprint=make_fingerprint(**probed))

    found = strips(
        results_of(
            [
                named(
                    "apsw",
                    shared(CASE),
                    driver="apsw",
                    distribution="apsw",
                    driver_version="3.47.2.0",
                ),
                seen("apsw==3.48.0.0@3.11", in_memory(CASE), "3.48.0"),
            ]
        ),
        CASE,
        CATALOGUE,
    )
    assert segments(found) == {
        "apsw==*@3.11": [("3.47.2.0", "3.47.2.0", True), ("3.48.0.0", "3.48.0.0", True)]
    }
    same = [
        named("sqlite3[sqlite=3.53.4,sqlalchemy]", shared(CASE), sqlite="3.53.4",
              middleware="sqlalchemy", middleware_version="2.1.9"),
        named("pysqlite3-binary[sqlalchemy]", in_memory(CASE), sqlite="3.53.4",
              driver="pysqlite3", distribution="pysqlite3-binary",
              middleware="sqlalchemy", middleware_version="2.1.9"),
    ]  # fmt: skip
    (both,) = same_sqlite(results_of(same), CASE)
    assert both.differs == ("second_connection",)
