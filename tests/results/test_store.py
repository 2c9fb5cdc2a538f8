"""The result files: written whole, and read whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from matrix.errors import ResultsError
from matrix.model import canonical
from matrix.results.store import load_results, write_cases, write_stack, write_unavailable_stack
from tests.builders import in_memory, make_case, make_fingerprint, make_scenario, realistic
from tests.comparing import write_results

STACK = "sqlite3@3.11"
CASE = "topic/scenario[form=plain]"


def line(case: str = CASE, **changes: object) -> str:
    return canonical({**in_memory(case).to_json(), **changes})


def write(directory: Path, *lines: str | bytes, stack: str = STACK) -> Path:
    """Write one case, and one stack with these lines; give the path of the stack's file."""
    write_cases(directory, [make_scenario()], [make_case(CASE), make_case("topic/scenario[b]")])
    write_stack(directory, stack, make_fingerprint(), lines)
    return directory / f"{stack}.jsonl"


def test_what_was_written_is_read(tmp_path: Path) -> None:
    results = realistic()
    write_results(tmp_path, results)
    assert load_results(tmp_path) == results


def test_a_file_shows_what_it_holds_to_whoever_opens_it(tmp_path: Path) -> None:
    lines = write(tmp_path, line()).read_text().splitlines()
    header, observation, footer = map(json.loads, lines)
    assert (header["kind"], header["schema"], header["stack"]) == ("stack", 1, STACK)
    assert header["unavailable"] is None
    assert lines[1] == line()
    assert observation["case"] == CASE
    assert footer["count"] == 1
    assert footer["digest"].startswith("sha256:")


def test_observations_are_sorted_by_case_id(tmp_path: Path) -> None:
    path = write(tmp_path, line("topic/scenario[b]"), line())
    ids = [json.loads(text)["case"] for text in path.read_text().splitlines()[1:-1]]
    assert ids == ["topic/scenario[b]", CASE]


def test_of_two_observations_of_a_case_the_last_counts(tmp_path: Path) -> None:
    write(tmp_path, line(opened="first"), line(opened="second"))
    (stack,) = load_results(tmp_path).stacks
    assert stack.observations[CASE].opened == "second"


@pytest.mark.parametrize("end", range(0, len(line(warnings=["a]}", "b"])), 7))
def test_a_line_that_a_killed_worker_left_incomplete_is_no_observation(
    tmp_path: Path, end: int
) -> None:
    torn = line(opened="torn", warnings=["a]}", "b"])[:end]
    path = write(tmp_path, line(opened="whole"), torn)
    assert [json.loads(text).get("opened") for text in path.read_text().splitlines()[1:-1]] == [
        "whole"
    ]


def test_lines_may_be_bytes_with_their_line_ends(tmp_path: Path) -> None:
    as_text = write(tmp_path / "a", line()).read_bytes()
    as_bytes = write(tmp_path / "b", line().encode() + b"\n").read_bytes()
    assert as_text == as_bytes


def test_writing_leaves_nothing_but_the_file(tmp_path: Path) -> None:
    write(tmp_path, line())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cases.jsonl", f"{STACK}.jsonl"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    before = write(tmp_path, line()).read_bytes()

    def interrupted() -> Iterator[str]:
        yield line(opened="new")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_stack(tmp_path, STACK, make_fingerprint(), interrupted())
    assert (tmp_path / f"{STACK}.jsonl").read_bytes() == before


def test_an_unavailable_stack_is_kept_with_its_reason(tmp_path: Path) -> None:
    write_cases(tmp_path, [], [])
    write_unavailable_stack(tmp_path, "apsw==3.54.1.0@3.10", "no wheel fits")
    (stack,) = load_results(tmp_path).stacks
    assert (stack.fingerprint, stack.unavailable) == (None, "no wheel fits")


def problem(directory: Path) -> str:
    with pytest.raises(ResultsError) as caught:
        load_results(directory)
    return str(caught.value)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    assert "no such directory; `sqlite-matrix run` writes one" in problem(tmp_path / "latest")


def test_an_empty_directory_is_named(tmp_path: Path) -> None:
    assert "holds no results, cases.jsonl is missing" in problem(tmp_path)


def test_a_missing_footer_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, line())
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert f"{STACK}.jsonl: cut off, the footer is missing" in problem(tmp_path)


def test_a_file_that_holds_nothing_is_named(tmp_path: Path) -> None:
    write(tmp_path, line()).write_bytes(b"")
    assert f"{STACK}.jsonl: is empty" in problem(tmp_path)


def test_a_changed_byte_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, line())
    path.write_bytes(path.read_bytes().replace(b'"memory"', b'"file"', 1))
    assert "corrupted, the digest does not fit" in problem(tmp_path)


def test_a_line_that_is_missing_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, line())
    header, _, footer = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(header + footer)
    assert "corrupted, 0 records where the footer says 1" in problem(tmp_path)


def test_bad_json_is_named_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, line())
    path.write_bytes(b"{" + path.read_bytes())
    assert f"{STACK}.jsonl:1: bad JSON" in problem(tmp_path)


def test_a_word_that_this_tool_does_not_know_is_named_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, line(storage="cloud"))
    assert f"{STACK}.jsonl:2: not as expected: ValueError" in problem(tmp_path)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, line())
    path.write_bytes(path.read_bytes().replace(b'"schema":1', b'"schema":2'))
    assert "schema 2 is newer than this tool, which reads up to 1; update" in problem(tmp_path)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    write(tmp_path, line())
    (tmp_path / "other.jsonl").write_text('{"kind":"song","schema":1}\n')
    assert "unknown kind 'song'" in problem(tmp_path)


def test_a_file_under_another_name_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, line())
    path.rename(path.with_name("apsw@3.11.jsonl"))
    assert f"holds the results of {STACK}" in problem(tmp_path)


def test_an_observation_of_an_unknown_case_is_named(tmp_path: Path) -> None:
    write(tmp_path, line("topic/gone"))
    assert "a case that cases.jsonl does not list: 'topic/gone'" in problem(tmp_path)


def test_an_observation_of_another_stack_is_named(tmp_path: Path) -> None:
    write(tmp_path, line(stack="apsw@3.11"))
    assert "an observation of the stack apsw@3.11" in problem(tmp_path)


def test_a_duplicate_case_is_named(tmp_path: Path) -> None:
    write_cases(tmp_path, [], [make_case(CASE), make_case(CASE)])
    assert f"cases.jsonl:3: duplicate case '{CASE}'" in problem(tmp_path)
