"""What a claim tells people to do, done: a fresh environment, an install, a look around.

The results are kept beside those of the stacks, in bytes that hold no time, path or host.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from matrix.claims.document import EXPERIMENT_FACTS, Experiment
from matrix.claims.evaluate import ExperimentResult
from matrix.errors import ProvisionError, ProvisionFailure, ResultsError
from matrix.files import exists, is_file
from matrix.model import canonical
from matrix.model.codec import reader_of
from matrix.results.file_format import read_small, replacing
from matrix.scenarios.conditions import NONE, Facts
from matrix.stacks.installer import complaint, failure_in, installer, run_installer
from matrix.stacks.interpreters import RUNNING

EXPERIMENTS_FILE = "experiments.json"
SCHEMA = 1
_SCRIPT = Path(__file__).parents[1] / "probe" / "environment.py"
_SECONDS = 300
_LEFT_OUT = ("PYTHONPATH", "VIRTUAL_ENV")


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """The file of experiments."""

    schema: int
    experiments: tuple[ExperimentResult, ...]


_read = reader_of(_File)


def perform(experiments: Iterable[Experiment], *, offline: bool) -> Iterator[ExperimentResult]:
    """Do experiments, each in an environment of its own; one that fails says why."""
    for experiment in experiments:
        yield _attempt(experiment, offline=offline)


def write_experiments(directory: Path, results: Iterable[ExperimentResult]) -> None:
    """Write them beside the results of the stacks."""
    ordered = sorted(results, key=lambda each: each.id)
    lines = [
        canonical({"id": r.id, "python": r.python, "unavailable": r.unavailable,
                   "facts": {name: list(texts) for name, texts in r.facts.items()}})
        for r in ordered
    ]  # fmt: skip
    inner = ",\n".join(lines)
    text = f'{{"schema":{SCHEMA},"experiments":[\n{inner}\n]}}\n'
    with replacing(directory / EXPERIMENTS_FILE) as file:
        file.write(text.encode())


def load_experiments(directory: Path) -> tuple[ExperimentResult, ...]:
    """Read them; none where there is no file of them."""
    path = directory / EXPERIMENTS_FILE
    if not is_file(path):
        return ()
    data = read_small(path, "run again")
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise ResultsError(f"{path}: unknown schema {schema!a}", hint="run again")
    try:
        return tuple(map(_complete, _read(data).experiments))
    except ValueError as error:
        raise ResultsError(f"{path}: not as expected: {error}", hint="run again") from error


def _complete(result: ExperimentResult) -> ExperimentResult:
    """With every fact of an experiment; one that was not recorded is none."""
    none = dict.fromkeys(EXPERIMENT_FACTS, (NONE,))
    return result if result.unavailable else replace(result, facts={**none, **result.facts})


def _attempt(experiment: Experiment, *, offline: bool) -> ExperimentResult:
    try:
        if offline:
            message = "needs the package index, and --offline was given"
            raise ProvisionError(message, failure=ProvisionFailure.OFFLINE)
        facts = _perform(experiment)
    except (ProvisionError, OSError, subprocess.SubprocessError) as error:
        reason = _plain(str(error))
        return ExperimentResult(id=experiment.id, python=RUNNING, unavailable=reason)
    return ExperimentResult(id=experiment.id, python=RUNNING, facts=facts)


def _perform(experiment: Experiment) -> Facts:
    with tempfile.TemporaryDirectory(prefix="sqlite-matrix-") as place:
        python = _make_environment(Path(place) / "venv")
        before = _look(python, place, None)
        command = [*installer(python), "--upgrade", *experiment.install]
        done = run_installer(command, seconds=_SECONDS, without=_LEFT_OUT)
        _check_index_answered(done)
        after = _look(python, place, experiment.engine if done.returncode == 0 else None)
    changed = before["sqlite3"] != after["sqlite3"]
    facts = {
        "installed": "yes" if done.returncode == 0 else "no",
        "message": "none" if done.returncode == 0 else _plain(complaint(done.stderr)),
        "sqlite3_changed": "yes" if changed else "no",
        **after,
    }
    return {name: (text,) for name, text in sorted(facts.items())}


def _check_index_answered(done: subprocess.CompletedProcess[str]) -> None:
    """An installation that failed for want of the index says nothing of the package."""
    if done.returncode == 0:
        return
    failure = failure_in(f"{done.stdout}\n{done.stderr}")
    if failure is ProvisionFailure.INDEX_UNREACHED:
        message = f"the package index was not reached: {complaint(done.stderr)}"
        raise ProvisionError(message, failure=failure)


def _make_environment(place: Path) -> Path:
    _run([sys.executable, "-m", "venv", "--without-pip", str(place)], str(place.parent))
    names = ("bin/python", "Scripts/python.exe")
    found = [place / name for name in names if exists(place / name)]
    if not found:
        raise ProvisionError(
            "no environment could be made",
            hint="is the module venv installed?",
            failure=ProvisionFailure.NO_ENVIRONMENT,
        )
    return found[0]


def _look(python: Path, place: str, url: str | None) -> dict[str, str]:
    done = _run([str(python), "-I", str(_SCRIPT), *([] if url is None else [url])], place)
    if done.returncode != 0:
        message = f"the environment does not start: {_plain(done.stderr[-200:])}"
        raise ProvisionError(message, failure=ProvisionFailure.NO_ENVIRONMENT)
    facts: dict[str, str] = json.loads(done.stdout)
    return facts


def _run(command: list[str], place: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in _LEFT_OUT}
    return subprocess.run(
        command, cwd=place, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=_SECONDS, check=False,
    )  # fmt: skip


def _plain(text: str) -> str:
    """A message without what differs from machine to machine: addresses and paths."""
    text = re.sub(r"https?://\S+", "<url>", text)
    return re.sub(r"(?<!\w)/[\w.@+~/-]+", "<path>", " ".join(text.split()))
