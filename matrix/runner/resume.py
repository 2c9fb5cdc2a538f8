"""A run into a directory that can be interrupted, and gone on with."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from matrix.model import Case, ScenarioInfo, canonical
from matrix.results.store import remove_results, write_cases
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
    """Make an output directory ready for a run of these cases: older results go.

    The cells of an interrupted run of the same cases stay, if it is resumed. `beside`: the names
    of other files that an older run left.
    """
    remove_results(output)
    parts = output / _PARTS
    plan = _digest(cases)
    note = parts / "plan"
    same = note.is_file() and note.read_text() == plan
    if parts.exists() and not (resume and same):
        progress.note(
            "the scenarios have changed since the interrupted run: starting over"
            if resume
            else "an interrupted run is discarded (--resume goes on with it)"
        )
        shutil.rmtree(parts)
    for name in beside:
        (output / name).unlink(missing_ok=True)
    parts.mkdir(parents=True, exist_ok=True)
    note.write_text(plan)
    write_cases(output, infos, cases)


def run_prepared(
    output: Path,
    work: Work,
    *,
    options: RunOptions = RunOptions(),
    progress: Progress = SILENT,
) -> dict[str, str]:
    """Run into a directory that is ready; the stacks that could not run, with the reasons.

    What was observed until an interruption stays there for `prepare(..., resume=True)`.
    """
    parts = output / _PARTS
    try:
        events = Run(work, parts=parts, options=options).events()
        missing = follow(store(output, events), work, progress)
    except KeyboardInterrupt:
        progress.note("what was observed is kept: the same command with --resume goes on")
        raise
    shutil.rmtree(parts)
    return missing


def _digest(cases: Sequence[Case]) -> str:
    """What tells one plan from another."""
    digest = hashlib.sha256()
    for case in cases:
        digest.update(canonical(case.to_json()).encode() + b"\n")
    return digest.hexdigest()
