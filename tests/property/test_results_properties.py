"""Result files: nothing is lost, nothing depends on the order of arrival, no cut goes unseen."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.errors import ResultsError
from matrix.model import (
    Case,
    Created,
    Failure,
    Intent,
    Observation,
    PathKind,
    Result,
    SecondConnection,
    Storage,
    TargetType,
    canonical,
)
from matrix.results.lines import case_of_line
from matrix.results.store import load_results, write_cases, write_stack
from tests.builders import make_case, make_fingerprint, make_observation, make_scenario

STACK = "sqlite3@3.11"

# Surrogates too: a name that is not UTF-8 is held with surrogateescape.
text = st.text(
    st.one_of(
        st.characters(), st.characters(categories=["Cs"]), st.sampled_from('\x00\n"\\]},\u202e')
    ),
    max_size=12,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2),
    max_leaves=4,
)
options = st.dictionaries(text, json_values, max_size=2)
texts = st.lists(text, max_size=2).map(tuple)

created = st.builds(
    Created,
    path=text,
    kind=st.sampled_from(PathKind),
    stage=text,
    kept=st.booleans(),
    asked=st.booleans(),
    size=st.none() | st.integers(0, 10**17),
)
failures = st.builds(Failure, phase=text, type=text, message=text)


def cases(case_ids: st.SearchStrategy[str] = text) -> st.SearchStrategy[Case]:
    return st.builds(
        Case,
        id=case_ids,
        target=text,
        target_type=st.sampled_from(TargetType),
        via=st.none() | text,
        connect=options,
        setup=st.lists(options, max_size=2).map(tuple),
        sql=texts,
        write=st.booleans(),
        write_to=text,
        intent=st.sampled_from(Intent),
        drivers=st.none() | texts,
    )


def observations(case_ids: st.SearchStrategy[str] = text) -> st.SearchStrategy[Observation]:
    return st.builds(
        Observation,
        case=case_ids,
        stack=st.just(STACK),
        result=st.sampled_from(Result),
        error=st.none() | failures,
        storage=st.sampled_from(Storage),
        created=st.lists(created, max_size=2).map(tuple),
        modified=texts,
        removed=texts,
        second_connection=st.none() | st.sampled_from(SecondConnection),
        passed=st.none()
        | st.fixed_dictionaries({"args": st.lists(json_values, max_size=2), "kwargs": options}),
        opened=st.none() | text,
        journal_mode=st.none() | text,
        pool=st.none() | text,
        warnings=texts,
        observer=text,
        transients_complete=st.booleans(),
    )


distinct = st.lists(observations(), unique_by=lambda each: each.case, max_size=5)


def line(observation: Observation) -> str:
    return canonical(observation.to_json())


def write(directory: Path, lines: Iterable[str], case_ids: Iterable[str]) -> Path:
    write_cases(directory, [make_scenario()], [make_case(case) for case in case_ids])
    write_stack(directory, STACK, make_fingerprint(), lines)
    return directory / f"{STACK}.jsonl"


few = settings(max_examples=40, deadline=None)
"""Each example writes files; the machine decides how long that takes."""


@few
@given(st.lists(cases(), unique_by=lambda case: case.id, max_size=4), st.data())
def test_cases_and_observations_come_back_as_they_were(listed: list[Case], data: Any) -> None:
    seen = [data.draw(observations(st.just(case.id))) for case in listed]
    with TemporaryDirectory() as name:
        write_cases(Path(name), [make_scenario()], listed)
        write_stack(Path(name), STACK, make_fingerprint(), map(line, seen))
        results = load_results(Path(name))
    assert dict(results.cases) == {case.id: case for case in listed}
    assert list(results.cases) == sorted(case.id for case in listed)
    (stack,) = results.stacks
    assert dict(stack.observations) == {each.case: each for each in seen}
    assert list(stack.observations) == sorted(each.case for each in seen)


@few
@given(distinct, st.randoms(use_true_random=False))
def test_the_bytes_do_not_depend_on_the_order_of_arrival(
    seen: list[Observation], random: Any
) -> None:
    lines = [line(each) for each in seen]
    shuffled = random.sample(lines, len(lines))
    ids = [each.case for each in seen]
    with TemporaryDirectory() as first, TemporaryDirectory() as second:
        one, other = write(Path(first), lines, ids), write(Path(second), shuffled, ids)
        assert one.read_bytes() == other.read_bytes()


@given(observations(), st.data())
def test_a_case_id_is_read_off_a_whole_line_and_off_no_other(
    observation: Observation, data: Any
) -> None:
    raw = line(observation).encode()
    assert case_of_line(raw) == observation.case
    assert case_of_line(raw[: data.draw(st.integers(0, len(raw) - 1))]) is None


@few
@given(st.lists(observations(st.sampled_from("ab")), min_size=1, max_size=6))
def test_the_last_observation_of_a_case_counts(seen: list[Observation]) -> None:
    with TemporaryDirectory() as name:
        write(Path(name), map(line, seen), "ab")
        (stack,) = load_results(Path(name)).stacks
    assert dict(stack.observations) == {each.case: each for each in seen}


@few
@given(distinct, st.booleans(), st.data())
def test_a_file_that_is_cut_off_is_an_error(
    seen: list[Observation], in_cases: bool, data: Any
) -> None:
    with TemporaryDirectory() as name:
        path = write(Path(name), map(line, seen), [each.case for each in seen])
        path = path.with_name("cases.jsonl") if in_cases else path
        whole = path.read_bytes()
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
        assert _refused(Path(name))


def test_a_small_file_cut_off_at_any_byte_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path, [line(make_observation(case=case)) for case in "ab"], "ab")
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        assert _refused(tmp_path), end


@few
@given(st.lists(text, min_size=1, max_size=3, unique=True), st.data())
def test_a_file_with_one_other_byte_is_an_error(case_ids: list[str], data: Any) -> None:
    with TemporaryDirectory() as name:
        seen = [make_observation(case=case) for case in case_ids]
        path = write(Path(name), map(line, seen), case_ids)
        whole = bytearray(path.read_bytes())
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
        path.write_bytes(whole)
        assert _refused(Path(name))


def _refused(directory: Path) -> bool:
    try:
        load_results(directory)
    except ResultsError:
        return True
    return False
