"""The script that the page offers for a cell does what the cell says, on the real driver."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from matrix.foreign import visible
from matrix.model import Case, Observation, Result, SecondConnection
from matrix.model.codec import read_observation
from matrix.reports.page.html import render_html
from matrix.results.store import ResultSet
from matrix.runner.collect import observe
from matrix.runner.options import RunOptions
from matrix.scenarios.expand import expand_topics
from matrix.scenarios.load import load_topics
from matrix.stacks.provision import Provided
from tests.browsing import open_browser, open_page
from tests.conftest import Provide
from tests.paths import SCENARIOS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

STACKS = (
    "sqlite3",
    "sqlite3[uri=off]",
    "sqlite3[uri=on]",
    "sqlite3[sqlite=3.51.1]",
    "pysqlite3",
    "pysqlite3[uri=off]",
    "apsw",
    "apsw[uri=on]",
    "sqlean",
    "shell",
    "sqlite3[sqlalchemy]",
    "sqlite3[sqlalchemy=1.3.24]",
    "pysqlite3[sqlalchemy]",
    "apsw[sqlalchemy]",
    "sqlite3[aiosqlite]",
    "sqlite3[django]",
    "sqlite3[peewee]",
)
PER_STACK = 24


@dataclass(frozen=True)
class Offered:
    """A cell, and what the page offers to run."""

    case: Case
    seen: Observation
    provided: Provided
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.case.id} on {self.seen.stack}"


def sample(provided: Provided, cases: Sequence[Case]) -> list[Case]:
    """Some cases of every sort that a stack runs: the same ones each time."""
    mine = [case for case in cases if provided.stack.runs(case.via) and runs_on(case, provided)]
    topics: dict[object, Case] = {}
    for case in sorted(mine, key=lambda each: each.digest):
        sort = (case.scenario.split("/")[0], tuple(case.connect), bool(case.setup), bool(case.sql))
        topics.setdefault(sort, case)
    return sorted(topics.values(), key=lambda each: each.digest)[:PER_STACK]


def runs_on(case: Case, provided: Provided) -> bool:
    return case.fits_driver(provided.stack.driver)


@pytest.fixture(scope="module")
def measured(provide: Provide) -> tuple[ResultSet, Mapping[str, Provided]]:
    cases = tuple(expand_topics(load_topics([SCENARIOS])))
    work = [(each, sample(each, cases)) for each in map(provide, STACKS)]
    results = observe(work, options=RunOptions(jobs=2))
    return results, {provided.stack.id: provided for provided, _ in work}


@pytest.fixture(scope="module")
def offered(
    measured: tuple[ResultSet, Mapping[str, Provided]], tmp_path_factory: pytest.TempPathFactory
) -> list[Offered]:
    results, stacks = measured
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_html(results), "utf-8")
    with open_browser() as browser:
        page = browser.new_page()
        open_page(page, path)
        return [
            Offered(results.cases[name], seen, stacks[stack.stack], *script_of(page, name, seen))
            for stack in results.stacks
            for name, seen in stack.observations.items()
        ]


def script_of(page: Page, case: str, seen: Observation) -> tuple[str, str]:
    """Open the cell as a link does, and take the script out of the page."""
    address = visible(f"{case}@{seen.stack}")
    page.evaluate("(cell) => { location.hash = `cell=${encodeURIComponent(cell)}`; }", address)
    page.wait_for_selector(f".drawer[open] #script[data-cell={css(address)}]")
    script = page.locator("#script")
    return script.get_attribute("data-language") or "", script.text_content() or ""


def css(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def run_script(each: Offered, directory: Path) -> subprocess.CompletedProcess[str]:
    (directory / "tmp").mkdir()
    here = directory / "here"
    here.mkdir()
    path = os.pathsep.join(map(str, each.provided.overlays))
    environment = {**os.environ, "PYTHONPATH": path, "TMPDIR": str(directory / "tmp")}
    return subprocess.run(
        [each.provided.python, "-W", "ignore", "-"],
        input=each.text,
        cwd=here,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
        timeout=60,
    )


def expected_files(each: Offered) -> set[str]:
    """What is there at the end by the cell: what was set up, and what appeared and stayed."""
    kept = {e.path for e in each.seen.created if e.kept and e.size is not None}
    return {path.replace("{name}", "db") for path in kept}


def problems(each: Offered, directory: Path) -> Iterator[str]:
    done = run_script(each, directory)
    here = directory / "here"
    found = {path.relative_to(here).as_posix() for path in here.rglob("*") if not path.is_dir()}
    given = {str(s[key]) for s in each.case.setup for key in ("db", "empty", "file") if key in s}
    given |= {f"{s['db']}-wal" for s in each.case.setup if s.get("keep_wal")}
    linked = {str(s["symlink"]) for s in each.case.setup if "symlink" in s}
    wanted = expected_files(each)
    if found - given - linked != wanted - given - linked:
        yield f"files {sorted(found - given)} instead of {sorted(wanted - given)}"
    error = each.seen.error
    raised = done.returncode != 0
    if raised != (error is not None and error.phase not in ("close", "reopen")):
        yield f"exit code {done.returncode}, where the error was {error}"
    elif error is not None and raised and error.message.partition(":")[0] not in shown(done.stderr):
        yield f"another error than {error.message}"
    if not raised and each.case.write and each.seen.result is Result.OPENED:
        sees = each.seen.second_connection is SecondConnection.SEES
        if f"a second connection sees the table: {sees}" not in done.stdout:
            yield f"a second connection, which {each.seen.second_connection}"


def shown(text: str) -> str:
    return re.sub(r"thread id \d+", "thread id *", text)


def is_safe(each: Offered) -> bool:
    """Whether it stays in its directory; what a link leads to lies elsewhere, too."""
    return not any(entry.outside for entry in each.seen.created)


def test_each_script_does_what_its_cell_says(offered: list[Offered], tmp_path: Path) -> None:
    scripts = [each for each in offered if each.language == "python" and is_safe(each)]
    drivers = {(each.seen.stack.partition("@")[0]) for each in scripts}
    assert len(scripts) > 150
    assert len(drivers) >= 10, drivers
    failures = []
    for number, each in enumerate(scripts):
        directory = tmp_path / str(number)
        directory.mkdir()
        failures += [
            f"{each.name}: {problem}\n{each.text}" for problem in problems(each, directory)
        ]
    assert not failures, f"{len(failures)} of {len(scripts)}\n" + "\n".join(failures)


def test_each_sort_of_command_sees_what_its_cell_says(
    offered: list[Offered], tmp_path: Path
) -> None:
    """`sqlite-matrix` on the path is this one; a command is short, or hands over a whole case."""
    sorts: dict[object, Offered] = {}
    for each in offered:
        if each.language == "sh" and is_safe(each):
            sorts.setdefault((each.case.via, "--batch" in each.text), each)
    assert len(sorts) > 6
    tool = tmp_path / "sqlite-matrix"
    tool.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m matrix "$@"\n', "utf-8")
    tool.chmod(0o755)
    for each in sorts.values():
        done = subprocess.run(
            ["/bin/sh", "-c", f"{each.text.strip()} --format jsonl"],
            env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, f"{each.text}\n{done.stderr}"
        (line,) = done.stdout.splitlines()
        again = read_observation(json.loads(line))
        assert (again.result, again.storage) == (each.seen.result, each.seen.storage), each.text
        assert paths(again) == paths(each.seen), each.text


def paths(seen: Observation) -> set[str]:
    return {entry.path.replace("{name}", "db") for entry in seen.created}


def test_where_there_is_no_script_there_is_a_command(offered: list[Offered]) -> None:
    commands = [each for each in offered if each.language == "sh"]
    assert commands
    for each in commands:
        assert (
            f"--stack '{each.seen.stack}'" in each.text or f"--stack {each.seen.stack}" in each.text
        )
    vias = {each.case.via for each in commands}
    assert {"sqlalchemy", "aiosqlite", "django", "peewee"} <= vias
