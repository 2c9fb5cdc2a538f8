"""What changed between two results, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import TextWrapper

from rich.color import ColorSystem
from rich.style import Style

from matrix.comparison.grouping import NOTES, Group
from matrix.comparison.report import ChangeReport
from matrix.foreign import document, visible
from matrix.reports.changes.lines import (
    aspect_line,
    cause_line,
    example_line,
    folded_line,
    kinds_line,
    pair_line,
    stack_line,
    stacks_line,
    stale_line,
)
from matrix.text import many

_MOST_PAIRS = 12
_ASCII = str.maketrans({"→": "->", "…": "...", "×": "x"})
_FAILS, _DOES_NOT_FAIL = Style.parse("bold red"), Style.parse("bold yellow")


def render_change_table(
    report: ChangeReport, *, width: int = 100, color: bool = False, unicode: bool = True
) -> str:
    """For a terminal of this width; with `unicode` off it is pure ASCII."""
    lines = [*_wrapped(visible(report.headline), width, "")]
    for group in report.groups:
        lines += ["", *_group(report, group, width, color=color)]
    folded = (f"accepted: {folded_line(entry, count)}" for entry, count in report.accepted)
    stale = (f"stale: {stale_line(entry)}; remove the entry" for entry in report.stale)
    for texts in (map(stack_line, report.stacks), map(visible, folded), stale):
        lines += _block(texts, width)
    lines += _pairs(report, width)
    text = document("\n".join(lines) + "\n")
    return text if unicode else text.translate(_ASCII).encode("ascii", "backslashreplace").decode()


def _wrapped(text: str, width: int, indent: str, hanging: str = "") -> list[str]:
    wrapper = TextWrapper(
        width=max(width, 40),
        initial_indent=indent,
        subsequent_indent=indent + hanging,
        break_long_words=True,
        break_on_hyphens=False,
    )
    return wrapper.wrap(visible(text)) or [indent.rstrip()]


def _group(report: ChangeReport, group: Group, width: int, *, color: bool) -> Iterator[str]:
    failing = report.fails(group.kinds)
    heading = (
        f"{many(group.cells, 'cell')}: {visible(group.what)}{'' if failing else ' (does not fail)'}"
    )
    first, *rest = _wrapped(heading, width, "")
    yield _colored(first, failing=failing) if color and group.kind not in NOTES else first
    yield from rest
    yield from _wrapped(f"kinds: {kinds_line(group)}", width, "  ", "  ")
    yield from _wrapped(f"cause: {cause_line(report, group)}", width, "  ", "  ")
    yield from _wrapped(f"stacks: {stacks_line(group.stacks)}", width, "  ", "  ")
    for change in group.examples:
        yield from _wrapped(f"e.g. {example_line(change)}", width, "  ", "     ")
        yield from _wrapped(visible(change.case.id), width, "       ", "  ")
        for aspect in change.aspects:
            yield from _wrapped(aspect_line(aspect), width, "       ", "  ")


def _colored(text: str, *, failing: bool) -> str:
    style = _FAILS if failing else _DOES_NOT_FAIL
    return style.render(text, color_system=ColorSystem.STANDARD)


def _block(texts: Iterable[str], width: int) -> list[str]:
    """Texts below an empty line, if there are any."""
    lines = [line for text in texts for line in _wrapped(text, width, "", "  ")]
    return ["", *lines] if lines else []


def _pairs(report: ChangeReport, width: int) -> list[str]:
    differing = [pair for pair in report.comparison.pairs if pair.facts]
    lines = [
        line
        for pair in differing[:_MOST_PAIRS]
        for line in _wrapped(pair_line(pair), width, "", "  ")
    ]
    more = len(differing) - _MOST_PAIRS
    lines += [f"and {more} stacks more that differ"] if more > 0 else []
    return ["", "What was exchanged", *lines] if lines else []
