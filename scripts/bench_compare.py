"""Measure what a comparison costs: time and memory, for results with few and many differences.

tox -e bench, or: python scripts/bench_compare.py -o table.md

Each measurement runs in a new process. For comparison, the same run measures the obvious way to
write it: every line parsed by `json.loads` into dicts, which are compared by key.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import click

from matrix.comparison.compare import compare_results
from matrix.comparison.report import report_changes
from matrix.model import (
    Case,
    Created,
    Fingerprint,
    Observation,
    PathKind,
    Result,
    SecondConnection,
    Storage,
    UriDefault,
    canonical,
)
from matrix.results.store import write_cases, write_stack

_CASES = 10_000
"""Cases per stack; more cells means more stacks."""
_DIFFERENCES = (0, 10, 1000)
_SIZES = (100_000, 1_000_000)
_MOST_FOR_DICTS = 100_000


def generate(directory: Path, cells: int, differences: int) -> None:
    """Write results of `cells` cells; `differences` of them differ from those written with 0."""
    count = min(_CASES, cells)
    names = [f"bench/{n % 40}[form={n:06}]" for n in range(count)]
    cases = (Case(id=name, target=f"file:{name}?mode=memory") for name in names)
    write_cases(directory, (), cases)
    stacks = cells // count
    every = cells // differences if differences else 0
    for number in range(stacks):
        stack = f"apsw==3.{number}@3.11"
        lines = (
            canonical(_observation(name, stack, changed=bool(every) and place % every == 0))
            for place, name in enumerate(names, start=number * count)
        )
        write_stack(directory, stack, _fingerprint(number), lines)


def _observation(name: str, stack: str, *, changed: bool) -> dict[str, object]:
    file = Created(
        path="db", kind=PathKind.DATABASE, stage="open", kept=True, asked=True, size=2105344
    )
    journal = Created(
        path="db-journal", kind=PathKind.JOURNAL, stage="write", kept=False, asked=False, size=None
    )
    return Observation(
        case=name,
        stack=stack,
        result=Result.OPENED,
        storage=Storage.MEMORY if changed else Storage.FILE,
        created=() if changed else (file, journal),
        second_connection=SecondConnection.SEES,
        passed={"args": [f"file:{name}?mode=memory"], "kwargs": {"uri": True}},
        opened="" if changed else "db",
        journal_mode="memory" if changed else "delete",
        observer="vfs-hook+listing",
        transients_complete=True,
    ).to_json()


def _fingerprint(number: int) -> Fingerprint:
    return Fingerprint(
        python="3.11.2", implementation="CPython", platform="linux-x86_64", driver="apsw",
        driver_version=f"3.{number}", distribution="apsw", sqlite="3.54.0", source_id="x",
        compile_options=(), uri_setting=UriDefault.AS_BUILT, uri_default=True, shared_cache=True,
        temp_files=True,
    )  # fmt: skip


def by_lines(old: Path, new: Path) -> int:
    """What `sqlite-matrix compare` does, up to the groups."""
    report = report_changes(compare_results(old, new))
    return sum(group.cells for group in report.groups)


def by_dicts(old: Path, new: Path) -> int:
    """Parse every line, and keep everything in memory."""
    before, after = (dict(_parsed(directory)) for directory in (old, new))
    return sum(before.get(key) != after.get(key) for key in before.keys() | after.keys())


def _parsed(directory: Path) -> Iterator[tuple[tuple[str, str], object]]:
    for path in sorted(directory.glob("*.jsonl")):
        with path.open("rb") as file:
            for record in map(json.loads, file):
                if "case" in record:
                    yield (record["stack"], record["case"]), record


WAYS = {"lines": by_lines, "dicts": by_dicts}


def measure(way: str, old: Path, new: Path) -> dict[str, float]:
    """Seconds, peak MiB, and how many cells were found to differ."""
    began = time.perf_counter()
    found = WAYS[way](old, new)
    seconds = time.perf_counter() - began
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return {"seconds": seconds, "mib": getrusage(RUSAGE_SELF).ru_maxrss / unit, "found": found}


def measured(way: str, old: Path, new: Path, rounds: int) -> dict[str, float]:
    """`measure` in new processes: the medians."""
    command = [sys.executable, __file__, "--measure", way, str(old), str(new)]
    outputs = [subprocess.run(command, stdout=subprocess.PIPE, check=True) for _ in range(rounds)]
    found = [json.loads(output.stdout) for output in outputs]
    return {key: statistics.median(each[key] for each in found) for key in found[0]}


def rows(sizes: tuple[int, ...], rounds: int) -> Iterator[str]:
    """The lines of the table; the old results of each size are generated once."""
    yield "| cells | differences | seconds | MiB | dicts: seconds | dicts: MiB |"
    yield "|---|---|---|---|---|---|"
    for cells in sizes:
        with tempfile.TemporaryDirectory() as name:
            old, new = Path(name, "old"), Path(name, "new")
            generate(old, cells, 0)
            for differences in (d for d in _DIFFERENCES if d < cells):
                generate(new, cells, differences)
                seen = measured("lines", old, new, rounds)
                assert seen["found"] == differences, seen
                dict_columns = "| not run | |"
                if cells <= _MOST_FOR_DICTS:
                    dicts = measured("dicts", old, new, rounds)
                    assert dicts["found"] == differences, dicts
                    dict_columns = f"| {dicts['seconds']:.2f} | {dicts['mib']:.0f} |"
                yield (
                    f"| {cells:,} | {differences:,} | {seen['seconds']:.2f} | {seen['mib']:.0f} "
                    + dict_columns
                )


@click.command()
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it here."
)
@click.option("--rounds", default=3, show_default=True, help="Number of rounds.")
@click.option("--quick", is_flag=True, help="Skip 1,000,000 cells.")
@click.option("--smoke", is_flag=True, help="Only check that it works, with a thousand cells.")
@click.option("--measure", "job", nargs=3, hidden=True)
def main(
    output: Path | None, rounds: int, quick: bool, smoke: bool, job: tuple[str, str, str] | None
) -> None:
    """Print what comparisons cost, as a table."""
    if job is not None:
        click.echo(json.dumps(measure(job[0], Path(job[1]), Path(job[2]))))
        return
    sizes = (1000,) if smoke else _SIZES[:1] if quick else _SIZES
    text = ""
    for row in rows(sizes, 1 if smoke else rounds):
        click.echo(row)
        text += row + "\n"
    if output is not None:
        output.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
