"""The public API: what `import matrix` provides, and what each function returns."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import assert_type

import matrix
from matrix import Case, Intent, ResultSet, RunOptions, Stack, Verdict
from matrix.errors import NothingRanError, NothingSelectedError, UsageError
from tests.builders import in_memory, make_case, make_fingerprint, make_results, make_stack, stray
from tests.comparing import STACK, write_results
from tests.paths import FAKES, ROOT
from tests.tool import write_small

_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_HEAVY = ("click", "pydantic", "yaml", "jinja2", "rich", "packaging")
CASE = "small/memory[uri=default]"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with scenarios, and two results in which one cell differs."""
    write_small(tmp_path)
    for name, seen in (("baseline", in_memory(CASE)), ("latest", stray(CASE))):
        stack = make_stack(STACK, [seen], fingerprint=make_fingerprint())
        write_results(tmp_path / "results" / name, make_results([make_case(CASE)], [stack]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_examples_of_the_document_run_in_their_order(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    blocks = _BLOCK.findall(text)
    assert len(blocks) >= 6
    names: dict[str, object] = {"__name__": "example"}
    for block in blocks:
        exec(compile(block, "docs/api.md", "exec"), names)
    out = capsys.readouterr().out
    (printed,) = re.findall(r"without:\n\n```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert out.startswith(printed)
    assert "stray" in out
    assert "no driver called 'sqlite4'" in out


def test_the_import_is_quick(tmp_path: Path) -> None:
    code = f"import sys, matrix; print([name for name in {_HEAVY} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_every_public_name_exists_and_is_listed() -> None:
    assert set(matrix.__all__) <= set(dir(matrix))
    assert all(getattr(matrix, name) is not None for name in matrix.__all__)
    with pytest.raises(AttributeError, match="module 'matrix' has no attribute 'nonsense'"):
        _ = matrix.nonsense  # type: ignore[attr-defined]  # and a type checker says so


def test_a_type_checker_knows_the_types() -> None:
    results = matrix.observe([Case(id="x", target=":memory:")], "sqlite3")
    assert_type(results, ResultSet)
    assert_type(matrix.render(results), str)
    assert_type(matrix.parse_stack("apsw"), Stack)


def test_a_file_target_is_checked_with_the_uri_switch_and_without() -> None:
    (stack,) = matrix.check("file:x?mode=memory", stacks="sqlite3[uri=off]").stacks
    assert {name: matrix.outcome(seen).word for name, seen in stack.observations.items()} == {
        "check[uri=off]": "stray file",
        "check[uri=on]": "memory",
    }


def test_an_intent_may_be_a_word_and_the_case_remembers_it() -> None:
    results = matrix.check("x.db", stacks="sqlite3", intent="private-memory")
    ((name, seen),) = results.stacks[0].observations.items()
    assert results.cases[name].intent is Intent.PRIVATE_MEMORY
    assert matrix.verdict(seen, results.cases[name]) is Verdict.NOT_AS_INTENDED


@pytest.mark.parametrize("words", [{"intent": "privat-memory"}, {"target_type": "int"}])
def test_an_unknown_word_is_reported_with_the_known_ones(words: dict[str, Any]) -> None:
    with pytest.raises(
        UsageError, match=r"is not one of .*; (did you mean 'private-memory'|known)"
    ):
        matrix.check("x.db", stacks="sqlite3", **words)


def test_an_sqlalchemy_url_goes_through_sqlalchemy_on_the_stack_that_is_named() -> None:
    (stack,) = matrix.check("sqlite:///x.db", stacks=["sqlite3"]).stacks
    assert stack.middleware == "sqlalchemy"


def test_without_stacks_those_that_the_project_names_are_taken(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.sqlite-matrix]\nstacks = "sqlite3[uri=on]"\n')
    names = [stack.stack for stack in matrix.check("x.db").stacks]
    assert [name.partition("@")[0] for name in names] == ["sqlite3[uri=on]"]


def test_stacks_are_names_values_or_both_each_once() -> None:
    stack = matrix.parse_stack("sqlite3")
    results = matrix.observe([Case(id="x", target="x.db")], ["sqlite3", stack, "sqlite3[uri=on]"])
    assert [each.stack for each in results.stacks] == [stack.id, f"sqlite3[uri=on]@{stack.python}"]
    (one,) = matrix.observe([Case(id="x", target="x.db")], stack).stacks
    assert one.stack == stack.id


def test_a_case_runs_only_on_the_drivers_that_it_applies_to() -> None:
    mine, other = Case(id="a", target="x.db"), Case(id="b", target="x.db", drivers=("apsw",))
    (stack,) = matrix.observe([mine, other], "sqlite3").stacks
    assert list(stack.observations) == ["a"]
    with pytest.raises(NothingSelectedError):
        matrix.observe([other], "sqlite3")


def test_a_case_that_two_stacks_come_to_on_one_is_run_once() -> None:
    case = Case(id="a", target="sqlite://", via="sqlalchemy")
    (stack,) = matrix.observe([case], ["sqlite3", "sqlite3[sqlalchemy]"]).stacks
    assert list(stack.observations) == ["a"]


def test_options_reach_the_run(tmp_path: Path) -> None:
    driver = tmp_path / "slow.py"
    driver.write_text(
        "import time\n"
        "from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3\n"
        "class Driver(Sqlite3):\n"
        "    def connect(self, target, options):\n"
        "        time.sleep(60 if target == 'x.db' else 0)\n"
        "        return super().connect(target, options)\n"
    )
    options = RunOptions(jobs=1, timeout=0.5)
    (stack,) = matrix.check("x.db", stacks=str(driver), options=options).stacks
    (seen,) = stack.observations.values()
    assert matrix.outcome(seen).word == "timed out"


def test_where_no_stack_can_run_nothing_is_a_success(tmp_path: Path) -> None:
    with pytest.raises(NothingRanError, match="it is made on Tuesdays only"):
        matrix.check("x.db", stacks=str(FAKES / "unavailable.py"))
    with pytest.raises(NothingRanError, match="is not in the cache"):
        matrix.check("x.db", stacks="apsw==3.1.0", cache=tmp_path, offline=True)


def test_one_of_several_stacks_that_cannot_run_is_among_the_results(tmp_path: Path) -> None:
    stacks = ["sqlite3", "apsw==3.1.0"]
    results = matrix.check("x.db", stacks=stacks, cache=tmp_path, offline=True)
    reasons = [stack.unavailable for stack in results.stacks if stack.unavailable is not None]
    assert len(results.stacks) == 2
    assert len(reasons) == 1


def test_the_cache_of_the_environment_is_the_one_that_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLITE_MATRIX_CACHE", str(tmp_path))
    with pytest.raises(NothingRanError, match="is not in the cache"):
        matrix.check("x.db", stacks="pysqlite3", offline=True)


def test_paths_may_be_strings_and_one_or_many(project: Path) -> None:
    (one,) = matrix.load_topics("scenarios/small.yaml")
    (same,) = matrix.load_topics([Path("scenarios")])
    assert len(list(matrix.expand_topics([one]))) == len(list(matrix.expand_topics([same]))) == 8


def test_a_comparison_is_rendered_in_its_own_formats(project: Path) -> None:
    comparison = matrix.compare("results/baseline", Path("results/latest"))
    (change,) = comparison.changes
    assert change.case.id == CASE
    assert "memory → stray file" in matrix.render(comparison)
    assert matrix.compare("results/baseline", "results/latest", select=["small"]).changes
    with pytest.raises(NothingSelectedError):
        matrix.compare("results/baseline", "results/latest", stacks=["apsw"])


def test_an_explanation_that_needs_no_run_makes_none(project: Path) -> None:
    found = matrix.compare("results/baseline", "results/latest", explain=True, cache="nothing")
    assert len(found.changes) == 1
    assert not (project / "nothing").exists()


def test_an_unknown_format_is_reported_with_the_known_ones(project: Path) -> None:
    results = matrix.load_results("results/latest")
    comparison = matrix.compare("results/baseline", "results/latest")
    for found in (results, comparison):
        with pytest.raises(UsageError, match="no format called 'jsn'; did you mean 'json'"):
            matrix.render(found, "jsn")
