"""Versions as Python packages number them, read from texts that may be none."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version

_LONGEST = 100
"""More characters than a version has; Python refuses to read numbers of thousands of digits."""


def version_of(text: str) -> Version | None:
    """The version that a text is; None for another text."""
    if len(text) > _LONGEST:
        return None
    try:
        return Version(text)
    except InvalidVersion:
        return None


VersionKey = tuple[bool, Version, str]


def version_key(text: str) -> VersionKey:
    """A sort key for any text: what is no version comes first, then versions in their order."""
    version = version_of(text)
    return (False, Version("0"), text) if version is None else (True, version, "")
