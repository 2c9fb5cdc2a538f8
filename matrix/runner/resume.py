"""A run into a directory that can be interrupted and resumed."""

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
    """Prepare an output directory for a run of these cases, and remove older results.

    With `resume`, the cells of an interrupted run of the same cases are kept. `beside`: the names
    of other files of an older run to remove.
    """
    remove_results(output)
    parts = output / _PARTS
    plan = _digest(cases)
    note = parts / "plan"
    same = note.is_file() and note.read_bytes() == plan.encode()
    if parts.exists() and not (resume and same):
        progress.note(
            "the scenarios have changed since the interrupted run: starting over"
            if resume
            else "discarding an interrupted run (--resume would continue it)"
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


def _digest(cases: Sequence[Case]) -> str:
    """A hash that identifies a plan."""
    digest = hashlib.sha256()
    for case in cases:
        digest.update(canonical(case.to_json()).encode() + b"\n")
    return digest.hexdigest()
