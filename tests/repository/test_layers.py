"""Which imports are allowed beyond the layers, which `pyproject.toml` defines."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

PACKAGE = ROOT / "matrix"
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
    """The names that a module imports anywhere; relative imports as `.name`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


LOWEST_LAYER = ["errors", "text", "model/case", "model/fingerprint",
                "model/observation", "model/outcome", "model/plain", "model/uri"]  # fmt: skip


@pytest.mark.parametrize("module", LOWEST_LAYER)
def test_the_lowest_layer_imports_only_the_standard_library(module: str) -> None:
    foreign = {
        name
        for name in imports_of(PACKAGE / f"{module}.py")
        if name.split(".")[0] not in {*sys.stdlib_module_names, "matrix"}
    }
    assert foreign == set()


def test_the_tree_in_the_architecture_is_the_tree() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    tree = re.search(r"^matrix/$\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert tree is not None
    rooms: dict[str, set[str]] = {}
    for line in tree[1].splitlines():
        heading = re.match(r"  (\w+(?:/|\.py))", line)
        if heading is not None:
            room = heading[1]
            rooms[room] = set()
        else:
            rooms[room] |= set(line.split())
    assert rooms == {_shown(path): _contents(path) for path in _entries(PACKAGE)}


def _entries(directory: Path) -> list[Path]:
    hidden: tuple[str, ...] = ("__init__.py", "__pycache__", "py.typed")
    if directory == PACKAGE:
        hidden += ("__main__.py",)
    return [path for path in directory.iterdir() if path.name not in hidden]


def _contents(path: Path) -> set[str]:
    if not path.is_dir():
        return set()
    return {_shown(each).removesuffix(".py") for each in _entries(path)}


def _shown(path: Path) -> str:
    return f"{path.name}/" if path.is_dir() else path.name


def test_only_the_command_line_uses_click() -> None:
    users = {
        named(path)
        for path in TOOL
        if any(name.split(".")[0] == "click" for name in imports_of(path))
    }
    assert {name for name in users if not name.startswith("cli/")} == set()


def test_only_the_command_line_prints() -> None:
    printing = {
        named(path)
        for path in TOOL
        if "cli" not in path.parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    }
    assert printing == set()


@pytest.mark.parametrize("path", PROBE_SOURCES, ids=named)
def test_the_probe_imports_only_the_standard_library_and_its_own_packages(path: Path) -> None:
    own = PLUGIN_PACKAGES.get(path.relative_to(PROBE).with_suffix("").as_posix(), set())
    foreign = {
        name
        for name in imports_of(path)
        if not name.startswith(".")
        and name.split(".")[0] not in {*sys.stdlib_module_names, "sqlite_matrix_probe", *own}
    }
    assert foreign == set()


@pytest.mark.parametrize("path", PROBE_SOURCES, ids=named)
def test_relative_imports_of_the_probe_stay_inside_the_probe(path: Path) -> None:
    depth = len(path.relative_to(PROBE).parts)
    assert [name for name in imports_of(path) if name.startswith("." * (depth + 1))] == []


@pytest.mark.parametrize("path", PROBE_SOURCES, ids=named)
def test_the_probe_is_valid_python_3_8(path: Path) -> None:
    ast.parse(path.read_text("utf-8"), feature_version=(3, 8))
