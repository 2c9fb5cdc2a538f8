"""Where drivers and middlewares come from: entry points, the built-in ones too.

A plugin runs inside a stack, so that the tool only needs the file of its module, never the module.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path

from matrix.errors import UsageError
from matrix.files import is_file

GROUPS = {"drivers": "sqlite_matrix.drivers", "middleware": "sqlite_matrix.middleware"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A driver or a middleware: its name, and the file that the probe loads."""

    name: str
    path: Path

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, "path": str(self.path)}


@lru_cache
def plugin_names(kind: str) -> tuple[str, ...]:
    """The names of the plugins that are installed, sorted; `kind`: `drivers`, `middleware`."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUPS[kind])}))


def builtin_names(kind: str) -> list[str]:
    """The names of those that come with this project."""
    entries = entry_points(group=GROUPS[kind])
    return sorted({entry.name for entry in entries if entry.value.startswith(f"{__package__}.")})


def find_plugin(kind: str, name: str) -> Plugin:
    """The plugin of this name; for a driver, also one from a file: `./my_driver.py`.

    Raises UsageError with the names that there are.
    """
    if name.endswith(".py"):
        return _from_file(Path(name))
    found = {entry.name: entry for entry in entry_points(group=GROUPS[kind])}
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise UsageError(f"no {kind} plugin called {name!r}", hint=f"known: {known}")
    spec = importlib.util.find_spec(found[name].value)
    if spec is None or spec.origin is None:
        raise UsageError(f"the {kind} plugin {name!r} has no file: {found[name].value}")
    return Plugin(name=name, path=Path(spec.origin))


def _from_file(path: Path) -> Plugin:
    if not is_file(path):
        raise UsageError(f"no such driver file: {path}")
    return Plugin(name=path.stem, path=path.resolve())
