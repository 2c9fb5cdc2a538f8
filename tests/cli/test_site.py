"""The published site: the results of several machines, the page, its data files, the badges."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from matrix.errors import ResultsError
from matrix.model import Case, Fingerprint, Intent, Observation, canonical
from matrix.reports.badges import render_badges
from matrix.results.merge import merge_results
from matrix.results.provenance import Provenance, load_provenance, write_provenance
from matrix.results.store import write_cases, write_stack, write_unavailable_stack
from tests.builders import (
    in_memory,
    make_case,
    make_fingerprint,
    make_results,
    make_scenario,
    make_stack,
    stray,
)
from tests.tool import run_tool

CASES = [
    make_case("mode/memory[form=plain]", target=":memory:", intent=Intent.PRIVATE_MEMORY),
    make_case("mode/memory[form=uri]", intent=Intent.PRIVATE_MEMORY),
]
SEEN = [in_memory(CASES[0].id), stray(CASES[1].id)]


def measure(
    directory: Path,
    system: str,
    seen: Sequence[Observation] = SEEN,
    cases: Sequence[Case] = CASES,
    stack: str = "sqlite3@3.11",
) -> Path:
    """Results as a machine of that system would leave them."""
    print_: Fingerprint = make_fingerprint(platform=f"{system}-x86_64")
    write_cases(directory, [make_scenario("mode/memory")], cases)
    lines = [canonical(replace(each, stack=stack).to_json()) for each in seen]
    write_stack(directory, stack, print_, lines)
    run = Provenance(finished="2026-01-02T03:04:05Z", seconds=9, machine=system, tool="it 1")
    write_provenance(directory, [run])
    return directory


def test_stacks_of_other_systems_have_the_system_in_their_name(tmp_path: Path) -> None:
    merged = merge_results(
        [measure(tmp_path / "linux", "linux"), measure(tmp_path / "darwin", "darwin")]
    )
    assert [s.stack for s in merged.stacks] == ["sqlite3@3.11", "sqlite3[os=darwin]@3.11"]
    assert {o.stack for o in merged.stacks[1].observations.values()} == {"sqlite3[os=darwin]@3.11"}


def test_unavailable_stacks_of_a_machine_are_kept(tmp_path: Path) -> None:
    directory = measure(tmp_path, "win32")
    write_unavailable_stack(directory, "pysqlite3==0.6.1@3.11", "no wheel for Windows")
    merged = merge_results([directory])
    assert [(s.stack, s.unavailable) for s in merged.stacks if s.unavailable] == [
        ("pysqlite3==0.6.1[os=win32]@3.11", "no wheel for Windows")
    ]


def test_other_cases_are_refused_and_named(tmp_path: Path) -> None:
    first = measure(tmp_path / "a", "linux")
    second = measure(tmp_path / "b", "darwin", SEEN[:1], CASES[:1])
    with pytest.raises(ResultsError, match=r"other cases than in .*mode/memory\[form=uri\]"):
        merge_results([first, second])


def test_a_stack_that_lacks_a_case_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="lacks 1 of its cases"):
        merge_results([measure(tmp_path, "linux", SEEN[:1])])


def test_one_stack_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="was measured on linux already"):
        merge_results([measure(tmp_path / name, "linux") for name in "ab"])


def test_a_badge_counts_on_the_newest_bare_stack_as_built() -> None:
    older = make_stack("apsw==3.46.1.0@3.11", SEEN)
    newer = make_stack("apsw==3.54.1.0@3.11", [in_memory(case.id) for case in CASES])
    other = make_stack("apsw==3.54.1.0[uri=on]@3.11", SEEN)
    badges = render_badges(make_results(CASES, [newer, older, other]))
    assert list(badges) == ["apsw"]
    badge = json.loads(badges["apsw"])
    assert badge["schemaVersion"] == 1
    assert badge["message"] == "2 of 2 as intended, 0 stray files"


def test_the_side_file_round_trips(tmp_path: Path) -> None:
    run = Provenance(finished="2026-01-02T03:04:05Z", seconds=9, machine="Linux", tool="it 1")
    write_provenance(tmp_path, [run])
    assert load_provenance(tmp_path) == (run,)
    assert run.day == "2026-01-02"
    assert load_provenance(tmp_path / "elsewhere") == ()


def test_an_invalid_side_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "measured.json").write_text('[{"finished": 1}]')
    with pytest.raises(ResultsError, match=r"measured\.json: not as expected"):
        load_provenance(tmp_path)


def test_the_site_holds_page_data_and_badges(tmp_path: Path) -> None:
    measure(tmp_path / "linux", "linux")
    measure(tmp_path / "darwin", "darwin")
    done = run_tool("site", "linux", "darwin", "-o", "public", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    public = tmp_path / "public"
    assert {path.name for path in public.iterdir()} == {
        "badges",
        "cells.csv",
        "index.html",
        "junit.xml",
        "results.json",
        "summary.md",
    }
    assert [path.name for path in (public / "badges").iterdir()] == ["sqlite3.json"]
    page = (public / "index.html").read_text("utf-8")
    assert "sqlite3[os=darwin]@3.11" in page
    assert '<a href="cells.csv">' in page


def test_a_site_without_results_says_how_to_get_some(tmp_path: Path) -> None:
    done = run_tool("site", cwd=tmp_path)
    assert done.returncode == 2
    assert "sqlite-matrix run" in done.stderr
