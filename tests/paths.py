"""Where the parts of this repository are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
SCENARIOS = ROOT / "scenarios"
SCRIPTS = ROOT / "scripts"
DOCS = ROOT / "docs"
FAKES = ROOT / "tests" / "fakes"
