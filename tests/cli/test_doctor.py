"""What `doctor` reports about a machine, and what a warm cache saves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from matrix.cli import main
from matrix.stacks import installer, interpreters, provision
from matrix.stacks.catalogue import Catalogue, to_package
from matrix.stacks.interpreters import find_python
from matrix.stacks.provision import Provided, Provisioner
from matrix.stacks.spec import parse_stack
from tests.conftest import Provide

NOWHERE = "http://127.0.0.1:9/simple"
"""An index that refuses every connection: nothing listens on this port."""


def doctor(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        main(["doctor", *arguments])
    assert isinstance(end.value.code, int)
    return end.value.code, capsys.readouterr().out


def missing(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, str]:
    """The stacks that doctor reports as missing, with the reasons."""
    code, out = doctor(capsys, "--format", "json", *arguments)
    found: dict[str, str] = json.loads(out)["missing"]
    assert code == (4 if found else 0)
    return found


def play_uv(directory: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> Path:
    """A fake uv, a script that records each call in the returned file."""
    script, calls = directory / "uv", directory / "calls"
    script.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "uv 0.0" && exit\necho "$*" >> {calls}\n{body}\n'
    )
    script.chmod(0o755)
    for module in (installer, interpreters):
        monkeypatch.setattr(module, "find_uv", lambda: str(script))
    return calls


needs_sh = pytest.mark.skipif(sys.platform == "win32", reason="the played uv is a shell script")

INSTALL = 'while [ "$1" != --target ]; do shift; done; sleep 0.2; echo x > "$2/package.py"'


@pytest.fixture
def _pythons_looked_for_anew() -> Iterator[None]:
    find_python.cache_clear()
    yield
    find_python.cache_clear()


def test_if_nothing_is_missing_the_facts_are_printed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out = doctor(capsys, "--stack", "sqlite3", "--cache", str(tmp_path))
    facts = {line.partition("  ")[0]: line for line in out.splitlines()}
    assert code == 0
    assert {"Python", "system", "cores", "Pythons", "installer", "cache", "scratch"} <= facts.keys()
    assert f"{tmp_path} (0 packages)" in facts["cache"]
    assert facts["stacks"].endswith("1 of 1 can be run")
    assert "missing: " not in out


def test_a_missing_python_is_reported_with_the_command_to_install_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert missing(capsys, "--stack", "sqlite3@3.99") == {
        "sqlite3@3.99": "Python 3.99 is not installed; uv python install 3.99"
    }


@pytest.mark.usefixtures("_pythons_looked_for_anew")
def test_a_missing_python_that_a_set_names_is_among_the_facts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setattr(interpreters, "find_uv", lambda: None)
    _, out = doctor(capsys, "--stack", "sqlite3")
    (line,) = (line for line in out.splitlines() if line.startswith("Pythons"))
    other = "3.12" if interpreters.RUNNING != "3.12" else "3.11"
    assert f"{interpreters.RUNNING}; " in line
    assert f"Python {other} is not installed; uv python install {other}" in line


@pytest.mark.parametrize(
    ("spec", "says"),
    [("apsw=={}@3.8", "has no wheel for"), ("sqlite3[sqlalchemy={}]@3.8", "does not support")],
)
def test_a_package_that_does_not_fit_this_python_is_reported_with_those_it_fits(
    *,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    catalogue: Catalogue,
    spec: str,
    says: str,
) -> None:
    newest = (catalogue.middleware["sqlalchemy"] if "[" in spec else catalogue.drivers["apsw"])[0]
    package = to_package(newest)
    monkeypatch.setattr(provision, "find_python", lambda version: Path(sys.executable))
    stack = spec.format(package.version)
    assert missing(capsys, "--stack", stack, "--cache", str(tmp_path)) == {
        stack: f"{package.requirement} {says} Python 3.8; "
        f"run it under another Python: {package.marker}"
    }


def test_offline_a_package_outside_the_cache_is_missing_and_the_hint_is_to_fetch_it_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = missing(capsys, "--stack", "apsw", "--offline", "--cache", str(tmp_path))
    (reason,) = found.values()
    assert reason.endswith("is not in the cache; run once without --offline")
    assert list(tmp_path.iterdir()) == []


@needs_sh
def test_without_uv_and_pip_the_hint_says_how_to_install_one(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    catalogue: Catalogue,
) -> None:
    stack = parse_stack("apsw", catalogue).id
    without_pip = tmp_path / "python"
    without_pip.write_text("#!/bin/sh\nexit 1\n")
    without_pip.chmod(0o755)
    for module in (installer, sys.modules["matrix.cli.doctor"]):
        monkeypatch.setattr(module, "find_uv", lambda: None)
    monkeypatch.setattr(sys, "executable", str(without_pip))
    code, out = doctor(capsys, "--stack", "apsw", "--cache", str(tmp_path / "c"))
    advice = "neither uv nor pip is installed; python -m pip install uv"
    assert code == 4
    assert f"{stack}: {advice}\n" in out
    assert f"{advice}, or put uv on the PATH\n" in out


@needs_sh
def test_without_a_network_the_hint_is_the_cache_and_the_index_is_asked_again_next_time(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = play_uv(tmp_path, monkeypatch, "echo error: Failed to fetch >&2; exit 2")
    for _ in range(2):
        (reason,) = missing(capsys, "--stack", "apsw", "--cache", str(tmp_path / "c")).values()
        assert "Failed to fetch; without a network, --offline runs" in reason
    assert len(calls.read_text().splitlines()) == 2


@needs_sh
def test_a_package_that_the_index_did_not_have_is_reported_and_retried_once_its_file_is_deleted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = play_uv(tmp_path, monkeypatch, "echo error: No solution found >&2; exit 1")
    cache = tmp_path / "c"
    for _ in range(2):
        assert missing(capsys, "--stack", "apsw==9.9.9", "--cache", str(cache))
    assert len(calls.read_text().splitlines()) == 1
    _, out = doctor(capsys, "--stack", "sqlite3", "--cache", str(cache))
    assert "1 package that the index did not have" in out
    (remembered,) = cache.glob("*/*/*.refused")
    remembered.unlink()
    assert missing(capsys, "--stack", "apsw==9.9.9", "--cache", str(cache))
    assert len(calls.read_text().splitlines()) == 2


@needs_sh
def test_the_error_line_of_pip_is_reported(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    says = 'echo "ERROR: Could not find it (from versions: 1, 2, 3)" >&2; '
    play_uv(tmp_path, monkeypatch, says + 'echo "ERROR: No distribution" >&2; exit 1')
    (reason,) = missing(capsys, "--stack", "apsw==9.9.9", "--cache", str(tmp_path / "c")).values()
    assert reason == "apsw==9.9.9: ERROR: No distribution"


def test_a_cache_that_is_a_file_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    assert doctor(capsys, "--stack", "sqlite3", "--cache", str(tmp_path / "file"))[0] == 2


def test_the_cache_may_be_named_in_the_environment(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLITE_MATRIX_CACHE", str(tmp_path / "here"))
    assert str(tmp_path / "here") in doctor(capsys, "--stack", "sqlite3")[1]


@needs_sh
def test_two_runs_at_once_install_a_package_once_and_both_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalogue: Catalogue
) -> None:
    calls = play_uv(tmp_path, monkeypatch, INSTALL)
    stack = parse_stack("apsw", catalogue)
    provisioners = [Provisioner(tmp_path / "cache") for _ in range(4)]
    with ThreadPoolExecutor(len(provisioners)) as pool:
        found = list(pool.map(lambda each: each.provide(stack), provisioners))
    overlays = {each.overlays for each in found if isinstance(each, Provided)}
    assert len(calls.read_text().splitlines()) == 1
    ((overlay,),) = overlays
    assert (overlay / "package.py").exists()
    assert not [path for path in overlay.parent.iterdir() if path.name.count("apsw") > 1]


def clean_environment(directory: Path) -> dict[str, str]:
    """An environment in which neither uv nor pip can reach an index or has anything cached."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("UV_", "PIP_"))}
    return {
        **kept,
        "UV_DEFAULT_INDEX": NOWHERE,
        "UV_CACHE_DIR": str(directory / "uv"),
        "UV_HTTP_RETRIES": "0",
        "UV_NO_CONFIG": "1",
        "PIP_INDEX_URL": NOWHERE,
        "PIP_RETRIES": "0",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_CONFIG_FILE": os.devnull,
    }


def test_with_a_warm_cache_no_index_is_asked(
    provide: Provide, provisioner: Provisioner, tmp_path: Path
) -> None:
    provide("apsw[sqlalchemy]")
    command = [sys.executable, "-m", "matrix", "doctor", "--stack", "apsw[sqlalchemy]", "--cache"]
    ends = {}
    for cache in (provisioner.cache, tmp_path / "cold"):
        done = subprocess.run(
            [*command, str(cache)],
            env=clean_environment(tmp_path), capture_output=True, text=True, check=False,
        )  # fmt: skip
        ends[cache] = done.returncode
    assert ends == {provisioner.cache: 0, tmp_path / "cold": 4}
