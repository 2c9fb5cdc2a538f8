"""Scenarios as tests, as someone who knows pytest would use them."""

from __future__ import annotations

import sys
import tempfile
import textwrap
from pathlib import Path
from xml.etree import ElementTree

import pytest

from matrix.cli import main
from matrix.stacks.provision import Provisioner

pytest_plugins = ["pytester"]

TOPIC = """
id: small
title: Small
question: Where does the data go?
scenarios:
  - id: memory
    title: Memory
    question: Is it memory?
    target: "file:{name}?mode=memory"
    axes:
      uri: {default: "", "true": {connect: {uri: true}}}
  - id: shared
    title: Shared
    question: Is it shared?
    target: "file:{name}?mode=memory&cache=shared"
    connect: {uri: true}
"""
PROMISE = """
    expect:
      - every: {outcome: shared memory}
        reason: a shared cache is shared
        reference: https://www.sqlite.org/sharedcache.html
"""

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def project(
    pytester: pytest.Pytester, provisioner: Provisioner, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """A project with one topic of two scenarios."""
    monkeypatch.setenv("SQLITE_MATRIX_CACHE", str(provisioner.cache.resolve()))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    (pytester.path / "scenarios").mkdir()
    write(pytester, TOPIC)
    return pytester


def write(project: pytest.Pytester, text: str, name: str = "small.yaml") -> None:
    (project.path / "scenarios" / name).write_text(textwrap.dedent(text), "utf-8")


def run(project: pytest.Pytester, *arguments: str, on: str = "sqlite3") -> pytest.RunResult:
    stacks = [f"--sqlite-matrix-stacks={name}" for name in on.split()]
    words = ("-p", "no:cacheprovider", "-W", "error", "--sqlite-matrix")
    return project.runpytest_subprocess(*words, *stacks, *arguments)


def outcomes(result: pytest.RunResult) -> dict[str, int]:
    return {name: n for name, n in result.parseoutcomes().items() if name != "warnings"}


def test_nothing_is_collected_until_it_is_asked_for(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("scenarios")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "sqlite-matrix: " not in result.stdout.str()


def test_an_item_is_a_scenario_on_a_stack(project: pytest.Pytester) -> None:
    result = run(project, "-v", on="sqlite3 apsw[uri=on]")
    result.stdout.fnmatch_lines_random(
        [
            "sqlite-matrix: sqlite3, apsw[[]uri=on]",
            "scenarios/small.yaml::small/memory[[]sqlite3] PASSED*",
            "scenarios/small.yaml::small/memory[[]apsw[[]uri=on]] PASSED*",
            "scenarios/small.yaml::small/shared[[]sqlite3] PASSED*",
        ]
    )
    assert outcomes(result) == {"passed": 4}


def test_items_are_selected_as_everywhere(project: pytest.Pytester) -> None:
    assert outcomes(run(project, "-k", "memory and not apsw", on="sqlite3 apsw")) == {
        "passed": 1,
        "deselected": 3,
    }
    assert outcomes(run(project, "scenarios/small.yaml::small/shared[sqlite3]")) == {"passed": 1}


def test_an_expectation_that_is_unmet_fails_with_what_was_seen(project: pytest.Pytester) -> None:
    write(project, TOPIC + PROMISE)
    result = run(project, on="sqlite3[sqlite=3.53.4] apsw")
    assert outcomes(result) == {"passed": 3, "failed": 1}
    result.stdout.fnmatch_lines(
        [
            "*small/shared[[]apsw]*",
            "small/shared on apsw: does not hold: a shared cache is shared (https://*",
        ]
    )
    assert "Traceback" not in result.stdout.str()


def make_baseline(project: pytest.Pytester, pins: str) -> None:
    """A baseline of the topic, and then other pins."""
    base = project.path / "base"
    words = ["regress", "--update", "--stacks=apsw", "--baseline", str(base), "--measured=measured"]
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 0
    (base / "requirements.txt").write_text(pins)


def test_what_differs_from_the_baseline_fails_with_both_values_and_how_to_see_it(
    project: pytest.Pytester,
) -> None:
    make_baseline(project, "apsw==3.47.2.0\n")
    result = run(project, "--sqlite-matrix-baseline=base", on="apsw")
    assert outcomes(result) == {"passed": 1, "failed": 1}
    result.stdout.fnmatch_lines(
        [
            "small/shared on apsw: is shared differently",
            "  file:*mode=memory&cache=shared  uri=True",
            "  memory → shared memory",
            "  second_connection: does_not_see → sees",
            "  run again: sqlite-matrix run scenarios/small.yaml --stack apsw==3.47.2.0@* *",
        ]
    )


def test_a_case_that_the_baseline_lacks_is_no_failure(project: pytest.Pytester) -> None:
    make_baseline(project, "apsw==3.54.0.0\n")
    write(project, TOPIC.replace("id: shared", "id: other"))
    result = run(project, "-rP", "--sqlite-matrix-baseline=base", on="apsw")
    assert outcomes(result) == {"passed": 2}
    assert "have no counterpart in the baseline" in result.stdout.str()


def test_the_settings_of_the_project_count(project: pytest.Pytester) -> None:
    make_baseline(project, "apsw==3.47.2.0\n")
    (project.path / "pyproject.toml").write_text(
        '[tool.sqlite-matrix]\nstacks = "apsw"\nbaseline = "base"\n'
    )
    assert outcomes(run(project, on="")) == {"passed": 1, "failed": 1}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sqlite-matrix-baseline=gone"], "gone: there is no baseline*regress --update*"),
        (["--sqlite-matrix-stacks=mysql"], "*no driver called 'mysql'*"),
    ],
)
def test_invalid_options_are_a_usage_error(
    project: pytest.Pytester, arguments: list[str], words: str
) -> None:
    result = run(project, *arguments, on="")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {words}"])


@pytest.mark.parametrize("spoil", ["cut", "without cases"])
def test_a_damaged_baseline_is_a_usage_error(project: pytest.Pytester, spoil: str) -> None:
    make_baseline(project, "apsw==3.54.0.0\n")
    settings = '[tool.sqlite-matrix]\nstacks = "apsw"\nbaseline = "base"\n'
    (project.path / "pyproject.toml").write_text(settings)
    file = project.path / "base" / "apsw.jsonl"
    if spoil == "cut":
        file.write_bytes(file.read_bytes()[:-5])
    else:
        (project.path / "base" / "cases.jsonl").unlink()
    result = run(project, on="")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    words = "*base*apsw.jsonl: cut off*" if spoil == "cut" else "*base: there is no baseline*"
    result.stderr.fnmatch_lines([words])


def test_a_stack_that_the_baseline_lacks_is_a_usage_error(project: pytest.Pytester) -> None:
    make_baseline(project, "apsw==3.54.0.0\n")
    result = run(project, "--sqlite-matrix-baseline=base", on="sqlite3")
    result.stderr.fnmatch_lines(["ERROR: base has no stack sqlite3; it has apsw"])


def test_a_stack_of_a_set_may_be_missing_but_a_named_one_may_not(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SQLITE_MATRIX_CACHE", str(tmp_path / "empty"))
    skipped = run(project, "--sqlite-matrix-offline", "-rs", on="quick")
    assert outcomes(skipped) == {"passed": 2, "skipped": 6}
    skipped.stdout.fnmatch_lines(["SKIPPED*apsw: apsw==* is not in the cache*"])
    named = run(project, "--sqlite-matrix-offline", on="sqlite3 apsw")
    assert outcomes(named) == {"passed": 2, "errors": 2}
    assert "Traceback" not in named.stdout.str()


def test_an_invalid_file_is_a_collection_error_with_every_location(
    project: pytest.Pytester,
) -> None:
    write(project, "id: broken\nscenarios:\n  - id: a\n    titel: b\n", "broken.yaml")
    result = run(project)
    assert outcomes(result) == {"errors": 1}
    result.stdout.fnmatch_lines(["scenarios/broken.yaml:4:5: scenarios[[]0].titel: unknown key*"])
    assert "Traceback" not in result.stdout.str()


def test_other_yaml_files_are_left_alone_unless_they_are_named(project: pytest.Pytester) -> None:
    (project.path / "compose.yaml").write_text("services: {}\n")
    assert outcomes(run(project)) == {"passed": 2}
    assert outcomes(run(project, "compose.yaml")) == {"errors": 1}


def test_last_failed_runs_only_what_failed(project: pytest.Pytester) -> None:
    write(project, TOPIC + PROMISE)
    words = ("--sqlite-matrix", "--sqlite-matrix-stacks=apsw")
    assert outcomes(project.runpytest_subprocess(*words)) == {"passed": 1, "failed": 1}
    assert outcomes(project.runpytest_subprocess(*words, "--lf")) == {"failed": 1}


def test_junit_xml_names_scenario_and_stack(project: pytest.Pytester) -> None:
    run(project, "--junitxml=junit.xml")
    cases = ElementTree.parse(project.path / "junit.xml").findall(".//testcase")
    assert [case.get("name") for case in cases] == [
        "small/memory[sqlite3]",
        "small/shared[sqlite3]",
    ]


def opened(project: pytest.Pytester) -> int:
    """How often a case's own name was opened since the last question."""
    log = project.path / "log"
    text = log.read_text()
    log.unlink()
    return text.count("file:db")


@pytest.mark.skipif(sys.platform == "win32", reason="the log is written by a driver for POSIX")
def test_under_xdist_every_case_runs_once(project: pytest.Pytester) -> None:
    (project.path / "logging_driver.py").write_text(
        textwrap.dedent(
            f"""
            from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3

            class Driver(Sqlite3):
                def connect(self, target, options):
                    with open({str(project.path / "log")!r}, "a") as log:
                        print(target, file=log)
                    return super().connect(target, options)
            """
        )
    )
    driver, in_place = "./logging_driver.py", "--sqlite-matrix-in-place"
    (project.path / "log").touch()
    assert outcomes(run(project, in_place, on=driver)) == {"passed": 2}
    alone = opened(project)
    (project.path / "log").touch()
    assert outcomes(run(project, in_place, "-n", "2", on=driver)) == {"passed": 2}
    assert opened(project) == alone > 0


def test_nothing_is_left_behind(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = project.path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    run(project, "-n", "2", "-p", "no:tmpdir")
    left = [path.name for path in temporary.iterdir() if "sqlite-matrix" in path.name]
    assert left == []
