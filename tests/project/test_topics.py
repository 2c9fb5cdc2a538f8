"""The scenarios of a project: where they are, and which cases are selected."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix.errors import NothingSelectedError, UsageError
from matrix.project.claims import ProjectClaims, claims_files, claims_if_any
from matrix.project.run import plan_run
from matrix.project.topics import read_topics, select_cases
from tests.tool import write_small


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_they_are_in_scenarios_unless_others_are_named(here: Path) -> None:
    with pytest.raises(UsageError, match="there is no directory scenarios/ here"):
        read_topics()
    write_small(here)
    assert [topic.id for topic in read_topics()] == ["small"]
    assert read_topics([Path("scenarios/small.yaml")]) == read_topics()


def test_cases_are_selected_by_patterns_or_all_without_one(here: Path) -> None:
    write_small(here)
    topics = read_topics()
    assert len(select_cases(topics)) == 8
    assert len(select_cases(topics, ["small/memory"])) == 2
    with pytest.raises(NothingSelectedError, match="no case selected"):
        select_cases(topics, ["nothing"])


def test_a_project_without_claims_has_none(here: Path) -> None:
    assert claims_if_any() == ProjectClaims()
    with pytest.raises(UsageError, match="there is no directory"):
        claims_files()
    (here / "empty").mkdir()
    with pytest.raises(UsageError, match=r"no \*\.yaml file of claims found"):
        claims_files([Path("empty")])


def test_claims_are_part_only_of_a_run_of_everything(here: Path) -> None:
    write_small(here)
    (here / "scenarios" / "claims").mkdir()
    with pytest.raises(UsageError, match=r"no .* file of claims"):
        plan_run()
    assert plan_run(patterns=["small"]).claims == ProjectClaims()
    assert plan_run([Path("scenarios/small.yaml")]).claims == ProjectClaims()
