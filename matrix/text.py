"""Counts and lists in words: `1 cell`, `1,234 cells`, `a, b and 3 more`."""

from __future__ import annotations

from collections.abc import Sequence


def many(count: int, noun: str) -> str:
    """`1 cell`, `1,234 cells`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def few(texts: Sequence[str], most: int) -> str:
    """`a, b and 3 more`: at most so many of them."""
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def cut(text: str, most: int) -> str:
    """At most so many characters, the last of which says that there were more."""
    return text if len(text) <= most else text[: most - 1] + "…"
