"""The cells behind a recipe, judged as advice: stricter than a verdict.

A pool that keeps no connection open keeps no data in memory, one that keeps several has several
databases, and what is written to a file has to be there later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from matrix.model import Case, Found, Intent, Observation, Reopened, SecondConnection
from matrix.model.outcome import Verdict, judge
from matrix.reports.grid import display
from matrix.reports.recipes.situations import Situation
from matrix.results.store import StackResults

_PASSING = (Intent.PRIVATE_MEMORY, Intent.SHARED_MEMORY, Intent.TEMPORARY)
"""Those whose data goes with the last connection."""
_POOLS: Mapping[str, str] = {
    "NullPool": "the pool keeps no connection open, and the data goes with each",
    "QueuePool": "the pool keeps several connections, each with a database of its own",
}
"""What a user of a pool would lose though all is well while one connection is in use."""
_PER_THREAD = "SingletonThreadPool"
"""The pool that gives a thread the same connection every time."""


@dataclass(frozen=True)
class JudgedCell:
    """What a case showed on a stack, and in which situation it was asked."""

    case: Case
    situation: Situation
    stack: StackResults
    observation: Observation

    @property
    def is_measured(self) -> bool:
        return judge(self.observation, self.case).verdict is not Verdict.NOTED

    @cached_property
    def objection(self) -> str | None:
        """Why it is no good advice, in words; None if it is."""
        seen = self.observation
        if self._is_own_mistake:
            return None
        judged = judge(seen, self.case)
        wrong = judged.reason if judged.verdict is Verdict.NOT_AS_INTENDED else None
        why = wrong or _lost(seen, self.case.intent)
        return None if why is None else display(why)

    @property
    def _is_own_mistake(self) -> bool:
        """Whether a statement of the case's own failed, which says nothing of the string."""
        error = self.observation.error
        return error is not None and error.phase == "sql" and not self.situation.is_plain

    @property
    def is_told(self) -> bool:
        """Whether the user is told of it, by an error."""
        seen = self.observation
        refused = seen.second_connection is SecondConnection.REFUSED
        others = any(each.found is Found.REFUSED for each in seen.rivals)
        return seen.error is not None or refused or others

    @property
    def connection_per_thread(self) -> bool:
        """Whether another thread of the same user found a database of its own."""
        alone = self.observation.second_connection is SecondConnection.DOES_NOT_SEE
        return alone and self.observation.pool == _PER_THREAD

    @property
    def one_connection(self) -> bool:
        """Whether all users were handed one and the same connection."""
        return "second_connection" in self.observation.reused

    @property
    def is_limit(self) -> bool:
        """Whether an objection says only where the string ends, and not that it is unfit.

        What others bring about has to be told: who reads on while they write past `mode=ro`, or
        finds another's database, never learns that anything is wrong. But everybody knows whether
        they have several processes or threads.
        """
        if self.situation.is_plain:
            return False
        known = self.is_told or self.one_connection or self._is_apart
        return not self.situation.by_others or known

    @property
    def _is_apart(self) -> bool:
        """Whether those alone did not see the data who are in another process, or thread."""
        per_thread = self.observation.pool == _PER_THREAD
        blind = [
            rival["where"]
            for rival, met in zip(self.case.rivals, self.observation.rivals, strict=False)
            if met.found is Found.DOES_NOT_SEE
        ]
        apart = ("process", "engine") if per_thread else ("process",)
        return bool(blind) and all(where in apart for where in blind)


def _lost(observation: Observation, intent: Intent) -> str | None:
    if intent is Intent.FILE and observation.reopened in (Reopened.DOES_NOT_SEE, Reopened.REFUSED):
        return "what was written is not found again"
    pool = (observation.pool or "").removeprefix("Fallback").removeprefix("AsyncAdapted")
    alone = observation.second_connection is SecondConnection.DOES_NOT_SEE
    if intent in _PASSING and (pool == "NullPool" or alone):
        return _POOLS.get(pool)
    return None
