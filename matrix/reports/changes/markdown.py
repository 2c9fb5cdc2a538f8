"""What changed between two results, as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matrix.comparison.grouping import Group
from matrix.comparison.report import ChangeReport
from matrix.foreign import document
from matrix.foreign import markdown_code as code
from matrix.foreign import markdown_text as plain
from matrix.reports.changes.lines import (
    aspect_line,
    cause_line,
    example_line,
    folded_line,
    kinds_line,
    pair_line,
    stack_line,
    stale_line,
)
from matrix.text import few, many

_MOST_STACKS = 6


def render_change_markdown(report: ChangeReport, limit: int | None = None) -> str:
    """As Markdown for a pull request; of whole groups as many as fit into `limit` bytes."""

    def group(each: Group) -> str:
        lines = [
            f"### {many(each.cells, 'cell')}: {plain(each.what)}",
            "",
            f"- kinds: {plain(kinds_line(each))}",
            f"- cause: {plain(cause_line(report, each))}",
            f"- stacks: {few([*map(code, each.stacks)], _MOST_STACKS)}",
        ]
        for change in each.examples:
            lines.append(f"- for example {code(example_line(change))} ({code(change.case.id)})")
            lines += [f"  - {plain(aspect_line(aspect))}" for aspect in change.aspects]
        return "\n".join(lines)

    def entries(title: str, lines: Iterable[str]) -> str:
        items = [f"- {plain(line)}" for line in lines]
        return "\n".join([f"### {title}", "", *items]) if items else ""

    blocks = [
        f"## {plain(report.headline)}",
        *map(group, report.groups),
        entries("Stacks", map(stack_line, report.stacks)),
        entries("Accepted", (folded_line(entry, count) for entry, count in report.accepted)),
        entries("Stale", map(stale_line, report.stale)),
        entries("What was exchanged", (pair_line(p) for p in report.comparison.pairs if p.facts)),
    ]
    return document(_fitting([block for block in blocks if block], limit))


def _fitting(blocks: Sequence[str], limit: int | None) -> str:
    """The blocks as a text; where they are too many, a word on how many are left out."""
    text = "\n\n".join(blocks) + "\n"
    if limit is None or len(text.encode()) <= limit:
        return text
    taken: list[str] = []
    size = 200  # what the last word needs
    for block in blocks:
        size += len(block.encode()) + 2
        if size > limit:
            break
        taken.append(block)
    taken.append(
        f"*{len(blocks) - len(taken)} more parts are left out: the summary would be too long.*"
    )
    return "\n\n".join(taken) + "\n"
