"""The workflow that publishes the report: everything it calls exists, and its jobs fit together."""

from __future__ import annotations

import configparser
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from matrix.cli import cli
from matrix.cli.site import SITE
from matrix.stacks.catalogue import load_catalogue
from tests.paths import ROOT

WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/report.yml").read_text())
TOX = configparser.ConfigParser(interpolation=None)
TOX.read(ROOT / "tox.ini")
ROWS: list[dict[str, str]] = WORKFLOW["jobs"]["measure"]["strategy"]["matrix"]["include"]


def steps(job: str, key: str) -> Iterator[dict[str, Any]]:
    return (step for step in WORKFLOW["jobs"][job]["steps"] if key in step)


def tox_command(job: str, env: str) -> list[str]:
    """The arguments after `--` in the step that runs a tox environment."""
    for step in steps(job, "run"):
        words = shlex.split(step["run"].replace("${{ ", "${{").replace(" }}", "}}"))
        if words[:3] == ["tox", "-e", env]:
            return words[words.index("--") + 1 :]
    raise AssertionError(f"{job} does not run tox -e {env}")


@pytest.mark.parametrize(("job", "env", "verb"), [("measure", "matrix", "run"),
                                                  ("publish", "site", "site")])  # fmt: skip
def test_each_environment_exists_and_its_command_takes_the_options(
    job: str, env: str, verb: str
) -> None:
    given = tox_command(job, env)
    assert TOX[f"testenv:{env}"]["commands"].startswith(f"sqlite-matrix {verb} {{posargs:")
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    known = {option for each in command.params for option in each.opts}
    assert {word for word in given if word.startswith("-")} <= known


def test_the_sets_of_stacks_exist() -> None:
    assert {row["stacks"] for row in ROWS} <= set(load_catalogue().sets)


def test_what_is_published_is_what_was_measured_on_every_system() -> None:
    (upload,) = (step for step in steps("measure", "uses") if "upload-artifact" in step["uses"])
    (download,) = (step for step in steps("publish", "uses") if "download-art" in step["uses"])
    name = upload["with"]["name"]
    artifacts = [name.replace("${{ matrix.system }}", row["system"]) for row in ROWS]
    assert tox_command("publish", "site") == [
        f"{download['with']['path']}/{artifact}" for artifact in artifacts
    ]


def test_what_was_measured_is_what_is_uploaded() -> None:
    given = tox_command("measure", "matrix")
    (upload,) = (step for step in steps("measure", "uses") if "upload-artifact" in step["uses"])
    written = given[given.index("-o") + 1].replace("${{", "${{ ").replace("}}", " }}")
    assert upload["with"]["path"] == written


def test_the_site_is_what_is_deployed_and_only_after_every_system() -> None:
    (pages,) = (step for step in steps("publish", "uses") if "upload-pages" in step["uses"])
    assert Path(pages["with"]["path"]) == SITE
    assert WORKFLOW["jobs"]["publish"]["needs"] == "measure"
    assert WORKFLOW["jobs"]["deploy"]["needs"] == "publish"
    assert not any("if" in WORKFLOW["jobs"][job] for job in ("publish", "deploy"))
