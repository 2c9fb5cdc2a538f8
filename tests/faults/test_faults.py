"""Whichever call fails once, nothing false is recorded, and `--resume` ends with the same bytes.

As SQLite tests itself (https://www.sqlite.org/testing.html#i_o_error_testing): each write, sync,
rename, open and fork of the tool and of its worker fails in turn. All of them take minutes:
`tox -e faults`; here, every thirtieth does.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from matrix.model import Json
from tests.paths import ROOT
from tests.processes import needs_proc
from tests.tool import environment, write_small

SHIM = Path(__file__).with_name("shim.c")
PARTS = 4
ENOUGH = 200
STACKS = ("sqlite3", "sqlite3[uri=on]")
MAY_END_WITH = {0, 2, 3}  # 2: a file cannot be read

needs_gcc = pytest.mark.skipif(
    shutil.which("gcc") is None or not sys.platform.startswith("linux"),
    reason="needs gcc and Linux to preload a library",
)


def inject(
    directory: Path, stacks: Sequence[str], *, first: int, step: int
) -> tuple[int, list[Json]]:
    """How many calls there are, and what became of each run in which one of them failed."""
    place, shim, control = (directory / name for name in ("run", "shim.so", "control"))
    (place / "scratch").mkdir(parents=True)
    write_small(place)
    build = ["gcc", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(shim), str(SHIM), "-ldl"]
    subprocess.run(build, check=True)
    control.write_bytes(bytes(520))
    words = [str(control), str(place), str(step), str(first), *stacks]
    faulty = {"LD_PRELOAD": str(shim), "FAULTS": str(control), "FAULTS_ROOT": str(place)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.inject", *words],
        cwd=ROOT, env=environment(**faulty), stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    undisturbed, *runs = map(json.loads, done.stdout.splitlines())
    assert undisturbed["code"] == 0, undisturbed["said"]
    return undisturbed["count"], runs


def check(run: Json) -> None:
    what = f"{run['at']}: {run['what']}\n{run['said']}"
    assert run["codes"][0] in MAY_END_WITH, what
    assert run["codes"][-1] == 0, what
    assert run["right"], f"false results, and exit code 0: {what}"
    assert run["same"], f"other bytes after --resume: {what}"
    assert "Traceback" not in run["said"], what
    assert not [name for name in run["left"] if name.startswith(".")], what
    assert not run["scratch"] or len(run["codes"]) == 1, what  # the next run removes it


@needs_gcc
@needs_proc
def test_a_call_that_fails_never_becomes_a_result(tmp_path: Path) -> None:
    _, runs = inject(tmp_path, STACKS[:1], first=4, step=30)
    assert {run["what"].partition(" ")[0] for run in runs} >= {"tool", "worker"}
    for run in runs:
        check(run)


@pytest.mark.faults
@needs_gcc
@needs_proc
@pytest.mark.parametrize("part", range(PARTS))
def test_no_call_that_fails_becomes_a_result(tmp_path: Path, part: int) -> None:
    count, runs = inject(tmp_path, STACKS, first=1 + part, step=PARTS)
    assert count >= ENOUGH
    assert len(runs) >= count // PARTS
    kinds = {tuple(run["what"].split(" ")[:2]) for run in runs}
    print(f"{len(runs)} of {count} calls failed: {sorted(kinds)}", file=sys.stderr)
    for run in runs:
        check(run)
