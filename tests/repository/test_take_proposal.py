"""What a job with new third-party versions hands over is taken as data, or not at all."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.paths import ROOT

_spec = importlib.util.spec_from_file_location("take_proposal", ROOT / "scripts/take_proposal.py")
assert _spec is not None
assert _spec.loader is not None
take_proposal = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(take_proposal)


@pytest.fixture
def proposal(tmp_path: Path) -> Path:
    """What the workflow packs: the committed baseline, and the text of the pull request."""
    place = tmp_path / "proposal"
    shutil.copytree(ROOT / "results" / "baseline", place / "baseline")
    (place / "new-versions.md").write_text("# New versions\n")
    return place


def test_the_committed_baseline_is_taken_as_it_is(
    proposal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    baseline = tmp_path / "baseline"
    baseline.mkdir()
    for name in ("gone.jsonl", "accepted.yaml", "requirements.txt"):
        (baseline / name).write_text("old")
    monkeypatch.setattr(take_proposal, "BASELINE", baseline)
    assert take_proposal.main([str(proposal)]) == 0
    committed = {path.name for path in (ROOT / "results" / "baseline").iterdir()}
    assert {path.name for path in baseline.iterdir()} == {*committed, "accepted.yaml"}
    for name in committed:
        assert (baseline / name).read_bytes() == (proposal / "baseline" / name).read_bytes()


def _program(place: Path) -> None:
    (place / "baseline" / "run.py").write_text("print()")


def _executable(place: Path) -> None:
    (place / "baseline" / "apsw.jsonl").chmod(0o755)


def _link(place: Path) -> None:
    (place / "baseline" / "link.jsonl").symlink_to("/etc/passwd")


def _linked_text(place: Path) -> None:
    (place / "new-versions.md").unlink()
    (place / "new-versions.md").symlink_to("/etc/passwd")


def _directory(place: Path) -> None:
    (place / "baseline" / "deep.jsonl").mkdir()


def _beside(place: Path) -> None:
    (place / ".github").mkdir()


def _long(place: Path) -> None:
    (place / "new-versions.md").write_text("x" * 70_000)


def _no_json(place: Path) -> None:
    (place / "baseline" / "x.jsonl").write_text("import os\n")


def _option(place: Path) -> None:
    (place / "baseline" / "requirements.txt").write_text("apsw==1\n--index-url http://x\n")


def _url(place: Path) -> None:
    (place / "baseline" / "requirements.txt").write_text("apsw @ http://x/y.whl\n")


def _hidden(place: Path) -> None:
    (place / "baseline" / ".hidden.jsonl").write_text("{}\n")


HARMS = [
    _program, _executable, _link, _linked_text, _directory, _beside, _long, _no_json, _option, _url,
    _hidden,
]  # fmt: skip


@pytest.mark.parametrize("harm", HARMS)
def test_what_is_not_data_is_refused_and_nothing_is_taken(
    proposal: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    harm: Callable[[Path], None],
) -> None:
    baseline = tmp_path / "baseline"
    baseline.mkdir()
    monkeypatch.setattr(take_proposal, "BASELINE", baseline)
    harm(proposal)
    assert take_proposal.main([str(proposal)]) == 1
    assert capsys.readouterr().err.startswith("take_proposal: ")
    assert list(baseline.iterdir()) == []


def test_a_large_file_is_refused(proposal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(take_proposal, "_LARGEST", 100)
    assert any("larger than" in flaw for flaw in take_proposal.flaws(proposal))
