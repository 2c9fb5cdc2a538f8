"""The JSON Schemas of everything that goes in or out.

Those of what people write lie beside this file as `<name>.schema.json`, for editors;
`sqlite-matrix schema --write` writes them again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, TypeAdapter

from matrix.claims.document import ClaimsDocument
from matrix.comparison.accepted import AcceptedDocument
from matrix.model import Json, Observation
from matrix.scenarios.jsonl import CaseRecord
from matrix.scenarios.topic import Topic
from matrix.stacks.catalogue import Catalogue

DIALECT = "https://json-schema.org/draft/2020-12/schema"

WRITTEN: Mapping[str, type[BaseModel]] = {
    "scenario": Topic,
    "stacks": Catalogue,
    "claims": ClaimsDocument,
    "accepted": AcceptedDocument,
}
"""What people write by hand, in YAML."""

SCHEMAS: Mapping[str, type] = {**WRITTEN, "case": CaseRecord, "observation": Observation}
"""Everything that has a schema, by the name that `sqlite-matrix schema` knows."""


def json_schema(name: str) -> Json:
    """The schema of this name, as plain data."""
    return {"$schema": DIALECT, **TypeAdapter(SCHEMAS[name]).json_schema()}


def render_schema(name: str) -> str:
    """The schema of this name, as the text of its file."""
    return json.dumps(json_schema(name), indent=2) + "\n"


def schema_file(name: str) -> Path:
    """Where the committed schema of something written by hand is."""
    return Path(__file__).with_name(f"{name}.schema.json")


def write_schemas() -> tuple[Path, ...]:
    """Write the committed schemas again, and return their files."""
    for name in WRITTEN:
        schema_file(name).write_text(render_schema(name), "utf-8")
    return tuple(map(schema_file, WRITTEN))
