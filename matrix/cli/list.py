"""`sqlite-matrix list`: the available scenarios, cases and stacks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from matrix.cli.common import (
    output_option,
    stack_options,
    table_or_json,
    write_json,
    write_output,
)
from matrix.cli.progress import PROGRESS
from matrix.errors import EXIT_OK, EXIT_UNAVAILABLE, NothingSelectedError
from matrix.foreign import document, visible
from matrix.model import Fingerprint, Json
from matrix.project.stacks import choose_stacks
from matrix.project.topics import read_topics
from matrix.results.store import StackResults
from matrix.runner.collect import observe_stacks, provide
from matrix.scenarios.expand import expand_topics, explain_topics, scenario_infos
from matrix.scenarios.features import count_features
from matrix.scenarios.selector import Selector
from matrix.stacks.catalogue import load_catalogue
from matrix.stacks.provision import Provisioner

_select = click.option(
    "--select",
    "patterns",
    multiple=True,
    metavar="GLOB",
    help="Select by id: a topic, a topic/scenario, or a pattern. Repeatable.",
)
_paths = click.argument("scenarios", nargs=-1, type=click.Path(exists=True, path_type=Path))


@click.group("list")
def command() -> None:
    """List scenarios, cases, coverage or stacks.

    Example: sqlite-matrix list cases --select mode --explain
    """


@command.command("scenarios")
@_paths
@_select
@table_or_json
@output_option
def list_scenarios(
    scenarios: tuple[Path, ...], patterns: tuple[str, ...], format_: str, output: Path | None
) -> None:
    """List the scenarios: id, title, question.

    Example: sqlite-matrix list scenarios --format json
    """
    selector = Selector.parse(patterns)
    infos = [info for info in scenario_infos(read_topics(scenarios)) if selector(info.id)]
    rows = [(info.id, info.title, info.question) for info in infos]
    _write(rows, [info.to_json() for info in infos], format_, output)


@command.command("cases")
@_paths
@_select
@click.option("--explain", is_flag=True, help="List the dropped combinations instead, and why.")
@table_or_json
@output_option
def list_cases(
    scenarios: tuple[Path, ...],
    patterns: tuple[str, ...],
    explain: bool,
    format_: str,
    output: Path | None,
) -> None:
    """List the cases: id and target.

    Example: sqlite-matrix list cases scenarios/mode.yaml
    """
    selector = Selector.parse(patterns)
    topics = read_topics(scenarios)
    if explain:
        dropped = [each for each in explain_topics(topics) if selector(each.id)]
        rows: list[tuple[str, ...]] = [(each.id, each.reason) for each in dropped]
        _write(rows, [each.to_json() for each in dropped], format_, output)
        return
    cases = [case for case in expand_topics(topics) if selector(case.id)]
    rows = [(case.id, case.target) for case in cases]
    _write(rows, [case.to_json() for case in cases], format_, output)


@command.command("coverage")
@_paths
@_select
@table_or_json
@output_option
def list_coverage(
    scenarios: tuple[Path, ...], patterns: tuple[str, ...], format_: str, output: Path | None
) -> None:
    """List the features that the cases use, with the number of cases on each driver.

    Example: sqlite-matrix list coverage --format json
    """
    selector = Selector.parse(patterns)
    drivers = tuple(load_catalogue().drivers)
    cases = (case for case in expand_topics(read_topics(scenarios)) if selector(case.id))
    found = count_features(cases, drivers)
    rows: list[tuple[str, ...]] = [("feature", *drivers)]
    rows += [(name, *(str(count[d]) for d in drivers)) for name, count in found.items()]
    _write(
        rows, [{"feature": name, "cases": dict(c)} for name, c in found.items()], format_, output
    )


@command.command("stacks")
@stack_options
@table_or_json
@output_option
def list_stacks(
    set_name: str | None,
    specs: tuple[str, ...],
    format_: str,
    output: Path | None,
    provisioner: Provisioner,
) -> int:
    """List stacks with their fingerprints; each is started once to measure them.

    Example: sqlite-matrix list stacks --stacks quick
    """
    stacks = choose_stacks(load_catalogue(), set_name, specs, "standard")
    found = observe_stacks(provide(provisioner, stacks, PROGRESS))
    rows: list[tuple[str, ...]] = [
        ("stack", "SQLite", "URIs", "shared cache", "temporary files", "observer")
    ]
    rows += [_stack_row(stack) for stack in found]
    _write(rows, [_stack_json(stack) for stack in found], format_, output)
    missing = any(stack.unavailable is not None for stack in found)
    return EXIT_UNAVAILABLE if missing and specs else EXIT_OK


def _stack_row(stack: StackResults) -> tuple[str, ...]:
    seen = stack.fingerprint
    if seen is None:
        return (stack.stack, f"unavailable: {stack.unavailable}")
    return (stack.stack, seen.sqlite, *_switches(seen), seen.observer)


def _switches(seen: Fingerprint) -> tuple[str, str, str]:
    return (
        "on" if seen.uri_default else "off",
        "yes" if seen.shared_cache else "no",
        "on disk" if seen.temp_files else "in memory",
    )


def _stack_json(stack: StackResults) -> Json:
    fingerprint = None if stack.fingerprint is None else stack.fingerprint.to_json()
    return {"stack": stack.stack, "fingerprint": fingerprint, "unavailable": stack.unavailable}


def _write(
    rows: Sequence[tuple[str, ...]], data: Iterable[Json], format_: str, output: Path | None
) -> None:
    if not rows:
        raise NothingSelectedError("nothing to list")
    if format_ == "json":
        write_json(list(data), output)
        return
    rows = [tuple(map(visible, row)) for row in rows]
    columns = max(len(row) for row in rows)
    widths = [max(len(row[i]) for row in rows if i < len(row) - 1 or i == 0) if any(
        i < len(row) for row in rows) else 0 for i in range(columns - 1)]  # fmt: skip
    lines = ("  ".join([*map(str.ljust, row[:-1], widths), row[-1]]).rstrip() for row in rows)
    write_output(document("\n".join(lines) + "\n"), output)
