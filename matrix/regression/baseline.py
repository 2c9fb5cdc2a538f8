"""A baseline: ordinary result files whose stacks are named without versions, and their pins.

Results are written to a separate directory first and then copied into the baseline, so that neither
a killed run nor an unavailable stack leaves half a baseline behind.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from matrix.errors import ResultsError
from matrix.files import is_file
from matrix.results.file_format import CASES_FILE, replacing
from matrix.results.leftovers import is_result
from matrix.results.store import result_files, spoilt


def check_baseline(directory: Path, make: str) -> None:
    """Raises ResultsError if there is no baseline, or if files of it are damaged.

    `make`: the command that makes one, for the hint.
    """
    if not is_file(directory / CASES_FILE):
        raise ResultsError(f"{directory}: there is no baseline", hint=f"`{make}` makes one")
    problems = spoilt(directory)
    if problems:
        raise ResultsError(*problems)


def install(measured: Path, baseline: Path, *, only: Iterable[str] | None = None) -> None:
    """Replace the baseline's result files with the measured ones.

    `only`: the stacks to replace; the others stay as they are. By default all are replaced, and
    those that were not measured are removed.
    """
    _, files = result_files(measured)
    baseline.mkdir(parents=True, exist_ok=True)
    names = {f"{stack}.jsonl" for stack in only} if only is not None else None
    new = [file for file in files if names is None or file.name in names]
    if names is None:
        kept = {file.name for file in (*new, measured / CASES_FILE)}
        for old in baseline.glob("*.jsonl"):
            if old.name not in kept and is_result(old):
                old.unlink()
        new.append(measured / CASES_FILE)
    for file in new:
        with file.open("rb") as source, replacing(baseline / file.name) as copy:
            shutil.copyfileobj(source, copy)
