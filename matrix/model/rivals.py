"""Rivals in words: who else uses the database of a case, and what they do there."""

from __future__ import annotations

from collections.abc import Mapping

from matrix.model.plain import Json

WHERE: Mapping[str, str] = {
    "same": "another connection",
    "thread": "another thread",
    "process": "another process",
    "engine": "another connection of the engine",
    "fork": "a forked child",
}
"""Who a rival is."""

DOES: Mapping[str, Mapping[str, str]] = {
    "before": {
        "open": "that holds it open",
        "read": "that reads",
        "write": "that writes",
        "roll-back": "that rolls back",
    },
    "during": {
        "open": "that comes before the commit",
        "read": "that reads before the commit",
        "write": "that writes before the commit",
        "roll-back": "that rolls back before the commit",
    },
    "after": {
        "open": "that comes afterwards",
        "read": "that reads afterwards",
        "write": "that writes afterwards",
        "roll-back": "that rolls back afterwards",
    },
}
"""What it does there, by when it comes."""


def describe_rival(rival: Mapping[str, Json]) -> str:
    """`another process that reads before the commit`."""
    return f"{WHERE[rival['where']]} {DOES[rival['when']][rival['does']]}"
