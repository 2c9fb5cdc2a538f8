"""Two views of the same cells: that of the probe, and that of a user under `strace`."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from matrix.model import Json, Observation
from matrix.model.meaning import meaning_of
from tests.agreement import judge
from tests.agreement.cases import Cell
from tests.agreement.judge import Answer, Judged

View = Mapping[str, Json]
"""The facts of a cell by name; UNTOLD where this side cannot tell."""
UNTOLD = "untold"

_VARYING = re.compile(
    r"(etilqs_)\w+|(-mj)[0-9A-Fa-f]{9}|(thread id )\d+|( at 0x)[0-9A-Fa-f]+|(position )\d+"
)
_TABLES = re.compile(r"matrix_(written|rival)_5e1d8c40b7|by_the_case|by_a_rival")


@dataclass(slots=True)
class Comparison:
    """How many cells and fields were compared, and where the two sides disagree.

    `rivals`: how many cells have one of this kind.
    """

    cells: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    rivals: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    def add(self, cell: Cell, ours: View, theirs: View) -> None:
        self.cells += 1
        kinds = {f"{rival['where']}, {rival['when']}" for rival in cell.case.rivals}
        self.rivals.update(kinds or {"none"})
        for name in theirs:
            if UNTOLD not in (ours[name], theirs[name]):
                self.fields[name] += 1
                if ours[name] != theirs[name]:
                    self.disagreements.append(
                        f"{cell.case.id} on {cell.stack}: {name}: "
                        f"the probe says {ours[name]!a}, the user {theirs[name]!a}"
                    )

    def __str__(self) -> str:
        rivals = "".join(f"\n  {count:5} {kind}" for kind, count in sorted(self.rivals.items()))
        return (
            f"{self.cells:,} cells, {self.fields.total():,} fields compared, "
            f"{len(self.disagreements)} disagreements; cells by their rivals:{rivals}"
        )


def our_view(seen: Observation) -> View:
    """The facts of a cell by the word of the probe."""
    error = seen.error
    return {
        "result": seen.result.value,
        "error": error and [error.phase, error.type, _same(error.message), error.statement],
        "storage": seen.storage.value,
        "created": [[e.path, e.kind.value, e.stage, e.kept] for e in seen.created],
        "asked": [entry.path for entry in seen.created if entry.asked],
        "there": list(seen.there),
        "tried": list(seen.tried),
        "modified": list(seen.modified),
        "removed": list(seen.removed),
        "conflicts": list(seen.conflicts),
        "second_connection": seen.second_connection and seen.second_connection.value,
        "reopened": seen.reopened and seen.reopened.value,
        "reused": list(seen.reused),
        "journal_mode": seen.journal_mode,
        "rivals": [[r.found and r.found.value, r.error and _same(r.error)] for r in seen.rivals],
        "opened": seen.opened or UNTOLD,
    }


def their_view(cell: Cell, answer: Answer, judged: Judged) -> View:
    """The facts of a cell by the word of the user and of the kernel."""
    if answer["result"] not in ("opened", "refused"):  # it crashed
        return {"result": answer["result"]}
    show = _Show(answer)
    before, after = answer["before"], answer["after"]
    meaning = meaning_of(cell.case)  # tests of its own say what strings ask for
    asked = _paths(meaning.asked, answer)
    there = asked | _paths(meaning.meant, answer)
    first = judge.opened(judged)
    return {
        "result": answer["result"],
        "error": _failure(answer["error"], show),
        "storage": judge.storage(cell.case, answer, judged) or UNTOLD,
        "created": _created(judged, after, show),
        "asked": show.paths(asked & set(judged.created)),
        "there": show.paths(_files(there, before)),
        "tried": show.paths(judged.tried),
        "modified": show.paths(p for p in before if p in after and after[p] != before[p]),
        "removed": show.paths(p for p in before if p not in after),
        "conflicts": [],
        "second_connection": answer["second_connection"],
        "reopened": answer["reopened"],
        "reused": answer["reused"],
        "journal_mode": answer["journal_mode"],
        "rivals": [[r["found"], r["error"] and show.text(r["error"])] for r in answer["rivals"]],
        "opened": UNTOLD if first is None else show.path(first),
    }


class _Show:
    """How the paths and texts of one case are told."""

    def __init__(self, answer: Answer) -> None:
        self._directory: str = answer["dir"]
        around = os.path.dirname(self._directory)
        root = os.path.dirname(around)
        self._texts = (
            (self._directory, "{dir}"),
            (around, "{dir}/.."),
            (f"{root}/tmp", "{tmp}"),
            (root, "{dir}/../.."),
            (answer["name"], "{name}"),
        )

    def text(self, text: str) -> str:
        for real, placeholder in self._texts:
            text = text.replace(real, placeholder)
        return _same(text)

    def path(self, path: str) -> str:
        return self.text(path.removeprefix(self._directory + os.sep))

    def paths(self, paths: Iterable[str]) -> list[str]:
        return sorted({self.path(path) for path in paths})


def _same(text: str) -> str:
    """A text without what differs between any two runs."""
    text = _VARYING.sub(lambda found: "".join(filter(None, found.groups())) + "*", text)
    return _TABLES.sub("{table}", text)


def _created(judged: Judged, after: View, show: _Show) -> list[list[Json]]:
    """Each path that appeared, with its kind, its step and whether it stayed."""
    entries = {
        show.path(path): [judge.kind(path), step, path in after]
        for path, step in reversed(judged.created.items())
    }
    return sorted([path, *entry] for path, entry in entries.items())


def _failure(error: Json, show: _Show) -> Json:
    if error is None:
        return None
    statement = error["statement"] and show.text(error["statement"])
    return [error["phase"], error["type"], show.text(error["message"]), statement]


def _paths(names: Iterable[str], answer: Answer) -> set[str]:
    """The paths of names, as they are written and with links followed."""
    home = answer["dir"]
    filled = (name.replace("{dir}", home).replace("{name}", answer["name"]) for name in names)
    paths = {os.path.normpath(os.path.join(home, re.sub("^/+", "/", name))) for name in filled}
    return paths | {_followed(path, answer["before"]) for path in paths}


def _followed(path: str, before: View) -> str:
    """Where a path leads, through at most ten links."""
    for _ in range(10):
        kind, _, to = before.get(path, "").partition(" ")
        if kind != "link":
            break
        path = os.path.normpath(os.path.join(os.path.dirname(path), to))
    return path


def _files(paths: Iterable[str], before: View) -> set[str]:
    """Those that lead to a file."""
    return {
        path
        for path in paths
        if path in before and before.get(_followed(path, before), "").startswith("file ")
    }
