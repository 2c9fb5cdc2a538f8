"""What a comparison comes to: its groups, what was accepted, and whether it fails.

report = report_changes(compare_results(old, new), load_accepted(old / "accepted.yaml"))
print(render_changes(report, "markdown")); exit(report.exit_code)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matrix.comparison.accepted import AcceptedChange, sort_out
from matrix.comparison.compare import Comparison, StackChange
from matrix.comparison.diff import ChangeKind
from matrix.comparison.grouping import NOTES, Group, group_changes, headline
from matrix.errors import EXIT_CHANGED, EXIT_OK
from matrix.model.selection import Selection

FAILING = frozenset(ChangeKind) - NOTES
"""The kinds of change that fail unless the user says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeReport:
    """All that a comparison comes to. `explained`: stacks in between were run, where needed."""

    comparison: Comparison
    groups: tuple[Group, ...]
    stacks: tuple[StackChange, ...]
    accepted: tuple[tuple[AcceptedChange, int], ...] = ()
    stale: tuple[AcceptedChange, ...] = ()
    fail_on: frozenset[ChangeKind] = FAILING
    explained: bool = False

    @property
    def headline(self) -> str:
        """One sentence, fit for a changelog."""
        return headline(
            self.comparison,
            self.groups,
            self.stacks,
            accepted=sum(count for _, count in self.accepted),
            stale=len(self.stale),
        )

    def fails(self, kinds: Iterable[ChangeKind]) -> bool:
        return not self.fail_on.isdisjoint(kinds)

    @property
    def failing(self) -> int:
        """How many groups, stacks and stale entries fail."""
        kinds = [group.kinds for group in self.groups]
        alone = [{each.kind: 1} for each in self.stacks]
        stale = [{ChangeKind.STALE: 1} for _ in self.stale]
        return sum(map(self.fails, [*kinds, *alone, *stale]))

    @property
    def exit_code(self) -> int:
        return EXIT_CHANGED if self.failing else EXIT_OK


def report_changes(
    comparison: Comparison,
    accepted: Sequence[AcceptedChange] = (),
    *,
    selection: Selection | None = None,
    fail_on: frozenset[ChangeKind] = FAILING,
    explained: bool = False,
) -> ChangeReport:
    """Group what changed, and set aside what was accepted."""
    left = sort_out(comparison, accepted, selection)
    return ChangeReport(
        comparison=comparison,
        groups=group_changes(left.changes),
        stacks=left.stacks,
        accepted=left.accepted,
        stale=left.stale,
        fail_on=fail_on,
        explained=explained,
    )
