"""Measure what a case costs: the bare driver work, the project, and other ways to run cases.

tox -e bench, or: python scripts/bench.py -o table.md

Every row is measured in the same run, in turn with the others, and given as a ratio to the bare
driver work of the same cases in a loop: absolute times do not carry over to another machine.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import Any

import click

from matrix.model import Case, Observation, Result, ScenarioInfo
from matrix.model.meaning import meaning_of
from matrix.reports import render
from matrix.results.store import load_results, write_cases, write_stack
from matrix.runner.collect import observe
from matrix.runner.engine import Run
from matrix.runner.events import StackDone, StackUnavailable
from matrix.runner.isolation import NO_KERNEL
from matrix.runner.options import RunOptions
from matrix.runner.scratch import default_scratch
from matrix.runner.worker import hello
from matrix.scenarios.expand import expand_topics
from matrix.scenarios.load import load_topics
from matrix.stacks.catalogue import load_catalogue
from matrix.stacks.provision import Provided, Provisioner
from matrix.stacks.spec import parse_stack

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "scripts" / "bench_work.py"
STACKS = ("sqlite3", "pysqlite3", "apsw", "sqlite3[sqlalchemy]")

_BARE_FORMS: tuple[tuple[str, dict[str, bool]], ...] = (
    ("x.db", {}),
    (":memory:", {}),
    ("file:{dir}/x.db", {"uri": True}),
    ("file:{name}?mode=memory&cache=shared", {"uri": True}),
)
_SQLALCHEMY_FORMS = (
    "sqlite:///x.db",
    "sqlite://",
    "sqlite:///file:{dir}/x.db?uri=true",
    "sqlite:///file:{name}?mode=memory&cache=shared&uri=true",
)
_ITEMS = """
import json, sys
import pytest
sys.path.append({scripts!r})
from bench_work import prepare

JOB = json.load(open({job!r}, encoding="utf-8"))
WORKER = prepare(JOB)


@pytest.mark.parametrize("case", JOB["cases"], ids=str)
def test_case(case):
    WORKER.perform(case)
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU time and wall time, in seconds."""

    cpu: float
    wall: float

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.cpu - other.cpu, self.wall - other.wall)


@dataclass(frozen=True, slots=True)
class Ratio:
    """The cost of a way to run cases, relative to the bare work: medians over the rounds."""

    way: str
    cpu: float
    wall: float


class Bench:
    """A stack and some cases; each way to run them is a method that returns its cost."""

    def __init__(self, provided: Provided, cases: Sequence[Case]) -> None:
        self._provided = provided
        self._cases = cases

    @property
    def size(self) -> int:
        return len(self._cases)

    def bare(self) -> Cost:
        return self._work("bare", "loop")

    def bare_twice(self) -> Cost:
        """Two loops at the same time, each over half of the cases: what two cores can do."""
        half = len(self._cases) // 2
        with (
            _job(self._provided, self._cases[:half], "bare") as one,
            _job(self._provided, self._cases[half:], "bare") as other,
        ):
            loops = [_start(self._provided, job) for job in (one, other)]
            costs = [Cost(**json.loads(loop.communicate()[0])) for loop in loops]
        return Cost(cpu=sum(cost.cpu for cost in costs), wall=max(cost.wall for cost in costs))

    def observed(self) -> Cost:
        """The probe alone, in a loop."""
        return self._work("observed", "loop")

    def fork(self) -> Cost:
        return self._work("bare", "fork")

    def interpreter(self) -> Cost:
        with _measured() as cost:
            for case in self._cases:
                Bench(self._provided, [case]).bare()
        return cost()

    def pytest_bare(self) -> Cost:
        return self._pytest("bare")

    def pytest_observed(self) -> Cost:
        return self._pytest("observed")

    def project(self, jobs: int) -> Cost:
        """A run, from the cases to the result file, without starting the workers."""
        start = self.start()  # of one worker; they start in parallel
        starts = Cost(cpu=start.cpu * jobs, wall=start.wall)
        return _run(self._provided, self._cases, jobs) - starts

    def start(self) -> Cost:
        """What a stack costs before its first case."""
        return _run(self._provided, (), 1)

    def _work(self, work: str, way: str) -> Cost:
        with _job(self._provided, self._cases, work, way) as job:
            answer, _ = _start(self._provided, job).communicate()
        return Cost(**json.loads(answer))

    def _pytest(self, work: str) -> Cost:
        """One item per case, without the cost of a run of pytest with a single item."""
        return self._items(self._cases, work) - self._items(self._cases[:1], work)

    def _items(self, cases: Sequence[Case], work: str) -> Cost:
        with _job(self._provided, cases, work) as job:
            file = job.with_name("test_items.py")
            file.write_text(_ITEMS.format(scripts=str(WORK.parent), job=str(job)), "utf-8")
            with _measured() as cost:
                subprocess.run(
                    [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)],
                    cwd=job.parent,
                    stdout=subprocess.DEVNULL,
                    check=True,
                )
        return cost()


def _run(provided: Provided, cases: Sequence[Case], jobs: int) -> Cost:
    options = RunOptions(jobs=jobs)
    with tempfile.TemporaryDirectory() as name, _measured() as cost:
        for event in Run([(provided, cases)], parts=Path(name, "parts"), options=options).events():
            if isinstance(event, StackDone):
                write_stack(Path(name), event.stack, event.fingerprint, event.lines)
            assert not isinstance(event, StackUnavailable), event
    return cost()


@contextmanager
def _job(provided: Provided, cases: Sequence[Case], work: str, way: str = "loop") -> Iterator[Path]:
    """A file that tells `bench_work.py` what to do, in a temporary directory."""
    with tempfile.TemporaryDirectory(dir=default_scratch()) as name:
        scratch = Path(name).resolve() / "scratch"
        scratch.mkdir()
        job = {
            "work": work,
            "way": way,
            "hello": {**hello(provided, scratch, ""), **NO_KERNEL.to_json()},
            "cases": [prepared(case) for case in cases],
        }
        file = Path(name, "job.json")
        file.write_text(json.dumps(job), "utf-8")
        yield file


def _start(provided: Provided, job: Path) -> subprocess.Popen[bytes]:
    with job.open("rb") as file:
        command = [str(provided.python), "-I", "-S", "-X", "utf8", str(WORK)]
        return subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE)


@contextmanager
def _measured() -> Iterator[Callable[[], Cost]]:
    """The cost of the block, in this process and the children that it has waited for."""
    before = _now()
    cost: list[Cost] = []
    yield lambda: cost[0]
    cost.append(_now() - before)


def _now() -> Cost:
    used = (sum(getrusage(who)[:2]) for who in (RUSAGE_SELF, RUSAGE_CHILDREN))
    return Cost(cpu=sum(used), wall=time.perf_counter())


def prepared(case: Case) -> dict[str, Any]:
    """A case in the form that a worker receives."""
    return {**case.to_json(), **meaning_of(case).to_json()}


def forms(provided: Provided, *, write: bool = True) -> list[Case]:
    """A file, private memory, a file URI, and shared memory."""
    targets: list[tuple[str, dict[str, bool]]]
    if provided.stack.middleware is not None:
        targets = [(target, {}) for target in _SQLALCHEMY_FORMS]
    else:
        targets = list(_BARE_FORMS)
    return [
        Case(
            id=f"bench/{number}",
            target=target,
            connect=connect,
            write=write,
            via=provided.stack.middleware,
        )
        for number, (target, connect) in enumerate(targets)
    ]


def corpus(provided: Provided, size: int) -> list[Case]:
    """An even sample of the scenarios, without cases that the bare loop cannot clean up after."""
    via = provided.stack.middleware
    cases = [
        case
        for case in expand_topics(load_topics([ROOT / "scenarios"]))
        if case.via == via and case.fits_driver(provided.stack.driver)
    ]
    taken = cases[:: max(1, len(cases) // size)]
    (stack,) = observe([(provided, taken)]).stacks
    return [case for case in taken if _stays_inside(stack.observations[case.id])]


CASES: dict[str, Callable[[Provided, int], list[Case]]] = {
    "forms": lambda provided, _: forms(provided),
    "without a write": lambda provided, _: forms(provided, write=False),
    "corpus": corpus,
}


def _stays_inside(seen: Observation) -> bool:
    ended = seen.result in (Result.OPENED, Result.REFUSED)
    return ended and not any(each.path.startswith(("/", "{dir}", "{tmp}")) for each in seen.created)


def compare(ways: dict[str, Callable[[], Cost]], rounds: int) -> list[Ratio]:
    """Measure each way in turn, in every round; the first one is the base of the ratios."""
    seen: dict[str, list[Cost]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, measure in ways.items():
            seen[way].append(measure())
    base = next(iter(seen.values()))
    return [
        Ratio(
            way=way,
            cpu=statistics.median(c.cpu / b.cpu for c, b in zip(costs, base, strict=True)),
            wall=statistics.median(c.wall / b.wall for c, b in zip(costs, base, strict=True)),
        )
        for way, costs in seen.items()
    ]


def many(cases: Sequence[Case], count: int) -> list[Case]:
    """The cases repeated up to `count`, each time with new ids."""
    times = -(-count // len(cases))
    return [replace(case, id=f"{case.id}/{n}") for n in range(times) for case in cases][:count]


def ratios(bench: Bench, slow: Bench, rounds: int) -> list[Ratio]:
    """All ways; the slowest run the fewer cases of `slow`, relative to its own bare loop."""
    quick = {
        "bare loop": bench.bare,
        "two bare loops": bench.bare_twice,
        "probe alone": bench.observed,
        "project, 1 worker": lambda: bench.project(1),
        "project, 2 workers": lambda: bench.project(2),
        "pytest item, bare": bench.pytest_bare,
        "pytest item, observed": bench.pytest_observed,
        "start of a stack": bench.start,
    }
    found = compare(quick, rounds)
    found[-1] = replace(found[-1], cpu=found[-1].cpu * bench.size, wall=found[-1].wall * bench.size)
    rest = {"bare loop": slow.bare, "fork": slow.fork, "interpreter": slow.interpreter}
    return found + compare(rest, rounds)[1:]


def growth(cells: int) -> dict[str, float]:
    """Run cheap cells, a thousand per stack; the peak memory of this process, in MiB, by step."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        cases = many([Case(id="bench/cheap", target=":memory:", write=False)], 1000)
        infos = [ScenarioInfo(id="bench/cheap", title="Cheap", question="What does it cost?")]
        work = [(_copy(directory, number), cases) for number in range(cells // 1000)]
        write_cases(directory / "out", infos, cases)
        before = _own()
        for event in Run(work, parts=directory / "parts").events():
            if isinstance(event, StackDone):
                write_stack(directory / "out", event.stack, event.fingerprint, event.lines)
            assert not isinstance(event, StackUnavailable), event
        ran = _own()
        render("html", load_results(directory / "out"))
        return {"cells": cells, "start": before, "run": ran, "reports": _own()}


def _copy(directory: Path, number: int) -> Provided:
    """A separate stack that is stdlib sqlite3."""
    driver = directory / f"copy{number}.py"
    driver.write_text("from sqlite_matrix_probe.drivers.sqlite3 import Driver\n")
    provided = Provisioner(directory).provide(parse_stack(str(driver), load_catalogue()))
    assert isinstance(provided, Provided), provided
    return provided


def _own() -> float:
    """The peak memory of this process, in MiB."""
    return getrusage(RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _growth(cells: int) -> dict[str, float]:
    """`growth` in a new process."""
    command = [sys.executable, __file__, "--grow", str(cells)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def ratio_table(columns: dict[str, list[Ratio]]) -> str:
    """A row per way, a column per stack and set of cases; each entry is CPU / wall."""
    first = next(iter(columns.values()))
    lines = ["| CPU / wall | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for row, ratio in enumerate(first):
        cells = [f"{each[row].cpu:.2f} / {each[row].wall:.2f}" for each in columns.values()]
        lines.append(f"| {ratio.way} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def growth_table(found: list[dict[str, float]]) -> str:
    lines = ["| cells | MiB before | MiB after the run | MiB after the page |", "|---|---|---|---|"]
    for each in found:
        sizes = " | ".join(f"{each[name]:.0f}" for name in ("start", "run", "reports"))
        lines.append(f"| {each['cells']:,.0f} | {sizes} |")
    return "\n".join(lines)


@click.command()
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it here."
)
@click.option("--stack", "specs", multiple=True, default=STACKS, help="A stack. Repeatable.")
@click.option("--what", type=click.Choice(list(CASES)), multiple=True, help="Cases. Repeatable.")
@click.option("--cases", default=1000, show_default=True, help="Number of cases.")
@click.option("--rounds", default=3, show_default=True, help="Number of rounds.")
@click.option("--quick", is_flag=True, help="Skip the growth to 100,000 cells.")
@click.option("--smoke", is_flag=True, help="Only check that it works, with a few cases.")
@click.option("--cache", type=click.Path(path_type=Path), envvar="SQLITE_MATRIX_CACHE")
@click.option("--grow", type=int, hidden=True)
def main(  # noqa: PLR0917  (click passes every option by name)
    output: Path | None,
    specs: Sequence[str],
    what: Sequence[str],
    cases: int,
    rounds: int,
    quick: bool,
    smoke: bool,
    cache: Path | None,
    grow: int | None,
) -> None:
    """Print the ratios to the bare driver work, and the growth of memory."""
    if grow is not None:
        click.echo(json.dumps(growth(grow)))
        return
    if smoke:
        cases, rounds = 4, 1
    provisioner = Provisioner(cache)
    columns: dict[str, list[Ratio]] = {}
    for spec in specs:
        provided = provisioner.provide(parse_stack(spec, load_catalogue()))
        if not isinstance(provided, Provided):
            click.echo(f"{spec}: {provided.reason}", err=True)
            continue
        for name in what or CASES:
            click.echo(f"{spec}, {name}", err=True)
            chosen = CASES[name](provided, cases)
            bench = Bench(provided, many(chosen, cases))
            slow = Bench(provided, many(chosen, max(4, cases // 20)))
            columns[f"{spec}, {name}"] = ratios(bench, slow, rounds)
    sizes = [1000] if smoke else [1000, 10_000] if quick else [1000, 10_000, 100_000]
    text = f"{ratio_table(columns)}\n\n{growth_table([_growth(size) for size in sizes])}\n"
    click.echo(text)
    if output is not None:
        output.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
