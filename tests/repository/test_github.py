"""What runs on GitHub: the action, the workflows, and the bots that propose new versions."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from matrix.cli.regress import command as regress
from matrix.stacks.provision import Provisioner
from tests.paths import ROOT
from tests.regression.test_regress import SETTINGS, TOPIC
from tests.repository.test_readme import parse, tox
from tests.tool import environment

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINS = Path("results/baseline/requirements.txt")

_CALL = re.compile(r"(?:^|[;&|]|\bif )\s*(sqlite-matrix [^;&|\n]*)", re.MULTILINE)
_TOX = re.compile(r"\btox -e (\S+)(?: -- ([^\n]*))?")
_EXPRESSION = re.compile(r"\$\{\{[^}]*\}\}|\"?\$\{?\w+\}?\S*")

needs_bash = pytest.mark.skipif(
    os.name == "nt" or shutil.which("bash") is None, reason="the scripts are for bash"
)


def load(path: Path) -> dict[Any, Any]:
    content = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(content, dict)
    return content


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for job in load(path)["jobs"].values():
            yield from ((path.name, step) for step in job["steps"])
    yield from (("action.yml", step) for step in load(ROOT / "action.yml")["runs"]["steps"])


STEPS = list(steps())
SCRIPTS = [(name, step["run"]) for name, step in STEPS if "run" in step]


def script(name: str, holds: str) -> str:
    (found,) = (text for where, text in SCRIPTS if where == name and holds in text)
    return str(found)


def test_every_call_of_the_command_is_valid() -> None:
    calls = [call for _, text in SCRIPTS for call in _CALL.findall(text)]
    assert len(calls) >= 2
    for call in calls:
        words = shlex.split(_EXPRESSION.sub("x", call.replace('"${options[@]}"', "")))
        parse(words[1:])


def test_every_tox_environment_of_a_step_exists_and_its_arguments_are_valid() -> None:
    called = [each for _, text in SCRIPTS for each in _TOX.findall(text)]
    assert called
    for name, arguments in called:
        section = tox()[f"testenv:{name}"]
        words = shlex.split(section["commands"].partition("{posargs")[0])
        if words[0] == "sqlite-matrix":
            parse([*words[1:], *shlex.split(_EXPRESSION.sub("quick", arguments))])


def test_the_options_that_the_action_builds_are_options_of_the_command() -> None:
    text = script("action.yml", "options=()")
    words = [
        word for group in re.findall(r"options\+=\((.*?)\)", text) for word in shlex.split(group)
    ]
    assert len([word for word in words if word.startswith("--")]) == 6
    known = {option for each in regress.params for option in (*each.opts, *each.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known


def test_the_action_uses_every_input_and_no_other() -> None:
    action = load(ROOT / "action.yml")
    text = (ROOT / "action.yml").read_text("utf-8")
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(action["inputs"])
    assert all(each["description"] for each in action["inputs"].values())


def test_no_script_contains_an_expression_that_others_can_control() -> None:
    for name, text in SCRIPTS:
        found = re.findall(r"\$\{\{\s*(\S+)\s*\}\}", text)
        assert [each for each in found if not each.startswith("matrix.")] == [], name


def test_workflows_declare_permissions_and_time_limits() -> None:
    for path in WORKFLOWS:
        workflow = load(path)
        assert "contents" in workflow["permissions"], path
        assert all("timeout-minutes" in job for job in workflow["jobs"].values()), path


def test_only_actions_by_github_itself_are_used_pinned_by_commit_with_their_version() -> None:
    texts = [path.read_text("utf-8") for path in (*WORKFLOWS, ROOT / "action.yml")]
    used = {each for text in texts for each in re.findall(r"\buses: *(\S.*)", text)}
    assert {each.split(" ")[0] for each in used} == {
        step["uses"] for _, step in STEPS if "uses" in step
    }
    assert "./" in used
    pinned = r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+"
    assert [each for each in used - {"./"} if not re.fullmatch(pinned, each)] == []
    assert len(used) == len({each.split("@")[0] for each in used}), "an action in two versions"


def jobs() -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Each job of a workflow, with what it may write."""
    for path in WORKFLOWS:
        workflow = load(path)
        for name, job in workflow["jobs"].items():
            permissions = job.get("permissions", workflow["permissions"])
            yield f"{path.name}: {name}", job, [k for k, v in permissions.items() if v == "write"]


_INSTALLS = re.compile(
    r"\b(pip|uv|uvx|pipx|tox|npm|npx|apt|apt-get|brew|curl|wget|sqlite-matrix)\b"
)


def test_no_job_that_may_write_installs_or_runs_packages() -> None:
    writing = {name: job for name, job, writes in jobs() if writes}
    assert set(writing) == {"new-versions.yml: propose", "report.yml: deploy"}
    for name, job in writing.items():
        scripts = "\n".join(step.get("run", "") for step in job["steps"])
        assert _INSTALLS.findall(scripts) == [], name
        assert [step for step in job["steps"] if step.get("uses", "") == "./"] == [], name


def test_a_job_keeps_credentials_only_to_push() -> None:
    for name, job, writes in jobs():
        for step in job["steps"]:
            if "actions/checkout@" in step.get("uses", ""):
                kept = step.get("with", {}).get("persist-credentials", True)
                assert kept is ("contents" in writes), name


def test_tox_its_plugin_and_the_linters_are_pinned_alike_everywhere() -> None:
    texts = [
        path.read_text("utf-8") for path in (*WORKFLOWS, ROOT / ".ci" / "run", ROOT / "tox.ini")
    ]
    first = [re.search(r"pip install\b[^\n]*\btox[^\n]*", text) for text in texts]
    pinned = [found[0] for found in first if found is not None]
    assert len(pinned) == 2  # of the report, and of .ci/run
    assert all("tox==" in line and "tox-uv==" in line for line in pinned)
    renovate = json.loads((ROOT / "renovate.json").read_text("utf-8"))
    (manager,) = renovate["customManagers"]
    pattern = manager["matchStrings"][0].replace("(?<", "(?P<")
    found: dict[str, set[str]] = {}
    for text in texts:
        for match in re.finditer(pattern, text):
            found.setdefault(match["depName"], set()).add(match["currentValue"])
    assert {"tox", "tox-uv", "ruff", "mypy", "import-linter"} <= set(found)
    assert {name: versions for name, versions in found.items() if len(versions) > 1} == {}


def test_the_bots_find_the_pins() -> None:
    updates = load(ROOT / ".github" / "dependabot.yml")["updates"]
    pip = [each["directory"] for each in updates if each["package-ecosystem"] == "pip"]
    assert pip == [f"/{PINS.parent.as_posix()}"]
    renovate = json.loads((ROOT / "renovate.json").read_text("utf-8"))
    assert renovate["packageRules"][0]["matchFileNames"] == [PINS.as_posix()]
    assert "pip_requirements" in renovate["enabledManagers"]
    # the pattern of Renovate's own pip_requirements manager
    assert re.search(r"(^|/)[\w-]*requirements([-._]\w+)?\.(txt|pip)$", PINS.as_posix())


@pytest.fixture
def project(tmp_path: Path, provisioner: Provisioner) -> Path:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "small.yaml").write_text(TOPIC)
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    (tmp_path / "bin").mkdir()
    tool = tmp_path / "bin" / "sqlite-matrix"
    tool.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m matrix "$@"\n')
    tool.chmod(0o755)
    return tmp_path


def bash(text: str, project: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub does."""
    path = f"{project / 'bin'}{os.pathsep}{os.environ['PATH']}"
    own = {"PYTHONPATH": str(ROOT), "PATH": path, "GITHUB_STEP_SUMMARY": str(project / "summary")}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
        cwd=project,
        env=environment(**own, RUNNER_TEMP=str(project), **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@needs_bash
def test_the_action_annotates_what_changed_and_fails(
    project: Path, provisioner: Provisioner
) -> None:
    cache = str(provisioner.cache.resolve())
    (project / "base").mkdir()
    (project / "base" / "requirements.txt").write_text("apsw==3.47.2.0\n")
    made = bash("sqlite-matrix regress --update", project, SQLITE_MATRIX_CACHE=cache)
    assert made.returncode == 0, made.stderr
    (project / "sqlite3s").touch()  # the other stack's name, as a glob, matches this file
    text = script("action.yml", "options=()")
    inputs = {
        "SQLITE_MATRIX_CACHE": cache,
        "STACKS": "apsw sqlite3[sqlite=3.53.4]",
        "SCENARIOS": "scenarios",
        "BASELINE": "base",
        "FAIL_ON": "",
        "EXPLAIN": "false",
    }
    same = bash(text, project, **inputs)
    assert same.returncode == 0, same.stderr
    assert same.stdout.startswith("::notice title=sqlite-matrix::nothing changed in 4 cells")
    (project / "base" / "requirements.txt").write_text("apsw==3.48.0.0\n")
    changed = bash(text, project, **inputs)
    assert changed.returncode == 1, changed.stderr
    assert "\n::error " in changed.stdout
    assert "shared memory → memory" in (project / "summary").read_text("utf-8")


@needs_bash
def test_new_versions_are_measured_written_and_reported(
    project: Path, provisioner: Provisioner
) -> None:
    cache = str(provisioner.cache.resolve())
    (project / "base").mkdir()
    (project / "base" / "requirements.txt").write_text("apsw==3.47.2.0\n")
    assert (
        bash("sqlite-matrix regress --update", project, SQLITE_MATRIX_CACHE=cache).returncode == 0
    )
    done = bash(
        script("new-versions.yml", "bump").replace("--write", "--write --no-explain"),
        project,
        SQLITE_MATRIX_CACHE=cache,
    )
    assert done.returncode == 0, done.stderr
    assert "1 string behaves differently" in (project / "summary").read_text("utf-8")
    assert "3.47.2.0" not in (project / "base" / "requirements.txt").read_text()
