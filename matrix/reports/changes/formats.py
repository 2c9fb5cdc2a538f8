"""The formats in which a report of changes can be written."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from matrix.comparison.report import ChangeReport
from matrix.reports.changes.data import render_change_json
from matrix.reports.changes.github import render_change_commands
from matrix.reports.changes.junit import render_change_junit
from matrix.reports.changes.markdown import render_change_markdown
from matrix.reports.changes.table import render_change_table

CHANGE_RENDERERS: Mapping[str, Callable[[ChangeReport], str]] = {
    "table": render_change_table,
    "json": render_change_json,
    "markdown": render_change_markdown,
    "junit": render_change_junit,
    "github": render_change_commands,
}
"""Format to renderer."""


def render_changes(report: ChangeReport, name: str) -> str:
    """The report in a format: table, json, markdown, junit, github."""
    return CHANGE_RENDERERS[name](report)
