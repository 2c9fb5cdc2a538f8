"""`sqlite-matrix accept`: record that a change is intended, and why."""

from __future__ import annotations

from pathlib import Path

import click

from matrix.cli.common import say
from matrix.cli.compare import comparison_options
from matrix.cli.progress import PROGRESS
from matrix.comparison.accepted import ACCEPTED_FILE
from matrix.comparison.workflow import (
    accept_changes,
    compare_and_explain,
    parse_kinds,
    select_stacks,
)
from matrix.errors import EXIT_OK
from matrix.runner.options import RunOptions
from matrix.stacks.provision import Provisioner
from matrix.text import many


@click.command("accept")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@comparison_options
@click.option("--reason", required=True, metavar="TEXT", help="Why the change is accepted.")
@click.option("--reference", metavar="URL", help="Where the change is announced or discussed.")
@click.option("--kind", "kinds", metavar="KIND[,KIND]",
              help="Accept only these kinds of change; default: those that fail.")  # fmt: skip
def command(
    old: Path,
    new: Path,
    reason: str,
    reference: str | None,
    kinds: str | None,
    accepted: Path | None,
    patterns: tuple[str, ...],
    stacks: tuple[str, ...],
    explained: bool,
    provisioner: Provisioner,
    options: RunOptions,
) -> int:
    """Accept the changes from OLD to NEW, so that `compare` no longer fails on them.

    The entries are added to accepted.yaml in OLD, where a reviewer can read them. Once a change
    is part of OLD itself, its entry is stale, and `compare` says so.

    Example: sqlite-matrix accept results/baseline results/latest --select 'immutable*'
    --reason 'SQLite 3.54.0 refuses immutable=1 on a missing file'
    """
    if not reason.strip():
        raise click.BadParameter("must not be empty", param_hint="--reason")
    path = accepted or old / ACCEPTED_FILE
    report = compare_and_explain(
        old, new,
        patterns=patterns, stacks=select_stacks(stacks), accepted=path, explained=explained,
        provisioner=provisioner, options=options, progress=PROGRESS,
    )  # fmt: skip
    found = accept_changes(
        report, path, kinds=parse_kinds(kinds), reason=reason, reference=reference
    )
    for group in found.groups:
        say(f"accepted: {many(group.cells, 'cell')}, {group.what}", err=False)
    for each in found.stacks:
        say(f"accepted: {each.kind.word}: {each.stack}", err=False)
    say(f"written: {path}")
    return EXIT_OK
