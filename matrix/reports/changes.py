"""What changed between two results, for a terminal and as Markdown; other formats are near by.

render_changes(report, "markdown")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from textwrap import TextWrapper

from matrix.accepted import AcceptedChange
from matrix.aspects import Aspect, excerpts
from matrix.causes import How
from matrix.changes import ChangeReport
from matrix.compare import Change, StackChange
from matrix.groups import NOTES, Group
from matrix.model import Json
from matrix.pairs import Pair
from matrix.reports.grid import case_line, visible
from matrix.reports.words import in_words
from matrix.wording import few, many

_LONG_TEXTS = ("error_text", "warnings")
_MOST_STACKS = 6
_MOST_PAIRS = 12
_FEW = 3
_MOST_FACTS = 6
_ASCII = str.maketrans({"→": "->", "…": "...", "×": "x"})
_STYLES = {True: "\x1b[1;31m", False: "\x1b[1;33m"}
_PLAIN = "\x1b[0m"
EXPLAIN = "--explain runs the stacks in between"


def render_changes(report: ChangeReport, name: str) -> str:
    """The report in a format: table, json, markdown, junit, github."""
    return CHANGE_RENDERERS[name](report)


def render_change_table(
    report: ChangeReport, *, width: int = 100, color: bool = False, unicode: bool = True
) -> str:
    """For a terminal of this width; with `unicode` off it is pure ASCII."""
    lines = [*_wrapped(visible(report.headline), width, "")]
    for group in report.groups:
        lines += ["", *_group(report, group, width, color=color)]
    folded = (f"accepted: {_folded(entry, count)}" for entry, count in report.accepted)
    stale = (f"stale: {stale_line(entry)}; remove the entry" for entry in report.stale)
    for texts in (map(stack_line, report.stacks), map(visible, folded), stale):
        lines += _block(texts, width)
    lines += _pairs(report, width)
    text = "\n".join(lines) + "\n"
    return text if unicode else text.translate(_ASCII).encode("ascii", "backslashreplace").decode()


def aspect_line(aspect: Aspect) -> str:
    """What differs in an aspect: `second connection: sees → does not see`."""
    if aspect.name in _LONG_TEXTS and aspect.old and aspect.new:
        old, new = map(visible, excerpts(aspect.old, aspect.new))
    else:
        old, new = (_value(aspect.name, value) for value in (aspect.old, aspect.new))
    return f"{aspect.label}: {old} → {new}"


def example_line(change: Change) -> str:
    """The target as it is given to the driver, with its options."""
    via = f"  through {change.case.via}" if change.case.via else ""
    return case_line(change.case) + via


def kinds_line(group: Group) -> str:
    """How many cells of which kind, and how many are not as intended any more."""
    told = [f"{count:,} × {kind.value}" for kind, count in group.kinds.items()]
    if group.worse:
        told.append(f"{group.worse:,} no longer as intended")
    if group.better:
        told.append(f"{group.better:,} now as intended")
    return ", ".join(told)


def cause_line(report: ChangeReport, group: Group) -> str:
    hint = group.cause.how is How.UNTRIED and not report.explained
    return visible(f"{group.cause}{f'; {EXPLAIN}' if hint else ''}")


def stacks_line(stacks: Sequence[str], most: int = _MOST_STACKS) -> str:
    return visible(few(stacks, most))


def stack_line(change: StackChange) -> str:
    reason = f": {visible(change.reason)}" if change.reason else ""
    return f"{change.kind.word}: {visible(change.stack)} ({many(change.cells, 'cell')}){reason}"


def stale_line(entry: AcceptedChange) -> str:
    """An accepted change that is not seen any more."""
    where = f"{stacks_line(entry.cases, _FEW)} on {stacks_line(entry.stacks, _FEW)}"
    return visible(f"accepted, and not seen any more: {entry.what} in {where}, {_because(entry)}")


def _because(entry: AcceptedChange) -> str:
    return f"because {entry.reason}" + (f" ({entry.reference})" if entry.reference else "")


def pair_line(pair: Pair) -> str:
    """A pair and the facts in which it differs."""
    facts = [str(fact) for fact in pair.facts if fact.name != "source_id"]
    return visible(f"{pair}: {few(facts, _MOST_FACTS)}")


def _value(name: str, value: Json) -> str:
    if name == "details":
        return in_words("created", value)
    if name == "passed":
        return in_words("passed", value) if value is not None else "nothing"
    if isinstance(value, list):
        value = ", ".join(map(str, value)) or "none"
    if name in ("second_connection", "reopened") and value is not None:
        value = value.replace("_", " ")
    return in_words("", value) if value != "" else '""'


def _wrapped(text: str, width: int, indent: str, hanging: str = "") -> list[str]:
    wrapper = TextWrapper(
        width=max(width, 40),
        initial_indent=indent,
        subsequent_indent=indent + hanging,
        break_long_words=True,
        break_on_hyphens=False,
    )
    return wrapper.wrap(text) or [indent.rstrip()]


def _group(report: ChangeReport, group: Group, width: int, *, color: bool) -> Iterator[str]:
    failing = report.fails(group.kinds)
    heading = (
        f"{many(group.cells, 'cell')}: {visible(group.what)}{'' if failing else ' (does not fail)'}"
    )
    first, *rest = _wrapped(heading, width, "")
    yield f"{_STYLES[failing]}{first}{_PLAIN}" if color and group.kind not in NOTES else first
    yield from rest
    yield from _wrapped(f"kinds: {kinds_line(group)}", width, "  ", "  ")
    yield from _wrapped(f"cause: {cause_line(report, group)}", width, "  ", "  ")
    yield from _wrapped(f"stacks: {stacks_line(group.stacks)}", width, "  ", "  ")
    for change in group.examples:
        yield from _wrapped(f"e.g. {example_line(change)}", width, "  ", "     ")
        yield from _wrapped(visible(change.case.id), width, "       ", "  ")
        for aspect in change.aspects:
            yield from _wrapped(aspect_line(aspect), width, "       ", "  ")


def _block(texts: Iterable[str], width: int) -> list[str]:
    """Texts below an empty line, if there are any."""
    told = [line for text in texts for line in _wrapped(text, width, "", "  ")]
    return ["", *told] if told else []


def _folded(entry: AcceptedChange, count: int) -> str:
    return f"{many(count, 'cell')}, {entry.what}, {_because(entry)}"


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


def render_change_markdown(report: ChangeReport, limit: int | None = None) -> str:
    """As Markdown for a pull request; of whole groups as many as fit into `limit` bytes."""
    from matrix.reports.markdown import code, plain

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
        told = [f"- {plain(line)}" for line in lines]
        return "\n".join([f"### {title}", "", *told]) if told else ""

    blocks = [
        f"## {plain(report.headline)}",
        *map(group, report.groups),
        entries("Stacks", map(stack_line, report.stacks)),
        entries("Accepted", (_folded(entry, count) for entry, count in report.accepted)),
        entries("Stale", map(stale_line, report.stale)),
        entries("What was exchanged", (pair_line(p) for p in report.comparison.pairs if p.facts)),
    ]
    return _fitting([block for block in blocks if block], limit)


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


def _json(report: ChangeReport) -> str:
    from matrix.reports.changesdata import render_change_json

    return render_change_json(report)


def _junit(report: ChangeReport) -> str:
    from matrix.reports.changesdata import render_change_junit

    return render_change_junit(report)


def _github(report: ChangeReport) -> str:
    from matrix.reports.changesdata import render_change_commands

    return render_change_commands(report)


CHANGE_RENDERERS: Mapping[str, Callable[[ChangeReport], str]] = {
    "table": render_change_table,
    "json": _json,
    "markdown": render_change_markdown,
    "junit": _junit,
    "github": _github,
}
"""Format to renderer."""
