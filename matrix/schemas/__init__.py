"""The JSON Schemas of what goes in and out; those that editors use lie beside this file."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import TypeAdapter

from matrix.claims.document import ClaimsDocument
from matrix.comparison.accepted import AcceptedDocument
from matrix.model import Json, Observation
from matrix.scenarios.jsonl import CaseRecord
from matrix.scenarios.topic import json_schema as scenario_schema
from matrix.stacks.catalogue import Catalogue

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _case() -> Json:
    return {"$schema": DIALECT, **CaseRecord.model_json_schema()}


def _observation() -> Json:
    return {"$schema": DIALECT, **TypeAdapter(Observation).json_schema()}


def _stacks() -> Json:
    return {"$schema": DIALECT, **Catalogue.model_json_schema()}


def _claims() -> Json:
    return {"$schema": DIALECT, **ClaimsDocument.model_json_schema()}


def _accepted() -> Json:
    return {"$schema": DIALECT, **AcceptedDocument.model_json_schema()}


SCHEMAS: Mapping[str, Callable[[], Json]] = {
    "scenario": scenario_schema,
    "stacks": _stacks,
    "claims": _claims,
    "accepted": _accepted,
    "case": _case,
    "observation": _observation,
}
