"""The values that flow through the project: cases, stacks, observations.

Each is frozen, and has one writer and one reader for its JSON form.
The words are those of ARCHITECTURE.md. Nothing here does I/O.
"""

from matrix.model.case import Case, Intent, ScenarioInfo, TargetType
from matrix.model.codec import Json, canonical
from matrix.model.fingerprint import Fingerprint, UriDefault
from matrix.model.observation import (
    Created,
    Failure,
    Observation,
    PathKind,
    Reopened,
    Result,
    SecondConnection,
    Storage,
)

__all__ = [
    "Case",
    "Created",
    "Failure",
    "Fingerprint",
    "Intent",
    "Json",
    "Observation",
    "PathKind",
    "Reopened",
    "Result",
    "ScenarioInfo",
    "SecondConnection",
    "Storage",
    "TargetType",
    "UriDefault",
    "canonical",
]
