"""What a worker is given of the surroundings that it was started in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import make_case
from tests.conftest import RunOn

SHOWS_ITS_ENVIRONMENT = """
import json, os
from sqlite_matrix_probe.drivers.sqlite3 import Driver as Real

class Driver(Real):
    def connect(self, target, options):
        raise RuntimeError(json.dumps(sorted(os.environ)))
"""


def test_a_worker_sees_no_secrets_and_nothing_that_steers_the_loader(
    run_on: RunOn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = tmp_path / "shows_its_environment.py"
    driver.write_text(SHOWS_ITS_ENVIRONMENT)
    for name in ("API_TOKEN", "LD_PRELOAD", "LD_LIBRARY_PATH", "SQLITE_TMPDIR", "PYTHONPATH"):
        monkeypatch.setenv(name, str(tmp_path))
    stack = run_on(str(driver), make_case("topic/scenario", target="x.db"))
    assert stack.unavailable is not None
    names = set(json.loads(stack.unavailable.removeprefix("RuntimeError: ")))
    assert names <= {"PATH", "TZ", "LC_ALL", "LC_CTYPE", "HOME", "TMPDIR", "SQLITE_TMPDIR"}
