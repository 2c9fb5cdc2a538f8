"""What a rehearsal shows of things outside is what happens in place, and nothing changes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from matrix.model import Result
from matrix.probe.outside import NotRehearsed, Redirected
from matrix.runner.collect import observe
from matrix.runner.options import RunOptions
from tests.builders import make_case
from tests.conftest import ObserveOn, Provide
from tests.other_user import directory_of_other_user, python_of_other_user, run_as_other_user
from tests.probe.outside_trees import faults, state

WAYS: dict[str, dict[str, Any]] = {
    "as allowed": {},
    "without Landlock": {"contain": False},
    "redirected": {"private_root": False},
    "redirected without Landlock": {"private_root": False, "contain": False},
}
_PARTS = 9

ways = pytest.mark.parametrize("number", range(len(WAYS)), ids=list(WAYS))
"""The ways in which cases are kept from changing files; each gets another part of the cases."""


@ways
def test_what_is_shown_of_things_outside_is_what_happens(
    provide: Provide, tmp_path: Path, number: int
) -> None:
    options = RunOptions(jobs=2, **list(WAYS.values())[number])
    assert faults(provide("apsw"), tmp_path, options, number, _PARTS) == []


AS_OTHER_USER = """
import json, pathlib
from matrix.runner.options import RunOptions
from matrix.stacks.catalogue import load_catalogue
from matrix.stacks.provision import Provisioner
from matrix.stacks.spec import parse_stack
from tests.probe.outside_trees import faults

here = pathlib.Path.cwd()
provided = Provisioner(here / "cache").provide(parse_stack("sqlite3", load_catalogue()))
options = RunOptions(jobs=2, **{options})
print(json.dumps(faults(provided, here, options, {number}, {parts})))
"""


@ways
def test_so_it_is_as_a_user_without_the_rights_of_root(number: int) -> None:
    python = python_of_other_user()
    if python is None:
        pytest.skip("not root, or there is no Python for another user")
    options = list(WAYS.values())[number]
    code = AS_OTHER_USER.format(options=options, number=number, parts=_PARTS)
    with directory_of_other_user() as home:
        assert json.loads(run_as_other_user(python, home, code)) == []


def test_nothing_waits_for_ever_at_a_pipe(provide: Provide, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    before = state(tmp_path)
    case = make_case(target=f"file:{pipe}?mode=ro", connect={"uri": True})
    (stack,) = observe([(provide("apsw"), [case])], options=RunOptions(timeout=1)).stacks
    assert stack.observations[case.id].result is Result.TIMED_OUT
    assert state(tmp_path) == before


DEVICES = """
import os, stat
from sqlite_matrix_probe.drivers.sqlite3 import Driver as Sqlite3


class Driver(Sqlite3):
    def connect(self, target, options):
        if os.getcwd().startswith("/sqlite-matrix-scratch"):
            for entry in os.scandir("/dev"):
                is_device = stat.S_ISCHR(entry.stat(follow_symlinks=False).st_mode)
                if is_device and not os.statvfs(entry.path).f_flag & os.ST_RDONLY:
                    raise RuntimeError(entry.path + " can be changed")
        return super().connect(target, options)
"""


def test_a_private_root_protects_owner_and_mode_of_devices(
    observe_on: ObserveOn, tmp_path: Path
) -> None:
    """SQLite gives an empty file that it opens the mode of the one named by `modeof`."""
    driver = tmp_path / "devices.py"
    driver.write_text(DEVICES)
    (seen,) = observe_on(str(driver), make_case(target="x.db"))
    assert seen.error is None


def test_a_device_that_keeps_what_is_written_is_refused(tmp_path: Path) -> None:
    redirected = Redirected(str(tmp_path))
    device = next(path for path in ("/dev/tty", "/dev/ptmx") if os.access(path, os.W_OK))
    with pytest.raises(NotRehearsed, match="is a device"):
        redirected.opening(device.encode(), os.O_RDWR)
    assert redirected.opening(b"/dev/null", os.O_RDWR) == b"/dev/null"


@pytest.mark.parametrize("path", ["/proc/kmsg", "/proc/self/mem", "/proc/sys/kernel/core_pattern"])
def test_what_shows_the_state_of_the_kernel_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(NotRehearsed, match="shows the state of the kernel"):
        Redirected(str(tmp_path)).opening(path.encode(), os.O_RDWR)


def test_a_linked_directory_inside_leads_to_a_copy(tmp_path: Path) -> None:
    """SQLite before 3.39 opens such a path as it is."""
    scratch, home = tmp_path / "scratch", tmp_path / "home"
    scratch.mkdir()
    home.mkdir()
    (scratch / "away").symlink_to(home)
    place = Redirected(str(scratch)).opening(os.fsencode(scratch / "away" / "x.db"), os.O_CREAT)
    assert place == os.fsencode(scratch / "outside") + os.fsencode(home / "x.db")
