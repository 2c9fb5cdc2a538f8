"""The script that builds SQLite: what it refuses, and what it builds."""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import shlex
import shutil
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from matrix.model import Observation, Storage
from tests.builders import make_case
from tests.conftest import RunOn
from tests.paths import ROOT

SCRIPT = ROOT / "scripts" / "build_sqlite.py"

HEADER = '#define SQLITE_VERSION        "3.99.7"\n'
SOURCE = """\
#include "sqlite3.h"
#ifndef EXTRA
#define EXTRA -1
#endif
int stand_in_use_uri(void) { return SQLITE_USE_URI; }
int stand_in_extra(void) { return EXTRA; }
"""

needs_compiler = pytest.mark.skipif(
    shutil.which(shlex.split(os.environ.get("CC", "cc"))[0]) is None,
    reason="no C compiler is installed",
)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_sqlite", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sha3(archive: Path) -> str:
    return hashlib.sha3_256(archive.read_bytes()).hexdigest()


def stand_in(directory: Path, **files: str) -> Path:
    """A zip like SQLite's, with a tiny library in it."""
    archive = directory / "sqlite-amalgamation-3990700.zip"
    with zipfile.ZipFile(archive, "w") as content:
        for name, text in ({"sqlite3.c": SOURCE, "sqlite3.h": HEADER} | files).items():
            if text:
                content.writestr(f"sqlite-amalgamation-3990700/{name}", text)
    return archive


class Build:
    """Runs the script, and checks its exit code, its output and its files."""

    def __init__(
        self, script: ModuleType, output: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.script = script
        self.output = output
        self.capsys = capsys

    def built(self, archive: Path, *options: str) -> Path:
        code, out, err = self._run(archive, sha3(archive), *options)
        assert (code, err) == (0, "")
        library = Path(out.rstrip("\n"))
        assert library.is_file()
        return library

    def refused(self, archive: Path, digest: str = "", *options: str) -> str:
        """The error message, after checking that it exits with 2 and writes nothing."""
        code, out, err = self._run(archive, digest or sha3(archive), *options)
        assert (code, out) == (2, "")
        assert not self.output.exists()
        assert err.startswith("build_sqlite: ")
        return err.removeprefix("build_sqlite: ").rstrip("\n")

    def _run(self, archive: Path, digest: str, *options: str) -> tuple[int, str, str]:
        arguments = [str(archive), "--sha3", digest, "-o", str(self.output), *options]
        code = self.script.main(arguments)
        seen = self.capsys.readouterr()
        return code, seen.out, seen.err


@pytest.fixture
def build(script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Build:
    return Build(script, tmp_path / "lib", capsys)


def test_a_zip_with_another_hash_is_not_used(build: Build, tmp_path: Path) -> None:
    archive = stand_in(tmp_path)
    assert build.refused(archive, "0" * 64) == (
        f"{archive} has the SHA3-256 {sha3(archive)}, not {'0' * 64}: do not use it"
    )


def test_a_missing_zip_is_reported(build: Build, tmp_path: Path) -> None:
    assert "absent.zip: No such file" in build.refused(tmp_path / "absent.zip", "0" * 64)


def test_a_file_that_is_not_a_zip_is_reported(build: Build, tmp_path: Path) -> None:
    page = tmp_path / "page.zip"
    page.write_text("<html>not found</html>")
    assert build.refused(page) == f"{page} is not a zip file"


@pytest.mark.parametrize(
    ("files", "lacks"),
    [
        ({"sqlite3.c": "", "sqlite3.h": ""}, "no sqlite3.c and no sqlite3.h"),
        ({"sqlite3.c": ""}, "no sqlite3.c"),
    ],
)
def test_a_zip_without_an_amalgamation_is_reported(
    build: Build, tmp_path: Path, files: dict[str, str], lacks: str
) -> None:
    archive = stand_in(tmp_path, **files)
    assert build.refused(archive) == f"{archive} contains {lacks}: not an amalgamation"


def test_a_header_without_a_version_is_reported(build: Build, tmp_path: Path) -> None:
    archive = stand_in(tmp_path, **{"sqlite3.h": "/* nothing */"})
    assert build.refused(archive) == "sqlite3.h does not define SQLITE_VERSION"


@needs_compiler
def test_an_output_directory_that_cannot_be_written_is_reported(
    build: Build, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    build.output = tmp_path / "file" / "lib"
    assert "Not a directory" in build.refused(stand_in(tmp_path))


def test_a_missing_compiler_is_reported_by_name(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler -O3")
    assert build.refused(stand_in(tmp_path)) == (
        "no C compiler: no-such-compiler: No such file or directory; install one, or set CC"
    )


@needs_compiler
def test_a_compile_error_is_reported_with_the_output_of_the_compiler(
    build: Build, tmp_path: Path
) -> None:
    message = build.refused(stand_in(tmp_path, **{"sqlite3.c": "this is not C"}))
    assert message.startswith("the compiler failed:\n")
    assert "sqlite3.c" in message


@needs_compiler
@pytest.mark.parametrize(("options", "uri"), [((), 0), (("--use-uri",), 1)])
def test_the_uri_default_is_compiled_in_and_shown_in_the_name(
    build: Build, tmp_path: Path, options: tuple[str, ...], uri: int
) -> None:
    library = build.built(stand_in(tmp_path), *options)
    assert library.parent == build.output
    assert library.stem == f"libsqlite3-3.99.7{'-uri' if uri else ''}"
    assert ctypes.CDLL(str(library)).stand_in_use_uri() == uri


@needs_compiler
def test_another_compile_option_is_compiled_in(build: Build, tmp_path: Path) -> None:
    library = build.built(stand_in(tmp_path), "-D", "EXTRA=7")
    assert ctypes.CDLL(str(library)).stand_in_extra() == 7


@needs_compiler
def test_a_hash_may_be_in_upper_case(build: Build, tmp_path: Path) -> None:
    archive = stand_in(tmp_path)
    assert build._run(archive, sha3(archive).upper())[0] == 0


@needs_compiler
def test_nothing_but_the_library_is_left(build: Build, tmp_path: Path) -> None:
    library = build.built(stand_in(tmp_path))
    assert list(build.output.iterdir()) == [library]


@needs_compiler
@pytest.mark.skipif(sys.platform == "darwin", reason="the library is loaded by LD_PRELOAD")
@pytest.mark.skipif(
    "SQLITE_AMALGAMATION" not in os.environ,
    reason="SQLITE_AMALGAMATION does not name a sqlite-amalgamation-*.zip",
)
@pytest.mark.parametrize("use_uri", [False, True])
def test_a_connection_on_a_built_sqlite_follows_its_uri_default(
    build: Build, run_on: RunOn, use_uri: bool
) -> None:
    archive = Path(os.environ["SQLITE_AMALGAMATION"])
    library = build.built(archive, *(["--use-uri"] if use_uri else []))
    stack = run_on(f"sqlite3[sqlite={library}]", make_case(target="file:{name}?mode=memory"))
    assert stack.fingerprint is not None
    assert stack.fingerprint.sqlite == library.stem.split("-")[1]
    assert stack.fingerprint.uri_default is use_uri
    (seen,) = stack.observations.values()
    assert isinstance(seen, Observation)
    assert seen.storage is (Storage.MEMORY if use_uri else Storage.FILE)
    assert bool(seen.strays) is not use_uri
