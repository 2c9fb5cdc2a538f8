"""The results as one self-contained page: a summary that is plain HTML, and below it every cell.

The page makes no request. What it says in short needs no script; the grid of all cells is drawn by
a script in the page, from data in the page (see `page.data`).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from matrix.claims.evaluate import ClaimResult
from matrix.foreign import markup_document, visible
from matrix.model import Intent
from matrix.model.outcome import Outcome, Verdict
from matrix.model.selection import Selection
from matrix.reports.claims import by_ticks, claim_row
from matrix.reports.grid import connect_options, display
from matrix.reports.page.data import build_page_data, detail_document, grid_document, pack
from matrix.reports.page.summary import summarise
from matrix.reports.page.words import TONES
from matrix.reports.recipes import WANTS, Recipe
from matrix.reports.recipes.builds import (
    HOW_TO_TELL,
    HOW_TO_TELL_INTRO,
    WHOSE_BUILD,
    measured_build,
)
from matrix.reports.recipes.calls import UNDER_APSW
from matrix.results.provenance import Provenance
from matrix.results.store import ResultSet
from matrix.stacks.catalogue import Catalogue

_SCRIPTS = (
    "text",
    "dom",
    "data",
    "state",
    "filter",
    "columns",
    "badge",
    "table",
    "keys",
    "python",
    "script",
    "strips",
    "detail",
    "dialog",
    "controls",
    "main",
)
"""The modules of the page's script, in `templates/page/`: each uses those above it."""


def render_html(
    results: ResultSet,
    selection: Selection | None = None,
    *,
    claims: Sequence[ClaimResult] = (),
    runs: Sequence[Provenance] = (),
    recipes: Sequence[Recipe] = (),
    catalogue: Catalogue | None = None,
    beside: Iterable[str] = (),
) -> str:
    """Write results as a page; every text of a result comes out as text, whatever it holds.

    `runs`: when and where it was measured; `catalogue`: knows the versions that were not run, for
    the history of a cell; `beside`: names of files that lie beside the page, for readers without
    a script.
    """
    data = build_page_data(results, selection)
    cases_by_claim = {each.claim.id: _cases_of(each) for each in claims}
    style, script = _style(), page_script()
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            totals=data.totals,
            outcomes=[each for each in Outcome if each in data.outcomes],
            stacks=[stack for stack in data.stacks if stack.fingerprint is not None],
            unavailable=data.unavailable,
            tables=summarise(data),
            claims=[claim_row(each) for each in claims],
            recipes=recipes,
            runs=sorted(runs, key=lambda run: run.finished),
            wants=WANTS,
            under_apsw=UNDER_APSW,
            whose_build=f"{WHOSE_BUILD} {measured_build(results.stacks)}",
            how_to_tell_intro=HOW_TO_TELL_INTRO,
            how_to_tell=HOW_TO_TELL,
            beside=list(beside),
            style=Markup(style),
            style_hash=_hash(style),
            script=Markup(script),
            script_hash=_hash(script),
            grid_data=Markup(pack(grid_document(data, cases_by_claim))),
            detail_data=Markup(pack(detail_document(data, catalogue))),
        )
    )
    return markup_document(page.rstrip("\n") + "\n")


def anchor(*parts: str | None) -> str:
    """Make a stable fragment of ids: the same scenario has the same link in every report."""
    return quote("/".join(visible(part) for part in parts if part), safe="/[]=,.:+@-")


def _environment() -> Environment:
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
        "many": _many,
    }
    environment.globals |= {"Intent": Intent, "Verdict": Verdict, "tones": TONES, "anchor": anchor}
    return environment


def _cases_of(claim: ClaimResult) -> list[str]:
    """The cases of the cells that settle a claim."""
    return [cell.partition(" @ ")[0] for cell in claim.cells]


@cache
def _style() -> str:
    return _dense((files("matrix.reports") / "templates" / "report.css").read_text("utf-8"))


@cache
def page_script() -> str:
    """The page's script: its modules one after the other, in a scope of its own."""
    place = files("matrix.reports") / "templates" / "page"
    modules = "".join(_dense((place / f"{name}.js").read_text("utf-8")) for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{modules}}})();\n'


def _dense(source: str) -> str:
    """Leave out indentation, empty lines and lines of comment: a tenth of the page's code."""
    lines = (line.strip() for line in source.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))


def _number(value: int) -> Markup:
    """Group digits with thin spaces that do not break."""
    return Markup(f"{value:,}".replace(",", "&#8239;"))


def _many(count: int, noun: str) -> Markup:
    return _number(count) + f" {noun}{'' if count == 1 else 's'}"


def _ticked(text: str) -> Markup:
    """Show what stands between backticks as code."""
    pieces = (
        Markup("<code>{}</code>" if ticked else "{}").format(visible(piece))
        for piece, ticked in by_ticks(text)
    )
    return Markup("").join(pieces)


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _finalize(value: object) -> object:
    """Make every inserted text visible; what is markup already is our own."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
