"""A run into a directory that can be interrupted and resumed."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from matrix.model import Case, ScenarioInfo, canonical
from matrix.results.file_format import replacing
from matrix.results.leftovers import remove_results
from matrix.results.store import write_cases
from matrix.runner.collect import Work, follow, store
from matrix.runner.engine import Run
from matrix.runner.options import RunOptions
from matrix.runner.progress import SILENT, Progress

_PARTS = ".parts"


def prepare(
    output: Path,
    infos: Iterable[ScenarioInfo],
    cases: Sequence[Case],
    *,
    resume: bool,
    beside: Iterable[str] = (),
    progress: Progress = SILENT,
) -> None:
    """Prepare an output directory for a run of these cases, and remove older results.

    With `resume`, the cells of an interrupted run of the same cases are kept. `beside`: the names
    of other files of an older run to remove.
    """
    for line in remove_results(output, beside):
        progress.note(line)
    parts = output / _PARTS
    plan = _digest(cases)
    if os.path.lexists(parts):
        reason = _why_not(parts, plan) if resume else _DISCARDING
        for path, line in [(parts, reason)] if reason else _misplaced(parts):
            progress.note(line)
            _remove(path)
    parts.mkdir(parents=True, exist_ok=True)
    with replacing(parts / _PLAN) as file:
        file.write(plan)
    write_cases(output, infos, cases)


def run_prepared(
    output: Path,
    work: Work,
    *,
    options: RunOptions = RunOptions(),
    progress: Progress = SILENT,
) -> dict[str, str]:
    """Run into a prepared directory. Returns the stacks that could not run, with the reasons.

    What was observed before an interruption is kept for `prepare(..., resume=True)`.
    """
    parts = output / _PARTS
    try:
        events = Run(work, parts=parts, options=options).events()
        missing = follow(store(output, events), work, progress)
    except KeyboardInterrupt:
        progress.note("finished cells are kept; continue with the same command and --resume")
        raise
    shutil.rmtree(parts)
    return missing


_PLAN = "plan"
_DISCARDING = "discarding an interrupted run (--resume would continue it)"


def _digest(cases: Sequence[Case]) -> bytes:
    """A hash that identifies a plan."""
    digest = hashlib.sha256()
    for case in cases:
        digest.update(canonical(case.to_json()).encode() + b"\n")
    return digest.hexdigest().encode()


def _why_not(parts: Path, plan: bytes) -> str | None:
    """Why an interrupted run cannot be continued with this plan; None if it can."""
    note = parts / _PLAN
    if not note.is_file():
        return f"{note}: is no file: starting over"
    found = note.read_bytes()
    if found == plan:
        return None
    if len(found) != len(plan) or not found.isalnum():
        return f"{note}: damaged: starting over"
    return "the scenarios have changed since the interrupted run: starting over"


def _misplaced(parts: Path) -> list[tuple[Path, str]]:
    """What cannot be there in the directory of an interrupted run, each with a line about it."""
    stacks = [path for path in parts.iterdir() if path.name != _PLAN]
    wrong = [path for path in stacks if not path.is_dir()]
    inside = (path for stack in stacks if stack.is_dir() for path in stack.iterdir())
    wrong += [path for path in inside if not path.is_file()]
    return [(path, f"{path}: is no part of an interrupted run: removed") for path in sorted(wrong)]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
