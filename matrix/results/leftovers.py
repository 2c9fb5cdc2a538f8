"""What an earlier run left in a results directory: removed, unless it is something else.

A power loss can leave a file empty, filled with zeros or cut off.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from matrix.errors import ResultsError
from matrix.results.file_format import damage_of

_STARTS = (b'{"fingerprint":', b'{"kind":"cases",')
"""How a result file begins: of a stack, and of the cases."""
_BLOCK = 1 << 20


def remove_results(directory: Path, beside: Iterable[str] = ()) -> list[str]:
    """Remove the result files of an earlier run, and the files beside them with these names.

    Returns a line for each that was damaged. ResultsError, and nothing is removed, where the
    directory holds something else with such a name.
    """
    results = sorted(directory.glob("*.jsonl"))
    others = [directory / name for name in beside if os.path.lexists(directory / name)]
    damages = [_damage(path, path in results) for path in (*results, *others)]
    for path in (*results, *others):
        remove_leftover(path)
    for unfinished in directory.glob(".*.jsonl.*.tmp"):
        unfinished.unlink()
    return [f"{damage}: replaced" for damage in damages if damage is not None]


def is_result(path: Path) -> bool:
    """Whether a file begins as a result file does, or nothing is in it."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(max(map(len, _STARTS))).startswith(_STARTS) or _is_blank(path)


def remove_leftover(path: Path) -> None:
    """Remove a file or an empty directory."""
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def _damage(path: Path, is_in_format: bool) -> str | None:
    """What is wrong with a file that may be replaced; ResultsError for what may not."""
    if path.is_dir():
        if any(path.iterdir()):
            raise ResultsError(f"{path}: is a directory, and would be lost", hint=_ELSEWHERE)
        return f"{path}: an empty directory"
    if not is_in_format:
        return f"{path}: empty" if _is_blank(path) else None
    if not is_result(path):
        raise ResultsError(f"{path}: is no result file, and would be lost", hint=_ELSEWHERE)
    return damage_of(path)


_ELSEWHERE = "name a directory for the results alone"


def _is_blank(path: Path) -> bool:
    """Whether a file has no content, or zeros alone."""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if block.strip(b"\0"):
                return False
    return True
