"""Claims with their verdicts: as rows for every report, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from matrix.claims.evaluate import AssertionResult, ClaimResult, ClaimVerdict, InsteadResult
from matrix.foreign import document, json_document, visible
from matrix.model import Json
from matrix.text import many


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceRow:
    """What to write instead, through which way in, and what was measured of it."""

    way: str
    write: str
    measured: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRow:
    """A claim as reports show it, each part in words."""

    id: str
    verdict: ClaimVerdict
    says: str
    reading: str
    why: str
    where: str
    stacks: str
    cells: int
    command: str
    instead: tuple[AdviceRow, ...]
    unadvised: str
    parts: tuple[str, ...]


def by_ticks(text: str) -> Iterator[tuple[str, bool]]:
    """A text in pieces, each with whether it stands between backticks."""
    for number, piece in enumerate(text.split("`")):
        if piece:
            yield piece, number % 2 == 1


def claim_row(judged: ClaimResult) -> ClaimRow:
    claim = judged.claim
    return ClaimRow(
        id=claim.id,
        verdict=judged.verdict,
        says=claim.says,
        reading=claim.reading,
        why=_why(judged),
        where=where(judged),
        stacks=_stacks(judged),
        cells=len(judged.cells),
        command=command(judged),
        instead=tuple(_instead(judged)),
        unadvised=_unadvised(judged),
        parts=tuple(_parts(judged)),
    )


def command(judged: ClaimResult) -> str:
    """What a reader runs to see the proof; where it takes more stacks, on the standard ones."""
    more = " --stacks standard" if any(each.lacking for each in judged.assertions) else ""
    return f"sqlite-matrix claims --run --select {judged.claim.id}{more}"


def where(judged: ClaimResult | AssertionResult) -> str:
    """On what it depends: the stacks on which it holds, and the recorded facts that they share."""
    if judged.verdict is not ClaimVerdict.DEPENDS:
        return ""
    if judged.separation is not None:
        return f"holds where {judged.separation.where}"
    return f"holds on {', '.join(judged.stacks_for)}, which no recorded fact tells from the others"


def _why(judged: ClaimResult) -> str:
    if judged.missing is not None:
        return judged.missing
    claim = judged.claim
    said = {
        ClaimVerdict.TRUE: claim.if_true,
        ClaimVerdict.FALSE: claim.if_false,
        ClaimVerdict.DEPENDS: claim.if_depends,
    }
    return said.get(judged.verdict, "")


def _stacks(judged: ClaimResult) -> str:
    held, failed = len(judged.stacks_for), len(judged.stacks_against)
    total = held + failed
    return f"holds on {held} of {many(total, 'stack')}" if total else "not measured"


def _instead(judged: ClaimResult) -> Iterator[AdviceRow]:
    """What to write instead; nothing where the claim is true."""
    if judged.verdict is not ClaimVerdict.TRUE:
        for advice in judged.instead:
            way = f"through {advice.via}" if advice.via else "the driver"
            yield AdviceRow(way=way, write=advice.write, measured=_measured(advice))


def _unadvised(judged: ClaimResult) -> str:
    if judged.verdict is ClaimVerdict.TRUE or not judged.unadvised:
        return ""
    return f"no advice was run on {', '.join(judged.unadvised)}"


def _measured(instead: InsteadResult) -> str:
    total = len(instead.good) + len(instead.bad)
    if not total:
        return "not measured"
    if not instead.bad:
        return f"as intended in all {many(total, 'cell')}"
    stacks = dict.fromkeys(cell.partition(" @ ")[2] for cell in instead.bad)
    return f"as intended in {len(instead.good)} of {total} cells, not on {', '.join(stacks)}"


def _parts(judged: ClaimResult) -> Iterator[str]:
    whole = where(judged)
    if any(each.assertion.says for each in judged.assertions):
        yield from (_part(each, whole) for each in judged.assertions)
    yield from (f"besides: {_part(each, whole)}" for each in judged.also)


def _part(judged: AssertionResult, whole: str) -> str:
    """A part with its verdict; on what it depends, if that is not what the whole claim does."""
    held, failed = len(judged.stacks_for), len(judged.stacks_against)
    says = judged.assertion.says or " ".join(judged.assertion.cases)
    text = f"{says} {judged.verdict.value} ({held} of {held + failed})"
    own = where(judged)
    return f"{text}: {own}" if own and own != whole else text


def claims_json(judged: Iterable[ClaimResult]) -> str:
    return json_document(json.dumps([_json(each) for each in judged], indent=1) + "\n")


def _json(judged: ClaimResult) -> Json:
    row = claim_row(judged)
    return {
        "id": row.id,
        "verdict": row.verdict.value,
        "stacks_for": list(judged.stacks_for),
        "stacks_against": list(judged.stacks_against),
        "cells": list(judged.cells),
        "instead": "; ".join(each.write for each in row.instead),
        "document": judged.document,
        "says": row.says,
        "reading": row.reading,
        "why": row.why,
        "depends_on": row.where or None,
        "facts": _facts(judged),
        "missing": judged.missing,
        "command": row.command,
        "parts": [_part_json(part) for part in judged.assertions],
        "also": [_part_json(part) for part in judged.also],
        "advice": [_advice_json(each) for each in judged.instead],
        "unadvised": list(judged.unadvised),
        "instead_cells": [cell for each in judged.instead for cell in each.good],
        "instead_cells_against": [cell for each in judged.instead for cell in each.bad],
    }


def _advice_json(advice: InsteadResult) -> Json:
    return {
        "through": advice.via,
        "write": advice.write,
        "cells": list(advice.good),
        "cells_against": list(advice.bad),
    }


def _part_json(judged: AssertionResult) -> Json:
    return {
        "says": judged.assertion.says,
        "verdict": judged.verdict.value,
        "stacks_for": list(judged.stacks_for),
        "stacks_against": list(judged.stacks_against),
        "depends_on": where(judged) or None,
        "facts": _facts(judged),
    }


def _facts(judged: ClaimResult | AssertionResult) -> Json:
    """The recorded facts of which each may decide; one alone does."""
    return [] if judged.separation is None else list(judged.separation.facts)


def render_claims(judged: Sequence[ClaimResult], *, width: int = 100, unicode: bool = True) -> str:
    """Claims as text: a block for each, its verdict first."""
    lines: list[str] = []
    for row in map(claim_row, judged):
        sign = row.verdict.sign if unicode else row.verdict.letter
        lines.append(f"{row.id:<4}{sign} {row.verdict.value:<10}{visible(row.says)}")
        details = [
            row.why,
            *row.parts,
            f"{row.stacks}, {many(row.cells, 'cell')}" + (f"; {row.where}" if row.where else ""),
            *(f"instead, {each.way}: {each.write}  ({each.measured})" for each in row.instead),
            row.unadvised,
            f"proof: {row.command}",
        ]
        for text in filter(None, details):
            lines += _wrapped(visible(text), width)
        lines.append("")
    lines.append(_counts(judged))
    text = document("\n".join(line.rstrip() for line in lines) + "\n")
    return text if unicode else text.encode("ascii", "backslashreplace").decode()


def _counts(judged: Sequence[ClaimResult]) -> str:
    counts = {v: sum(each.verdict is v for each in judged) for v in ClaimVerdict}
    return ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items() if count)


def _wrapped(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width, initial_indent=" " * 6, subsequent_indent=" " * 8)
