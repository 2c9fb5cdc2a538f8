"""Changes that somebody accepted, with a reason: a file that reviewers read.

An entry names cases and stacks by patterns, and what changed by a code. A change is accepted where
an entry has its case, its stack and its code, and no kind of change is left over.
An entry that fits nothing any more, though its cases and stacks were compared, is stale.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice, starmap
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from matrix.comparison.change_code import ChangeCode, code_of, code_of_stack, sentence
from matrix.comparison.compare import Change, Comparison, StackChange
from matrix.comparison.diff import ChangeKind
from matrix.comparison.grouping import Group
from matrix.documents.yaml_model import Flaw, FromPlain, Record, load_document
from matrix.errors import DocumentError
from matrix.files import exists
from matrix.limits import PROBLEMS
from matrix.model import Json
from matrix.model.selection import Selection
from matrix.results.file_format import ResultFile
from matrix.results.lines import CASES
from matrix.results.sorted_diff import SortedLines
from matrix.results.store import result_files
from matrix.scenarios.conditions import Labels, pattern_flaws, too_many_patterns
from matrix.scenarios.selector import Selector, matches

ACCEPTED_FILE = "accepted.yaml"
_HEAD = """\
# Changes that were accepted: `sqlite-matrix compare` does not fail for them.
# `sqlite-matrix accept` adds entries; docs/comparing.md describes them.
"""
_SHORT_LIST = 3
"""So many cases of a scenario are listed; more are named by the scenario."""

Patterns = Annotated[Labels, Field(min_length=1)]


class AcceptedChange(Record):
    """One intended change."""

    reason: str = Field(min_length=1, description="Why it is meant to be so, for a reviewer")
    change: ChangeCode = Field(description="What changed")
    what: str | None = Field(
        default=None, description="What changed in words, for a reviewer; it is not compared"
    )
    kinds: Annotated[FromPlain[tuple[FromPlain[ChangeKind], ...]], Field(min_length=1)] = Field(
        description="The kinds of the change; one that has others too is not accepted"
    )
    cases: Patterns = Field(description="Cases, scenarios, topics or patterns over case ids")
    stacks: Patterns = Field(
        description="Names of stacks as in the old or the new result; * is any"
    )
    cause: str | None = Field(default=None, description="What decides it, as `compare` found it")
    reference: str | None = Field(default=None, description="Where it is discussed or announced")

    @model_validator(mode="before")
    @classmethod
    def _has_code(cls, data: Json) -> Json:
        """Words alone cannot be matched: no table says which codes older versions meant by them."""
        if isinstance(data, dict) and "what" in data and "change" not in data:
            hint = "remove the entry, and let `sqlite-matrix accept` write it again"
            message = "has no 'change': an older version wrote it, and matched the words of 'what'"
            raise PydanticCustomError("no_change", "{message}", {"message": message, "hint": hint})
        return data


class AcceptedDocument(Record):
    """The file of accepted changes."""

    accepted: Annotated[FromPlain[tuple[AcceptedChange, ...]], Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """The changes of a comparison: those that are left, those that are accepted, and by what.

    `stale`: the entries that fit nothing, though what they name was compared.
    """

    changes: tuple[Change, ...]
    stacks: tuple[StackChange, ...]
    accepted: tuple[tuple[AcceptedChange, int], ...]
    stale: tuple[AcceptedChange, ...]


def load_accepted(path: Path) -> tuple[AcceptedChange, ...]:
    """The entries of a file, none if it is not there; DocumentError with all that is wrong."""
    if not exists(path):
        return ()
    document, positions = load_document(path, AcceptedDocument)
    problems = [
        positions.problem(positions.known(flaw.at), flaw.message, flaw.hint)
        for flaw in islice(_flaws(document), PROBLEMS)
    ]
    if problems:
        raise DocumentError(problems)
    return document.accepted


def _flaws(document: AcceptedDocument) -> Iterator[Flaw]:
    patterns = [
        (("accepted", number, name, place), pattern)
        for number, entry in enumerate(document.accepted)
        for name, each in (("cases", entry.cases), ("stacks", entry.stacks))
        for place, pattern in enumerate(each)
    ]
    excess = list(too_many_patterns(("accepted",), (pattern for _, pattern in patterns)))
    yield from excess or chain.from_iterable(starmap(pattern_flaws, patterns))


def sort_out(
    comparison: Comparison,
    entries: Sequence[AcceptedChange],
    selection: Selection | None = None,
) -> Sorted:
    """Set aside what was accepted. `selection` is that of the comparison."""
    used: dict[int, set[str]] = {number: set() for number in range(len(entries))}
    matchers = [_Matcher(entry=each, cases=Selector.parse(each.cases)) for each in entries]
    changes = []
    for change in comparison.changes:
        numbers = _accepting(change, matchers)
        for number in numbers:
            used[number].add(change.cell)
        if not numbers:
            changes.append(change)
    stacks = []
    for each in comparison.stacks:
        numbers = [n for n, matcher in enumerate(matchers) if matcher.takes_stack_change(each)]
        for number in numbers:
            used[number].add(each.stack)
        if not numbers:
            stacks.append(each)
    unused = [matchers[number] for number, cells in used.items() if not cells]
    return Sorted(
        changes=tuple(changes),
        stacks=tuple(stacks),
        accepted=tuple((entries[n], len(cells)) for n, cells in used.items() if cells),
        stale=tuple(_compared(comparison, unused, selection)),
    )


def entries_of(
    groups: Iterable[Group],
    stacks: Iterable[StackChange],
    reason: str,
    reference: str | None = None,
) -> tuple[AcceptedChange, ...]:
    """The entries that accept these groups and these stacks."""
    of_groups = (
        _entry(
            reason=reason,
            change=group.code,
            what=group.what,
            kinds=tuple(group.kinds),
            cases=list(_short_list({change.case.id for change in group.changes})),
            stacks=list(dict.fromkeys(_pattern(c.pair.old.stack) for c in group.changes)),
            cause=str(group.cause),
            reference=reference,
        )
        for group in groups
    )
    of_stacks = (
        _entry(
            reason=reason,
            change=code_of_stack(each),
            what=sentence(code_of_stack(each)),
            kinds=(each.kind,),
            cases=["*"],
            stacks=[_pattern(each.stack)],
            cause=each.reason,
            reference=reference,
        )
        for each in stacks
    )
    return (*of_groups, *of_stacks)


def write_accepted(path: Path, entries: Sequence[AcceptedChange]) -> None:
    """Write the file, whole; what it held before has to be among the entries."""
    plain = [entry.model_dump(mode="json", exclude_none=True) for entry in entries]
    text = yaml.safe_dump(
        {"accepted": plain},
        sort_keys=False,
        allow_unicode=True,
        width=100,
        default_flow_style=False,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_HEAD + text, "utf-8")


def _entry(**fields: Any) -> AcceptedChange:
    return AcceptedChange.model_validate(fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Matcher:
    """An entry, and its patterns over cases, read."""

    entry: AcceptedChange
    cases: Selector

    def takes_part(self, change: Change) -> bool:
        """Whether the entry has the case and the stack of a change, and a kind of it."""
        stacks = (change.pair.old.stack, change.pair.new.stack)
        kinds = not set(self.entry.kinds).isdisjoint(change.kinds)
        return kinds and self.takes_stack(*stacks) and self.cases(change.case.id)

    def takes_stack_change(self, change: StackChange) -> bool:
        return change.kind in self.entry.kinds and self.takes_stack(change.stack)

    def takes_stack(self, *names: str) -> bool:
        return any(matches(pattern, name) for pattern in self.entry.stacks for name in names)


def _accepting(change: Change, matchers: Sequence[_Matcher]) -> list[int]:
    """The entries that accept a change: one has its code, and together they have its kinds.

    A change with two causes is two entries, and one change where nothing was run.
    """
    numbers = [n for n, matcher in enumerate(matchers) if matcher.takes_part(change)]
    kinds = {kind for number in numbers for kind in matchers[number].entry.kinds}
    if not kinds.issuperset(change.kinds):
        return []
    code = code_of(change)
    return numbers if any(matchers[n].entry.change == code for n in numbers) else []


def _compared(
    comparison: Comparison, unused: Sequence[_Matcher], selection: Selection | None
) -> Iterator[AcceptedChange]:
    """The entries of which a stack and a case were compared."""
    stacks = [
        (pair.old.stack, pair.new.stack)
        for pair in comparison.pairs
        if pair.old.fingerprint is not None and pair.new.fingerprint is not None
    ]
    left = [each for each in unused if any(each.takes_stack(*pair) for pair in stacks)]
    if not left:
        return
    found: set[int] = set()
    for name in _case_ids(comparison.new):
        if selection is None or selection(name):
            found |= {number for number, each in enumerate(left) if each.cases(name)}
    yield from (each.entry for number, each in enumerate(left) if number in found)


def _case_ids(directory: Path) -> Iterator[str]:
    cases, _ = result_files(directory)
    return (name for name, _ in SortedLines(ResultFile(cases, "cases"), CASES))


def _short_list(ids: Iterable[str]) -> Iterator[str]:
    """The ids, or the scenario in place of many."""
    for scenario, members in groupby(sorted(ids), key=lambda name: name.partition("[")[0]):
        mine = list(members)
        yield from map(_pattern, mine if len(mine) <= _SHORT_LIST else [scenario])


def _pattern(name: str) -> str:
    """A pattern that matches a name; it has no way to write its own signs but as any sign."""
    return re.sub(r"[*?{}]", "?", name)
