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
        "open": "holding it open",
        "read": "reading",
        "write": "writing",
        "roll-back": "rolling back",
    },
    "during": {
        "open": "before the commit",
        "read": "reading before the commit",
        "write": "writing before the commit",
        "roll-back": "rolling back before the commit",
    },
    "after": {
        "open": "afterwards",
        "read": "reading afterwards",
        "write": "writing afterwards",
        "roll-back": "rolling back afterwards",
    },
}
"""What it does there, by when it comes."""


def describe_rival(rival: Mapping[str, Json]) -> str:
    """`another process, reading before the commit`."""
    return f"{WHERE[rival['where']]}, {DOES[rival['when']][rival['does']]}"
