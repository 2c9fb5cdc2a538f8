"""`sqlite-matrix accept`: record that a change is meant to be so, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from matrix.cli.compare import comparison_options, failing_kinds, tell_changes
from matrix.comparison.accepted import ACCEPTED_FILE, entries_of, load_accepted, write_accepted
from matrix.errors import EXIT_OK, NothingSelectedError
from matrix.text import many


@click.command("accept")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@comparison_options
@click.option("--reason", required=True, metavar="TEXT", help="Why it is meant to be so.")
@click.option("--reference", metavar="URL", help="Where it is announced or discussed.")
@click.option("--kind", "kinds", metavar="KIND[,KIND]",
              help="Only these kinds of change; default: those that fail.")  # fmt: skip
def command(
    old: Path,
    new: Path,
    reason: str,
    reference: str | None,
    kinds: str | None,
    accepted: Path | None,
    **options: Any,
) -> int:
    """Accept what changed from OLD to NEW: `compare` then folds it, and does not fail for it.

    The entries are added to accepted.yaml in OLD, where a reviewer reads them. Once a change is
    part of OLD itself, its entry is stale, and `compare` says so.

    Example: sqlite-matrix accept results/baseline results/latest --select 'immutable*'
    --reason 'SQLite 3.54.0 refuses immutable=1 on a file that is not there'
    """
    if not reason.strip():
        raise click.BadParameter("say why", param_hint="--reason")
    path = accepted or old / ACCEPTED_FILE
    report = tell_changes(old, new, accepted=path, **options)
    wanted = failing_kinds(kinds)
    groups = [group for group in report.groups if not wanted.isdisjoint(group.kinds)]
    stacks = [each for each in report.stacks if each.kind in wanted]
    if not groups and not stacks:
        raise NothingSelectedError(
            "there is no change to accept", hint=f"sqlite-matrix compare {old} {new}"
        )
    entries = entries_of(groups, stacks, reason, reference)
    write_accepted(path, [*load_accepted(path), *entries])
    for group in groups:
        click.echo(f"accepted: {many(group.cells, 'cell')}, {group.what}")
    for each in stacks:
        click.echo(f"accepted: {each.kind.word}: {each.stack}")
    click.echo(f"written: {path}", err=True)
    return EXIT_OK
