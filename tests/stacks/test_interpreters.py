"""The interpreters of a machine, faked by small scripts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from matrix.errors import ProvisionError
from matrix.stacks import interpreters
from matrix.stacks.interpreters import RUNNING, find_python, find_uv

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fakes are shell scripts")

OTHER = "3.9" if RUNNING != "3.9" else "3.10"
"""A version that stacks may have, and that is not the one which runs the tests."""


class Machine:
    """A machine of fakes: a directory that is its whole path, one of pyenv, and a uv."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "bin"
        self.pyenv = directory / "pyenv"
        self.uv = directory / "uv"
        self.asked = directory / "asked"
        self.path.mkdir()

    def script(self, path: Path, body: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\necho {path} >> {self.asked}\n{body}\n")
        path.chmod(0o755)
        return path

    def python(self, path: Path, says: str = OTHER) -> Path:
        return self.script(path, f"echo {says}")

    def in_pyenv(self, version: str, says: str = OTHER) -> Path:
        return self.python(self.pyenv / "versions" / version / "bin" / "python", says)

    def on_path(self, says: str = OTHER) -> Path:
        return self.python(self.path / f"python{OTHER}", says)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    monkeypatch.setenv("PATH", str(machine.path))
    monkeypatch.setenv("PYENV_ROOT", str(machine.pyenv))
    monkeypatch.setattr(
        interpreters, "find_uv", lambda: str(machine.uv) if machine.uv.exists() else None
    )
    find_python.cache_clear()
    yield machine
    find_python.cache_clear()


def test_the_running_python_is_taken_as_it_is(machine: Machine) -> None:
    machine.python(machine.path / f"python{RUNNING}", RUNNING)
    assert find_python(RUNNING) == Path(sys.executable)
    assert not machine.asked.exists()


def test_a_python_on_the_path_is_found(machine: Machine) -> None:
    python = machine.on_path()
    assert find_python(OTHER) == python


def test_pyenv_is_asked_before_the_path(machine: Machine) -> None:
    machine.on_path()
    python = machine.in_pyenv(f"{OTHER}.1")
    assert find_python(OTHER) == python


def test_the_versions_of_pyenv_are_distinguished_by_their_minor_version(machine: Machine) -> None:
    machine.in_pyenv(f"{OTHER}9.1")
    with pytest.raises(ProvisionError):
        find_python(OTHER)


def test_the_newest_patch_of_pyenv_is_taken(machine: Machine) -> None:
    machine.in_pyenv(f"{OTHER}.9")
    newest = machine.in_pyenv(f"{OTHER}.18")
    assert find_python(OTHER) == newest


@pytest.mark.parametrize(
    "body",
    ["exit 127", "echo 3.12", "echo", "kill -9 $$"],
    ids=["fails", "is another version", "says nothing", "dies"],
)
def test_a_shim_of_another_version_is_skipped(machine: Machine, body: str) -> None:
    shim = machine.script(machine.path / f"python{OTHER}", body)
    managed = machine.python(machine.path / "managed" / "python")
    machine.script(machine.uv, f"echo {managed}")
    assert find_python(OTHER) == managed
    assert str(shim) in machine.asked.read_text().split()


def test_a_file_that_cannot_be_executed_is_skipped(machine: Machine) -> None:
    (machine.pyenv / "versions" / f"{OTHER}.1" / "bin").mkdir(parents=True)
    broken = machine.pyenv / "versions" / f"{OTHER}.1" / "bin" / "python"
    broken.write_bytes(b"\x7fELF no such thing")
    broken.chmod(0o755)
    python = machine.on_path()
    assert find_python(OTHER) == python


def test_a_python_that_uv_manages_is_found_without_a_download(machine: Machine) -> None:
    managed = machine.python(machine.path / "managed" / "python")
    machine.script(
        machine.uv,
        f'[ "$*" = "python find --no-python-downloads {OTHER}" ] && echo {managed}',
    )
    assert find_python(OTHER) == managed


def test_a_missing_python_is_reported_with_the_command_to_install_it(machine: Machine) -> None:
    machine.script(machine.uv, "exit 2")
    with pytest.raises(ProvisionError) as caught:
        find_python(OTHER)
    assert str(caught.value) == f"Python {OTHER} is not installed; uv python install {OTHER}"


def test_a_python_that_is_too_old_for_any_stack_is_not_looked_for(machine: Machine) -> None:
    machine.in_pyenv("3.7.1", says="3.7")
    with pytest.raises(ProvisionError, match=r"a stack needs Python 3\.8 or newer, not 3\.7"):
        find_python("3.7")
    assert not machine.asked.exists()


def test_a_python_is_looked_for_once(machine: Machine) -> None:
    machine.on_path()
    assert find_python(OTHER) == find_python(OTHER)
    assert len(machine.asked.read_text().splitlines()) == 1


def test_the_uv_beside_the_tool_comes_before_the_one_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(tmp_path)
    monkeypatch.setenv("PATH", str(machine.path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    assert find_uv() is None
    on_path = machine.script(machine.path / "uv", "")
    assert find_uv() == str(on_path)
    beside = machine.script(tmp_path / "venv" / "uv", "")
    assert find_uv() == str(beside)
