"""Which builds of SQLite differ, and the line that tells which one is there."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from matrix.reports.recipes.builds import (
    HOW_TO_TELL,
    builds_of,
    measured_build,
    unvaried,
)
from tests.builders import make_fingerprint, make_stack
from tests.conftest import Provide, RunOn
from tests.paths import ROOT
from tests.reports.recipes.building import NEITHER, stack_of


def test_the_readme_has_the_line_that_tells_the_build() -> None:
    assert HOW_TO_TELL in (ROOT / "README.md").read_text("utf-8").splitlines()


def test_builds_differ_in_the_facts_that_decide_what_a_string_means() -> None:
    same, off = make_fingerprint(sqlite="3.54.1", temp_files=False), make_fingerprint(**NEITHER)
    assert len(builds_of([make_fingerprint(), same])) == 1
    assert len(builds_of([make_fingerprint(), same, off])) == 2


def test_what_does_not_vary_is_said_in_words() -> None:
    on, off = make_fingerprint(), make_fingerprint(**NEITHER)
    assert unvaried([on, off]) == ()
    assert unvaried([off, make_fingerprint(shared_cache=False)]) == (
        "SQLite lacks the shared cache",
    )
    assert unvaried([]) == ()


def test_the_measured_build_of_sqlite3_is_that_of_the_stack_as_built() -> None:
    forced = [
        stack_of("sqlite3[uri=off]@3.11", uri_default=False),
        stack_of("sqlite3[sqlite=3.54.1]@3.11", sqlite="3.54.1"),
        make_stack("sqlite3@3.8", unavailable="no Python 3.8"),
    ]
    assert measured_build(forced) == ""
    assert measured_build([*forced, stack_of("sqlite3@3.11", shared_cache=False)]) == (
        "Here sqlite3 runs on SQLite 3.40.1: "
        "SQLite reads URIs by default, SQLite lacks the shared cache."
    )


@pytest.mark.parametrize("spec", ["sqlite3", "pysqlite3", "apsw", "apsw==3.46.1.0"])
def test_the_line_tells_the_build_of_every_driver_and_leaves_nothing(
    spec: str, provide: Provide, run_on: RunOn, tmp_path: Path
) -> None:
    provided = provide(spec)
    facts = run_on(provided).fingerprint
    assert facts is not None
    assert HOW_TO_TELL.count("sqlite3") == 1
    python, *words = shlex.split(HOW_TO_TELL.replace("sqlite3", facts.driver))
    assert python == "python"
    (temporary := tmp_path / "tmp").mkdir()
    overlays = os.pathsep.join(map(str, provided.overlays))
    told = subprocess.run(
        [provided.python, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": overlays, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == (
        f"SQLite {facts.sqlite} - reads URIs by default: {facts.uri_default} "
        f"- has the shared cache: {facts.shared_cache}"
    )
    assert told.stderr == ""
    assert [*tmp_path.iterdir()] == [temporary]
    assert [*temporary.iterdir()] == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="names the library as Linux does")
def test_the_line_tells_a_build_that_reads_no_uris(tmp_path: Path) -> None:
    off = "import ctypes; ctypes.CDLL('libsqlite3.so.0').sqlite3_config(17, 0); import os"
    _, *words = shlex.split(HOW_TO_TELL.replace("import os", off, 1))
    told = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "reads URIs by default: False" in told.stdout
