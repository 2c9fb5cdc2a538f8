"""`[tool.sqlite-matrix]` in pyproject.toml: what a project runs by default.

The nearest pyproject.toml counts, from the current directory upwards; paths in it are relative to
its directory. Without a file or a table, the defaults of `ProjectConfig` apply.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from matrix.documents.files import load_text
from matrix.documents.yaml_model import suggest
from matrix.errors import DocumentError, Problem, UsageError
from matrix.files import exists, is_file
from matrix.limits import NESTING, PROBLEMS
from matrix.model.read_json import TOML_TEXTS, TOO_DEEP, is_nested_too_deeply

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "pyproject.toml"
TABLE = "tool.sqlite-matrix"
PINS_FILE = "requirements.txt"
CACHE_VARIABLE = "SQLITE_MATRIX_CACHE"

_HEADER = re.compile(r"""^\s*\[\s*tool\s*\.\s*["']?sqlite-matrix["']?\s*\]""")
_ANY_HEADER = re.compile(r"^\s*\[")
_LONG_KEY = re.compile(rf"(?<![\w-])(?:[\w-]+[ \t]*\.[ \t]*){{{NESTING}}}")
"""A key such as a.b.c; the parser's time grows with the square of its parts."""
_WHERE = re.compile(r"(.*) \(at line (\d+), column (\d+)\)$", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectConfig:
    """The settings of a project; `stacks` and `fail_on` are None if they are not set.

    `lines`: the line of each key in `path`, for error messages.
    """

    path: Path | None = None
    scenarios: tuple[Path, ...] = (Path("scenarios"),)
    stacks: tuple[str, ...] | None = None
    baseline: Path = Path("results/baseline")
    pins: Path | None = None
    fail_on: str | None = None
    lines: Mapping[str, int] = field(default_factory=dict)

    def problem(self, key: str, message: str, hint: str | None = None) -> Problem:
        """A problem with a key, at its line."""
        return Problem(
            path=str(self.path or FILE), line=self.lines.get(key, 1), column=1,
            key=f"{TABLE}.{key}", message=message, hint=hint,
        )  # fmt: skip


def configured_cache() -> Path | None:
    """The directory for installed packages, if SQLITE_MATRIX_CACHE is set."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named) if named else None


def load_config(start: Path = Path()) -> ProjectConfig:
    """The settings that apply in a directory; raises DocumentError with every problem."""
    path = _nearest(start)
    if path is None:
        return ProjectConfig()
    text = load_text(path)
    content = _parse(path, text)
    tool = content.get("tool")
    table = tool.get("sqlite-matrix") if isinstance(tool, dict) else None
    if table is None:
        return ProjectConfig()
    where = ProjectConfig(path=path, lines=_lines(text, table if isinstance(table, dict) else {}))
    if not isinstance(table, dict):
        problem = Problem(path=str(path), line=1, column=1, key=TABLE, message="not a table")
        raise DocumentError([problem])
    return _read(where, table)


def _parse(path: Path, text: str) -> dict[str, Any]:
    if is_nested_too_deeply(text, TOML_TEXTS) or _LONG_KEY.search(text):
        raise DocumentError([_syntax(path, TOO_DEEP)])
    try:
        content: dict[str, Any] = tomllib.loads(text)
    except ValueError as error:  # also Python's own, for a number of thousands of digits
        raise DocumentError([_syntax(path, str(error))]) from None
    return content


def _nearest(start: Path) -> Path | None:
    """The nearest pyproject.toml, in this directory or above, as a relative path."""
    here = start.resolve()
    for directory in (here, *here.parents):
        if is_file(directory / FILE):
            return Path(os.path.relpath(directory / FILE))
    return None


def _read(where: ProjectConfig, table: Mapping[str, Any]) -> ProjectConfig:
    unknown = (key for key in table if key not in _READERS)
    problems = [
        where.problem(key, "no such setting", suggest(key, _READERS))
        for key in islice(unknown, PROBLEMS)
    ]
    values: dict[str, Any] = {"path": where.path, "lines": where.lines}
    for key, reader in _READERS.items():
        if key in table:
            try:
                values[key.replace("-", "_")] = reader(where, table[key])
            except UsageError as error:
                problems.append(where.problem(key, error.message, error.hint))
    if problems:
        raise DocumentError(problems)
    return ProjectConfig(**values)


def _texts(_where: ProjectConfig, value: object) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(t, str) and t.strip() for t in texts):
        raise UsageError("neither a string nor a list of strings")
    if not texts:
        raise UsageError("the list is empty", hint="remove it, or add an entry")
    return tuple(texts)


def _path(where: ProjectConfig, value: object) -> Path:
    if not isinstance(value, str) or not value.strip():
        raise UsageError("not a path")
    assert where.path is not None
    return where.path.parent / value


def _scenarios(where: ProjectConfig, value: object) -> tuple[Path, ...]:
    paths = tuple(_path(where, text) for text in _texts(where, value))
    for path in paths:
        if not exists(path):
            raise UsageError(f"{path}: no such file or directory")
    return paths


def _kinds(where: ProjectConfig, value: object) -> str:
    return ",".join(_texts(where, value))


_READERS = {
    "scenarios": _scenarios,
    "stacks": _texts,
    "baseline": _path,
    "pins": _path,
    "fail-on": _kinds,
}


def _syntax(path: Path, said: str) -> Problem:
    found = _WHERE.match(said)
    message, line, column = (found[1], int(found[2]), int(found[3])) if found else (said, 1, 1)
    return Problem(path=str(path), line=line, column=column, key="", message=f"TOML: {message}")


def _lines(text: str, table: Mapping[str, Any]) -> dict[str, int]:
    """The line of each key; that of the table where a key is written in another way."""
    lines = text.splitlines()
    mentioned = (n for n, line in enumerate(lines, 1) if "sqlite-matrix" in line)
    header = next((n for n, line in enumerate(lines, 1) if _HEADER.match(line)), None)
    found = dict.fromkeys(table, header or next(mentioned, 1))
    for number, line in enumerate(lines[header or len(lines) :], (header or 0) + 1):
        if _ANY_HEADER.match(line) and "=" not in line and not line.strip().endswith(","):
            break
        key = line.partition("=")[0].strip().strip("\"'")
        if key in found and "=" in line:
            found[key] = number
    return found
