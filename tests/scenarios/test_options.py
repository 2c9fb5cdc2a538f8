"""An option that names an object of Python takes a name from a closed list, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.errors import DocumentError
from matrix.probe.named import NAMES
from matrix.scenarios.jsonl import parse_cases
from matrix.scenarios.load import load_topics
from tests.scenarios.test_topic import problems_of, write_topic


@pytest.mark.parametrize(
    ("scenario", "told"),
    [
        (
            "target: x\nconnect: {module: antigravity}",
            "9:23: connect.module: 'antigravity' is not a name that can stand here; known: "
            "sqlite3, sqlite3.dbapi2, pysqlite3, ",
        ),
        ("target: x\nconnect: {poolclass: Pool}", "9:26: connect.poolclass: 'Pool' is not a name"),
        ("target: x\nconnect: {module: 3}", "9:23: connect.module: 3 is not a name"),
        ("target: x\nconnect: {ENGINE: os}", "9:23: connect.ENGINE: 'os' is not a name"),
        ("target: x\nconnect: {creator: os.system}", "9:24: connect.creator: needs a mapping"),
        (
            "target: x\naxes: {a: {x: {connect: {module: os}}}}",
            "9:38: axes.a.x.connect.module: 'os' is not a name",
        ),
        (
            "target: x\nconnect: {module: '{a}'}\naxes: {a: [sqlite3, os]}",
            "9:23: connect.module: 'os' is not a name",
        ),
        (
            "target: x\nconnect: {module: '{b}'}\naxes: {a: {x: os}, b: {y: '{a}'}}",
            "9:23: connect.module: 'os' is not a name",
        ),
        (
            "target: x\nconnect: {module: 'sqlite{a}'}\naxes: {a: ['3']}",
            "9:23: connect.module: 'sqlite{a}' is not a name",
        ),
    ],
)
def test_another_name_is_an_error_at_its_place(tmp_path: Path, scenario: str, told: str) -> None:
    problems = problems_of(write_topic(tmp_path, scenario))
    assert [problem[: len(told)] for problem in problems] == [told]


def test_every_listed_name_can_be_written_in_full_or_as_an_axis(tmp_path: Path) -> None:
    listed = ", ".join(f"n{number}: {name}" for number, name in enumerate(NAMES["module"]))
    scenario = (
        f"target: x\nconnect: {{module: '{{a}}', poolclass: null}}\naxes: {{a: {{{listed}}}}}"
    )
    load_topics([write_topic(tmp_path, scenario)])


def test_a_batch_is_checked_likewise() -> None:
    lines = [
        b'{"target": "sqlite://", "via": "sqlalchemy", "connect": {"module": "%s"}}' % module
        for module in (b"sqlite3", b"antigravity", b"{dir}")
    ]
    with pytest.raises(DocumentError) as caught:
        parse_cases(lines, "batch")
    told = [str(problem).partition(" is not")[0] for problem in caught.value.problems]
    assert told == [
        "batch:2:1: connect.module: 'antigravity'",
        "batch:3:1: connect.module: '{dir}'",
    ]
