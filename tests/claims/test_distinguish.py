"""What distinguishes stacks: the smallest description by recorded facts."""

from __future__ import annotations

from matrix.claims.distinguish import distinguish
from matrix.model import Fingerprint
from tests.builders import make_fingerprint


def named(*prints: Fingerprint) -> dict[str, Fingerprint]:
    return {str(hash(each)): each for each in prints}


READS = make_fingerprint(uri_default=True)
READS_NOT = make_fingerprint(uri_default=False)


def test_one_fact_is_enough_where_it_is() -> None:
    found = distinguish(named(READS), named(READS_NOT))
    assert found is not None
    assert found.where == "SQLite reads URIs by default"
    assert found.alternatives == ()


def test_what_fits_as_well_is_listed() -> None:
    apsw = make_fingerprint(uri_default=False, driver="apsw")
    found = distinguish(named(READS), named(apsw))
    assert found is not None
    assert found.alternatives == ("the driver is not apsw", "the driver is sqlite3")


def test_versions_are_compared_as_versions() -> None:
    old, middle, new = (make_fingerprint(sqlite=v) for v in ("3.9.0", "3.10.0", "3.11.0"))
    found = distinguish(named(middle, new), named(old))
    assert found is not None
    assert found.where == "SQLite is 3.10.0 or newer (not 3.9.0)"


def test_two_facts_are_joined() -> None:
    def stack(version: str, shared_cache: bool) -> Fingerprint:
        return make_fingerprint(
            middleware="sqlalchemy", middleware_version=version, shared_cache=shared_cache
        )

    found = distinguish(
        named(stack("2.0", True), stack("1.3.9", True)),
        named(stack("1.3.8", True), stack("2.0", False), stack("1.3.8", False)),
    )
    assert found is not None
    assert found.where == "SQLite has the shared cache and sqlalchemy is 1.3.9 or newer (not 1.3.8)"


def test_stacks_that_nothing_recorded_tells_apart_are_not_described() -> None:
    same = make_fingerprint()
    assert distinguish({"a": same}, {"b": same}) is None


def test_a_version_that_names_its_companion_is_a_version() -> None:
    newer = make_fingerprint(middleware="orm", middleware_version="2.1.9 (aiosqlite 0.22.1)")
    older = make_fingerprint(middleware="orm", middleware_version="2.0.58 (aiosqlite 0.22.1)")
    found = distinguish(named(newer), named(older))
    assert found is not None
    assert found.where == "orm is 2.1.9 or newer (not 2.0.58)"
