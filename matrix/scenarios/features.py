"""What the corpus asks: the features of its targets, and how many cells each has per driver.

A feature is what a string or a case is made of: a form, a parameter with its value, an encoding, a
statement, an option. They are read off the cases themselves, so that what nobody asks shows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from matrix.model import Case, TargetType

_URI = re.compile(r"(?:^|/)(file:.*)", re.DOTALL | re.IGNORECASE)
_STATEMENTS = re.compile(
    r"\b(ATTACH|VACUUM INTO|TEMP(?:ORARY)? TABLE|ORDER BY|PRAGMA [\w.]+ ?=? ?\w*)", re.IGNORECASE
)
_FORMS = (
    ("//localhost", re.compile(r"file://localhost(?:/|\{dir\})")),
    ("//host", re.compile(r"file://(?!localhost|/|\{dir\})[^/?]+")),
    ("///", re.compile(r"file://(?:/|\{dir\})")),
    ("/", re.compile(r"file:(?:/(?!/)|\{dir\})")),
    ("relative", re.compile(r"file:(?![/?#]|\{dir\}|$)")),
    ("no path", re.compile(r"file:(?:[?#]|$)")),
)
_MARKS = (
    ("%HH", re.compile(r"%(?!00)[0-9A-Fa-f]{2}")),
    ("%00", re.compile("%00")),
    ("%?", re.compile(r"%(?![0-9A-Fa-f]{2})")),
    ("+", re.compile(r"\+(?!\w+://)")),
    ("#", re.compile("#")),
    ("space", re.compile(" ")),
    ("quote", re.compile("['\"]")),
    ("not ASCII", re.compile("[^\x00-\x7f\udc80-\udcff]")),
    ("not UTF-8", re.compile("[\udc80-\udcff]|%[89A-Fa-f][0-9A-Fa-f]")),
    ("NUL", re.compile("\x00")),
)


def features(case: Case) -> frozenset[str]:
    """What a case is made of, such as `form /`, `mode=memory`, `mode x2`, `sql ATTACH`."""
    parts = (_of_target, _of_options, _of_surroundings, _of_others)
    return frozenset(feature for part in parts for feature in part(case))


def count_features(cases: Iterable[Case], drivers: Iterable[str]) -> dict[str, Counter[str]]:
    """For each feature the number of cases on each driver, features in order."""
    known = tuple(drivers)
    found: dict[str, Counter[str]] = {}
    for case in cases:
        on = [driver for driver in known if case.fits_driver(driver)]
        for feature in features(case):
            found.setdefault(feature, Counter()).update(on)
    return {feature: found[feature] for feature in sorted(found)}


def _of_target(case: Case) -> Iterator[str]:
    target = case.target
    uri = _URI.search(target)
    yield f"form {_form(target, None if uri is None else uri[1])}"
    yield from (f"text {name}" for name, pattern in _MARKS if pattern.search(target))
    if "?" in target:
        yield from _of_query(target.partition("?")[2].partition("#")[0])
    if not target.startswith("file:") and target[:5].lower() == "file:":
        yield "form upper case"
    if case.target_type is not TargetType.STR:
        yield f"type {case.target_type.value}"


def _form(target: str, uri: str | None) -> str:
    if uri is not None:
        return next((name for name, form in _FORMS if form.match(uri)), "relative")
    if ":memory:" in target.lower():
        return ":memory:" if target.endswith(":memory:") else ":memory: and more"
    return "plain" if target.strip() else "empty"


def _of_query(query: str) -> Iterator[str]:
    items = [item.partition("=") for item in query.split("&")]
    for name, equals, value in items:
        yield f"{name}={value}" if equals else f"{name} alone" if name else "& twice"
    counts = Counter(name for name, _, _ in items if name)
    yield from (f"{name} x{count}" for name, count in counts.items() if count > 1)
    order = tuple(dict.fromkeys(name for name, _, _ in items if name in ("mode", "cache", "uri")))
    if len(order) > 1:
        yield f"order {'-'.join(order)}"


def _of_options(case: Case) -> Iterator[str]:
    yield f"via {case.via or 'driver'}"
    for name, value in case.connect.items():
        plain = isinstance(value, (str, bool, int)) and "file:" not in str(value)
        yield f"option {name}={value}" if plain else f"option {name}"


def _of_others(case: Case) -> Iterator[str]:
    if case.before:
        yield "killed writer"
    for rival in case.rivals:
        yield f"rival {rival['where']} {rival['when']} {rival['does']}"
    if case.permissions:
        yield "permissions"


def _of_surroundings(case: Case) -> Iterator[str]:
    for step in case.setup:
        yield f"there {next(iter(step), 'nothing')}"
        if step.get("keep_wal"):
            yield "there wal"
    for sql in case.sql:
        yield from (f"sql {found.upper().strip()}" for found in _STATEMENTS.findall(sql))
    if not case.write:
        yield "no write"
    if case.second_in_thread:
        yield "second in thread"
    if case.backup is not None:
        yield "backup"
    if case.reopen:
        yield "reopen"
    if case.write_to != "main":
        yield f"write to {case.write_to}"
