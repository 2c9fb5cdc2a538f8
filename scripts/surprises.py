"""Find the strings whose storage or sharing differs most between drivers.

sqlite-matrix run --stacks standard
python scripts/surprises.py results/latest -o docs/surprises.md
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from matrix.foreign import markdown_code as code
from matrix.model import Case, Observation, Result, TargetType
from matrix.model.outcome import outcome
from matrix.model.stack_id import StackId
from matrix.reports.grid import connect_options, display
from matrix.reports.recipes.calls import form_of, oddness
from matrix.results.store import ResultSet, StackResults, load_results

HOW_MANY = 10


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path, help="directory with the result files")
    parser.add_argument("-o", "--output", type=Path, help="default: standard output")
    options = parser.parse_args(arguments)
    text = render(load_results(options.results))
    if options.output is None:
        sys.stdout.write(text)
    else:
        options.output.write_text(text, "utf-8")
    return 0


def render(results: ResultSet) -> str:
    """The most surprising differences as a Markdown page."""
    stacks = newest_as_built(results)
    lines = [
        "# One string, different results",
        "",
        "These are the strings whose storage or sharing differs most between the drivers as built, "
        "found in the results by `scripts/surprises.py`.",
        "",
        "| call | intent | " + " | ".join(_title(stack) for stack in stacks) + " |",
        "|---" * (len(stacks) + 2) + "|",
    ]
    for case in surprises(results, stacks):
        cells = (_words(stack.observations[case.id]) for stack in stacks)
        lines.append(f"| {_call(case)} | {case.intent.value} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def newest_as_built(results: ResultSet) -> list[StackResults]:
    """For each driver, the bare stack of the newest version, with no setting forced."""
    newest: dict[str, StackResults] = {}
    for stack in results.stacks:  # sorted, with versions ascending
        parsed = StackId.parse(stack.stack)
        if parsed is not None and not parsed.options and stack.fingerprint is not None:
            newest[parsed.driver] = stack
    return list(newest.values())


def surprises(results: ResultSet, stacks: Sequence[StackResults]) -> list[Case]:
    """The cases that differ most: one of each way to differ, then one of each form of the call."""
    ranked = sorted(_comparable(results, stacks), key=lambda case: _rank(case, stacks))
    ways: dict[tuple[tuple[str, str] | None, ...], Case] = {}
    forms: dict[object, Case] = {}
    for case in ranked:
        ways.setdefault(tuple(_kind(stack.observations[case.id]) for stack in stacks), case)
        forms.setdefault((form_of(case), bool(case.sql), bool(case.connect)), case)
    first = {form_of(case): case for case in reversed(ways.values())}
    others = (case for case in forms.values() if form_of(case) not in first)
    return [*reversed(first.values()), *others][:HOW_MANY]


def _comparable(results: ResultSet, stacks: Sequence[StackResults]) -> Iterator[Case]:
    """The cases without setup that write, ran on every driver, and differ."""
    for case in results.cases.values():
        on_all = all(case.id in stack.observations for stack in stacks)
        plain = case.write and not case.setup and case.target_type is TargetType.STR
        if on_all and plain and len(_kinds(case, stacks)) > 1:
            yield case


def _kinds(case: Case, stacks: Sequence[StackResults]) -> set[tuple[str, str]]:
    """What the drivers that open it do. A refusal does not count: the user notices it."""
    return {kind for stack in stacks if (kind := _kind(stack.observations[case.id])) is not None}


def _kind(seen: Observation) -> tuple[str, str] | None:
    """Where the data is, and whether a second connection sees it; None if it was refused."""
    if seen.result is not Result.OPENED or seen.error is not None:
        return None
    second = seen.second_connection
    return (seen.storage.value, second.value if second is not None else "")


def _rank(case: Case, stacks: Sequence[StackResults]) -> tuple[object, ...]:
    strays = sum(bool(stack.observations[case.id].strays) for stack in stacks)
    statements = sum(map(len, case.sql))
    return (-len(_kinds(case, stacks)), -strays, statements, *oddness(case), case.id)


def _call(case: Case) -> str:
    options = connect_options(case.connect)
    target = f'"{display(case.target)}"' if case.target.strip() else display(case.target)
    call = code(f"connect({target}{f', {options}' if options else ''})")
    return " then ".join((call, *map(code, map(display, case.sql))))


def _title(stack: StackResults) -> str:
    seen = stack.fingerprint
    return "" if seen is None else f"{seen.driver} {seen.driver_version} (SQLite {seen.sqlite})"


def _words(seen: Observation) -> str:
    word = outcome(seen).word
    return f"**{word}**" if seen.strays or seen.unasked else word


if __name__ == "__main__":
    sys.exit(main())
