"""Where a recipe ends: what goes wrong beside it, and what versions announce."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from matrix.model import Fingerprint
from matrix.reports.recipes.cells import JudgedCell
from matrix.text import cut, few

_LONGEST = 200
_SITUATIONS = 2
"""How many situations of one kind of trouble are named."""
_CATEGORY = re.compile(r"^\w+: ")
_RAISED = re.compile(r"^(?:[a-z -]+ failed|[a-z ]+ was refused): [\w.]+: (?=.)")
_SENTENCE = re.compile(r"\.(?:\s|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Where a recipe ends, in words, and the cases and stacks that show it."""

    words: str
    cases: tuple[str, ...]
    stacks: tuple[str, ...]


def find_limits(cells: Iterable[JudgedCell]) -> tuple[Limit, ...]:
    """The limits that cells of one way show, on the stacks on which it is as intended otherwise."""
    every = list(cells)
    plain = [cell for cell in every if cell.situation.is_plain]
    return (*_pools(plain), *_warnings(plain), *_in_situations(every))


def _pools(plain: Sequence[JudgedCell]) -> Iterator[Limit]:
    handed = [cell for cell in plain if cell.one_connection]
    if handed:
        yield _limit("all users share one connection, and so one transaction", handed, plain)
    alone = [cell for cell in plain if cell.connection_per_thread]
    if alone:
        yield _limit("each thread has a database of its own", alone, plain)


def _warnings(plain: Sequence[JudgedCell]) -> Iterator[Limit]:
    saying: dict[str, list[JudgedCell]] = {}
    for cell in plain:
        for text in dict.fromkeys(map(_first_sentence, cell.observation.warnings)):
            saying.setdefault(text, []).append(cell)
    for text, cells in saying.items():
        prints = [c.stack.fingerprint for c in cells if c.stack.fingerprint is not None]
        yield _limit(f"{_versions(prints)} warns: {text}", cells, cells)


def _first_sentence(warning: str) -> str:
    """Without its category, and without what follows, as a link to more about it."""
    return _SENTENCE.split(_CATEGORY.sub("", warning), maxsplit=1)[0]


def _versions(prints: Iterable[Fingerprint]) -> str:
    """Who says it, and in which versions: `sqlalchemy 2.1.0, 2.1.9`."""
    found: dict[str, set[str]] = {}
    for each in prints:
        name, version = _speaker(each)
        found.setdefault(name, set()).add(version)
    return ", ".join(f"{name} {', '.join(sorted(found[name]))}" for name in sorted(found))


def _speaker(stack: Fingerprint) -> tuple[str, str]:
    if stack.middleware is not None:
        return stack.middleware, stack.middleware_version or ""
    if stack.distribution is None:
        return "Python", stack.python
    return stack.driver, stack.driver_version


def _in_situations(cells: Iterable[JudgedCell]) -> Iterator[Limit]:
    """What goes wrong first in each situation; situations of which the same is said are one."""
    asked: dict[str, list[JudgedCell]] = {}
    for cell in cells:
        if not cell.situation.is_plain:
            asked.setdefault(cell.situation.words, []).append(cell)
    alike: dict[str, list[str]] = {}
    for words in sorted(asked, key=lambda words: (len(words), words)):
        first = next((cell.objection for cell in asked[words] if cell.objection), None)
        if first is not None:
            alike.setdefault(cut(_in_short(first.words), _LONGEST), []).append(words)
    for why, situations in alike.items():
        ran = [cell for words in situations for cell in asked[words]]
        wrong = [cell for cell in ran if cell.objection is not None]
        yield _limit(f"{few(situations, _SITUATIONS)}: {why}", wrong, ran)


def _in_short(why: str) -> str:
    """The first objection, without the class of an exception."""
    return _RAISED.sub("", why.partition("; ")[0])


def _limit(words: str, cells: Sequence[JudgedCell], ran: Iterable[JudgedCell]) -> Limit:
    """The limit that some of the cells show that ran."""
    stacks, asked = _stacks(cells), _stacks(ran)
    where = "" if len(stacks) == len(asked) else f" (on {len(stacks)} of {len(asked)} stacks)"
    cases = tuple(dict.fromkeys(cell.case.id for cell in cells))
    return Limit(words=words + where, cases=cases, stacks=stacks)


def _stacks(cells: Iterable[JudgedCell]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(cell.stack.stack for cell in cells))
