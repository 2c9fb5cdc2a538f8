"""The table of `tox -e mutate` names what there is."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT, SCRIPTS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE: dict[str, Any] = tomllib.loads((SCRIPTS / "mutants.toml").read_text("utf-8"))


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("module", TABLE)
def test_a_module_and_the_tests_that_judge_it_are_there(module: str) -> None:
    assert (ROOT / module).is_file()
    assert TABLE[module]["tests"]
    for test in TABLE[module]["tests"]:
        path, _, function = test.partition("::")
        assert (ROOT / path).is_file(), test
        assert not function or function.partition("[")[0] in functions_of(ROOT / path), test


@pytest.mark.parametrize("module", TABLE)
def test_what_is_argued_is_of_a_line_that_is_there(module: str) -> None:
    lines = {line.strip() for line in (ROOT / module).read_text("utf-8").splitlines()}
    for mutant in TABLE[module].get("argued", ()):
        assert mutant.keys() == {"was", "now", "why"}
        assert set(mutant["was"].splitlines()) <= lines, mutant["was"]
        assert mutant["now"] != mutant["was"]
        assert mutant["why"].endswith(".")
