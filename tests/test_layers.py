"""Imports point down, and what runs inside a stack stands alone."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "matrix"
PROBE = PACKAGE / "probe"

# The layers of ARCHITECTURE.md, with what has come to stand beside the modules that it names.
LAYERS = (
    {"model", "errors", "uri", "outcome", "stackid", "template", "events", "parts"},
    {
        "yamlread",
        "yamldoc",
        "axes",
        "scenario",
        "expand",
        "select",
        "batch",
        "catalogue",
        "plugins",
    },
    {"pythons", "stacks", "provision"},
    {"scratch", "worker", "results", "execute", "collect", "history", "schemas"},
    {"reports"},
    {"cli", "__main__"},
)
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


def layer_of(module: str) -> int:
    (layer,) = [number for number, modules in enumerate(LAYERS) if module in modules]
    return layer


def test_every_module_has_one_layer() -> None:
    modules = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in TOOL}
    assert {
        module: sum(module in layer for layer in LAYERS) for module in modules
    } == dict.fromkeys(modules, 1)


@pytest.mark.parametrize("path", TOOL, ids=named)
def test_imports_point_down(path: Path) -> None:
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    above = [
        name
        for name in imports_of(path)
        if name.startswith("matrix.")
        and (module := name.split(".")[1]) not in ("probe", own)
        and layer_of(module) > layer_of(own)
    ]
    assert above == []


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
