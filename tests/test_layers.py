"""Imports point down, and what runs inside a stack stands alone."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "matrix"
PROBE = PACKAGE / "probe"

PLUGIN_PACKAGES = {
    "drivers/apsw": {"apsw"},
    "drivers/apsw_dbapi": {"apsw"},
    "middleware/aiosqlite": {"aiosqlite"},
    "middleware/django": {"django"},
    "middleware/flask_sqlalchemy": {"flask", "flask_sqlalchemy"},
    "middleware/peewee": {"peewee", "playhouse"},
    "middleware/sqlalchemy": {"sqlalchemy"},
    "middleware/sqlalchemy_asyncio": {"aiosqlite", "sqlalchemy"},
}

SOURCES = sorted(PACKAGE.rglob("*.py"))
TOOL = [path for path in SOURCES if PROBE not in path.parents and path != PACKAGE / "__init__.py"]
PROBE_SOURCES = [path for path in SOURCES if PROBE in path.parents]


def named(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


def imports_of(path: Path) -> Iterator[str]:
    """The absolute names that a module imports, wherever it does; relative ones as `.name`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def stated_layers() -> dict[str, int]:
    """The modules that the table of ARCHITECTURE.md names, with the number of their layer."""
    table = (PACKAGE.parent / "ARCHITECTURE.md").read_text("utf-8").partition("## The layers")[2]
    rows = re.findall(r"^\| *(\d+) *\|([^|]*)\|", table, re.MULTILINE)
    return {
        module.strip("/"): int(number)
        for number, modules in rows
        for module in re.findall(r"`([^`]+)`", modules)
    }


def module_of(path: Path) -> str:
    """A module of the tool as the table names it: a package as a whole."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def direct_imports() -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {module_of(path): set() for path in TOOL}
    for path in TOOL:
        names = (name.split(".") for name in imports_of(path) if name.startswith("matrix."))
        graph[module_of(path)] |= {parts[1] for parts in names}
    return {module: names - {module, "probe"} for module, names in graph.items()}


def reached_from(module: str) -> set[str]:
    """Everything that a module imports, and what that imports in its turn."""
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        new = GRAPH[waiting.pop()] - reached
        reached |= new
        waiting += new
    return reached


LAYERS = stated_layers()
GRAPH = direct_imports()


def test_the_modules_of_the_table_are_there() -> None:
    assert len(LAYERS) > 10
    assert LAYERS.keys() <= GRAPH.keys()


@pytest.mark.parametrize("module", sorted(LAYERS))
def test_imports_point_down(module: str) -> None:
    above = {name for name in reached_from(module) if LAYERS.get(name, 0) > LAYERS[module]}
    assert above == set()


@pytest.mark.parametrize("module", sorted(GRAPH))
def test_no_module_imports_itself_round_a_corner(module: str) -> None:
    assert module not in reached_from(module)


@pytest.mark.parametrize("module", sorted(GRAPH.keys() - {"__main__"}))
def test_nothing_imports_the_command_line(module: str) -> None:
    assert "cli" not in GRAPH[module]


@pytest.mark.parametrize("module", ["model", "errors", "uri", "outcome"])
def test_the_ground_floor_imports_the_standard_library_alone(module: str) -> None:
    foreign = {
        name
        for name in imports_of(PACKAGE / f"{module}.py")
        if name.split(".")[0] not in {*sys.stdlib_module_names, "matrix"}
    }
    assert foreign == set()


def test_the_command_line_alone_prints() -> None:
    talkative = {
        named(path)
        for path in TOOL
        if "cli" not in path.parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    }
    assert talkative == set()


@pytest.mark.parametrize("path", PROBE_SOURCES, ids=named)
def test_the_probe_stands_alone(path: Path) -> None:
    own = PLUGIN_PACKAGES.get(path.relative_to(PROBE).with_suffix("").as_posix(), set())
    foreign = {
        name
        for name in imports_of(path)
        if not name.startswith(".")
        and name.split(".")[0] not in {*sys.stdlib_module_names, "sqlite_matrix_probe", *own}
    }
    assert foreign == set()


@pytest.mark.parametrize("path", PROBE_SOURCES, ids=named)
def test_the_probe_stays_within_itself(path: Path) -> None:
    depth = len(path.relative_to(PROBE).parts)
    assert [name for name in imports_of(path) if name.startswith("." * (depth + 1))] == []


@pytest.mark.parametrize("path", PROBE_SOURCES, ids=named)
def test_the_probe_is_python_3_8(path: Path) -> None:
    ast.parse(path.read_text("utf-8"), feature_version=(3, 8))


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {named(path): len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length > 400} == {}
