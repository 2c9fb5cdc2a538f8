"""The benchmark of comparisons finds the planted differences; speed is not tested."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

pytest.importorskip("resource")  # Windows does not have it

SCRIPT = ROOT / "scripts" / "bench_compare.py"


def test_the_benchmark_measures_both_ways(tmp_path: Path) -> None:
    output = tmp_path / "table.md"
    command = [sys.executable, str(SCRIPT), "--smoke", "-o", str(output)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert output.read_text("utf-8") == done.stdout
    head, _, *rows = done.stdout.splitlines()
    assert head == "| cells | differences | seconds | MiB | dicts: seconds | dicts: MiB |"
    assert [row.split(" | ")[:2] for row in rows] == [["| 1,000", "0"], ["| 1,000", "10"]]
