"""Change the code in small ways, and see whether the tests notice: `tox -e mutate`.

`mutants.toml` beside this file names the modules, the tests that judge each, and the mutants of
which somebody has argued that no test can tell them from the original.

Cosmic Ray writes each mutant to the disk and runs the tests. So it reaches the probe as well, whose
workers are processes of their own without the caller's variables and packages: mutmut, which puts
all mutants into one file, chooses by a variable, and imports itself there, does not. All of this
happens in copies of the working tree, so that a run that is interrupted leaves nothing behind.

Exit code: 0 where no mutant has survived but those that are argued, else 1.
"""

from __future__ import annotations

import argparse
import ast
import multiprocessing
import os
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

import attrs
from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkResult
from mutation_operators import NAMES

ROOT = Path(__file__).parents[1]
TABLE = Path(__file__).with_name("mutants.toml")
_PATIENCE = 60.0
"""Seconds that a mutant gets, beyond four times what its tests take unmutated."""
_ALL_LINES = range(1, sys.maxsize)


@dataclass(frozen=True, kw_only=True, eq=False)
class Module:
    """A module and the tests that judge it; `argued`: reasons, by what a mutant replaces."""

    path: str
    tests: tuple[str, ...]
    argued: dict[tuple[str, str], str]

    @property
    def command(self) -> str:
        options = ("-x", "-q", "-p", "no:cacheprovider")
        return shlex.join([sys.executable, "-m", "pytest", *options, *self.tests])


@dataclass(frozen=True, kw_only=True, eq=False)
class Fate:
    """What became of one mutant: one of `FATES`; the lines that it replaces, without indents."""

    module: Module
    line: int
    fate: str
    was: str
    now: str
    output: str

    def __str__(self) -> str:
        lines = [f"{self.module.path}:{self.line}: {self.fate}"]
        lines += [f"    - {line}" for line in self.was.splitlines()]
        lines += [f"    + {line}" for line in self.now.splitlines()]
        if self.fate == "broken":
            lines.append(self.output)
        elif (self.was, self.now) in self.module.argued:
            lines.append(f"    {self.module.argued[self.was, self.now]}")
        return "\n".join(lines)


FATES = ("killed", "timed out", "survived", "argued", "refuted", "broken")
"""`argued`: survived, as somebody has argued; `refuted`: so it was, and a test has killed it;
`broken`: it could not be made."""
_WRONG = ("survived", "refuted", "broken")


def load_modules() -> list[Module]:
    """All that the table names."""
    return [
        Module(
            path=path,
            tests=tuple(entry["tests"]),
            argued={(each["was"], each["now"]): each["why"] for each in entry.get("argued", ())},
        )
        for path, entry in tomllib.loads(TABLE.read_text("utf-8")).items()
    ]


def select(modules: Sequence[Module], wanted: Sequence[str]) -> dict[Module, list[range]]:
    """The modules that are asked for, each with the lines that are; all without a word."""
    if not wanted:
        return {module: [_ALL_LINES] for module in modules}
    named = {Path(module.path).stem: module for module in modules}
    named.update((module.path, module) for module in modules)
    chosen: dict[Module, list[range]] = {}
    for word in wanted:
        name, _, lines = word.partition(":")
        first, _, last = lines.partition("-")
        try:
            there = range(int(first), int(last or first) + 1) if lines else _ALL_LINES
            chosen.setdefault(named[name], []).append(there)
        except (KeyError, ValueError):
            raise SystemExit(
                f"mutate: {word} names no module of {TABLE.name}, or no lines"
            ) from None
    return chosen


def copy_tree(directory: Path) -> None:
    """Copy the working tree, without what git ignores, and compile it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    for name in filter(None, os.fsdecode(listed).split("\0")):
        if (ROOT / name).is_file():  # it may be deleted, and not yet from the index
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, directory / name)
    subprocess.run([sys.executable, "-m", "compileall", "-q", "matrix"], cwd=directory, check=True)


def mutants_of(module: Module, lines: Sequence[range], directory: Path) -> list[MutationSpec]:
    """The mutants of some lines, in order."""
    path = directory / module.path
    unused = list(_unused(ast.parse(path.read_text("utf-8"))))
    with use_db(str(directory / "session.sqlite"), WorkDB.Mode.create) as db:
        init([path], db, {})
        found = [item.mutations[0] for item in db.work_items]
    kept = [
        attrs.evolve(mutant, module_path=module.path)
        for mutant in found
        if mutant.operator_name in NAMES
        and any(mutant.start_pos[0] in some for some in lines)
        and not any(first <= tuple(mutant.start_pos) < last for first, last in unused)
    ]
    return sorted(kept, key=lambda mutant: (mutant.start_pos, mutant.operator_name))


def _unused(tree: ast.AST) -> Iterator[tuple[Any, Any]]:
    """Where nothing is judged: annotations are not run, and decorators say how values are held."""
    for node in ast.walk(tree):
        parts = [getattr(node, name, None) for name in ("annotation", "returns")]
        for part in (*parts, *getattr(node, "decorator_list", ())):
            if part is not None:
                yield (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)


def time_unmutated(module: Module, directory: Path) -> float:
    """The seconds that the tests take; ends everything where they do not pass."""
    started = time.monotonic()
    done = subprocess.run(
        shlex.split(module.command),
        cwd=directory,
        env=_environment(directory),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"mutate: the tests of {module.path} do not pass\n{done.stdout}")
    return time.monotonic() - started


def judge(
    plan: Iterable[tuple[Module, MutationSpec, float]], directories: Sequence[Path]
) -> Iterator[Fate]:
    """Test each mutant, as many at a time as there are copies of the tree."""
    free: Any = multiprocessing.SimpleQueue()
    for directory in directories:
        free.put(directory)
    with ProcessPoolExecutor(len(directories), initializer=_enter, initargs=(free,)) as pool:
        running = [pool.submit(_judge, *each) for each in plan]
        for future in as_completed(running):
            yield future.result()


def _enter(free: Any) -> None:
    directory = free.get()
    os.chdir(directory)
    os.environ.update(_environment(directory))


def _environment(directory: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(directory)}


def _judge(module: Module, mutant: MutationSpec, timeout: float) -> Fate:
    result = mutate_and_test([mutant], module.command, timeout)
    changed = (result.diff or "").splitlines()[3:]  # what comes before are names of files
    was, now = ("\n".join(t[1:].strip() for t in changed if t[0] == sign) for sign in "-+")
    return Fate(
        module=module,
        line=mutant.start_pos[0],
        fate=_fate(result, argued=(was, now) in module.argued),
        was=was,
        now=now,
        output=result.output or "",
    )


def _fate(result: WorkResult, *, argued: bool) -> str:
    if result.test_outcome is TestOutcome.SURVIVED:
        return "argued" if argued else "survived"
    if result.test_outcome is not TestOutcome.KILLED:
        return "broken"
    if argued:
        return "refuted"
    return "timed out" if result.output == "timeout" else "killed"


def table(fates: Sequence[Fate]) -> str:
    """How many mutants of each module had which fate; the score leaves out what is argued."""
    rows = [("", ["mutants", *FATES, "score"])]
    for path in dict.fromkeys(fate.module.path for fate in sorted(fates, key=_place)):
        rows += [(path, _numbers([fate for fate in fates if fate.module.path == path]))]
    rows += [("all", _numbers(fates))]
    return "\n".join(f"{name:30}" + "".join(f"{n:>10}" for n in numbers) for name, numbers in rows)


def _place(fate: Fate) -> tuple[str, int]:
    return fate.module.path, fate.line


def _numbers(fates: Sequence[Fate]) -> list[Any]:
    count = Counter(fate.fate for fate in fates)
    judged = len(fates) - count["argued"]
    dead = count["killed"] + count["timed out"] + count["refuted"]
    return [
        len(fates),
        *(count[f] for f in FATES),
        f"{100 * dead / judged:.1f} %" if judged else "-",
    ]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="mutate", description=__doc__.partition("\n")[0])
    parser.add_argument("module", nargs="*", help="its path or name, or name:line, name:first-last")
    parser.add_argument("--sample", type=int, help="no more mutants of each module than that")
    parser.add_argument("--seed", type=int, default=0, help="which sample (0)")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count(), help="at a time")
    options = parser.parse_args(arguments)
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="mutate-") as scratch:
        directories = [Path(scratch, str(number)) for number in range(options.jobs)]
        copy_tree(directories[0])
        plan = []
        for module, lines in select(load_modules(), options.module).items():
            mutants = mutants_of(module, lines, directories[0])
            if options.sample is not None and len(mutants) > options.sample:
                mutants = chance.sample(mutants, options.sample)
            seconds = time_unmutated(module, directories[0])
            print(f"{module.path}: {len(mutants)} mutants, {seconds:.1f} s unmutated", flush=True)
            plan += [(module, mutant, 4 * seconds + _PATIENCE) for mutant in mutants]
        for directory in directories[1:]:  # with what the tests were compiled to
            shutil.copytree(directories[0], directory, symlinks=True)
        fates = []
        for fate in judge(plan, directories):
            fates.append(fate)
            if fate.fate not in ("killed", "timed out"):
                print(fate, flush=True)
    print(table(fates))
    return 1 if any(fate.fate in _WRONG for fate in fates) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
