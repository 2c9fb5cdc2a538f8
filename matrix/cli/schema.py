"""`sqlite-matrix schema`: the JSON Schemas of the input and output formats."""

from __future__ import annotations

from pathlib import Path

import click

from matrix.cli.common import output_option, say, write_output
from matrix.errors import UsageError
from matrix.schemas import SCHEMAS, render_schema, write_schemas


@click.command("schema")
@click.argument("name", required=False, type=click.Choice(sorted(SCHEMAS)))
@click.option("--write", is_flag=True, help="Regenerate the schema files of this package.")
@output_option
def command(name: str | None, write: bool, output: Path | None) -> None:
    """Print the JSON Schema of a file that people write, of cases or of observations.

    Example: sqlite-matrix schema scenario -o scenario.schema.json
    """
    if write == (name is not None):
        raise UsageError("name a schema, or use --write", hint=", ".join(sorted(SCHEMAS)))
    if name is not None:
        write_output(render_schema(name), output)
        return
    for path in write_schemas():
        say(f"written: {path}")
