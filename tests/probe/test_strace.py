"""The probe misses nothing and makes nothing up: it is compared with a trace of the kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path, PurePosixPath

import pytest

from matrix.model import Case, Observation
from matrix.runner.collect import collect
from matrix.runner.engine import Run
from matrix.runner.options import RunOptions
from matrix.scenarios.expand import expand_topics
from matrix.scenarios.load import load_topics
from tests.conftest import Provide
from tests.paths import SCENARIOS
from tests.strace import Traced, TracedWorker, needs_strace, parse_trace, write_wrapper


def sample(driver: str, via: str | None, per_topic: int) -> list[Case]:
    """Some cases of every topic, at even distances, the same ones each time."""
    cases = (
        case
        for case in expand_topics(load_topics([SCENARIOS]))
        if case.via == via and case.fits_driver(driver) and not has_others(case)
    )
    chosen: list[Case] = []
    for _, group in groupby(cases, key=lambda case: case.id.partition("/")[0]):
        topic = list(group)
        chosen += topic[:: -(-len(topic) // per_topic)]
    return chosen


def has_others(case: Case) -> bool:
    """Whether others make files, too, of which this trace cannot tell when they were there."""
    return bool(case.rivals or case.before or case.permissions)


def given(case: Case) -> Iterator[str]:
    """The paths that are there before the case begins: the set-up made them."""
    for step in case.setup:
        name = next(str(step[key]) for key in ("db", "empty", "file", "mkdir", "symlink")
                    if key in step)  # fmt: skip
        yield name
        yield from (str(parent) for parent in PurePosixPath(name).parents if str(parent) != ".")
        if step.get("keep_wal"):
            yield f"{name}-wal"


def shown(path: str, scratch: Path, number: int) -> str:
    """A traced path as an observation tells it."""
    around = f"{scratch}/{number:05}"
    path = path.removeprefix(f"{around}/dir/")
    for real, placeholder in (
        (f"{around}/dir", "{dir}"),
        (around, "{dir}/.."),
        (f"{scratch}/tmp", "{tmp}"),
        (f"{scratch}/home", "{home}"),
        (str(scratch), "{dir}/../.."),
    ):
        path = path.replace(real, placeholder)
    path = re.sub(r"^(?=[A-Za-z]:[\\/])", "./", path)  # a file that is called like a drive
    path = re.sub(f"db[0-9a-f]{{8}}x{number:05}", "{name}", path)
    path = re.sub(r"etilqs_\w+", "etilqs_*", path)
    return re.sub(r"-mj[0-9A-F]{9}", "-mj*", path)


Facts = dict[str, set[str]]


def by_trace(case: Case, traced: Traced, worker: TracedWorker) -> Facts:
    """What a case created and tried to, by the word of the kernel, and what stayed beside it."""
    tried_by_us = "{dir}/../../(unnamed)"  # whether there is room, after an error
    before = {*given(case), tried_by_us, "{dir}", "{dir}/../setup"}

    def tell(paths: set[str]) -> set[str]:
        told = {shown(path, worker.scratch, traced.number) for path in paths}
        return {path for path in told - before if not path.startswith("{dir}/../setup/")}

    return {
        "created": tell(traced.created),
        "stayed": tell(traced.stayed),
        "tried": tell(traced.tried) - tell(traced.created),
    }


def by_probe(seen: Observation) -> Facts:
    """The same by the word of the probe."""
    elsewhere = ("/", "{tmp}", "{home}", "{dir}/../..")
    kept = {entry.path for entry in seen.created if entry.kept}
    created = {entry.path for entry in seen.created}
    return {
        "created": created,
        "stayed": {path for path in kept if not path.startswith(elsewhere)},
        "tried": set(seen.tried) - created,
    }


def disagreements(
    cases: Sequence[Case],
    observations: dict[str, Observation],
    workers: Sequence[TracedWorker],
) -> Iterator[str]:
    """Every case in which the probe and the trace disagree."""
    performed = [
        (traced, worker)
        for worker in workers
        for traced in worker.cases
        if traced.number > 1  # the first one is the fingerprint
    ]
    for case, (traced, worker) in zip(cases, performed, strict=True):
        kernel, probe = by_trace(case, traced, worker), by_probe(observations[case.id])
        for fact, paths in kernel.items():
            if paths - probe[fact]:
                yield f"{case.id}: {fact}, missed by the probe: {sorted(paths - probe[fact])}"
            if probe[fact] - paths:
                yield f"{case.id}: {fact}, by the probe alone: {sorted(probe[fact] - paths)}"


@needs_strace
@pytest.mark.parametrize(
    ("spec", "via"),
    [
        ("sqlite3", None),
        ("sqlite3[uri=off]", None),
        ("pysqlite3", None),
        ("apsw", None),
        ("apsw[uri=on]", None),
        ("sqlite3[sqlalchemy]", "sqlalchemy"),
        ("apsw[sqlalchemy]", "sqlalchemy"),
        ("sqlite3[aiosqlite]", "aiosqlite"),
        ("sqlite3[django]", "django"),
        ("sqlite3[flask-sqlalchemy]", "flask-sqlalchemy"),
        ("sqlite3[peewee]", "peewee"),
        ("sqlite3[sqlalchemy-asyncio]", "sqlalchemy-asyncio"),
    ],
)
def test_the_probe_saw_what_the_kernel_was_asked_to_create(
    provide: Provide,
    tmp_path: Path,
    pytestconfig: pytest.Config,
    spec: str,
    via: str | None,
) -> None:
    wrapper, traces = write_wrapper(tmp_path)
    provided = replace(provide(spec), python=wrapper)
    cases = sample(provided.stack.driver, via, pytestconfig.getoption("--per-topic"))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    run = Run(
        [(provided, cases)], parts=tmp_path / "parts", options=RunOptions(jobs=1, scratch=scratch)
    )
    (stack,) = collect(run.events())
    assert stack.fingerprint is not None, stack.unavailable
    if "vfs-hook" not in stack.fingerprint.observer:
        pytest.skip(f"{spec} hides its table of system calls here")
    traced_workers = [follow(trace) for trace in sorted(traces.iterdir(), key=started)]
    assert list(disagreements(cases, dict(stack.observations), traced_workers)) == []
    assert sum(len(traced.created) for worker in traced_workers for traced in worker.cases) > len(
        cases
    )


def started(trace: Path) -> int:
    return trace.stat().st_ctime_ns


def follow(trace: Path) -> TracedWorker:
    """The trace of one worker; its directory is that of the first case."""
    calls = list(parse_trace(trace))
    made = (path for call in calls if call.name.startswith("mkdir") for path in call.paths)
    first = next(path for path in made if path.endswith("/00001"))
    worker = TracedWorker(Path(first).parent)
    worker.follow(call for call in calls if not any("__pycache__" in path for path in call.paths))
    return worker
