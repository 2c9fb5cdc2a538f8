"""The command line: what each verb prints and where, and its exit code."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from matrix.cli import _exit_code, cli
from matrix.reports import RENDERERS
from matrix.schemas import SCHEMAS
from matrix.version import __version__
from tests.paths import FAKES
from tests.processes import needs_proc, workers_of
from tests.tool import (
    command,
    contents,
    environment,
    run_tool,
    start_tool,
    wait_for,
    write_gate,
    write_small,
)

MEMORY = "file:x?mode=memory"
CLAIMS = """
id: claims
title: A document
claims:
  - id: A
    says: A file is a file.
    reading: Plainly.
    proof:
      - cases: small/file*
        every: {storage: file}
"""

needs_posix = pytest.mark.skipif(os.name != "posix", reason="needs signals and terminals of POSIX")


@pytest.fixture
def cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory with one small topic, and no terminal settings."""
    write_small(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return tmp_path


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """The group itself, and every verb below it."""
    context = click.Context(group)
    yield path, group
    for name in group.list_commands(context):
        verb = group.get_command(context, name)
        assert verb is not None
        if isinstance(verb, click.Group):
            yield from commands(verb, *path, name)
        else:
            yield (*path, name), verb


VERBS = {path: verb for path, verb in commands(cli) if path}


def code(*arguments: str | Path) -> int:
    """The exit code of the command, run in this process."""
    return _exit_code([str(argument) for argument in arguments])


# Help


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_explains_itself_with_an_example(
    capfd: pytest.CaptureFixture[str], verb: tuple[str, ...]
) -> None:
    assert code(*verb, "--help") == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert "Usage: sqlite-matrix" in out
    assert f"Example: sqlite-matrix {' '.join(verb)}".rstrip() in out


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_option_is_explained(verb: tuple[str, ...]) -> None:
    unexplained = [
        option.name
        for option in VERBS[verb].params
        if isinstance(option, click.Option) and not option.help and option.name != "format_"
    ]
    assert unexplained == []


def test_the_command_itself_lists_its_verbs_with_what_they_do(cwd: Path) -> None:
    done = run_tool("--help", cwd=cwd)
    assert (done.returncode, done.stderr) == (0, "")
    for path in VERBS:
        assert f"  {path[0]} " in done.stdout
    assert "Example: sqlite-matrix" in done.stdout


def test_the_version_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    assert code("--version") == 0
    assert capfd.readouterr().out == f"sqlite-matrix, version {__version__}\n"


def test_python_m_matrix_is_the_same_command(cwd: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "matrix", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"sqlite-matrix, version {__version__}\n"


# Exit codes


def test_0_as_expected(cwd: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert code("check", MEMORY, "--uri", "--intent=private-memory", "--stack=sqlite3") == 0
    assert "memory" in capfd.readouterr().out


def test_1_not_as_intended(cwd: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert code("check", "x.db", "--intent=private-memory", "--stack=sqlite3") == 1
    assert "✗" in capfd.readouterr().out


def test_3_an_internal_error(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> str:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("matrix.cli.schema.render_schema", fail)
    assert code("schema", "case") == 3
    assert capfd.readouterr().err == "sqlite-matrix: internal error: ZeroDivisionError: by zero\n"


def test_4_a_named_stack_is_unavailable(cwd: Path, capfd: pytest.CaptureFixture[str]) -> None:
    missing = ("--stack=apsw==3.1.0", "--offline", "--cache=nothing")
    assert code("check", MEMORY, *missing) == 4
    assert "apsw==3.1.0 for Python" in capfd.readouterr().err
    assert code("check", MEMORY, *missing, "--stack=sqlite3") == 4
    assert "1 stack unavailable" in capfd.readouterr().err
    assert code("run", *missing, "--stack=sqlite3") == 4
    out, err = capfd.readouterr()
    assert "1 stack unavailable" in out
    assert "unavailable: apsw==3.1.0" in err


def test_4_a_stack_of_a_set_is_unavailable(cwd: Path, capfd: pytest.CaptureFixture[str]) -> None:
    empty = ("--stacks=quick", "--offline", "--cache=nothing")
    (cwd / "claims.yaml").write_text(CLAIMS, "utf-8")
    assert code("claims", "--run", "--claims=claims.yaml", *empty) == 4
    assert (
        code("claims", "--run", "--claims=claims.yaml", *empty, "--allow-missing") == 1
    )  # unsettled
    for verb in (("run", "-o", "out"), ("check", MEMORY)):
        assert code(*verb, *empty) == 4
        last = capfd.readouterr().err.splitlines()[-1]
        assert re.fullmatch(r"\d stacks unavailable", last)
        assert code(*verb, *empty, "--allow-missing") == 0
    assert code("run", *empty, "-o", "out", "--allow-missing") == 0
    last = capfd.readouterr().err.splitlines()[-1]
    assert re.fullmatch(r"\d stacks unavailable, which --allow-missing accepts", last)


def test_4_nothing_could_run(cwd: Path, capfd: pytest.CaptureFixture[str]) -> None:
    unavailable = f"--stack={FAKES / 'unavailable.py'}"
    assert code("run", unavailable) == 4
    assert "it is made on Tuesdays only" in capfd.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--select=nothing", "--stack=sqlite3"),
        ("list", "cases", "--select=nothing/at-all"),
        ("list", "scenarios", "--select=nothing"),
        ("check", "--batch=empty.jsonl"),
    ],
    ids=" ".join,
)
def test_5_nothing_selected(
    cwd: Path, capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    (cwd / "empty.jsonl").write_text("\n\n")
    assert code(*arguments) == 5
    assert capfd.readouterr().err.startswith("sqlite-matrix: ")


BAD = [
    ("nope",),
    ("run", "--nope"),
    ("run", "no/such/file.yaml"),
    ("run", "broken.yaml"),
    ("run", "binary.yaml"),
    ("run", "empty.yaml"),
    ("run", "--stack=mysql"),
    ("run", "--stack=sqlite3["),
    ("run", "--stack=./gone.py"),
    ("run", "--stacks=nope"),
    ("run", "-j0"),
    ("run", "--timeout=0"),
    ("run", "--scratch=gone"),
    ("run", "--format=nope"),
    ("check",),
    ("check", "x", "--batch=empty.yaml"),
    ("check", "--batch=gone.jsonl"),
    ("check", "--batch=broken.jsonl"),
    ("check", "--batch=binary.yaml"),
    ("check", "x", "--intent=nope"),
    ("check", "x", "--type=nope"),
    ("check", "x", "--stack=sqlite3==3"),
    ("list",),
    ("list", "nope"),
    ("list", "cases", "broken.yaml"),
    ("list", "stacks", "--stack=apsw==x"),
    ("report",),
    ("report", "nope"),
    ("report", "json", "gone"),
    ("report", "json", "results"),
    ("report", "json", "torn"),
    ("history", "x", "gone"),
    ("doctor", "--stack=nope"),
    ("schema",),
    ("schema", "nope"),
]


@pytest.mark.parametrize("arguments", BAD, ids=" ".join)
def test_2_bad_input_is_reported(
    cwd: Path, capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    (cwd / "broken.yaml").write_text("id: broken\nscenarios: [{id: 3.4\n")
    (cwd / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    (cwd / "empty.yaml").touch()
    (cwd / "broken.jsonl").write_text('{"target": 1}\n{"nope": 1}\n[]\n{"target"\n')
    (cwd / "results").mkdir()
    (cwd / "torn").mkdir()
    (cwd / "torn" / "cases.jsonl").write_text('{"kind":"cases","schema":1,"scenarios":[]}\n')
    ended = code(*arguments)
    out, err = capfd.readouterr()
    assert "Traceback" not in err
    if arguments == (
        "list",
    ):  # click prints the help and exits with 0 or 2, depending on its version
        assert "Usage: sqlite-matrix list" in out + err
    else:
        assert (ended, out) == (2, "")
        assert err.strip()


def test_every_problem_of_a_batch_is_reported_with_its_line(
    cwd: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (cwd / "cases.jsonl").write_text('{"target": 1}\n{"target": "x"}\n{"target"\n[]\n')
    assert code("check", "--batch=cases.jsonl") == 2
    lines = capfd.readouterr().err.splitlines()
    assert [line.split(":")[1] for line in lines] == ["1", "3", "4"]


# Check


def test_a_batch_is_answered_in_its_order_stack_by_stack(
    cwd: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cases = [
        {"id": "z", "target": ":memory:"},
        {"id": "a", "target": "sqlite://", "via": "sqlalchemy"},
        {"target": "db\udcff"},
        {"id": "b", "target": "x.db", "write": False},
    ]
    (cwd / "cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))
    stacks = ("--stack=sqlite3", "--stack=apsw")
    assert code("check", "--batch=cases.jsonl", "--format=jsonl", *stacks) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line["case"] for line in lines] == ["z", "a", "batch/3", "b"] * 2
    assert [line["stack"].partition("@")[0].partition("[")[0][:4] for line in lines] == [
        *["sqli"] * 4,
        *["apsw"] * 4,
    ]
    assert lines[2]["opened"] == "db\udcff"


def test_an_unavailable_stack_answers_for_every_case(
    cwd: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (cwd / "cases.jsonl").write_text('{"target": "x"}\n{"target": "y"}\n')
    stacks = ("--stack=apsw==3.1.0", "--stack=sqlite3", "--offline", "--cache=nothing")
    assert code("check", "--batch=cases.jsonl", "--format=jsonl", *stacks) == 4
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    results = ["unavailable", "unavailable", "opened", "opened"]
    assert [line["result"] for line in lines] == results
    assert "is not in the cache" in lines[0]["error"]["message"]


def test_a_file_uri_is_tried_with_and_without_the_uri_option(
    cwd: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert code("check", MEMORY, "--format=jsonl", "--stack=sqlite3[uri=off]") == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [(line["case"], line["storage"]) for line in lines] == [
        ("check[uri=off]", "file"),
        ("check[uri=on]", "memory"),
    ]


def test_an_sqlalchemy_url_goes_through_sqlalchemy(
    cwd: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ("sqlite:///x.db", "--sql=CREATE TABLE t(x)", "--format=jsonl", "--stack=sqlite3")
    assert code("check", *arguments) == 0
    (line,) = map(json.loads, capfd.readouterr().out.splitlines())
    assert "[sqlalchemy=" in line["stack"]
    assert line["pool"] == "QueuePool"


def test_a_target_may_be_bytes_or_a_path(cwd: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for kind in ("bytes", "path"):
        assert code("check", "x.db", f"--type={kind}", "--format=jsonl", "--stack=sqlite3") == 0
        assert json.loads(capfd.readouterr().out)["created"][0]["path"] == "x.db"


@pytest.mark.parametrize("format_", sorted(RENDERERS))
def test_check_knows_every_format(
    cwd: Path, capfd: pytest.CaptureFixture[str], format_: str
) -> None:
    output = cwd / "out" / "answer"
    assert code("check", ":memory:", f"--format={format_}", "--stack=sqlite3") == 0
    printed = capfd.readouterr().out
    assert code("check", ":memory:", f"--format={format_}", "--stack=sqlite3", "-o", output) == 0
    assert capfd.readouterr().out == ""
    if format_ != "table":  # a terminal's table is as wide as the terminal
        assert output.read_text("utf-8") == printed
    else:
        assert output.read_text("utf-8")


# Run, report


def test_a_run_stores_its_results_and_prints_where(cwd: Path) -> None:
    done = run_tool("run", "--stack=sqlite3", "-j1", cwd=cwd)
    assert done.returncode == 0, done.stderr
    assert "8 cells on 1 stack" in done.stdout
    assert "Results: results/latest/, page: results/report/index.html" in done.stdout
    assert "8/8 cells" in done.stderr
    stored = contents(cwd / "results")
    assert [name for name in stored if name.startswith("latest/cases")] == ["latest/cases.jsonl"]
    assert len([name for name in stored if name.startswith("latest/sqlite3@")]) == 1
    assert stored["report/index.html"].startswith(b"<!DOCTYPE html>")
    assert "latest/measured.json" in stored
    assert len(stored) == 4


def test_a_report_renders_the_stored_results(cwd: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ("scenarios/small.yaml", "--select=small/file", "--stack=sqlite3", "-o", "out")
    assert code("run", *arguments, "--format=json") == 0
    printed = capfd.readouterr().out
    for format_ in sorted(RENDERERS):
        assert code("report", format_, "out") == 0
        text = capfd.readouterr().out
        assert text
        if format_ == "json":
            assert text == printed
            json.loads(text)
        elif format_ == "csv":
            assert len(list(csv.reader(io.StringIO(text)))) == 7
    assert code("report", "jsonl", "out", "--select=*number=3*", "-o", "out.jsonl") == 0
    assert len((cwd / "out.jsonl").read_text().splitlines()) == 1


def test_a_run_without_scenarios_here_says_what_to_name(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert code("run", "--stack=sqlite3") == 2
    assert "there is no directory scenarios/ here; name scenario files" in capfd.readouterr().err


# List, schema


@pytest.mark.parametrize("what", ["scenarios", "cases", "stacks"])
def test_lists_have_a_table_and_a_json_format(
    cwd: Path, capfd: pytest.CaptureFixture[str], what: str
) -> None:
    arguments = ["--stack=sqlite3"] if what == "stacks" else []
    assert code("list", what, *arguments) == 0
    for_people = capfd.readouterr().out.splitlines()
    assert code("list", what, "--format=json", *arguments, "-o", "out.json") == 0
    for_programs = json.loads((cwd / "out.json").read_text())
    header = 1 if what == "stacks" else 0
    assert len(for_people) - header == len(for_programs) == {
        "scenarios": 2, "cases": 8, "stacks": 1}[what]  # fmt: skip


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_schema_is_printed(capfd: pytest.CaptureFixture[str], name: str) -> None:
    assert code("schema", name) == 0
    assert json.loads(capfd.readouterr().out)["$schema"]


def test_schema_requires_a_name(capfd: pytest.CaptureFixture[str]) -> None:
    assert code("schema") == 2
    assert "name a schema, or use --write; accepted, case" in capfd.readouterr().err


# Terminals, pipes, signals


@pytest.mark.parametrize(
    "arguments", [("run", "--stack=sqlite3"), ("check", "x.db", "--stack=sqlite3")], ids=" ".join
)
def test_output_that_is_not_a_terminal_has_no_escape_codes(
    cwd: Path, arguments: tuple[str, ...]
) -> None:
    done = run_tool(*arguments, cwd=cwd, env=environment(TERM="xterm-256color"))
    assert "\x1b" not in done.stdout + done.stderr


@needs_posix
@pytest.mark.parametrize(("changes", "colored"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_no_color_is_honoured_on_a_terminal(
    cwd: Path, changes: dict[str, str], colored: bool
) -> None:
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command("check", "x.db", "--intent=private-memory", "--stack=sqlite3"),
        cwd=cwd,
        env=environment(TERM="xterm-256color", **changes),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    output = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        output += piece
    os.close(ours)
    assert process.wait() == 1
    assert "✗".encode() in output
    assert (b"\x1b[" in output) is colored


def test_an_encoding_without_the_symbols_is_no_problem(cwd: Path) -> None:
    done = run_tool(
        "check", "x.db", "--intent=private-memory", "--stack=sqlite3",
        cwd=cwd, env=environment(PYTHONIOENCODING="ascii"),
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout.isascii()


@needs_posix
@needs_proc
def test_130_ctrl_c_keeps_the_finished_cells_and_leaves_nothing_else(cwd: Path) -> None:
    scratch = cwd / "scratch"
    scratch.mkdir()
    driver, gate, waiting = write_gate(cwd)
    arguments = ("run", f"--stack={driver}", "--in-place", "-j2", "--scratch", scratch, "-o", "out")
    process = start_tool(*arguments, cwd=cwd)
    wait_for(waiting, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert "continue with the same command and --resume" in err
    assert "Traceback" not in err
    assert workers_of(scratch) == []
    assert list(scratch.iterdir()) == []
    gate.touch()
    assert run_tool(*arguments, "--resume", cwd=cwd).returncode == 0
