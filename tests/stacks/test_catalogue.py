"""The validation of the file of stacks, and what is read from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from matrix.errors import DocumentError, UsageError
from matrix.model.stack_id import StackId
from matrix.stacks.catalogue import (
    GAP,
    Catalogue,
    Package,
    choose_package,
    load_catalogue,
    specs_of_set,
)
from matrix.stacks.spec import Stack, parse_stack, stacks_of_set

SMALL = """\
drivers:
  sqlite3: []
  apsw:
    - apsw==3.54.1.0; python_version >= "3.11"
    - apsw==3.48.0.0
    - apsw==3.47.2.0
    - "..."
    - apsw==3.39.2.1; python_version < "3.12"
middleware:
  sqlalchemy:
    - sqlalchemy==2.1.0b1
    - sqlalchemy==2.0.58
sqlite:
  3.54.1:
    package: apsw==3.54.1.0
    file: lib.so
sets:
  all: ["apsw=={*}", "sqlite3[sqlite={*}]", "sqlite3[sqlalchemy={*}]"]
"""


def write(directory: Path, text: str) -> Path:
    path = directory / "stacks.yaml"
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def small(tmp_path: Path) -> Catalogue:
    return load_catalogue(write(tmp_path, SMALL))


def problems_of(directory: Path, text: str) -> list[str]:
    """The error message, from the line number on."""
    path = write(directory, text)
    with pytest.raises(DocumentError) as caught:
        load_catalogue(path)
    return [str(problem).removeprefix(f"{path}:") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("apsw=3.48", "not a requirement: "),
        ("apsw>=3.48.0.0", "a version is pinned with ==, as in apsw==3.54.1.0"),
        ("apsw", "a version is pinned with ==, as in apsw==3.54.1.0"),
        ("apsw==3.48.0.0,!=3", "a version is pinned with ==, as in apsw==3.54.1.0"),
    ],
)
def test_a_version_is_one_pin_and_what_is_not_stands_at_its_line(
    tmp_path: Path, written: str, message: str
) -> None:
    (problem,) = problems_of(tmp_path, SMALL.replace("apsw==3.48.0.0", written))
    assert problem.startswith(f"5:7: drivers.apsw[1]: {message}")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("middleware:", "midleware:", "9:1: midleware: unknown key; did you mean 'middleware'?"),
        ("    file: lib.so", "    file: lib.so\n    size: 3",
         "17:5: sqlite.3.54.1.size: unknown key; known: package, file"),
        ("  sqlite3: []", "  apsw: []", "3:3: drivers.apsw: is written twice; first on line 2"),
        ("    file: lib.so\n", "", "15:5: sqlite.3.54.1.file: is missing"),
        ("  sqlite3: []", "  sqlite3:", "2:11: drivers.sqlite3: is empty, but needs a list"),
        ("- apsw==3.48.0.0", "- 3", "5:7: drivers.apsw[1]: needs a text, not a whole number"),
    ],
)  # fmt: skip
def test_an_invalid_entry_is_reported_with_its_location_and_a_hint(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    (problem,) = problems_of(tmp_path, SMALL.replace(old, new, 1))
    assert message in problem


def test_all_problems_are_reported_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = SMALL.replace("apsw==3.48.0.0", "apsw").replace("file:", "flie:") + "more: 1\n"
    assert [problem.partition(": ")[0] for problem in problems_of(tmp_path, text)] == [
        "5:7",
        "15:5",
        "16:5",
        "19:1",
    ]


@pytest.mark.parametrize("text", ["", "sets: {}"])
def test_a_file_without_drivers_is_a_problem(tmp_path: Path, text: str) -> None:
    assert problems_of(tmp_path, text)


def test_a_star_is_every_version_of_what_is_named_before_it(small: Catalogue) -> None:
    assert list(specs_of_set("all", small)) == [
        "apsw==3.54.1.0",
        "apsw==3.48.0.0",
        "apsw==3.47.2.0",
        "apsw==3.39.2.1",
        "sqlite3[sqlite=3.54.1]",
        "sqlite3[sqlalchemy=2.1.0b1]",
        "sqlite3[sqlalchemy=2.0.58]",
    ]


def test_an_unknown_set_is_reported_with_the_known_ones(small: Catalogue) -> None:
    with pytest.raises(UsageError, match=r"no set of stacks called 'al'; sets: all"):
        list(specs_of_set("al", small))


def test_versions_are_those_of_a_driver_or_a_middleware_without_the_gaps(small: Catalogue) -> None:
    assert small.versions("apsw") == ("3.54.1.0", "3.48.0.0", "3.47.2.0", "3.39.2.1")
    assert small.versions("sqlalchemy") == ("2.1.0b1", "2.0.58")
    assert small.versions("sqlite3") == small.versions("absent") == ()


@pytest.mark.parametrize(
    ("older", "newer", "adjacent"),
    [
        ("3.47.2.0", "3.48.0.0", True),
        ("3.47.2.0", "3.54.1.0", False),
        ("3.39.2.1", "3.47.2.0", False),
        ("3.48.0.0", "3.48.0.1", False),
    ],
    ids=["neighbours", "one between", "a gap between", "not listed"],
)
def test_versions_are_adjacent_where_the_file_lists_all_that_lies_between(
    small: Catalogue, older: str, newer: str, adjacent: bool
) -> None:
    assert small.adjacent("apsw", older, newer) is adjacent


def chosen(pins: list[str], version: str | None, python: str = "3.11") -> str:
    package = choose_package(pins, "apsw", version, python)
    assert package is not None
    return package.requirement


PINS = [
    'apsw==3.54.1.0; python_version >= "3.11"',
    GAP,
    "apsw==3.46.1.0",
    'old-apsw==3.39.2.1; python_version < "3.12"',
]


@pytest.mark.parametrize(
    ("python", "newest"),
    [("3.11", "apsw==3.54.1.0"), ("3.10", "apsw==3.46.1.0"), ("3.8", "apsw==3.46.1.0")],
)
def test_without_a_version_the_newest_that_fits_the_python_is_chosen(
    python: str, newest: str
) -> None:
    assert chosen(PINS, None, python) == newest


def test_the_newest_is_chosen_by_version_not_by_its_place_in_the_file() -> None:
    assert chosen(["apsw==3.9.0", "apsw==3.10.0"], None) == "apsw==3.10.0"


def test_a_pre_release_is_the_newest_only_where_there_is_nothing_else() -> None:
    assert chosen(["apsw==2.1.0b1", "apsw==2.0.58"], None) == "apsw==2.0.58"
    assert chosen(["apsw==2.1.0b1", "apsw==2.1.0b2"], None) == "apsw==2.1.0b2"


def test_where_nothing_fits_the_oldest_is_chosen_and_says_that_it_does_not() -> None:
    package = choose_package(PINS[:1], "apsw", None, "3.8")
    assert package is not None
    assert not package.fits("3.8")


@pytest.mark.parametrize(
    ("version", "requirement"),
    [
        ("3.46.1.0", "apsw==3.46.1.0"),
        ("3.39.2.1", "old-apsw==3.39.2.1"),
        ("3.50.0.0", "apsw==3.50.0.0"),
        ("3.40.0.0", "old-apsw==3.40.0.0"),
        ("3.1", "old-apsw==3.1"),
    ],
)
def test_an_unlisted_version_has_the_distribution_of_the_listed_one_below_it(
    version: str, requirement: str
) -> None:
    assert chosen(PINS, version) == requirement


def test_an_invalid_version_is_reported() -> None:
    with pytest.raises(UsageError, match=r"not a version: 'newest'"):
        chosen(PINS, "newest")


def test_what_comes_with_python_needs_no_package_and_has_no_versions() -> None:
    assert choose_package([], "sqlite3", None, "3.11") is None
    with pytest.raises(UsageError, match="sqlite3 comes with Python"):
        choose_package([], "sqlite3", "3.40", "3.11")


def test_a_package_without_a_marker_fits_every_python() -> None:
    assert Package(requirement="apsw==1", version="1").fits("3.8")


def shipped_set(name: str, catalogue: Catalogue) -> set[str]:
    return {stack.id for stack in stacks_of_set(name, catalogue, "3.11")}


def test_apsw_by_itself_brings_thirty_five_versions_of_sqlite(catalogue: Catalogue) -> None:
    assert len({v.rpartition(".")[0] for v in catalogue.versions("apsw")}) >= 35


@pytest.mark.parametrize("name", ["quick", "standard", "full"])
def test_every_stack_of_a_set_parses_and_its_id_names_it_again(
    catalogue: Catalogue, name: str
) -> None:
    for spec in specs_of_set(name, catalogue):
        stack = parse_stack(spec, catalogue)
        assert isinstance(stack, Stack)
        assert parse_stack(stack.id, catalogue) == stack


def test_a_stack_that_a_set_names_twice_is_run_once(tmp_path: Path) -> None:
    text = SMALL.replace('all: ["apsw=={*}",', 'all: ["apsw=={*}", "apsw@3.11", "apsw==3.54.1.0",')
    found = load_catalogue(write(tmp_path, text))
    ids = [stack.id for stack in stacks_of_set("all", found, "3.11")]
    assert ids.count("apsw==3.54.1.0@3.11") == 1
    assert len(list(specs_of_set("all", found))) == len(ids) + 2


def test_the_larger_sets_hold_what_the_smaller_ones_hold(catalogue: Catalogue) -> None:
    quick, standard, full = (shipped_set(n, catalogue) for n in ("quick", "standard", "full"))
    assert len(quick) < len(standard) < len(full)
    assert standard <= full
    for spec in ("sqlite3", "pysqlite3", "apsw"):
        for each in (spec, f"{spec}[sqlalchemy]"):
            assert parse_stack(each, catalogue, "3.11").id in quick & standard & full


def test_every_middleware_of_the_standard_set_runs_with_uris_off_and_on_a_second_driver(
    catalogue: Catalogue,
) -> None:
    parsed = [StackId.of(each) for each in shipped_set("standard", catalogue)]
    for name in catalogue.middleware:
        above = [each for each in parsed if each.middleware == name]
        assert {"off", ""} <= {each.options.get("uri", "") for each in above}, name
        assert {"sqlite3"} < {each.driver for each in above}, name


def test_the_full_set_runs_every_version_that_the_file_lists(catalogue: Catalogue) -> None:
    ids = [StackId.parse(each) for each in shipped_set("full", catalogue)]
    parsed = [each for each in ids if each is not None]
    for driver in ("apsw", "pysqlite3"):
        assert {each.version for each in parsed if each.driver == driver} == set(
            catalogue.versions(driver)
        )
    libraries = {each.options["sqlite"] for each in parsed if "sqlite" in each.options}
    assert libraries == set(catalogue.sqlite)
    middleware = {each.options["sqlalchemy"] for each in parsed if "sqlalchemy" in each.options}
    assert middleware == set(catalogue.versions("sqlalchemy"))


@pytest.mark.parametrize("sqlite", ["3.46.1", "3.51.1"])
@pytest.mark.parametrize("name", ["standard", "full"])
def test_one_sqlite_stands_under_all_three_drivers(
    catalogue: Catalogue, name: str, sqlite: str
) -> None:
    wheel = Requirement(catalogue.sqlite[sqlite].package)
    pysqlite3 = next(iter(wheel.specifier)).version
    assert {
        f"sqlite3[sqlite={sqlite}]@3.11",
        f"pysqlite3=={pysqlite3}@3.11",
        f"apsw=={sqlite}.0@3.11",
    } <= shipped_set(name, catalogue)


@pytest.mark.parametrize("name", ["apsw", "pysqlite3", "sqlalchemy"])
def test_versions_are_listed_newest_first(catalogue: Catalogue, name: str) -> None:
    versions = [Version(version) for version in catalogue.versions(name)]
    assert versions == sorted(versions, reverse=True)


@pytest.mark.parametrize(
    ("name", "older", "newer"),
    [
        ("apsw", "3.47.2.0", "3.48.0.0"),
        ("sqlalchemy", "1.3.8", "1.3.9"),
        ("sqlalchemy", "1.4.11", "1.4.12"),
        ("sqlalchemy", "2.0.58", "2.1.0b1"),
    ],
)
def test_the_sides_of_a_known_boundary_are_neighbours(
    catalogue: Catalogue, name: str, older: str, newer: str
) -> None:
    assert catalogue.adjacent(name, older, newer)
