"""`sqlite-matrix schema`: the JSON Schemas of what goes in and out."""

from __future__ import annotations

import json
from pathlib import Path

import click

from matrix.cli.common import (
    output_option,
    write_output,
)
from matrix.schemas import SCHEMAS


@click.command("schema")
@click.argument("name", type=click.Choice(sorted(SCHEMAS)))
@output_option
def command(name: str, output: Path | None) -> None:
    """Print the JSON Schema of what people write, of cases or of observations.

    Example: sqlite-matrix schema scenario -o scenario.schema.json
    """
    write_output(json.dumps(SCHEMAS[name](), indent=2, sort_keys=True) + "\n", output)
