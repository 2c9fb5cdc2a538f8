"""What was written is read back; what does not fit a field is refused, and named."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from matrix.model import Case, Intent, Json, Observation, TargetType, canonical
from matrix.model.codec import (
    read_case,
    read_fingerprint,
    read_observation,
    read_scenario_info,
)
from tests.builders import (
    make_case,
    make_created,
    make_fingerprint,
    make_observation,
    make_scenario,
    refused,
)

NOT_UTF8 = "a\udcff\ud800"
SEEN = make_observation(created=(make_created(),), passed={"args": ["x"], "kwargs": {}})


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (SEEN, read_observation),
        (refused("a/b"), read_observation),
        (make_fingerprint(), read_fingerprint),
        (make_scenario(references=("https://sqlite.org",), then="a file"), read_scenario_info),
        (
            make_case(
                target_type=TargetType.PATH,
                connect={"uri": True, "timeout": 1.5},
                setup=({"db": "x", "sql": ["SELECT 1"]},),
                sql=("SELECT 1",),
                intent=Intent.FILE,
                drivers=("apsw",),
            ),
            read_case,
        ),
    ],
)
def test_a_value_is_read_as_it_was_written(value: Any, read: Callable[[Json], Any]) -> None:
    assert read(json.loads(canonical(value.to_json()))) == value


def test_texts_that_are_not_utf_8_are_read_as_they_were_written() -> None:
    seen = make_observation(
        case=NOT_UTF8,
        created=(make_created(NOT_UTF8),),
        modified=(NOT_UTF8,),
        passed={"args": [NOT_UTF8], "kwargs": {NOT_UTF8: {NOT_UTF8: [NOT_UTF8]}}},
    )
    assert read_observation(json.loads(canonical(seen.to_json()))) == seen
    case = make_case(NOT_UTF8, target=NOT_UTF8, connect={NOT_UTF8: NOT_UTF8})
    assert read_case(json.loads(canonical(case.to_json()))) == case


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modified": "abc"}, "modified: should be a valid tuple, not 'abc'"),
        ({"warnings": [1]}, "warnings.0: should be a valid string, not 1"),
        ({"case": 5}, "case: should be a valid string, not 5"),
        ({"transients_complete": "yes"}, "transients_complete: should be a valid boolean"),
        ({"transients_complete": 1}, "transients_complete: should be a valid boolean"),
        ({"passed": []}, "passed: should be a valid dictionary"),
        ({"storage": "cloud"}, "storage: should be 'memory', 'file', .* not 'cloud'"),
        ({"error": {"phase": "open"}}, "error.type: is missing; error.message: is missing"),
        ({"weather": "fine"}, "weather: unknown key"),
    ],
)
def test_what_does_not_fit_a_field_is_refused_and_named(change: Json, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_observation({**SEEN.to_json(), **change})


@pytest.mark.parametrize("size", [True, "8192", 1.0])
def test_a_size_is_a_whole_number(size: object) -> None:
    plain = SEEN.to_json()
    plain["created"][0]["size"] = size
    with pytest.raises(ValueError, match=r"created\.0\.size: should be a valid integer"):
        read_observation(plain)


def test_everything_that_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match=r"opened: .*; pool: "):
        read_observation({**SEEN.to_json(), "opened": 1, "pool": 1})


@pytest.mark.parametrize("value", [None, [], "x", 1])
def test_what_is_no_object_is_refused(value: Json) -> None:
    with pytest.raises(ValueError, match="should be a dictionary"):
        read_observation(value)


LATER = ("there", "unasked", "foreign", "tried", "conflicts", "reopened", "reused")


def test_an_observation_of_an_older_file_lacks_what_came_later() -> None:
    older = {name: value for name, value in SEEN.to_json().items() if name not in LATER}
    assert read_observation(older) == SEEN


@pytest.mark.parametrize(
    "name",
    ["case", "stack", "result", "error", "storage", "created", "modified", "removed",
     "second_connection", "warnings"],
)  # fmt: skip
def test_what_every_file_has_had_must_be_there(name: str) -> None:
    plain = {key: value for key, value in SEEN.to_json().items() if key != name}
    with pytest.raises(ValueError, match=f"^{name}: is missing$"):
        read_observation(plain)


def test_a_case_needs_an_id_and_a_target_and_may_have_keys_of_a_newer_version() -> None:
    assert read_case({"id": "a", "target": "b", "newer": 1}) == Case(id="a", target="b")
    with pytest.raises(ValueError, match="target: is missing"):
        read_case({"id": "a"})


def test_nothing_that_is_read_is_shared_between_cases() -> None:
    one, other = (read_case({"id": name, "target": "x"}) for name in "ab")
    assert one.connect is not other.connect


def test_behaviour_is_all_but_which_cell_it_is_and_how_it_was_watched() -> None:
    other = make_observation(
        case="x",
        stack="y",
        foreign=("~/x",),
        outside=("/x",),
        observer="z",
        transients_complete=True,
    )
    assert other.behaviour() == make_observation().behaviour()
    left_out = make_observation().to_json().keys() - other.behaviour().keys()
    watched = {"observer", "transients_complete"}
    assert left_out == {"case", "stack", "foreign", "outside"} | watched


def test_the_values_are_imported_without_pydantic() -> None:
    script = "import sys, matrix.model; sys.exit(any('pydantic' in name for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_an_observation_that_was_read_is_frozen() -> None:
    seen = read_observation(SEEN.to_json())
    with pytest.raises(AttributeError):
        seen.case = "x"  # type: ignore[misc]  # that it fails is the point
    assert isinstance(seen, Observation)
    assert hash(seen.created[0]) == hash(SEEN.created[0])
