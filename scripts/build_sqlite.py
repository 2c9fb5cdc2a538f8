"""Build libsqlite3 from an amalgamation zip, to run stdlib sqlite3 on it.

    python scripts/build_sqlite.py sqlite-amalgamation-3510100.zip --sha3 856b52ff… -o lib/
    sqlite-matrix check 'file:db?mode=memory' --stack "sqlite3[sqlite=lib/libsqlite3-3.51.1.so]"

The zip and its SHA3-256 are on https://www.sqlite.org/download.html; the script downloads nothing.
It needs a C compiler, and takes about a minute.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

_VERSION = re.compile(rb'^#define SQLITE_VERSION\s+"([0-9.]+)"', re.MULTILINE)
_SOURCES = ("sqlite3.c", "sqlite3.h")


class BuildError(Exception):
    """Why the library was not built."""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        library = build(
            options.zip,
            sha3=options.sha3,
            output=options.output,
            use_uri=options.use_uri,
            define=options.define,
        )
    except (BuildError, OSError) as error:
        print(f"build_sqlite: {error}", file=sys.stderr)
        return 2
    print(library)
    return 0


def build(
    archive: Path,
    *,
    sha3: str,
    output: Path,
    use_uri: bool = False,
    define: Sequence[str] = (),
) -> Path:
    """Check the zip against its published hash, compile it, and return the library's path."""
    _check_hash(archive, sha3)
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory)
        _extract(archive, source)
        name = f"libsqlite3-{_version(source)}{'-uri' if use_uri else ''}{_suffix()}"
        defines = [f"SQLITE_USE_URI={int(use_uri)}", *define]
        _compile(source, source / name, defines)
        output.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, output / name)
    return output / name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("zip", type=Path, help="sqlite-amalgamation-*.zip")
    parser.add_argument("--sha3", required=True, help="its SHA3-256, as sqlite.org publishes it")
    parser.add_argument("-o", "--output", type=Path, default=Path(), help="output directory")
    parser.add_argument("--use-uri", action="store_true", help="turn URIs on by default")
    parser.add_argument("-D", dest="define", action="append", default=[], metavar="NAME=VALUE",
                        help="another compile option, such as SQLITE_TEMP_STORE=3")  # fmt: skip
    return parser


def _check_hash(archive: Path, sha3: str) -> None:
    try:
        found = hashlib.sha3_256(archive.read_bytes()).hexdigest()
    except OSError as error:
        raise BuildError(f"{archive}: {error.strerror}") from None
    if found != sha3.lower():
        raise BuildError(f"{archive} has the SHA3-256 {found}, not {sha3}: do not use it")


def _extract(archive: Path, directory: Path) -> None:
    """Extract the two files that are needed, from any directory of the zip."""
    try:
        with zipfile.ZipFile(archive) as content:
            for name in content.namelist():
                base = name.rpartition("/")[2]
                if base in _SOURCES:
                    (directory / base).write_bytes(content.read(name))
    except zipfile.BadZipFile:
        raise BuildError(f"{archive} is not a zip file") from None
    missing = [name for name in _SOURCES if not (directory / name).exists()]
    if missing:
        raise BuildError(f"{archive} contains no {' and no '.join(missing)}: not an amalgamation")


def _version(source: Path) -> str:
    found = _VERSION.search((source / "sqlite3.h").read_bytes())
    if found is None:
        raise BuildError("sqlite3.h does not define SQLITE_VERSION")
    return found[1].decode()


def _suffix() -> str:
    return {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so")


def _compile(source: Path, library: Path, defines: list[str]) -> None:
    compiler = shlex.split(os.environ.get("CC") or "cc")
    command = [
        *compiler, "-O2", "-shared", "-fPIC", *(f"-D{define}" for define in defines),
        "-o", str(library), str(source / "sqlite3.c"), "-lpthread", "-lm", "-ldl",
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        hint = "install one, or set CC"
        raise BuildError(f"no C compiler: {compiler[0]}: {error.strerror}; {hint}") from None
    if done.returncode != 0:
        raise BuildError(f"the compiler failed:\n{done.stderr[-2000:]}")


if __name__ == "__main__":
    sys.exit(main())
