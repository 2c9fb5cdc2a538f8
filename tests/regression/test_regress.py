"""The baseline and its pins: changes since then, bumps, and errors."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from matrix.cli import main
from matrix.project.stacks import BASELINE_SET
from matrix.regression.bump import newer
from matrix.results.lock import locked
from matrix.results.store import load_results
from matrix.stacks.catalogue import Catalogue
from matrix.stacks.pins import Pin, chosen_specs, load_pins, pinned_stacks
from matrix.stacks.provision import Provisioner
from tests.paths import ROOT
from tests.processes import children_of, needs_proc
from tests.tool import environment, run_tool, start_tool

TOPIC = """
id: small
title: Small
question: Where does the data go?
scenarios:
  - id: memory
    title: Memory
    question: Is it memory?
    target: "file:{name}?mode=memory"
    connect: {uri: true}
  - id: shared
    title: Shared
    question: Is it shared?
    target: "file:{name}?mode=memory&cache=shared"
    connect: {uri: true}
"""
SETTINGS = """
[tool.sqlite-matrix]
stacks = ["apsw", "sqlite3[sqlite=3.53.4]"]
baseline = "base"
"""
OLD = "apsw==3.47.2.0\n"

Code = Callable[..., int]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provisioner: Provisioner) -> Path:
    """A project with one topic and two stacks, and no baseline yet."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "small.yaml").write_text(TOPIC)
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    monkeypatch.setenv("SQLITE_MATRIX_CACHE", str(provisioner.cache.resolve()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def code(project: Path) -> Code:
    def code(*words: str) -> int:
        with pytest.raises(SystemExit) as end:
            main([*words, "--no-explain"])
        assert isinstance(end.value.code, int)
        return end.value.code

    return code


@pytest.fixture
def pinned(project: Path, code: Code) -> Path:
    """The pins of the project, at an apsw that shares, with the baseline that goes with it."""
    pins = project / "base" / "requirements.txt"
    pins.parent.mkdir()
    pins.write_text(OLD)
    assert code("regress", "--update") == 0
    return pins


def content(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


def test_a_second_run_in_the_directory_for_new_results_is_refused(
    project: Path, code: Code, pinned: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with locked(Path("results/regress")):
        assert code("regress") == code("regress", "--update") == 2
    refusal = f"results/regress: process {os.getpid()}, since"
    assert capfd.readouterr().err.count(refusal) == 2


def test_without_a_baseline_the_hint_is_the_command_that_makes_one(
    code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    assert code("regress") == 2
    message = "base: there is no baseline; `sqlite-matrix regress --update` makes one"
    assert message in capfd.readouterr().err


def test_a_new_baseline_has_names_without_versions_and_the_newest_pins(
    project: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    assert code("regress", "--update") == 0
    names = sorted(path.name for path in (project / "base").iterdir())
    assert names == [
        "apsw.jsonl",
        "cases.jsonl",
        "requirements.txt",
        "sqlite3[sqlite=3.53.4].jsonl",
    ]
    assert "\napsw==3." in (project / "base" / "requirements.txt").read_text()
    assert {s.stack for s in load_results(project / "base").stacks} == {
        "apsw",
        "sqlite3[sqlite=3.53.4]",
    }
    assert capfd.readouterr().out.startswith("base: 2 stacks, ")


def test_a_stack_that_is_no_longer_named_is_removed_from_the_baseline(
    project: Path, pinned: Path, code: Code
) -> None:
    beside = project / "base" / "notes.jsonl"
    beside.write_text("{}\n")
    assert code("regress", "--update", "--stacks=apsw") == 0
    assert not (project / "base" / "sqlite3[sqlite=3.53.4].jsonl").exists()
    assert (project / "base" / "apsw.jsonl").exists()
    assert beside.exists()


def test_0_if_nothing_behaves_differently_and_the_bytes_are_the_same(
    project: Path, pinned: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    before = content(project / "base")
    assert code("regress") == 0
    assert "nothing changed in 4 cells on 2 stacks" in capfd.readouterr().out
    assert code("regress", "--update") == 0
    assert content(project / "base") == before


def test_1_if_something_behaves_differently_with_what_and_why(
    pinned: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    pinned.write_text("apsw==3.48.0.0\n")
    assert code("regress") == 1
    out, err = capfd.readouterr()
    assert "shared memory → memory" in out
    assert "driver_version 3.47.2.0 → 3.48.0.0" in out
    assert "regress --update" in err
    assert code("regress", "--select=small/memory") == 0
    assert code("regress", "--fail-on=stray") == 0


def test_a_project_sets_the_kinds_of_change_that_fail(
    project: Path, pinned: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    pinned.write_text("apsw==3.48.0.0\n")
    (project / "pyproject.toml").write_text(SETTINGS + 'fail-on = ["stray", "crashed"]\n')
    assert code("regress") == 0
    (project / "pyproject.toml").write_text(SETTINGS + 'fail-on = "strays"\n')
    assert code("regress") == 2
    message = "pyproject.toml:5:1: tool.sqlite-matrix.fail-on: no kind of change called 'strays'"
    assert message in capfd.readouterr().err


def test_4_if_a_pinned_stack_is_unavailable(
    pinned: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    pinned.write_text("apsw==3.1.0\n")
    assert code("regress", "--offline") == 4
    out, err = capfd.readouterr()
    assert err.splitlines()[-1] == "1 stack unavailable"
    assert "apsw==3.1.0 for Python" in err
    assert "stack no longer available: apsw" in out


def test_a_baseline_is_never_written_in_part(
    project: Path, pinned: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    pinned.write_text("apsw==3.1.0\n")
    before = content(project / "base")
    assert code("regress", "--update", "--offline") == 4
    assert "base: not written, 1 stack unavailable" in capfd.readouterr().err
    assert content(project / "base") == before


def test_a_name_without_a_pin_says_which_line_to_add(
    pinned: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    pinned.write_text("# nothing\n")
    assert code("regress") == 2
    assert "no pin for apsw, which apsw needs; add the line apsw==" in capfd.readouterr().err


def test_a_new_scenario_does_not_fail_but_a_removed_one_does(
    project: Path, pinned: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    topic = project / "scenarios" / "small.yaml"
    topic.write_text(TOPIC + TOPIC[TOPIC.index("  - id: memory") :].replace("id: ", "id: more-"))
    assert code("regress") == 0
    assert "cell added" in capfd.readouterr().out
    topic.write_text(TOPIC[: TOPIC.index("  - id: shared")])
    assert code("regress") == 1
    assert "cell removed" in capfd.readouterr().out


@pytest.mark.parametrize("spoil", ["cut", "edited"])
def test_a_damaged_baseline_is_refused(
    project: Path, pinned: Path, code: Code, spoil: str, capfd: pytest.CaptureFixture[str]
) -> None:
    file = project / "base" / "apsw.jsonl"
    data = file.read_bytes()
    file.write_bytes(data[:-40] if spoil == "cut" else data.replace(b'"sees"', b'"seen"', 1))
    assert code("regress") == 2
    assert "base/apsw.jsonl" in capfd.readouterr().err


def test_measuring_into_the_baseline_is_refused(
    pinned: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    assert code("regress", "--measured=base") == 2
    assert code("regress", "--update", "--select=small") == 2


def test_other_files_are_not_removed(
    project: Path, pinned: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    mine = project / "data.jsonl"
    mine.write_text('{"my": "data"}\n')
    for verb in (["regress", "--measured=."], ["run", "--stack=apsw", "-o", "."]):
        end = code(*verb) if verb[0] == "regress" else run_tool(*verb, cwd=project).returncode
        assert end == 2
        assert mine.read_text() == '{"my": "data"}\n'
    assert "data.jsonl: is no result file" in capfd.readouterr().err
    mine.unlink()
    (project / ".gitignore").write_text("secret\n")
    assert code("regress", "--measured=.") == 0
    assert (project / ".gitignore").read_text() == "secret\n"


def test_a_created_measured_directory_is_ignored_by_git(
    project: Path, pinned: Path, code: Code
) -> None:
    assert (project / "results" / "regress" / ".gitignore").read_text() == "*\n"
    (project / "mine").mkdir()
    assert code("regress", "--measured=mine") == 0
    assert not (project / "mine" / ".gitignore").exists()


def test_all_damage_to_a_baseline_is_reported_before_anything_runs(
    project: Path, pinned: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    for file in (project / "base").glob("*.jsonl"):
        file.write_bytes(file.read_bytes()[:-5])
    capfd.readouterr()
    assert code("regress") == 2
    err = capfd.readouterr().err
    assert err.count("cut off") == 3
    assert "cells" not in err


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user who is not root")
def test_an_unwritable_directory_is_reported(
    project: Path, pinned: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    (project / "base").chmod(0o500)
    assert code("regress", "--update") == 3
    assert "base" in capfd.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
@needs_proc
def test_ctrl_c_leaves_the_baseline_as_it_was(project: Path, pinned: Path) -> None:
    driver = project / "slow.py"
    driver.write_text(
        "import time\n"
        "from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3\n"
        "class Driver(Sqlite3):\n"
        "    def connect(self, target, options):\n"
        "        time.sleep(60)\n"
    )
    before = content(project / "base")
    process = start_tool("regress", "--update", "--stacks=./slow.py", cwd=project)
    while not children_of(process.pid):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "interrupted" in err
    assert content(project / "base") == before


def test_the_committed_baseline_is_complete_and_pinned(catalogue: Catalogue) -> None:
    directory = ROOT / "results" / "baseline"
    specs = chosen_specs([BASELINE_SET], catalogue)
    stacks = pinned_stacks(specs, load_pins(directory / "requirements.txt"), catalogue)
    results = load_results(directory)
    assert {each.stack for each in results.stacks} == {each.id for each in stacks}
    for stack in stacks:
        (shown,) = (each for each in results.stacks if each.stack == stack.id)
        meant = {case.id for case in results.cases.values() if stack.runs_case(case)}
        assert shown.observations.keys() == meant, stack.id


# Bumps


def test_a_bump_says_which_strings_behave_differently_and_changes_nothing(
    project: Path, pinned: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    before = content(project / "base")
    assert code("bump", "apsw==3.48.0.0") == 1
    out, _ = capfd.readouterr()
    assert out.startswith(
        "apsw 3.47.2.0 → 3.48.0.0: 1 string behaves differently (2 cases on 1 stack)\n"
        "- shared memory → memory; 1 string: `file:{name}?mode=memory&cache=shared`; "
    )
    assert content(project / "base") == before


def test_a_bump_that_changes_nothing_says_how_much_was_compared(
    pinned: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    assert code("bump", "apsw==3.47.1.0") == 0
    summary = "no connection string behaves differently (2 cases on 1 stack)"
    assert capfd.readouterr().out == f"apsw 3.47.2.0 → 3.47.1.0: {summary}\n"


def test_with_write_the_pin_and_the_baseline_change_together(
    project: Path, pinned: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    before = content(project / "base")
    pinned.write_text("# why\n" + OLD)
    assert code("bump", "apsw==3.48.0.0", "--write") == 1
    assert pinned.read_text() == "# why\napsw==3.48.0.0\n"
    after = content(project / "base")
    assert {name for name in after if after[name] != before[name]} == {
        "apsw.jsonl",
        "requirements.txt",
    }
    capfd.readouterr()
    assert code("regress") == 0
    old, new = (x["apsw.jsonl"].splitlines() for x in (before, after))
    same = [a for a, b in zip(old, new, strict=True) if a == b]
    assert len(same) == 1  # of two cells; the fingerprint, the other cell and the digest differ


def test_several_bumps_are_reported_one_by_one(
    pinned: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    assert code("bump", "apsw==3.48.0.0", "apsw==3.49.1.0", "--format=json") == 1
    bumps = json.loads(capfd.readouterr().out)["bumps"]
    assert [(each["old"], each["new"]) for each in bumps] == [
        ("3.47.2.0", "3.48.0.0"),
        ("3.48.0.0", "3.49.1.0"),
    ]
    assert [len(each["strings"]) for each in bumps] == [1, 0]


@pytest.mark.parametrize(
    ("words", "ends", "complaint"),
    [
        (["apws==1"], 2, "has no pin for apws; did you mean 'apsw'?"),
        (["apsw"], 2, "apsw: no version to bump to; as in apsw==3.54.1.0"),
        (["apsw>=3"], 2, "no version to bump to"),
        (["apsw=3"], 2, "not a requirement: 'apsw=3'"),
        ([], 2, "name versions to bump to, or use --latest"),
        (["--latest", "apsw==1"], 2, "name versions to bump to, or use --latest"),
        (["--latest", "--offline"], 2, "--latest needs the index"),
        (["apsw==3.1.0", "--offline"], 4, "apsw 3.47.2.0 → 3.1.0: not available: apsw==3.1.0 for"),
        (["apsw==3.47.2.0"], 0, "apsw==3.47.2.0 is already pinned"),
        (["apsw==3.47.2.0", "--fail-on="], 2, "no kind of change called ''"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_impossible_bump_is_reported(
    pinned: Path,
    code: Code,
    capfd: pytest.CaptureFixture[str],
    *,
    words: list[str],
    ends: int,
    complaint: str,
) -> None:
    capfd.readouterr()
    assert code("bump", *words) == ends
    out, err = capfd.readouterr()
    assert out == ("nothing to bump\n" if ends == 0 else "")
    assert complaint in err
    assert "Traceback" not in err


def test_a_version_that_does_not_exist_is_reported_with_the_newest_ones(
    pinned: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    assert code("bump", "apsw==3.47.3") == 4
    assert "the index has no apsw 3.47.3; the newest are 3." in capfd.readouterr().err


def test_a_version_without_a_wheel_is_reported_with_the_installers_message(
    pinned: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    assert code("bump", "apsw==3.38.5.post1") == 4
    assert "wheel" in capfd.readouterr().err


def test_write_requires_a_baseline_of_the_same_scenarios(
    project: Path, pinned: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    (project / "scenarios" / "small.yaml").write_text(TOPIC.replace("mode=memory", "mode=rwc"))
    assert code("bump", "apsw==3.48.0.0", "--write") == 2
    assert "the scenarios have changed since it was written" in capfd.readouterr().err
    assert pinned.read_text() == OLD


def test_the_newest_on_the_index_is_found(
    project: Path, pinned: Path, code: Code, capfd: pytest.CaptureFixture[str]
) -> None:
    assert code("bump", "--latest", "--write", "--fail-on=none") == 0
    out, err = capfd.readouterr()
    assert out.startswith("apsw 3.47.2.0 → 3.")
    assert "written: base/requirements.txt" in err.replace(os.sep, "/")
    assert code("bump", "--latest") == 0
    assert capfd.readouterr().out == "every pin is up to date\n"


def test_versions_are_compared_as_versions() -> None:
    pin = Pin(distribution="apsw", version="3.9.2.post1", marker=None, line=1)
    versions = ["3.9.9", "3.54.1.0", "3.9.2.post1", "3.10.0", "3.8.1", "a-word"]
    assert newer(pin, versions) == ["3.54.1.0", "3.10.0", "3.9.9"]


def test_the_commands_say_what_they_do(project: Path) -> None:
    for verb in ("regress", "bump"):
        done = run_tool(verb, "--help", cwd=project, env=environment())
        assert (done.returncode, done.stderr) == (0, "")
        assert f"Example: sqlite-matrix {verb}" in done.stdout
