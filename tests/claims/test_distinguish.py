"""What distinguishes stacks: the one recorded fact that decides, or those that may."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from matrix.claims.distinguish import Distinction, distinguish
from matrix.model import Fingerprint, UriDefault
from tests.builders import make_fingerprint


def named(*prints: Fingerprint) -> dict[str, Fingerprint]:
    return {str(number): each for number, each in enumerate(prints)}


def told(held: list[Fingerprint], failed: list[Fingerprint]) -> Distinction:
    found = distinguish(named(*held), named(*failed))
    assert found is not None
    return found


READS = make_fingerprint(uri_default=True)
READS_NOT = make_fingerprint(uri_default=False)


def test_the_only_fact_that_fits_is_what_decides() -> None:
    assert told([READS], [READS_NOT]).where == "SQLite reads URIs by default"
    assert told([READS_NOT], [READS]).where == "SQLite does not read URIs by default"


ONE_FACT: list[tuple[dict[str, Any], str]] = [
    ({"shared_cache": False}, "SQLite has the shared cache"),
    ({"temp_files": False}, "temporary data may go to files"),
    ({"sqlite": "3.54.1", "source_id": "x"}, "SQLite is 3.40.1 or older (not 3.54.1)"),
    ({"source_id": "x"}, f"the source of SQLite is {READS.source_id}"),
    ({"compile_options": ("USE_URI",)}, "TEMP_STORE is 1"),
    ({"compile_options": ("COMPILER=c", "TEMP_STORE=1", "USE_URI")}, "COMPILER is absent"),
    ({"uri_setting": UriDefault.OFF}, "the URI setting is as-built"),
    ({"python": "3.12.1", "driver_version": "3.12.1"}, "Python is 3.11.2 or older (not 3.12.1)"),
    ({"driver": "other"}, "the driver is sqlite3"),
    ({"driver_version": "9"}, "the driver's version is not sqlite3 9"),
    ({"middleware": "orm"}, "nothing stands above the driver"),
    ({"shim": "small"}, "the layer between driver and middleware is none"),
    ({"implementation": "PyPy"}, "the implementation of Python is CPython"),
    ({"platform": "darwin-arm64"}, "the platform is linux-x86_64"),
    ({"observer": "listing"}, "the observer is hook"),
    ({"user": "root"}, "the user is other"),
    ({"distribution": "other"}, "the driver's distribution is none"),
]


@pytest.mark.parametrize(("other", "words"), ONE_FACT)
def test_no_recorded_fact_is_left_out(other: dict[str, Any], words: str) -> None:
    """Each may decide alone, and keeps another one from being named as what decides."""
    here = {"observer": "hook", "user": "other"}
    old, new = make_fingerprint(**here), make_fingerprint(**{**here, **other})
    assert told([old], [new]).facts == (words,)
    both = told([old], [replace(new, uri_default=False)])
    assert both.facts == ("SQLite reads URIs by default", words)
    assert both.where == (
        f"one of: SQLite reads URIs by default, {words} (not told apart by these stacks)"
    )


def test_every_field_of_a_fingerprint_is_tried() -> None:
    tried = {name for other, _ in ONE_FACT for name in other} | {"uri_default"}
    assert tried == {*Fingerprint.__dataclass_fields__} - {"middleware_version"}


def test_a_fact_with_one_value_on_both_sides_is_ruled_out() -> None:
    found = told(
        [READS, replace(READS, shared_cache=False)], [replace(READS_NOT, shared_cache=False)]
    )
    assert found.facts == ("SQLite reads URIs by default",)


def test_many_facts_are_cut_short_and_counted() -> None:
    options = tuple(f"OPTION_{letter}" for letter in "ABCDEF")
    found = told([READS], [replace(READS_NOT, compile_options=(*READS.compile_options, *options))])
    assert len(found.facts) == 7
    assert found.where.endswith("OPTION_C is absent and 3 more (not told apart by these stacks)")


def test_versions_are_compared_as_versions() -> None:
    old, middle, new = (make_fingerprint(sqlite=v) for v in ("3.9.0", "3.10.0", "3.11.0"))
    assert told([middle, new], [old]).where == "SQLite is 3.10.0 or newer (not 3.9.0)"
    assert told([old, new], [middle]).where == "SQLite is not 3.10.0"


def orm(version: str, **fields: Any) -> Fingerprint:
    return make_fingerprint(middleware="orm", middleware_version=version, **fields)


def test_a_version_that_names_its_companion_is_a_version() -> None:
    newer, older = orm("2.1.9 (aiosqlite 0.22.1)"), orm("2.0.58 (aiosqlite 0.22.1)")
    assert told([newer], [older]).where == "orm is 2.1.9 or newer (not 2.0.58)"


def test_a_version_may_decide_where_there_is_one_at_all() -> None:
    found = told([READS, orm("2.1.9")], [orm("2.0.58")])
    assert found.where == "orm, if there, is 2.1.9 or newer (not 2.0.58)"


def test_whether_it_is_the_driver_or_its_version_shows_if_two_versions_ran() -> None:
    one, two = (make_fingerprint(driver="apsw", driver_version=v) for v in ("3.54.1.0", "3.53.4.0"))
    assert told([READS], [one]).facts == (
        "the driver is sqlite3",
        "the driver's version is not apsw 3.54.1.0",
    )
    assert told([READS], [one, two]).facts == ("the driver is sqlite3",)


def test_two_facts_that_only_together_fit_are_no_cause() -> None:
    found = told(
        [orm("2.0"), orm("1.3.9")],
        [orm("1.3.8"), orm("2.0", shared_cache=False), orm("1.3.8", shared_cache=False)],
    )
    assert found.facts == ()
    assert found.where == (
        "SQLite has the shared cache and orm is 1.3.9 or newer (not 1.3.8) "
        "(this fits, and is not proved)"
    )
    found = told([READS_NOT, orm("2.0"), orm("2.0", uri_default=False)], [READS])
    assert found.together == "SQLite does not read URIs by default, or orm stands above the driver"


def test_stacks_that_nothing_recorded_tells_apart_are_not_described() -> None:
    assert distinguish(named(READS), named(READS)) is None
    assert distinguish(named(READS, READS_NOT), named(READS, READS_NOT)) is None


def test_where_it_holds_everywhere_there_is_nothing_to_distinguish() -> None:
    assert distinguish(named(READS), {}) is None
