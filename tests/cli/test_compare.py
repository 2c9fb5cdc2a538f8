"""`sqlite-matrix compare` and `accept`, as a user runs them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from matrix.cli import main
from matrix.comparison.accepted import ACCEPTED_FILE
from matrix.model import canonical
from matrix.results.store import write_stack
from tests.builders import in_memory, make_fingerprint, make_stack, shared, stray
from tests.comparing import CASE, STACK, stack, write
from tests.tool import command

OTHER = "another/scenario[form=x]"


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(map(str, arguments)))
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return write(tmp_path / "old", stack(STACK, in_memory(CASE), in_memory(OTHER)))


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return write(tmp_path / "new", stack(STACK, stray(CASE), shared(OTHER)))


def test_nothing_changed_is_exit_code_0(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", old, old) == 0
    assert capsys.readouterr().out == "nothing changed in 2 cells on 1 stack\n"


def test_a_change_is_exit_code_1_and_reported(
    old: Path, new: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("compare", old, new) == 1
    out = capsys.readouterr().out
    assert out.index("1 cell: memory → stray file") < out.index("1 cell: memory → shared memory")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--fail-on", "none"], 0),
        (["--fail-on", "all"], 1),
        (["--fail-on", "stray"], 1),
        (["--fail-on", "stray, sharing"], 1),
        (["--fail-on", "all,stray"], 1),
        (["--fail-on", "none,stray"], 2),
        (["--fail-on", "warnings"], 0),
        (["--select", "another", "--fail-on", "stray"], 0),
        (["--select", "topic", "--fail-on", "stray"], 1),
        (["--stack", "sqlite3"], 1),
        (["--stack", "sqlite3@3.11"], 1),
        (["--stack", "apsw"], 5),
        (["--select", "nothing"], 5),
        (["--fail-on", "strays"], 2),
    ],
)
def test_options_choose_what_fails_and_what_is_compared(
    old: Path, new: Path, options: list[str], code: int
) -> None:
    assert run("compare", old, new, *options) == code


def test_an_unknown_kind_gets_a_suggestion(
    old: Path, new: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("compare", old, new, "--fail-on", "strayy") == 2
    assert "no kind of change called 'strayy'; did you mean 'stray'?" in capsys.readouterr().err


def test_damaged_results_are_an_error_not_a_change(
    old: Path, new: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = new / f"{STACK}.jsonl"
    path.write_bytes(path.read_bytes()[:-3])
    assert run("compare", old, new) == 2
    assert f"{path}: cut off, the last line has no end; run again" in capsys.readouterr().err


def test_a_stack_that_is_no_longer_available_is_a_change(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = write(tmp_path / "new", make_stack(STACK, unavailable="no wheel"))
    write(new, make_stack(STACK, unavailable="no wheel"))
    assert run("compare", old, new) == 1
    assert f"stack no longer available: {STACK} (2 cells): no wheel" in capsys.readouterr().out


def test_a_file_is_written_completely(old: Path, new: Path, tmp_path: Path) -> None:
    output = tmp_path / "there" / "changes.json"
    assert run("compare", old, new, "--format", "json", "-o", output) == 1
    assert json.loads(output.read_text("utf-8"))["failing"] == 2


def test_the_job_summary_is_appended_to(
    old: Path, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert run("compare", old, new) == 1
    assert summary.read_text() == "before\n"
    assert run("compare", old, new, "--format", "github") == 1
    assert summary.read_text("utf-8").startswith("before\n## 2 of 2 cells on 1 stack changed")


def test_the_job_summary_stays_below_its_limit(
    old: Path, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_bytes(b"x" * ((1 << 20) - 500))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert run("compare", old, new, "--format", "github") == 1
    assert summary.stat().st_size < 1 << 20
    assert "parts are left out" in summary.read_text("utf-8")


@pytest.mark.parametrize("room", [0, 1, 50])
def test_a_full_job_summary_is_left_as_it_is(
    old: Path, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_bytes(b"x" * ((1 << 20) - room))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert run("compare", old, new, "--format", "github") == 1
    assert summary.stat().st_size == (1 << 20) - room


def test_a_summary_that_cannot_be_written_changes_no_exit_code(
    old: Path,
    new: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    assert run("compare", old, new, "--format", "github") == 1
    assert run("compare", old, old, "--format", "github") == 0
    assert f"job summary not written: {tmp_path}: Is a directory" in capsys.readouterr().err


def test_a_named_file_of_accepted_changes_has_to_exist(
    old: Path, new: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing.yaml"
    assert run("compare", old, new, "--accepted", missing) == 2
    assert f"{missing}: no such file" in capsys.readouterr().err
    assert run("accept", old, new, "--accepted", missing, "--reason", "so it is") == 0
    assert run("compare", old, new, "--accepted", missing) == 0


def test_a_file_in_place_of_a_directory_is_reported(
    old: Path, new: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = new / f"{STACK}.jsonl"
    assert run("compare", old, file) == 2
    assert f"{file}: not a directory" in capsys.readouterr().err


def test_an_invalid_record_is_reported_at_its_line(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "new"
    lines = [canonical(each.to_json()) for each in (in_memory(OTHER), in_memory(CASE))]
    write(new, stack(STACK, in_memory(CASE), in_memory(OTHER)))
    bad = [line.replace('"storage":"memory"', '"storage":"memery"') for line in lines[1:]]
    write_stack(new, STACK, make_fingerprint(), [lines[0], *bad])
    assert run("compare", old, new) == 2
    assert f"{new / STACK}.jsonl:3: not as expected" in capsys.readouterr().err


def test_an_accepted_change_does_not_fail(
    old: Path, new: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("accept", old, new, "--reason", "meant", "--kind", "stray") == 0
    assert capsys.readouterr().out == "accepted: 1 cell, memory → stray file\n"
    assert run("compare", old, new) == 1
    assert run("accept", old, new, "--reason", "meant too", "--reference", "https://x.org") == 0
    capsys.readouterr()
    assert run("compare", old, new) == 0
    out = capsys.readouterr().out
    assert "nothing changed beyond 2 accepted cells in 2 cells on 1 stack" in out
    assert "accepted: 1 cell, memory → shared memory, because meant too (https://x.org)" in out


def test_an_accepted_change_that_is_gone_fails(
    old: Path, new: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("accept", old, new, "--reason", "meant", "--select", "topic") == 0
    assert run("compare", old, old) == 1
    assert "stale: accepted, and not seen any more: memory → stray file" in capsys.readouterr().out
    assert run("compare", old, old, "--select", "another") == 0
    assert run("compare", old, old, "--fail-on", "stray") == 0


def test_there_has_to_be_something_to_accept(old: Path, new: Path) -> None:
    assert run("accept", old, old, "--reason", "meant") == 5
    assert run("accept", old, new, "--reason", "meant", "--kind", "warnings") == 5
    assert not (old / ACCEPTED_FILE).exists()


def test_accepting_a_change_requires_a_reason(old: Path, new: Path) -> None:
    assert run("accept", old, new) == 2
    assert run("accept", old, new, "--reason", " ") == 2
    assert not (old / ACCEPTED_FILE).exists()


def test_an_invalid_file_of_accepted_changes_is_reported(
    old: Path, new: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (old / ACCEPTED_FILE).write_text("accepted: []\n")
    assert run("compare", old, new) == 2
    assert f"{old / ACCEPTED_FILE}:1:11: accepted: is empty" in capsys.readouterr().err


def test_every_damaged_file_is_reported(
    old: Path, new: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoilt = [*old.glob("*.jsonl"), *new.glob("cases.jsonl")]
    for path in spoilt:
        path.write_bytes(path.read_bytes()[:-1])
    assert run("compare", old, new) == 2
    err = capsys.readouterr().err
    assert [path.name for path in spoilt if f"{path}: cut off" not in err] == []


def test_a_closed_output_is_not_an_internal_error(old: Path, new: Path) -> None:
    words = command("compare", old, new)
    done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *words], capture_output=True, check=False)
    assert done.returncode == 1
    assert b"Error" not in done.stderr
