"""The first version that behaves differently, with as few runs as a bisection needs.

Pure: a `Bisection` says which version to run next, and takes what that version showed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, log2

from matrix.model import Json, Observation
from matrix.versions.history import behaviour

Key = Callable[[Observation], Json]

Adjacent = Callable[[str, str], bool]
"""Whether no release is known between two versions, given the older one first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """What the search found for one case between the oldest and the newest version that ran it.

    `last` is the last version that behaves like the old end, `first` the first that does not; both
    are None if the ends behave alike. `skipped`: versions between the two that could not run.
    `exact`: no release lies between the two. `settled`: `first` already behaves like the new end.
    """

    case: str
    old: str
    new: str
    before: Observation
    after: Observation
    last: str | None = None
    first: str | None = None
    skipped: tuple[str, ...] = ()
    exact: bool = True
    settled: bool = True


class Bisection:
    """A search over versions, the oldest first, for several cases at once, which share the runs.

    A version that cannot run a case is skipped for it, as by `git bisect skip`; if it is an end,
    the end moves inwards. `key`: the part of an observation that has to differ.
    """

    def __init__(self, versions: Sequence[str], cases: Sequence[str], key: Key = behaviour) -> None:
        self._key = key
        self._versions = tuple(versions)
        self._seen: dict[str, dict[int, Observation]] = {case: {} for case in cases}
        self._tried: set[int] = set()

    @property
    def bound(self) -> int:
        """The maximum number of runs for one case, if every version is available."""
        between = len(self._versions) - 1
        return min(len(self._versions), 2 + (ceil(log2(between)) if between > 0 else 0))

    def wanted(self) -> str | None:
        """The version that the most cases need next; None when the search is complete."""
        wishes = Counter(wish for wish in map(self._wish, self._seen.values()) if wish is not None)
        return self._versions[wishes.most_common(1)[0][0]] if wishes else None

    def tell(self, version: str, observations: Mapping[str, Observation]) -> None:
        """Record what a version showed; cases that it could not run are missing."""
        index = self._versions.index(version)
        self._tried.add(index)
        for case, seen in self._seen.items():
            if case in observations:
                seen[index] = observations[case]

    def boundaries(self, adjacent: Adjacent) -> tuple[Boundary, ...]:
        """The boundaries in the order of the cases, without those that no version could run."""
        return tuple(
            self._boundary(case, seen, adjacent) for case, seen in self._seen.items() if seen
        )

    def _wish(self, seen: Mapping[int, Observation]) -> int | None:
        count = len(self._versions)
        for end in (range(count), range(count - 1, -1, -1)):
            index = next((i for i in end if i in seen or i not in self._tried), None)
            if index is not None and index not in seen:
                return index
        if not seen:
            return None
        between = self._between(seen)
        if between is None:
            return None
        low, high = between
        open_ = [i for i in range(low + 1, high) if i not in self._tried]
        return min(open_, key=lambda i: abs(2 * i - low - high), default=None)

    def _boundary(self, case: str, seen: Mapping[int, Observation], adjacent: Adjacent) -> Boundary:
        old, new = min(seen), max(seen)
        between = self._between(seen)
        low, high = between or (old, new)
        names = self._versions
        ends = Boundary(
            case=case, old=names[old], new=names[new], before=seen[low], after=seen[high]
        )
        if between is None:
            return ends
        return replace(
            ends,
            last=names[low],
            first=names[high],
            skipped=names[low + 1 : high],
            exact=high - low == 1 and adjacent(names[low], names[high]),
            settled=self._key(seen[high]) == self._key(seen[new]),
        )

    def _between(self, seen: Mapping[int, Observation]) -> tuple[int, int] | None:
        """The neighbouring seen versions, of which the newer is the first unlike the old end.

        None if the ends behave alike: then there is nothing to look for between them.
        """
        order = sorted(seen)
        old = self._key(seen[order[0]])
        if self._key(seen[order[-1]]) == old:
            return None
        first = next(n for n, index in enumerate(order) if self._key(seen[index]) != old)
        return order[first - 1], order[first]
