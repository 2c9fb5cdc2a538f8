"""Names of stacks without versions, and the file that says which versions these are."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.errors import DocumentError, UsageError
from matrix.project.stacks import BASELINE_SET
from matrix.stacks.catalogue import Catalogue
from matrix.stacks.pins import (
    Pins,
    chosen_specs,
    load_pins,
    missing_pins,
    parse_pins,
    pinned_stacks,
)

PATH = Path("results/baseline/requirements.txt")
TEXT = """\
# versions
apsw==3.50.4.0
SQLAlchemy == 2.0.58  # because
pysqlite3==0.6.0 ; python_version >= "3.9"
pysqlite3-binary==0.5.4
"""


@pytest.fixture
def pins() -> Pins:
    return parse_pins(TEXT, PATH)


def full_names(pins: Pins, catalogue: Catalogue, *specs: str) -> dict[str, str]:
    return {stack.id: stack.full_name for stack in pinned_stacks(specs, pins, catalogue, "3.11")}


def test_a_name_means_the_pinned_versions(pins: Pins, catalogue: Catalogue) -> None:
    names = ["apsw", "apsw[uri=on]", "apsw[uri=off,sqlalchemy]", "pysqlite3", "pysqlite3-binary"]
    assert full_names(pins, catalogue, *names) == {
        "apsw": "apsw==3.50.4.0@3.11",
        "apsw[uri=on]": "apsw==3.50.4.0[uri=on]@3.11",
        "apsw[uri=off,sqlalchemy]": "apsw==3.50.4.0[uri=off,sqlalchemy=2.0.58]@3.11",
        "pysqlite3": "pysqlite3==0.6.0@3.11",
        "pysqlite3-binary": "pysqlite3==0.5.4@3.11",
    }


def test_a_version_in_the_name_counts_and_what_comes_with_python_needs_none(
    pins: Pins, catalogue: Catalogue
) -> None:
    names = ["apsw==3.46.1.0", "sqlite3", "sqlite3[sqlite=3.53.4,sqlalchemy]", "apsw@3.9"]
    assert full_names(pins, catalogue, *names) == {
        "apsw==3.46.1.0": "apsw==3.46.1.0@3.11",
        "sqlite3": "sqlite3@3.11",
        "sqlite3[sqlite=3.53.4,sqlalchemy]": "sqlite3[sqlite=3.53.4,sqlalchemy=2.0.58]@3.11",
        "apsw@3.9": "apsw==3.50.4.0@3.9",
    }


def test_the_distribution_that_is_pinned_is_the_one_that_is_installed(
    pins: Pins, catalogue: Catalogue
) -> None:
    packages = [
        [package.requirement for package in stack.packages]
        for stack in pinned_stacks(["pysqlite3-binary", "pysqlite3"], pins, catalogue)
    ]
    assert packages == [["pysqlite3-binary==0.5.4"], ["pysqlite3==0.6.0"]]


def test_a_version_that_is_not_listed_is_fine(catalogue: Catalogue) -> None:
    found = parse_pins("apsw==9.9.9.9\n", PATH)
    (stack,) = pinned_stacks(["apsw"], found, catalogue)
    assert stack.package is not None
    assert stack.package.requirement == "apsw==9.9.9.9"
    assert stack.package.wheel


def test_a_name_without_its_pin_says_which_line_to_add(catalogue: Catalogue) -> None:
    with pytest.raises(UsageError) as error:
        pinned_stacks(["apsw[sqlalchemy]"], parse_pins("apsw==3.54.1.0", PATH), catalogue, "3.11")
    assert str(error.value) == (
        "results/baseline/requirements.txt: no pin for sqlalchemy, which apsw[sqlalchemy] needs; "
        "add the line sqlalchemy==2.1.9"
    )


def test_the_lines_that_are_missing_make_the_file_complete(catalogue: Catalogue) -> None:
    specs = chosen_specs([BASELINE_SET], catalogue)
    empty = load_pins(Path("no/such/file"))
    lines = missing_pins(specs, empty, catalogue)
    full = empty.with_more(lines)
    assert len(pinned_stacks(specs, full, catalogue)) == len(specs) >= 7
    assert missing_pins(specs, full, catalogue) == ()
    assert full.with_more([]).text == full.text


def test_no_name_in_the_baseline_means_the_sqlite_of_the_machine(catalogue: Catalogue) -> None:
    specs = chosen_specs([BASELINE_SET], catalogue)
    full = load_pins(Path("gone")).with_more(missing_pins(specs, load_pins(Path("x")), catalogue))
    for stack in pinned_stacks(specs, full, catalogue):
        assert stack.package is not None or stack.library is not None, stack.id


def test_one_version_is_changed_and_nothing_else(pins: Pins) -> None:
    found = pins.find("sqlalchemy")
    assert found is not None
    changed = pins.with_version(found, "2.1.9")
    assert changed.text == TEXT.replace("2.0.58", "2.1.9")
    assert str(changed.find("SQLAlchemy")) == "SQLAlchemy==2.1.9"
    assert pins.with_version(pins.pins[0], "3.54.1.0").text == TEXT.replace("3.50.4.0", "3.54.1.0")


def test_a_marker_confines_a_pin_to_its_pythons() -> None:
    text = 'apsw==3.54.1.0; python_version >= "3.11"\napsw==3.46.1.0; python_version < "3.11"\n'
    found = parse_pins(text, PATH)
    assert str(found.find("apsw", "3.13")) == "apsw==3.54.1.0"
    assert str(found.find("apsw", "3.10")) == "apsw==3.46.1.0"


def test_a_marker_that_could_not_be_read_again_is_an_error() -> None:
    with pytest.raises(DocumentError, match=r"requirements\.txt:1:1: not a marker"):
        parse_pins('apsw==3.54.1.0; python_version < "3.1\\x00"\n', PATH)


def test_every_invalid_line_is_reported() -> None:
    text = "apsw=3\n\n==3\napsw==3.54.1.0\nAPSW==3.54.0.0\n"
    with pytest.raises(DocumentError) as error:
        parse_pins(text, PATH)
    lines = [line.removeprefix(f"{PATH}:") for line in str(error.value).splitlines()]
    assert [line.split(":")[0] for line in lines] == ["1", "3", "5"]
    assert "not a requirement" in lines[0]
    assert "apsw is pinned twice, first on line 4" in lines[2].lower()


def test_a_projects_own_requirements_may_be_the_pins() -> None:
    text = (
        "-r base.txt\n--index-url https://example.invalid\nflask>=3\ndjango==5.*\n"
        "apsw==3.54.1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n"
        "sqlalchemy==2.0.58 --hash=sha256:02\npysqlite3==0.6.1\n"
    )
    found = parse_pins(text, PATH)
    assert [(str(p), p.hashes) for p in found.pins] == [
        ("apsw==3.54.1.0", ("sha256:00", "sha256:01")),
        ("sqlalchemy==2.0.58", ("sha256:02",)),
        ("pysqlite3==0.6.1", ()),
    ]
    assert "pysqlite3==0.6.0\n" in found.with_version(found.pins[2], "0.6.0").text
    for pin in found.pins[:2]:
        with pytest.raises(UsageError, match="pinned with hashes; bump it with the tool"):
            found.with_version(pin, "9")


def test_a_hash_that_is_none_or_belongs_to_no_line_is_a_problem() -> None:
    text = "apsw==3 --hash=sha256:xyz\nsqlalchemy==2\n  --hash=sha256:00\n"
    with pytest.raises(DocumentError) as error:
        parse_pins(text, PATH)
    first, second = str(error.value).splitlines()
    assert first == f"{PATH}:1:1: not a hash: sha256:xyz; write sha256:..."
    assert second.startswith(f"{PATH}:3:1: a hash without its requirement")


def test_every_package_of_a_stack_has_the_hashes_of_its_pin(catalogue: Catalogue) -> None:
    text = (
        "apsw==3.50.4.0 --hash=sha256:0a\nSQLAlchemy==2.0.58 --hash=sha256:0b --hash=sha256:0c\n"
        'greenlet==3.5.6 --hash=sha256:0d\nother==1 ; python_version < "3" --hash=sha256:0e\n'
        "pysqlite3-binary==0.5.4\n"
    )
    specs = ["apsw[sqlalchemy]", "apsw==3.46.1.0", "pysqlite3-binary"]
    whole, older, plain = pinned_stacks(specs, parse_pins(text, PATH), catalogue, "3.11")
    assert [package.hashes for package in whole.packages] == [
        ("sha256:0a",),
        ("sha256:0b", "sha256:0c"),
    ]
    assert [each.hashed_line for each in whole.packages[0].locked] == [
        "apsw==3.50.4.0 --hash=sha256:0a",
        "SQLAlchemy==2.0.58 --hash=sha256:0b --hash=sha256:0c",
        "greenlet==3.5.6 --hash=sha256:0d",
    ]
    assert [package.hashes for package in (*older.packages, *plain.packages)] == [(), ()]
