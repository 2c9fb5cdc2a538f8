"""Two results compared: which cells changed, and in what.

    from matrix.comparison.compare import compare_results
    comparison = compare_results(Path("results/baseline"), Path("results/latest"))
    for change in comparison.changes: ...

Nothing is run, and nothing is asked of the network. The files are read side by side, line by line;
only lines that differ are parsed, so that memory grows with the differences.
`explain` finds what decides a change by running stacks in between, `change_code` says in one value
what changed, `grouping` puts similar changes together, `accepted` sets aside those that somebody
accepted, and `reports.changes` renders them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from matrix.comparison.causes import Cause, How, stated_cause
from matrix.comparison.diff import Aspect, ChangeKind, differing_aspects, saw_less
from matrix.comparison.pairing import Pair, Side, pair_stacks
from matrix.errors import NothingSelectedError, ResultsError
from matrix.model import Case, Json, Observation
from matrix.model.codec import read_case, read_observation
from matrix.model.selection import Selection
from matrix.model.stack_id import stack_order
from matrix.results.file_format import RUN_AGAIN, ResultFile, parse_record, reading
from matrix.results.lines import CASES, CELLS, LineForm, stack_replacer
from matrix.results.sorted_diff import Lines, SortedLines, side_by_side
from matrix.results.store import result_files, spoilt, stack_of

T = TypeVar("T")


class ChangeKey(NamedTuple):
    """Which cell of a comparison it is: a case, on an old stack and the one that takes its place.

    A change that has two causes, and so became two, has one key.
    """

    case: str
    old_stack: str
    new_stack: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A cell that differs: what was seen of it before and now, None on the side that lacks it.

    `kinds` are worst first; `aspects` say what differs. `case` is that of the new result, unless
    only the old one has it. `cause` is what decides it, as far as it is known.
    """

    case: Case
    pair: Pair
    old: Observation | None
    new: Observation | None
    kinds: tuple[ChangeKind, ...]
    cause: Cause
    aspects: tuple[Aspect, ...] = ()

    @property
    def kind(self) -> ChangeKind:
        return self.kinds[0]

    @property
    def key(self) -> ChangeKey:
        return ChangeKey(self.case.id, self.pair.old.stack, self.pair.new.stack)

    @property
    def cell(self) -> str:
        """The cell of the new result."""
        return f"{self.case.id} @ {self.pair.new.stack}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackChange:
    """A stack that is gone, added or unavailable, with the count of its cells.

    These cells are no changes of their own.
    """

    kind: ChangeKind
    stack: str
    cells: int
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two results differ in; `cells` is how many cells were in both, and were compared.

    `edited` is how many cases do something else than in the old result.
    """

    old: Path
    new: Path
    pairs: tuple[Pair, ...]
    changes: tuple[Change, ...]
    stacks: tuple[StackChange, ...]
    cells: int
    edited: int = 0

    @property
    def unchanged(self) -> bool:
        return not self.changes and not self.stacks


def compare_results(
    old: Path,
    new: Path,
    selection: Selection | None = None,
    stacks: Selection | None = None,
) -> Comparison:
    """Compare two directories of results.

    `selection` is asked for case ids, `stacks` for the names of stacks. Raises ResultsError for
    files that cannot be trusted, with all of them, NothingSelectedError where no case or no stack
    is selected.
    """
    try:
        return _compare(old, new, selection, stacks)
    except ResultsError:
        problems = [*spoilt(old), *spoilt(new)]
        if len(problems) < 2:
            raise
        raise ResultsError(*problems) from None


def _compare(
    old: Path, new: Path, selection: Selection | None, stacks: Selection | None
) -> Comparison:
    (old_cases, old_files), (new_cases, new_files) = result_files(old), result_files(new)
    left, right = _sides(old_files), _sides(new_files)
    pairs, gone, added = _selected(pair_stacks(list(left), list(right)), stacks)
    if not pairs and not gone and not added:
        raise _no_stack(old, new, (*left, *right))
    found = [_differing(pair, left[pair.old], right[pair.new], selection) for pair in pairs]
    wanted = {lines.name for each in found for lines in each.lines}
    cases = _read_cases(
        ResultFile(old_cases, "cases"), ResultFile(new_cases, "cases"), wanted, selection
    )
    alone = [
        *(_alone(side, left[side], ChangeKind.STACK_GONE, selection) for side in gone),
        *(_alone(side, right[side], ChangeKind.STACK_ADDED, selection) for side in added),
    ]
    return Comparison(
        old=old,
        new=new,
        pairs=tuple(pairs),
        changes=_cell_changes(found, old_cases.parent, new_cases.parent, cases),
        stacks=(
            *(change for change in map(_availability, found) if change is not None),
            *(change for change in alone if change.cells or selection is None),
        ),
        cells=sum(each.both for each in found),
        edited=len(cases.edited),
    )


def _no_stack(old: Path, new: Path, sides: Iterable[Side]) -> NothingSelectedError:
    names = sorted({side.stack for side in sides}, key=stack_order)
    hint = f"stacks: {', '.join(names) or 'none'}"
    return NothingSelectedError(f"no stack is selected in {old} and {new}", hint=hint)


@dataclass(slots=True)
class _Found:
    """The lines of a pair that differ, and how many cells are in both of its files."""

    pair: Pair
    lines: list[Lines] = field(default_factory=list)
    both: int = 0


@dataclass(slots=True)
class _Cases:
    """The cases of the lines that differ; which were edited, and which are on one side only."""

    cases: dict[str, Case] = field(default_factory=dict)
    edited: set[str] = field(default_factory=set)
    single: set[str] = field(default_factory=set)


def _order(change: Change) -> tuple[object, ...]:
    return (change.kind.rank, change.case.id, stack_order(change.pair.new.stack))


def _sides(files: Iterable[Path]) -> dict[Side, ResultFile]:
    found: dict[Side, ResultFile] = {}
    for file in files:
        document = ResultFile(file, "stack")
        stack, fingerprint, unavailable = stack_of(document)
        found[Side(stack=stack, fingerprint=fingerprint, unavailable=unavailable)] = document
    return found


def _selected(
    paired: tuple[Sequence[Pair], Sequence[Side], Sequence[Side]], stacks: Selection | None
) -> tuple[list[Pair], list[Side], list[Side]]:
    pairs, gone, added = paired
    wanted = stacks or (lambda _: True)
    return (
        [pair for pair in pairs if wanted(pair.old.stack) or wanted(pair.new.stack)],
        [side for side in gone if wanted(side.stack)],
        [side for side in added if wanted(side.stack)],
    )


def _differing(pair: Pair, old: ResultFile, new: ResultFile, selection: Selection | None) -> _Found:
    """The lines of a pair that differ in more than the name of the stack."""
    rewritten = None
    if pair.old.stack != pair.new.stack:
        rewritten = stack_replacer(pair.old.stack, pair.new.stack)
    left, right = SortedLines(old, CELLS, rewritten), SortedLines(new, CELLS)
    found = _Found(pair)
    for same, others in side_by_side(left, right, selection):
        found.lines += others
        found.both += same + sum(line.old is not None is not line.new for line in others)
    return found


def _alone(
    side: Side, document: ResultFile, kind: ChangeKind, selection: Selection | None
) -> StackChange:
    names = (name for name, _ in SortedLines(document, CELLS))
    cells = sum(1 for name in names if selection is None or selection(name))
    return StackChange(kind=kind, stack=side.stack, cells=cells, reason=side.unavailable)


def _read_cases(
    old: ResultFile, new: ResultFile, wanted: set[str], selection: Selection | None
) -> _Cases:
    """Read the two files of cases; NothingSelectedError where none of theirs is selected."""
    found = _Cases()
    seen = 0
    left, right = SortedLines(old, CASES), SortedLines(new, CASES)
    wants = selection or (lambda _: True)
    for same, others in side_by_side(left, right, wants):
        seen += same + len(others)
        for name, before, after in others:
            cases = [
                _case(document, line)
                for document, line in ((old, before), (new, after))
                if line is not None
            ]
            if len(cases) == 1:
                found.single.add(name)
            elif cases[0].digest != cases[1].digest:
                found.edited.add(name)
            found.cases[name] = cases[-1]
    if not seen:
        hint = "sqlite-matrix list cases"
        raise NothingSelectedError(f"no case is selected in {old.path.parent}", hint=hint)
    missing = wanted - found.cases.keys()
    if missing:
        for name, line in SortedLines(ResultFile(new.path, "cases"), CASES):
            if name in missing:
                found.cases[name] = _case(new, line)
    return found


def _case(document: ResultFile, line: bytes) -> Case:
    return _parsed(document.path, line, CASES, read_case)


def _parsed(path: Path, line: bytes, form: LineForm, read: Callable[[Json], T]) -> T:
    """What a line says; its number is sought only where it does not read."""
    try:
        return _read_at(path, 1, line, read)
    except ResultsError:
        name = form.id_of(line)
        with path.open("rb") as file:
            number = next((n for n, each in enumerate(file, 1) if form.id_of(each) == name), 1)
    return _read_at(path, number, line, read)


def _read_at(path: Path, number: int, line: bytes, read: Callable[[Json], T]) -> T:
    record = parse_record(path, number, line)
    with reading(path, number):
        return read(record)


def _availability(found: _Found) -> StackChange | None:
    """The change where one of the two was unavailable; then no cell of it says anything."""
    old, new = found.pair.old, found.pair.new
    lost, missing = new.unavailable is not None, old.unavailable is not None
    if lost == missing:
        return None
    return StackChange(
        kind=ChangeKind.UNAVAILABLE if lost else ChangeKind.STACK_ADDED,
        stack=new.stack,
        cells=len(found.lines),
        reason=new.unavailable if lost else "was unavailable before",
    )


def _cell_changes(
    found: Iterable[_Found], old: Path, new: Path, cases: _Cases
) -> tuple[Change, ...]:
    """The changes of the pairs of which both stacks were there, worst first."""
    changes = (
        change
        for each in found
        if _availability(each) is None
        for change in _changes(each, old, new, cases)
    )
    return tuple(sorted(changes, key=_order))


def _changes(found: _Found, old: Path, new: Path, cases: _Cases) -> Iterator[Change]:
    pair = found.pair
    cause = stated_cause(pair)
    for name, before, after in found.lines:
        if name not in cases.cases:
            message = f"an observation of a case that cases.jsonl does not list: {name!a}"
            raise ResultsError(f"{old if after is None else new}: {message}", hint=RUN_AGAIN)
        seen = _observation(old, pair.old, pair.new.stack, before)
        now = _observation(new, pair.new, pair.new.stack, after)
        change = Change(case=cases.cases[name], pair=pair, old=seen, new=now, kinds=(), cause=cause)
        yield from _judged(change, cases)


def _observation(directory: Path, side: Side, stack: str, line: bytes | None) -> Observation | None:
    """What a line says, which names the stack of the new result."""
    if line is None:
        return None
    path = directory / f"{side.stack}.jsonl"
    observation = _parsed(path, line, CELLS, read_observation)
    if observation.stack != stack:
        message = f"an observation of the stack {observation.stack}: {observation.case!a}"
        raise ResultsError(f"{path}: {message}", hint=RUN_AGAIN)
    return observation


def _judged(change: Change, cases: _Cases) -> Iterator[Change]:
    """The change with its kinds; nothing where the lines differ, and what they say does not."""
    old, new = change.old, change.new
    if old is None or new is None:
        kind = ChangeKind.ADDED if old is None else ChangeKind.GONE
        why = "not in both results" if change.case.id in cases.single else "not run on this stack"
        yield replace(
            change, kinds=(kind,), cause=Cause(how=How.CASE, facts=(f"the case is {why}",))
        )
        return
    aspects = differing_aspects(old, new)
    if not aspects:
        return
    if change.case.id in cases.edited:
        cause = Cause(how=How.CASE, facts=("the case does something else",))
        yield replace(change, kinds=(ChangeKind.EDITED,), cause=cause, aspects=aspects)
    elif saw_less(old, new, aspects):
        cause = Cause(how=How.OBSERVER)
        yield replace(change, kinds=(ChangeKind.SAW_LESS,), cause=cause, aspects=aspects)
    else:
        yield replace(change, kinds=kinds_of(aspects), aspects=aspects)


def kinds_of(aspects: Iterable[Aspect]) -> tuple[ChangeKind, ...]:
    """The kinds of change that aspects make, worst first, each once."""
    kinds = {kind for aspect in aspects for kind in aspect.kinds}
    return tuple(sorted(kinds, key=lambda kind: kind.rank))
