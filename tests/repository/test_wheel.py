"""The wheel works outside the repository."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from matrix.stacks.installer import installer
from matrix.stacks.interpreters import find_uv
from tests.paths import ROOT


def run(*words: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [*map(str, words)], cwd=cwd, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    uv = find_uv()
    if uv is not None:
        run(uv, "build", "--quiet", "--wheel", "--out-dir", target, ROOT, cwd=target)
    else:
        run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", target,
            ROOT, cwd=target)  # fmt: skip
    (found,) = target.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment with the wheel installed."""
    place = tmp_path_factory.mktemp("environment") / "venv"
    venv.create(place, with_pip=False)
    (found,) = (place / name for name in ("bin/python", "Scripts/python.exe")
                if (place / name).exists())  # fmt: skip
    run(*installer(found), wheel, cwd=place)
    return found


def test_it_is_marked_as_typed_and_has_its_data_files(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"matrix/py.typed", "matrix/api.py", "matrix/stacks/stacks.yaml"} <= names


def test_it_checks_a_string_in_an_empty_directory(python: Path, tmp_path: Path) -> None:
    code = (
        "import matrix; print(matrix.__file__); "
        "results = matrix.check('file:x?mode=memory', stacks='sqlite3'); "
        "print(sorted(results.cases)); print(len(matrix.render(results, 'html')) > 1000)"
    )
    where, cases, page = run(python, "-W", "error", "-c", code, cwd=tmp_path).splitlines()
    assert Path(where).is_relative_to(python.parents[1])
    assert cases == "['check[uri=off]', 'check[uri=on]']"
    assert page == "True"
    assert list(tmp_path.iterdir()) == []


def test_its_command_is_installed_next_to_the_python(python: Path, tmp_path: Path) -> None:
    command = python.parent / "sqlite-matrix"
    assert "stray file" in run(command, "check", "file:x", "--no-uri", "--stack=sqlite3[uri=off]",
                               cwd=tmp_path)  # fmt: skip
