"""A document's claims, read from YAML and checked; docs/claims.md describes the form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated

from pydantic import Field

from matrix.documents.yaml_model import (
    Document,
    Flaw,
    FromPlain,
    KeyPath,
    Record,
    Shape,
    load_documents,
    quoted,
    suggest,
)
from matrix.errors import DocumentError, Problem
from matrix.limits import PATTERNS, PROBLEMS
from matrix.scenarios.axes import Text
from matrix.scenarios.conditions import (
    CELL_FACTS,
    STACK_FACTS,
    Condition,
    Labels,
    fact_flaws,
    pattern_flaws,
    patterns_of,
    too_many_patterns,
)
from matrix.scenarios.selector import Selector
from matrix.scenarios.topic import Id, References

EXPERIMENT = "experiment/"
"""Begins the case of an experiment: `experiment/upgrade`."""

EXPERIMENT_FACTS: Mapping[str, str] = {
    "installed": "yes, no",
    "same_module": "whether sqlite3 is what was installed as pysqlite3: yes, no",
    "sqlite3_changed": "whether the SQLite of sqlite3 is another one than before: yes, no",
    "sqlite3": "the SQLite of sqlite3",
    "pysqlite3": "the SQLite of pysqlite3, or none",
    "engine": "opened, refused, none",
    "engine_error": "what create_engine or connect raised",
    "message": "the installer's last words",
}
"""The facts of an experiment, and what each says."""

ClaimId = Annotated[str, Shape("[A-Za-z0-9-]+", "use letters, digits and '-'")]
Requirement = Annotated[
    str, Shape("[A-Za-z0-9][A-Za-z0-9._-]*(==[A-Za-z0-9.]+)?", "write name or name==version")
]

RELATIONS = ("every", "some", "none", "same", "differ", "better_on")


class Assertion(Record):
    """A condition on the cells that a stack has of some cases."""

    says: str = Field(default="", description="What it says, where a claim has several parts.")
    cases: Labels = Field(description="Patterns over case ids; experiment/<id> for an experiment.")
    when: Condition | None = Field(
        default=None, description="Only the cells that are so; the others do not count."
    )
    every: Condition | None = Field(default=None, description="Each of the cells is so.")
    some: Condition | None = Field(default=None, description="One of the cells is so.")
    none: Condition | None = Field(default=None, description="No cell is so.")
    same: Labels | None = Field(default=None, description="These facts agree in all the cells.")
    differ: Labels | None = Field(default=None, description="They do not agree in all of them.")
    better_on: Text | None = Field(
        default=None,
        description="A driver: its newest stack as built is as intended in more of the cells, "
        "and in all in which this stack is.",
    )


class Instead(Record):
    """What to write instead, and the cases that measure it, each way in for itself."""

    write: Text = Field(description="The code or the advice.")
    cases: Labels = Field(description="Patterns over ids of cases with an intent.")
    on: Condition | None = Field(default=None, description="Only stacks that are so.")


Needs = FromPlain[tuple[Condition, ...]] | None
"""Kinds of stacks; None where nothing is said."""


class Claim(Record):
    """A sentence, and the cells that decide it."""

    id: ClaimId = Field(description="Its name, unique in the document.")
    says: Text = Field(description="The sentence, quoted short.")
    reading: Text = Field(description="What it is taken to mean, in terms of cells.")
    on: Condition | None = Field(
        default=None, description="Only stacks that are so: what the sentence speaks of."
    )
    needs: Needs = Field(default=None, description="Instead of the needs of the document.")
    proof: Annotated[FromPlain[tuple[Assertion, ...]], Field(min_length=1)] = Field(
        description="It holds on a stack if each assertion does of which the stack has cells."
    )
    also: FromPlain[tuple[Assertion, ...]] = Field(
        default=(), description="What was measured besides; it does not decide."
    )
    if_true: str = Field(default="", description="What is said where it holds on every stack.")
    if_false: str = Field(default="", description="What is said where it holds on none.")
    if_depends: str = Field(default="", description="What is said where it holds on some.")
    instead: FromPlain[tuple[Instead, ...]] = Field(
        default=(), description="What to write instead, for the driver and through a middleware."
    )


class Experiment(Record):
    """Something to do in an environment of its own: install, import, open."""

    id: Id = Field(description="Its name; its case is experiment/<id>.")
    title: Text = Field(description="A few words.")
    install: Annotated[FromPlain[tuple[Requirement, ...]], Field(min_length=1)] = Field(
        description="What is installed, in one command."
    )
    engine: str | None = Field(default=None, description="A URL that create_engine then gets.")


class ClaimsDocument(Record):
    """The claims of one document."""

    id: Id = Field(description="The file's name without .yaml.")
    title: Text = Field(description="Of the document.")
    references: References = Field(default=(), description="Where it, or what it is about, stands.")
    needs: Needs = Field(
        default=None,
        description="Kinds of stacks: a claim is true or false only if some of each ran it.",
    )
    experiments: FromPlain[tuple[Experiment, ...]] = Field(default=(), description="If any.")
    claims: Annotated[FromPlain[tuple[Claim, ...]], Field(min_length=1)] = Field(
        description="In the order of the document."
    )


class _Known:
    """The ids of the cases that there are; what a pattern selects of them is tried once."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._selects: dict[str, bool] = {}

    def selects(self, pattern: str) -> bool:
        """Whether a pattern selects a case."""
        if pattern not in self._selects:
            self._selects[pattern] = any(map(Selector.parse([pattern]), self.names))
        return self._selects[pattern]


def load_claims(paths: Iterable[Path], cases: Iterable[str]) -> tuple[ClaimsDocument, ...]:
    """Read documents of claims; DocumentError with every problem of every file.

    `cases`: the ids of all cases. A pattern that selects none of them is a problem.
    """
    known = _Known(tuple(cases))
    documents, unread = load_documents(paths, ClaimsDocument)
    problems: list[Problem] = list(unread)
    for document in documents:
        problems += map(document.problem, islice(_flaws(document, known), PROBLEMS))
    if problems:
        raise DocumentError(problems)
    return tuple(document.content for document in documents)


def _flaws(document: Document[ClaimsDocument], known: _Known) -> Iterator[Flaw]:
    excess = list(_excess(document.content))
    yield from excess or _flaws_of_content(document, known)


def _excess(content: ClaimsDocument) -> Iterator[Flaw]:
    """That there are more patterns than can be tried on every case."""
    parts = [part for claim in content.claims for part in (*claim.proof, *claim.also)]
    advice = [each for claim in content.claims for each in claim.instead]
    over_cases = {
        *(pattern for part in parts for pattern in part.cases),
        *(pattern for instead in advice for pattern in instead.cases),
    }
    if len(over_cases) > PATTERNS:
        yield Flaw(("claims",), f"more than {PATTERNS:,} different patterns", "split the document")
    conditions = (
        *(claim.on for claim in content.claims),
        *(content.needs or ()),
        *(need for claim in content.claims for need in claim.needs or ()),
        *(instead.on for instead in advice),
        *(each for part in parts for each in (part.when, part.every, part.some, part.none)),
    )
    yield from too_many_patterns(("claims",), [*over_cases, *patterns_of(*conditions)])


def _flaws_of_content(document: Document[ClaimsDocument], known: _Known) -> Iterator[Flaw]:
    content = document.content
    stem = Path(document.positions.path).stem
    if content.id != stem:
        yield Flaw(("id",), f"{quoted(content.id)} is not the file's name", f"write '{stem}'")
    yield from _repeats("experiments", [each.id for each in content.experiments])
    yield from _repeats("claims", [each.id for each in content.claims])
    yield from _need_flaws(("needs",), content.needs)
    experiments = tuple(EXPERIMENT + each.id for each in content.experiments)
    with_experiments = _Known((*known.names, *experiments))
    for number, claim in enumerate(content.claims):
        at: KeyPath = ("claims", number)
        yield from fact_flaws((*at, "on"), claim.on, STACK_FACTS)
        yield from _need_flaws((*at, "needs"), claim.needs)
        for place, parts in (("proof", claim.proof), ("also", claim.also)):
            for index, assertion in enumerate(parts):
                yield from _assertion_flaws((*at, place, index), assertion, with_experiments)
        for index, advice in enumerate(claim.instead):
            yield from fact_flaws((*at, "instead", index, "on"), advice.on, STACK_FACTS)
            yield from _pattern_flaws((*at, "instead", index, "cases"), advice.cases, known)


def _need_flaws(at: KeyPath, needs: tuple[Condition, ...] | None) -> Iterator[Flaw]:
    for number, each in enumerate(needs or ()):
        yield from fact_flaws((*at, number), each, STACK_FACTS)


def _repeats(name: str, ids: list[str]) -> Iterator[Flaw]:
    seen: set[str] = set()
    for index, each in enumerate(ids):
        if each in seen:
            yield Flaw((name, index, "id"), f"{quoted(each)} is used twice")
        seen.add(each)


def _assertion_flaws(at: KeyPath, assertion: Assertion, known: _Known) -> Iterator[Flaw]:
    given = [name for name in RELATIONS if getattr(assertion, name) is not None]
    if len(given) != 1:
        hint = f"one of {', '.join(RELATIONS)}"
        yield Flaw(at, f"{len(given) or 'no'} relations, but needs one", hint)
    yield from _pattern_flaws((*at, "cases"), assertion.cases, known)
    of_experiment = any(pattern.startswith(EXPERIMENT) for pattern in assertion.cases)
    facts = EXPERIMENT_FACTS if of_experiment else CELL_FACTS
    for name in ("when", "every", "some", "none", "same", "differ"):
        yield from fact_flaws((*at, name), getattr(assertion, name), facts)


def _pattern_flaws(at: KeyPath, patterns: tuple[str, ...], known: _Known) -> Iterator[Flaw]:
    for index, pattern in enumerate(patterns):
        flaws = list(pattern_flaws((*at, index), pattern))
        yield from flaws
        if not flaws and not known.selects(pattern):
            hint = suggest(pattern, known.names)
            yield Flaw((*at, index), f"selects no case: {quoted(pattern)}", hint)
