"""docs/regression-checks.md, followed step by step in an empty project."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from matrix.project.config import load_config
from matrix.stacks.provision import Provisioner
from tests.paths import ROOT
from tests.repository.test_readme import commands_of
from tests.tool import environment, run_tool

PAGE = (ROOT / "docs" / "regression-checks.md").read_text("utf-8")
FILES = dict(re.findall(r"^```\w+\n# (\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
SHOWN = re.findall(r"^```text\n(?!# )(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return tmp_path


def test_the_page_shows_a_project_as_files() -> None:
    assert set(FILES) == {
        "scenarios/app.yaml",
        "pyproject.toml",
        "results/baseline/requirements.txt",
    }


def test_the_page_documents_exactly_the_existing_settings(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    settings = load_config()
    documented = set(re.findall(r"^\| `([\w-]+)` \| ", PAGE, re.MULTILINE))
    assert documented == {"scenarios", "stacks", "baseline", "pins", "fail-on"}
    assert settings.lines.keys() <= documented


def test_the_steps_of_the_page_work_as_they_are_written(
    project: Path, provisioner: Provisioner
) -> None:
    env = environment(SQLITE_MATRIX_CACHE=str(provisioner.cache.resolve()))
    before_git = PAGE.partition("## On GitHub")[0]
    blocks = "".join(re.findall(r"^```sh\n.*?^```\n", before_git, re.MULTILINE | re.DOTALL))
    ran = []
    for call in commands_of(blocks):
        words = shlex.split(call, comments=True)
        ran.append(" ".join(words[:2]))
        if words[0] == "pytest":
            done = subprocess.run(
                [sys.executable, "-m", *words],
                cwd=project, env=env, capture_output=True, encoding="utf-8", check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout
            assert "3 passed" in done.stdout
            continue
        quick = ["--no-explain"] if words[1] == "bump" and "--no-explain" not in words else []
        done = run_tool(*words[1:], *quick, cwd=project, env=env)
        expected = (0, 1) if "--latest" in words else (1,) if words[1] == "bump" else (0,)
        assert done.returncode in expected, (call, done.stderr)
        if "exits with 1" in call:
            assert done.stdout == SHOWN[0]
    assert ran == [
        "sqlite-matrix regress",
        "sqlite-matrix regress",
        "sqlite-matrix bump",
        "sqlite-matrix bisect",
        "sqlite-matrix bump",
        "sqlite-matrix bump",
        "pytest scenarios",
    ]
