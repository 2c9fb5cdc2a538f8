"""The grid as one self-contained page: no network, no script, readable from `file://`."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from itertools import groupby
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from matrix.adjudicate import Judgement
from matrix.outcome import Outcome, Verdict
from matrix.reports.claims import by_ticks, claim_row
from matrix.reports.grid import Column, Grid, Row, Section, Table, connect_options, display, visible
from matrix.stackid import StackId

_TONES: Mapping[Outcome, str] = {
    Outcome.MEMORY: "memory",
    Outcome.SHARED_MEMORY: "memory",
    Outcome.TEMPORARY: "memory",
    Outcome.STRAY: "stray",
    Outcome.STRAY_OUTSIDE: "stray",
    Outcome.REFUSED: "error",
    Outcome.FAILED: "error",
    Outcome.NOT_SET_UP: "broken",
    Outcome.CRASHED: "broken",
    Outcome.TIMED_OUT: "broken",
    Outcome.UNAVAILABLE: "absent",
}


def render_html(grid: Grid, claims: Sequence[Judgement] = ()) -> str:
    """Write the grid as a page; every text of a result comes out as text, whatever it holds."""
    environment = Environment(
        loader=PackageLoader("matrix.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters |= {
        "display": display,
        "options": connect_options,
        "number": _number,
        "ticked": _ticked,
        "yes_no": _yes_no,
    }
    environment.globals |= {"Verdict": Verdict, "tone": _tone, "anchor": anchor}
    style = (files("matrix.reports") / "templates" / "report.css").read_text("utf-8")
    page = environment.get_template("report.html.j2").render(
        grid=grid,
        style=Markup(style),
        style_hash=_style_hash(style),
        count=_count,
        strays=_strays,
        summary=summary,
        topics=_topics,
        why=_why,
        letters=_letters(grid),
        claims=[claim_row(each) for each in claims],
    )
    return page.rstrip("\n") + "\n"


def anchor(*parts: str | None) -> str:
    """Make a stable fragment of ids: the same case has the same link in every report."""
    return quote("/".join(visible(part) for part in parts if part), safe="/[]=,.:+@-")


def summary(column: Column) -> tuple[str, ...]:
    """Say in a few words which stacks a column holds: driver, versions from to, URI default."""
    stacks = [_named(each.stack) for each in column.stacks]
    groups: dict[tuple[str, str], list[StackId]] = {}
    for stack in stacks:
        groups.setdefault((stack.driver, stack.options.get("uri", "as built")), []).append(stack)
    lines: dict[str, list[str]] = {}
    for (driver, uri), members in groups.items():
        lines.setdefault(_line(driver, members), []).append(uri)
    return tuple(
        line if uris == ["as built"] else f"{line}, uri {' or '.join(uris)}"
        for line, uris in lines.items()
    )


def _named(stack: str) -> StackId:
    return StackId.parse(stack) or StackId(driver=stack, options={})


def _line(driver: str, stacks: list[StackId]) -> str:
    """Name what a group has in common, and the versions in which it differs."""
    parts = [_versions(driver, [stack.version for stack in stacks])]
    for name, label in [("sqlite", "SQLite"), *((each, each) for each in _middleware(stacks))]:
        versions = [stack.options.get(name, "") for stack in stacks]
        parts += [_versions(label, versions)] if any(versions) else []
    return ", ".join(parts)


def _middleware(stacks: list[StackId]) -> list[str]:
    return list(dict.fromkeys(stack.middleware for stack in stacks if stack.middleware))


def _versions(name: str, versions: list[str]) -> str:
    known = [version for version in dict.fromkeys(versions) if version]
    if not known:
        return name
    return f"{name} {known[0]}" + (f" … {known[-1]}" if len(known) > 1 else "")


def _letters(grid: Grid) -> dict[str, list[tuple[Table, Column]]]:
    """Tell for every stack in which columns it stands."""
    places: dict[str, list[tuple[Table, Column]]] = {}
    for table in grid.tables:
        for column in table.columns:
            for stack in column.stacks:
                places.setdefault(stack.stack, []).append((table, column))
    return places


def _count(section: Section, table: Table, verdict: Verdict) -> int:
    """Count the cells of a section with a verdict: those folded away too."""
    return sum(
        len(row.cases) * len(column.stacks)
        for row in section.rows
        for column, cell in zip(table.columns, row.cells, strict=True)
        if cell is not None and cell.verdict is verdict
    )


def _strays(section: Section, table: Table) -> int:
    return sum(
        len(row.cases) * len(column.stacks)
        for row in section.rows
        for column, cell in zip(table.columns, row.cells, strict=True)
        if cell is not None and cell.outcome in (Outcome.STRAY, Outcome.STRAY_OUTSIDE)
    )


def _topics(table: Table) -> Iterator[tuple[str, list[Section]]]:
    for topic, sections in groupby(table.sections, lambda each: each.scenario.id.split("/")[0]):
        yield topic, list(sections)


def _why(row: Row) -> list[tuple[str, str]]:
    """Give each reason once, with the letters of all columns that it holds for."""
    columns: dict[str, list[str]] = {}
    for letter, reason in row.reasons.items():
        columns.setdefault(reason, []).append(letter)
    return [(", ".join(letters), reason) for reason, letters in columns.items()]


def _tone(outcome: Outcome) -> str:
    return _TONES.get(outcome, "file")


def _number(value: int) -> Markup:
    """Group digits with thin spaces that do not break."""
    return Markup(f"{value:,}".replace(",", "&#8239;"))


def _ticked(text: str) -> Markup:
    """Show what stands between backticks as code."""
    pieces = (
        Markup("<code>{}</code>" if ticked else "{}").format(visible(piece))
        for piece, ticked in by_ticks(text)
    )
    return Markup("").join(pieces)


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"


def _style_hash(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _finalize(value: object) -> object:
    """Make every inserted text visible; what is markup already is our own."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
