"""The probe and a user under `strace` agree on every cell, whatever is random about it.

`tox -e agreement` compares 5,000 cells; the first of them run with the other tests.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import pytest

from matrix.model import Observation, Result, Rival, SecondConnection, Storage, TargetType
from matrix.runner.collect import observe
from tests.agreement.cases import STACKS, Cell, random_cells
from tests.agreement.compare import Comparison, View, our_view
from tests.agreement.run import run_user
from tests.builders import make_case, make_created
from tests.conftest import ObserveOn, Provide
from tests.strace import needs_strace

SEED = 13
CHUNK = 200
"""Cells of one trace."""

HERE = Path(__file__).parent


def chunks(cells: Sequence[Cell]) -> Iterator[tuple[str, Sequence[Cell]]]:
    """The cells of each stack, some at a time."""
    for stack in STACKS:
        mine = iter([cell for cell in cells if cell.stack == stack])
        while chunk := tuple(islice(mine, CHUNK)):
            yield stack, chunk


@needs_strace
def test_the_probe_and_a_user_find_the_same(provide: Provide, pytestconfig: pytest.Config) -> None:
    cells = list(random_cells(SEED, pytestconfig.getoption("--agreement-cells")))
    provided = {stack: provide(stack) for stack in STACKS}
    work = list(chunks(cells))
    seen: dict[str, Observation] = {}
    for each in observe(
        [(provided[stack], [c.case for c in chunk]) for stack, chunk in work]
    ).stacks:
        assert each.unavailable is None
        seen.update(each.observations)
    comparison = Comparison()
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        found = threads.map(lambda part: list(run_user(provided[part[0]], part[1])), work)
        for (_, chunk), views in zip(work, found, strict=True):
            for cell, view in zip(chunk, views, strict=True):
                comparison.add(cell, our_view(seen[cell.case.id]), view)
    print(f"\n{comparison}")
    assert comparison.disagreements == []


# That it would be noticed


def disagreeing(cell: Cell, observation: Observation, view: View) -> list[str]:
    comparison = Comparison()
    comparison.add(cell, our_view(observation), view)
    return [line.split(": ")[1] for line in comparison.disagreements]


@needs_strace
def test_a_wrong_fact_is_a_disagreement(observe_on: ObserveOn, provide: Provide) -> None:
    rival = {"where": "thread", "when": "before", "does": "open", "target": None, "connect": None}
    setup = ({"db": "x.db", "sql": ["CREATE TABLE t(x)"], "keep_wal": False},)
    sql = ("PRAGMA journal_mode=persist", "ATTACH 'no/y.db' AS y")
    case = make_case(target="x.db", setup=setup, sql=sql[:1], rivals=(rival,), reopen=True)
    cells = [
        Cell(stack="sqlite3", case=each, names=("x.db",))
        for each in (case, replace(case, id="failing", sql=sql))
    ]
    seen, failed = observe_on("sqlite3", *(cell.case for cell in cells))
    view, view_of_failing = run_user(provide("sqlite3"), cells)
    assert disagreeing(cells[0], seen, view) == []
    assert disagreeing(cells[1], failed, view_of_failing) == []
    mistakes: list[tuple[str, Any]] = [
        ("result", Result.REFUSED),
        ("error", failed.error),
        ("storage", Storage.MEMORY),
        ("created", ()),
        ("created", tuple(replace(entry, kept=False) for entry in seen.created)),
        ("created", tuple(replace(entry, stage="open") for entry in seen.created)),
        ("created", (*seen.created, make_created("y.db", asked=False))),
        ("asked", tuple(replace(entry, asked=True) for entry in seen.created)),
        ("there", ()),
        ("tried", ("x.db-wal",)),
        ("modified", ()),
        ("removed", ("x.db",)),
        ("conflicts", ("x.db: was created, and is not there",)),
        ("second_connection", SecondConnection.DOES_NOT_SEE),
        ("reopened", None),
        ("reused", ("second_connection",)),
        ("journal_mode", "delete"),
        ("rivals", (Rival(found=None),)),
        ("opened", "y.db"),
    ]
    for name, wrong in mistakes:
        changed = replace(seen, **{name if name != "asked" else "created": wrong})
        assert disagreeing(cells[0], changed, view) == [name]


# That it is what it says


def test_the_same_seed_gives_the_same_cells() -> None:
    first, again, others = (list(random_cells(seed, 100)) for seed in (1, 1, 2))
    assert first == again
    assert [cell.case.target for cell in first] != [cell.case.target for cell in others]


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from strings(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from strings(each)


def meant(text: str) -> Iterator[str]:
    """The paths that a string may mean, whoever reads it."""
    named = re.sub(r"^(ATTACH|VACUUM INTO) '(.*)'.*", r"\2", text)
    named = re.sub(r"^sqlite(\+pysqlite)?:///", "", named).replace("{dir}", "/around/dir")
    for reading in (named, unquote(named)):
        without_authority = re.sub("^file://[^/]*", "", reading)
        yield without_authority.removeprefix("file:").partition("?")[0]


def test_no_string_leads_out_of_the_surroundings_of_its_case() -> None:
    in_memory = re.compile(r"file:/\{name\}\?vfs=memdb(&(cache=shared|uri=true))*$")
    for cell in random_cells(SEED, 6_000):
        case = cell.case.to_json()
        if cell.case.target_type is TargetType.PATH:
            case["target"] = str(PurePosixPath(cell.case.target))  # two slashes become one
        for text in strings(case):
            if in_memory.search(re.sub("^(ATTACH|VACUUM INTO) '|'.*", "", text)):
                continue
            for path in meant(text):
                plain = os.path.normpath(re.sub("^/+", "/", path))
                at_the_root = plain.startswith("/") and not plain.startswith("/around/")
                assert not at_the_root or (plain == "/" and "{dir}" not in text)
                assert not plain.startswith("../..")


def test_the_user_shares_no_code_with_the_probe() -> None:
    for path in HERE.rglob("*.py"):
        names = imported(path)
        assert not any(name.startswith("matrix.probe") for name in names)
        if path.parent != HERE:
            assert names <= {*sys.stdlib_module_names, "sqlalchemy"}


def imported(path: Path) -> set[str]:
    """The modules that a file imports, but for those beside it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(str(node.module))
    return {name.partition(".")[0] if path.parent != HERE else name for name in names}
