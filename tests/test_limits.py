"""Input of hostile size: each file ends with an error that names the limit.

None of these ends without its limit: they would take hours, or all memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import matrix.limits
from matrix.claims.document import load_claims
from matrix.comparison.accepted import load_accepted
from matrix.errors import MatrixError, UsageError
from matrix.project.config import load_config
from matrix.results.file_format import ResultFile
from matrix.scenarios.jsonl import load_cases
from matrix.scenarios.load import load_topics
from matrix.scenarios.selector import Selector
from matrix.stacks.catalogue import load_catalogue
from matrix.stacks.pins import chosen_specs, load_pins
from tests.paths import ROOT

Read = Callable[[Path], object]

CASES = [f"topic/scenario[number={n}]" for n in range(3_000)]


def claims(path: Path) -> object:
    return load_claims([path], CASES)


def of_claims(cases: str, count: int) -> Iterator[str]:
    yield "id: input\ntitle: T\nclaims:\n"
    for number in range(count):
        pattern = cases.replace("NUMBER", str(number))
        yield f"- id: C{number}\n  says: s\n  reading: r\n  proof:\n  - cases: '{pattern}'\n"
        yield "    every: {storage: file}\n"


def config(path: Path) -> object:
    path.rename(path.with_name("pyproject.toml"))
    return load_config(path.parent)


def topics(path: Path) -> object:
    return load_topics([path])


def result(path: Path) -> object:
    return list(ResultFile(path, "cases").lines())


TABLE = "[tool.sqlite-matrix]\n"
BRACES = "{a,b}" * 9
HEADER = '{"kind":"cases","schema":1,"scenarios":[]}\n'


@pytest.mark.parametrize(
    ("read", "text", "told"),
    [
        (topics, "id: input\ntitle: " + "x" * 500_000, ":1:1: more than 500,000 bytes"),
        (topics, "title: " + "[" * 400 + "]" * 400, "nested more than 64 levels deep"),
        (claims, "".join(of_claims("*NUMBER*", 1_001)), "more than 1,000 different patterns"),
        (claims, "".join(of_claims(BRACES + "NUMBER", 999)), "more than 1,000,000 characters"),
        (claims, "".join(of_claims("{" * 99, 1)), "nests braces more than 64 levels deep"),
        (load_accepted, "accepted: [" + "x, " * 20_001 + "]", "more than 20,000 values"),
        (load_cases, "\n" * 1_000_001, ":1000001:1: more than 1,000,000 lines"),
        (load_cases, '{"target": "' + "x" * 1_000_000, ":1:1: a line of more than 1,000,000 bytes"),
        (load_cases, '{"target": ' + "[" * 9_999, ":1:1: not JSON: nested more than 64 levels"),
        (load_cases, '{"target": ' + "1" * 9_999, ":1:1: not JSON: a number out of range"),
        (config, "x = " + "[" * 9_999, "TOML: nested more than 64 levels deep"),
        (config, "a." * 9_999 + "a = 1", "TOML: nested more than 64 levels deep"),
        (config, TABLE + "x = " + "1" * 9_999, "TOML: Exceeds the limit"),
        (config, "#" * 500_001, ":1:1: more than 500,000 bytes"),
        (load_pins, "#" * 500_001, ":1:1: more than 500,000 bytes"),
        (result, "x" * 16_000_001, ":1: a line of more than 16,000,000 bytes"),
        (result, HEADER + "x" * 17_000_001, ":2: a line of more than 16,000,000 bytes"),
        (result, '{"kind":' + "[" * 9_999 + "\n", "nested more than 64 levels deep"),
    ],
)
def test_a_file_that_is_too_large_ends_with_an_error_that_names_the_limit(
    tmp_path: Path, read: Read, text: str, told: str
) -> None:
    path = tmp_path / "input.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(MatrixError) as caught:
        read(path)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (topics, "title: 1\n" * 1_000),
        (claims, "".join(of_claims("none-NUMBER", 999))),
        (load_accepted, "accepted:\n" + "- {reason: 3}\n" * 1_000),
        (load_cases, "x\n" * 1_000),
        (config, TABLE + "".join(f"key{n} = 1\n" for n in range(1_000))),
        (load_pins, "!\n" * 1_000),
    ],
)
def test_of_thousands_of_problems_a_hundred_are_told(tmp_path: Path, read: Read, text: str) -> None:
    path = tmp_path / "input.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(MatrixError) as caught:
        read(path)
    assert len(str(caught.value).splitlines()) == matrix.limits.PROBLEMS


def test_a_pattern_takes_time_that_grows_with_the_text_alone() -> None:
    assert not Selector.parse(["*a" * 500 + "*b"])("a" * 5_000)


def test_names_of_stacks_with_many_alternatives_are_counted_first() -> None:
    with pytest.raises(UsageError, match="more than 10,000 characters"):
        chosen_specs(["sqlite3[uri={off,on}" + ",x={off,on}" * 30 + "]"], load_catalogue())


def test_every_limit_is_in_the_documents() -> None:
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    limits = {name: value for name, value in vars(matrix.limits).items() if name.isupper()}
    assert [name for name, value in limits.items() if f"{value:,}" not in text] == []
