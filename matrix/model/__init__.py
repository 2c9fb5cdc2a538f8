"""The values that flow through the project: cases, stacks, observations.

Each is frozen. `to_json` writes it, `matrix.model.codec` has the function that reads it back, which
is not imported here because it takes pydantic. The words are those of ARCHITECTURE.md.
Nothing here does I/O.
"""

from matrix.model.case import Case, Intent, ScenarioInfo, TargetType
from matrix.model.fingerprint import Fingerprint, UriDefault
from matrix.model.observation import (
    Created,
    Failure,
    Found,
    Observation,
    PathKind,
    Reopened,
    Result,
    Rival,
    SecondConnection,
    Storage,
)
from matrix.model.plain import Json, canonical

__all__ = [
    "Case",
    "Created",
    "Failure",
    "Fingerprint",
    "Found",
    "Intent",
    "Json",
    "Observation",
    "PathKind",
    "Reopened",
    "Result",
    "Rival",
    "ScenarioInfo",
    "SecondConnection",
    "Storage",
    "TargetType",
    "UriDefault",
    "canonical",
]
