"""How large an input may be: every limit on what is read from outside, in one place.

Nothing that people write by hand comes near. The limits are there so that a file from a stranger
ends in seconds, with an error that names the limit. docs/security.md lists them.
"""

from __future__ import annotations

DOCUMENT_BYTES = 500_000
"""A file that people write: scenarios, claims, accepted changes, stacks, pyproject.toml, pins."""

DOCUMENT_VALUES = 20_000
"""The values in a YAML file, with those that aliases repeat."""

DOCUMENT_CHARACTERS = 1_000_000
"""The characters of those values."""

NESTING = 64
"""Lists and mappings in one another, in YAML, TOML and JSON."""

PROBLEMS = 100
"""The problems of one file that are shown."""

AXES = 64
"""The axes of a scenario."""

RIVALS = 16
"""The rivals of a case, and the processes killed before it."""

COMBINATIONS = 1_000_000
"""What all scenarios that are read together expand to, before their rules."""

CASE_CHARACTERS = 1_000_000
"""The texts of one case, as large as its axes can make them."""

EXPANSION_CHARACTERS = 500_000_000
"""The texts of all cases that are read together."""

ALTERNATIVE_CHARACTERS = 10_000
"""What one text with {a,b} stands for, written out: a pattern over ids, names of stacks."""

PATTERN_CHARACTERS = 1_000_000
"""What the patterns of a document stand for, written out."""

PATTERNS = 1_000
"""The different patterns over cases in a document of claims."""

BATCH_LINES = 1_000_000
"""The lines of a file of cases, one JSON object each."""

CASE_BYTES = 1_000_000
"""A line of it."""

LINE_BYTES = 16_000_000
"""A line of a file of results."""
