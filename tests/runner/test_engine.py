"""A run loses no cell: a case that kills its worker is named, and the run continues."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from matrix.errors import UsageError
from matrix.model import Case, Result, Storage, TargetType
from matrix.runner.collect import collect
from matrix.runner.engine import Run
from matrix.runner.events import (
    CellLost,
    CellsDone,
    Event,
    LinesDropped,
    StackDone,
    StackReady,
    StackUnavailable,
)
from matrix.runner.options import RunOptions
from matrix.stacks.provision import Provided, Unprovided
from tests.builders import make_case
from tests.conftest import ObserveOn, Provide, RunOn
from tests.paths import FAKES
from tests.processes import needs_proc, workers_of

ENDS = {
    "exit.db": (Result.CRASHED, "exited with code 7"),
    "segv.db": (Result.CRASHED, "SIGSEGV"),
    "hang.db": (Result.TIMED_OUT, "no answer within 1.5 s"),
}


def many_cases(*targets: str) -> list[Case]:
    return [make_case(f"run/{number:03}", target=target) for number, target in enumerate(targets)]


def events_of(
    tmp_path: Path,
    work: Sequence[tuple[Provided | Unprovided, Sequence[Case]]],
    jobs: int = 1,
    *,
    in_place: bool = False,
) -> Iterator[Event]:
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    options = RunOptions(jobs=jobs, timeout=1.5, scratch=scratch, in_place=in_place)
    return Run(work, parts=tmp_path / "parts", options=options).events()


@needs_proc
def test_every_crash_is_named_and_every_other_cell_is_complete(
    tmp_path: Path, provide: Provide
) -> None:
    targets = ["a.db", *(target for end in ENDS for target in (end, f"after-{end[0]}.db"))]
    cases = many_cases(*targets)
    seen = list(events_of(tmp_path, [(provide("ends"), cases)]))
    (stack,) = collect(seen)
    assert len(stack.observations) == len(cases)
    for case in cases:
        observation = stack.observations[case.id]
        if case.target not in ENDS:
            assert observation.result is Result.OPENED
            continue
        result, how = ENDS[case.target]
        assert observation.error is not None
        assert (observation.result, observation.error.phase) == (result, "process")
        assert (observation.error.type, observation.error.message) == (result.value, how)
    lost = {event.case: event.how for event in seen if isinstance(event, CellLost)}
    assert lost == {case.id: ENDS[case.target][1] for case in cases if case.target in ENDS}
    assert sum(event.count for event in seen if isinstance(event, CellsDone)) == len(cases)
    assert list((tmp_path / "scratch").iterdir()) == []
    assert workers_of(tmp_path / "scratch") == []


def test_a_worker_that_dies_once_by_accident_costs_no_cell(
    tmp_path: Path, provide: Provide
) -> None:
    marker = tmp_path / "died"
    driver = tmp_path / "once.py"
    driver.write_text(
        "import os\n"
        "from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3\n"
        "class Driver(Sqlite3):\n"
        "    def connect(self, target, options):\n"
        f"        if 'once' in target and not os.path.exists({str(marker)!r}):\n"
        f"            open({str(marker)!r}, 'x').close()\n"
        "            os._exit(1)\n"
        "        return super().connect(target, options)\n"
    )
    cases = many_cases("a.db", "once.db", "b.db")
    seen = list(events_of(tmp_path, [(provide(str(driver)), cases)], in_place=True))
    (stack,) = collect(seen)
    assert {case: seen.result for case, seen in stack.observations.items()} == {
        case.id: Result.OPENED for case in cases
    }
    assert not [event for event in seen if isinstance(event, CellLost)]


FORGES = """
import fcntl, os, subprocess
from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3

class Driver(Sqlite3):
    def connect(self, target, options):
        for name in os.listdir("/proc/self/fd") if "forged" in target else ():
            path = "/proc/self/fd/" + name
            if not os.path.lexists(path) or not os.readlink(path).startswith("pipe:"):
                continue
            if fcntl.fcntl(int(name), fcntl.F_GETFL) & os.O_ACCMODE == {way}:
                forge = ["sh", "-c", 'echo "$0" >"$1"', {line!r}, path]
                subprocess.run(forge, pass_fds=[int(name)])
        return super().connect(target, options)
"""
"""A driver that starts a program, which inherits a pipe of its worker, and writes to it."""
FORGED = {**make_case("run/100", target=":memory:").to_json(), "asked": []}


@needs_proc
@pytest.mark.parametrize(
    ("way", "line"),
    [
        ("os.O_WRONLY", '{"case":"run/001","stack":"mine","warnings":[]}'),
        ("os.O_RDONLY", "x " + json.dumps({"kind": "cases", "cases": [FORGED]})),
    ],
)
def test_what_a_program_of_a_case_writes_to_a_pipe_is_neither_answer_nor_order(
    tmp_path: Path, provide: Provide, way: str, line: str
) -> None:
    driver = tmp_path / "forges.py"
    driver.write_text(FORGES.format(way=way, line=line))
    cases = many_cases("a.db", *("b.db" for _ in range(120)), "c.db")
    cases[1] = replace(cases[1], target="forged.db")
    (stack,) = collect(events_of(tmp_path, [(provide(str(driver)), cases)]))
    kinds = {case.id: stack.observations[case.id].result for case in cases}
    assert kinds.pop("run/001") is (Result.CRASHED if "WRONLY" in way else Result.OPENED)
    assert set(kinds.values()) == {Result.OPENED}
    storages = {seen.storage for seen in stack.observations.values() if seen.case != "run/001"}
    assert storages == {Storage.FILE}


def test_an_answer_for_another_case_is_not_kept(tmp_path: Path, provide: Provide) -> None:
    driver = tmp_path / "skips.py"
    driver.write_text(
        "from sqlite_matrix_probe import case\n"
        "from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3\n"
        "perform = case.CaseRun.perform\n"
        "def renamed(self, case, places):\n"
        "    other = 'run/002' if 'renamed' in case['target'] else case['id']\n"
        "    return perform(self, {**case, 'id': other}, places)\n"
        "case.CaseRun.perform = renamed\n"
        "class Driver(Sqlite3):\n"
        "    pass\n"
    )
    cases = many_cases("a.db", "renamed.db", "b.db")
    (stack,) = collect(events_of(tmp_path, [(provide(str(driver)), cases)]))
    error = stack.observations["run/001"].error
    assert error is not None
    assert error.message == "answered for a case that was not its turn"
    kinds = [stack.observations[case.id].result for case in cases]
    assert kinds == [Result.OPENED, Result.CRASHED, Result.OPENED]


def test_many_workers_share_the_cells_of_a_stack(tmp_path: Path, provide: Provide) -> None:
    cases = [make_case(f"run/{n:03}", target=":memory:", write=False) for n in range(250)]
    seen = list(events_of(tmp_path, [(provide("sqlite3"), cases)], jobs=3))
    (done,) = [event for event in seen if isinstance(event, StackDone)]
    assert len(list(done.lines)) == len(cases)
    assert set(collect(seen)[0].observations) == {case.id for case in cases}
    assert sum(isinstance(event, StackReady) for event in seen) == 1


def test_a_stack_without_cells_is_started_for_its_fingerprint(run_on: RunOn) -> None:
    stack = run_on("sqlite3")
    assert stack.fingerprint is not None
    assert stack.observations == {}


def test_part_files_of_an_earlier_run_are_continued(tmp_path: Path, provide: Provide) -> None:
    cases = many_cases("a.db", "b.db", "c.db")
    work = [(provide("sqlite3"), cases)]
    first = collect(events_of(tmp_path, [(provide("sqlite3"), cases[:2])]))
    (part,) = (tmp_path / "parts").glob("*/*.jsonl")
    with part.open("ab") as file:
        file.write(b'01234567 {"case":"run/002","cre')  # what a killed run left
    seen = list(events_of(tmp_path, work))
    assert seen[0] == LinesDropped(count=1)
    assert [event.count for event in seen if isinstance(event, CellsDone)] == [2, 1]
    (stack,) = collect(seen)
    assert set(stack.observations) == {case.id for case in cases}
    assert stack.observations["run/000"] == first[0].observations["run/000"]


@pytest.mark.parametrize("python", ["/bin/true", "/no/such/python"])
def test_an_interpreter_that_does_not_start_makes_the_stack_unavailable(
    tmp_path: Path, provide: Provide, python: str
) -> None:
    provided = provide("sqlite3")
    broken = replace(
        provided, python=Path(python), stack=replace(provided.stack, driver=str(FAKES / "ends.py"))
    )
    stacks = collect(events_of(tmp_path, [(broken, many_cases("a.db")), (provided, [])]))
    assert [stack.unavailable is None for stack in stacks] == [True, False]
    assert stacks[1].unavailable


def test_the_last_message_of_an_interpreter_is_the_reason(tmp_path: Path, provide: Provide) -> None:
    wrapper = tmp_path / "python"
    wrapper.write_text("#!/bin/sh\necho out of order >&2\nexit 3\n")
    wrapper.chmod(0o755)
    provided = replace(provide("sqlite3"), python=wrapper)
    (stack,) = collect(events_of(tmp_path, [(provided, many_cases("a.db"))]))
    assert stack.unavailable == "exited with code 3: out of order"


def test_a_stack_that_was_not_provided_is_shown_with_its_reason(
    tmp_path: Path, provide: Provide
) -> None:
    missing = Unprovided(stack=provide("sqlite3").stack, reason="sold out")
    events = list(events_of(tmp_path, [(missing, many_cases("a.db"))]))
    assert events == [StackUnavailable(stack=missing.stack.id, reason="sold out")]


def test_a_missing_driver_file_is_a_usage_error(tmp_path: Path, provide: Provide) -> None:
    with pytest.raises(UsageError, match=r"no such driver file: gone\.py"):
        list(events_of(tmp_path, [(provide("gone.py"), many_cases("a.db"))]))


@needs_proc
def test_leaving_a_run_early_kills_its_workers(tmp_path: Path, provide: Provide) -> None:
    events = events_of(tmp_path, [(provide("ends"), many_cases("a.db", "hang.db"))])
    for event in events:
        if isinstance(event, CellsDone):
            break
    events.close()  # type: ignore[attr-defined]  # it is a generator
    assert list((tmp_path / "scratch").iterdir()) == []
    assert workers_of(tmp_path / "scratch") == []


@pytest.mark.parametrize("target_type", TargetType)
def test_no_target_breaks_a_run(observe_on: ObserveOn, target_type: TargetType) -> None:
    hostile = (
        "a\0b",
        "\ud800",
        "a\nb",
        "",
        " ",
        "~/db",
        "db\udcff",
        "a" * 5000,
        "no/db",
    )
    cases = [replace(case, target_type=target_type) for case in many_cases(*hostile)]
    ends = {seen.result for seen in observe_on("sqlite3", *cases)}
    assert ends == {Result.OPENED, Result.REFUSED}


def test_a_worker_gets_no_variables_of_python_or_sqlite(
    tmp_path: Path, provide: Provide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("SQLITE_TMPDIR", "/nowhere")
    (tmp_path / "sqlite3.py").write_text("raise SystemExit('not this one')")
    (stack,) = collect(events_of(tmp_path, [(provide("sqlite3"), many_cases("a.db"))]))
    assert stack.fingerprint is not None
    assert stack.fingerprint.python == platform.python_version()
    assert os.environ["SQLITE_TMPDIR"] == "/nowhere"
