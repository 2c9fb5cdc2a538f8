"""Conditions on stacks and cells, as authors write them, and the facts that they are about.

Each fact is one or more texts; `none` stands for what is not there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import Field

from matrix.documents.yaml_model import Flaw, FromPlain, KeyPath, Shorthand, quoted, suggest
from matrix.errors import UsageError
from matrix.limits import PATTERN_CHARACTERS
from matrix.model import Case, Fingerprint, Observation, canonical
from matrix.model.outcome import outcome, verdict
from matrix.model.versions import version_of
from matrix.scenarios.selector import Selector, is_too_much, matches


def _one(label: str) -> list[str]:
    return [label]


_LONGEST_SPECIFIER = 100

Labels = Annotated[
    FromPlain[tuple[str, ...]], Field(min_length=1), Shorthand(_one, "a text or a list of texts")
]
Condition = Annotated[Mapping[str, Labels], Field(min_length=1)]
"""Facts, each with the text that it has to match, or several of which one; `*` is any text."""

Facts = Mapping[str, tuple[str, ...]]
"""What is so of a stack or a cell: the texts of each fact."""

NONE = "none"
ANY = "any"
"""In a condition: whatever it is, but not `none`."""

CELL_FACTS: Mapping[str, str] = {
    "result": "opened, refused, crashed, timed_out",
    "outcome": "the observation in a word: memory, shared memory, stray file, ...",
    "intent": "as_intended, not_as_intended, noted",
    "error": "phase, type and message of what was raised",
    "storage": "memory, file, temporary, none",
    "second_connection": "sees, does_not_see, refused",
    "reopened": "likewise, for the target opened again after everything was closed",
    "reused": "second_connection, reopen: where a user was handed the first connection itself",
    "rivals": "for each rival in order: sees, does_not_see, wrote, refused",
    "database": "the database files that appeared",
    "files": "every path that appeared",
    "stray": "the stray files",
    "there": "the files asked for, or meant, that were there before",
    "unasked": "the files that were there before, are not asked for, and were opened",
    "foreign": "the names that only another system understands",
    "passed": "the string that reached the driver",
    "arguments": "the keyword arguments that reached the driver, as JSON",
    "opened": "the file that SQLite says it opened",
    "journal_mode": "as PRAGMA journal_mode says",
    "pool": "the class of the pool",
    "warnings": "the warnings",
}
"""The facts of an observed cell, and what each says."""

STACK_FACTS: Mapping[str, str] = {
    "driver": "sqlite3, pysqlite3, apsw, ...",
    "middleware": "sqlalchemy, ...",
    "shim": "the DB-API layer that this project puts between driver and middleware",
    "uri_setting": "as-built, off, on",
    "uri_default": "whether file: names are URIs unasked: yes, no",
    "shared_cache": "whether cache=shared shares: yes, no",
    "temp_files": "whether large temporary data goes to a file: yes, no",
    "sqlite": "its version; also compared, as in >=3.54",
    "driver_version": "likewise",
    "middleware_version": "likewise",
    "python": "likewise",
}
"""The facts of a stack to which a claim or an expectation may be confined."""


def cell_facts(observation: Observation, case: Case) -> Facts:
    error = observation.error
    passed = observation.passed or {"args": [], "kwargs": {}}
    handed = [*passed["args"], passed["kwargs"].get("database")][0]
    databases = [e.path for e in observation.created if e.kind.value == "database"]
    second = observation.second_connection
    return {
        "result": (observation.result.value,),
        "outcome": (outcome(observation).word,),
        "intent": (verdict(observation, case).value,),
        "error": _some(None if error is None else f"{error.phase}: {error.type}: {error.message}"),
        "storage": (observation.storage.value,),
        "second_connection": _some(second and second.value),
        "reopened": _some(observation.reopened and observation.reopened.value),
        "reused": _some(*observation.reused),
        "rivals": _some(*(each.found and each.found.value for each in observation.rivals)),
        "database": _some(*databases),
        "files": _some(*(entry.path for entry in observation.created)),
        "there": _some(*observation.there),
        "unasked": _some(*observation.unasked),
        "foreign": _some(*observation.foreign),
        "stray": _some(*(entry.path for entry in observation.strays)),
        "passed": _some(handed if handed is None or isinstance(handed, str) else str(handed)),
        "arguments": (canonical(passed["kwargs"]),),
        "opened": _some(observation.opened or None),
        "journal_mode": _some(observation.journal_mode),
        "pool": _some(observation.pool),
        "warnings": _some(*observation.warnings),
    }


def stack_facts(fingerprint: Fingerprint) -> Facts:
    return {
        "driver": (fingerprint.driver,),
        "middleware": _some(fingerprint.middleware),
        "shim": _some(fingerprint.shim),
        "uri_setting": (fingerprint.uri_setting.value,),
        "uri_default": _yes_or_no(fingerprint.uri_default),
        "shared_cache": _yes_or_no(fingerprint.shared_cache),
        "temp_files": _yes_or_no(fingerprint.temp_files),
        "sqlite": (fingerprint.sqlite,),
        "driver_version": (fingerprint.driver_version,),
        "middleware_version": _some(fingerprint.middleware_version),
        "python": (fingerprint.python,),
    }


def fact_flaws(
    at: KeyPath, named: Condition | Labels | None, known: Collection[str]
) -> Iterator[Flaw]:
    """What a condition, or a list of facts, at this place names and is no known fact.

    Of a condition also the patterns that do not read.
    """
    names: Iterable[tuple[str | int, str]] = (
        ((name, name) for name in named) if isinstance(named, Mapping) else enumerate(named or ())
    )
    for key, name in names:
        if name not in known:
            yield Flaw((*at, key), f"no fact {quoted(name)}", suggest(name, known))
    if isinstance(named, Mapping):
        yield from _condition_flaws(at, named)


def _condition_flaws(at: KeyPath, condition: Condition) -> Iterator[Flaw]:
    for name, patterns in condition.items():
        for index, pattern in enumerate(patterns):
            if not _compares(pattern):
                yield from pattern_flaws((*at, name, index), pattern)
            elif not _is_specifier(pattern):
                message = f"{quoted(pattern)} does not compare with a version"
                yield Flaw((*at, name, index), message, "write it as in >=3.54")


def pattern_flaws(at: KeyPath, pattern: str) -> Iterator[Flaw]:
    """That a pattern does not read."""
    try:
        Selector.parse([pattern])
    except UsageError as error:
        yield Flaw(at, error.message, error.hint)


def too_many_patterns(at: KeyPath, patterns: Iterable[str]) -> Iterator[Flaw]:
    """That the patterns of a document stand for too much together; to be asked before others."""
    if is_too_much(patterns):
        message = f"its patterns stand for more than {PATTERN_CHARACTERS:,} characters"
        yield Flaw(at, message, "use fewer {alternatives}")


def patterns_of(*conditions: Condition | None) -> Iterator[str]:
    """The patterns of some conditions, without the comparisons of versions."""
    for condition in conditions:
        for patterns in (condition or {}).values():
            yield from (each for each in patterns if not _compares(each))


def meets(facts: Facts, condition: Condition) -> bool:
    """Whether each fact named matches: one of its texts, one of the patterns.

    A pattern holds `*` for any text, is `any`, or compares a version: `>=3.54`.
    """
    return all(
        any(_fits(pattern, text) for pattern in patterns for text in facts[name])
        for name, patterns in condition.items()
    )


def _fits(pattern: str, text: str) -> bool:
    if pattern == ANY:
        return text != NONE
    if _compares(pattern):
        number = version_of(text.partition(" ")[0])  # `2.1.9 (aiosqlite 0.22.1)`
        return number is not None and SpecifierSet(pattern).contains(number, prereleases=True)
    return matches(pattern, text)


def _compares(pattern: str) -> bool:
    return pattern.startswith((">", "<"))


def _is_specifier(pattern: str) -> bool:
    if len(pattern) > _LONGEST_SPECIFIER:
        return False
    try:
        SpecifierSet(pattern)
    except InvalidSpecifier:
        return False
    return True


def _yes_or_no(fact: bool) -> tuple[str, ...]:
    return ("yes" if fact else "no",)


def _some(*texts: str | None) -> tuple[str, ...]:
    return tuple(text for text in texts if text is not None) or (NONE,)
