"""The benchmark measures every way to run a case, and prints a table; speed is not tested."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

pytest.importorskip("resource")  # Windows does not have it

SCRIPT = ROOT / "scripts" / "bench.py"

WAYS = (
    "bare loop",
    "two bare loops",
    "probe alone",
    "project, 1 worker",
    "project, 2 workers",
    "pytest item, bare",
    "pytest item, observed",
    "start of a stack",
    "fork",
    "interpreter",
)


def test_the_benchmark_measures_every_way_and_the_growth_of_memory(tmp_path: Path) -> None:
    output = tmp_path / "table.md"
    options = ["--smoke", "--stack", "sqlite3", "--what", "forms", "--what", "corpus"]
    command = [sys.executable, str(SCRIPT), *options, "-o", str(output)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    ratios, growth = output.read_text("utf-8").split("\n\n")
    assert done.stdout.startswith(ratios)
    head, _, *rows = ratios.splitlines()
    assert head == "| CPU / wall | sqlite3, forms | sqlite3, corpus |"
    assert tuple(row.split(" | ")[0].removeprefix("| ") for row in rows) == WAYS
    assert rows[0] == "| bare loop | 1.00 / 1.00 | 1.00 / 1.00 |"
    assert growth.splitlines()[-1].startswith("| 1,000 | ")
