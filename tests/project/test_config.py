"""The settings of a project in pyproject.toml, and how mistakes in them are reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from matrix.errors import DocumentError
from matrix.project.config import ProjectConfig, load_config
from matrix.project.stacks import configured_specs
from matrix.stacks.catalogue import Catalogue
from matrix.stacks.interpreters import RUNNING
from tests.tool import run_tool, write_small

GOOD = """\
[project]
name = "mine"

[tool.sqlite-matrix]
scenarios = "db/scenarios"
stacks = ["apsw", "sqlite3[sqlite=3.53.4]"]  # a comment
baseline = "db/baseline"
pins = "db/pins.txt"
fail-on = ["stray", "crashed"]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "db" / "scenarios").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(text, "utf-8")


def complaints(project: Path, table: str) -> list[str]:
    write(project, table)
    with pytest.raises(DocumentError) as error:
        load_config()
    return str(error.value).splitlines()


def test_without_a_file_or_a_table_the_defaults_apply(project: Path) -> None:
    assert load_config() == ProjectConfig()
    write(project, "[tool.other]\nstacks = 1\n")
    assert load_config() == ProjectConfig()
    assert ProjectConfig().baseline == Path("results/baseline")


def test_the_table_is_read_with_paths_relative_to_the_file(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, GOOD)
    found = load_config()
    assert found.scenarios == (Path("db/scenarios"),)
    assert found.stacks == ("apsw", "sqlite3[sqlite=3.53.4]")
    assert (found.baseline, found.pins) == (Path("db/baseline"), Path("db/pins.txt"))
    assert found.fail_on == "stray,crashed"
    monkeypatch.chdir(project / "db")
    assert load_config().scenarios == (Path("../db/scenarios"),)
    assert load_config().scenarios[0].resolve() == project / "db" / "scenarios"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('stack = "apsw"', "tool.sqlite-matrix.stack: no such setting; did you mean 'stacks'?"),
        ("stacks = 3", "tool.sqlite-matrix.stacks: neither a string nor a list of strings"),
        ("stacks = []", "tool.sqlite-matrix.stacks: the list is empty"),
        ("baseline = 3", "tool.sqlite-matrix.baseline: not a path"),
        ('scenarios = "gone"', "tool.sqlite-matrix.scenarios: gone: no such file or directory"),
        ("fail-on = true", "tool.sqlite-matrix.fail-on: neither a string nor a list of strings"),
    ],
)
def test_a_mistake_is_reported_at_its_line(project: Path, line: str, complaint: str) -> None:
    (found,) = complaints(project, f"[project]\n\n[tool.sqlite-matrix]\n# so\n{line}\n")
    assert found.startswith(f"pyproject.toml:5:1: {complaint}")


def test_every_problem_is_reported(project: Path) -> None:
    found = complaints(project, "[tool.sqlite-matrix]\nstacks = 1\nnope = 2\npins = 3\n")
    assert [line.split(":")[1] for line in found] == ["2", "3", "4"]


def test_an_invalid_file_is_reported_with_its_location(project: Path) -> None:
    (found,) = complaints(project, "[tool.sqlite-matrix]\nstacks = [\n")
    assert found.startswith("pyproject.toml:2:11: TOML: ") or "TOML" in found
    (found,) = complaints(project, "[tool]\nsqlite-matrix = 3\n")
    assert found == "pyproject.toml:1:1: tool.sqlite-matrix: not a table"


def test_every_verb_takes_its_stacks_and_scenarios_from_pyproject(project: Path) -> None:
    write_small(project / "db" / "scenarios")
    table = '[tool.sqlite-matrix]\nstacks = "sqlite3"\nscenarios = "db/scenarios/scenarios"\n'
    write(project, table)
    assert "small/memory" in run_tool("list", "cases", cwd=project).stdout
    done = run_tool("run", "--format=jsonl", cwd=project)
    assert done.returncode == 0, done.stderr
    assert {json.loads(line)["stack"] for line in done.stdout.splitlines()} == {
        f"sqlite3@{RUNNING}"
    }
    write(project, table.replace("sqlite3", "sqlite4"))
    for words in (["run"], ["check", "x"], ["list", "stacks"], ["regress", "--update"]):
        done = run_tool(*words, cwd=project)
        assert (done.returncode, done.stdout) == (2, "")
        message = "pyproject.toml:2:1: tool.sqlite-matrix.stacks: no driver called 'sqlite4'"
        (line,) = [line for line in done.stderr.splitlines() if message in line]
        assert line.endswith("did you mean 'sqlite3'?")


def test_an_invalid_stack_is_reported_at_its_line(project: Path, catalogue: Catalogue) -> None:
    write(project, '[tool.sqlite-matrix]\nstacks = ["apsw", "apws", "sqlite3[url=on]"]\n')
    with pytest.raises(DocumentError) as error:
        configured_specs(load_config(), catalogue)
    one, other = sorted(str(error.value).splitlines())
    assert one.startswith("pyproject.toml:2:1: tool.sqlite-matrix.stacks: no driver called 'apws'")
    assert one.endswith("did you mean 'apsw'?")
    assert "sqlite3[url=on]: no such option: url" in other


def test_invalid_stacks_and_kinds_are_reported_together(project: Path) -> None:
    write_small(project)
    write(project, '[tool.sqlite-matrix]\nstacks = "apws"\nfail-on = "strayy"\n')
    done = run_tool("regress", cwd=project)
    assert done.returncode == 2
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == [
        "tool.sqlite-matrix.stacks",
        "tool.sqlite-matrix.fail-on",
    ]
