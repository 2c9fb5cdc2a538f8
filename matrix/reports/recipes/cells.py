"""The cells behind a recipe, judged as advice: stricter than a verdict.

A pool that keeps no connection open keeps no data in memory, one that keeps several has several
databases, what is written to a file has to be there later, and rivals have to find what is meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from matrix.model import Case, Intent, Observation, Reopened, Result, SecondConnection
from matrix.model.outcome import Judgement, Verdict, judge
from matrix.reports.grid import display
from matrix.reports.recipes.situations import Situation
from matrix.results.store import StackResults

_PRIVATE = (Intent.PRIVATE_MEMORY, Intent.TEMPORARY)
_PASSING = (*_PRIVATE, Intent.SHARED_MEMORY)
"""Those whose data goes with the last connection."""
_POOLS: Mapping[str, str] = {
    "NullPool": "the pool keeps no connection open, and the data goes with each",
    "QueuePool": "the pool keeps several connections, each with a database of its own",
}
"""What a user of a pool would lose though all is well while one connection is in use."""
_PER_THREAD = "SingletonThreadPool"
"""The pool that gives a thread the same connection every time."""
_SAME_PROGRAM = ("engine", "fork")
"""Where a rival has its connection from the case's own."""
_OTHER_PROCESS = ("process", "fork")


@dataclass(frozen=True, slots=True)
class Objection:
    """What is wrong with a string as advice.

    `is_limit`: whether it says only where the string ends, and not that it is unfit.
    """

    words: str
    is_limit: bool


@dataclass(frozen=True)
class JudgedCell:
    """What a case showed on a stack, and in which situation it was asked."""

    case: Case
    situation: Situation
    stack: StackResults
    observation: Observation

    @property
    def is_measured(self) -> bool:
        return self.observation.result is not Result.UNAVAILABLE

    @property
    def is_as_intended(self) -> bool:
        return self._judged.verdict is Verdict.AS_INTENDED

    @cached_property
    def objection(self) -> Objection | None:
        """Why it is no good advice; one that is no limit before those that are."""
        found = () if self._is_own_mistake else self._objections()
        return min(found, key=lambda each: each.is_limit, default=None)

    @property
    def one_connection(self) -> bool:
        """Whether all users were handed one and the same connection."""
        return "second_connection" in self.observation.reused

    @property
    def connection_per_thread(self) -> bool:
        """Whether another thread of the same user found a database of its own."""
        alone = self.observation.second_connection is SecondConnection.DOES_NOT_SEE
        return alone and self.observation.pool == _PER_THREAD

    @cached_property
    def _judged(self) -> Judgement:
        """Without the rivals, of whom `_met` tells which are a limit."""
        return judge(self.observation, replace(self.case, rivals=()))

    @property
    def _is_own_mistake(self) -> bool:
        """Whether a statement of the case's own failed, which says nothing of the string."""
        error = self.observation.error
        alone = not self.situation.is_plain and not self.situation.by_others
        return alone and error is not None and error.phase == "sql"

    def _objections(self) -> Iterator[Objection]:
        seen, intent = self.observation, self.case.intent
        failed = self._judged.verdict is Verdict.NOT_AS_INTENDED
        why = self._judged.reason if failed else None
        why = why or _lost(seen, intent)
        if why is not None:
            yield Objection(display(why), self._is_told)
        for rival, met in zip(self.case.rivals, seen.rivals, strict=False):
            yield from self._met(rival, met)

    @property
    def _is_told(self) -> bool:
        """Whether one can know of it, and so keep a limit.

        One knows the statements that one runs, and what an error says. What others bring about
        unseen, one does not: who reads on while they write past `mode=ro`, or finds another's
        database, never learns that anything is wrong.
        """
        if self.situation.is_plain:
            return False
        refused = self.observation.second_connection is SecondConnection.REFUSED
        told = self.observation.error is not None or refused
        return told or self.one_connection or not self.situation.by_others

    def _met(self, rival: Mapping[str, Any], met: Any) -> Iterator[Objection]:
        """What a rival found that it should not have, or did not find.

        A rival with a string of its own may find what it likes. No string reaches the memory of
        another process, and a pool for each thread says so itself.
        """
        where, sees = rival.get("where"), met.found == "sees"
        if met.found == "refused":
            yield Objection(display(f"the other was refused: {met.error}"), True)
        elif rival.get("target") is None and met.found in ("sees", "does_not_see"):
            private = self.case.intent in _PRIVATE and where not in _SAME_PROGRAM
            if sees and private:
                yield Objection("the other sees the data", False)
            elif not sees and not private and rival.get("when") != "during":
                in_memory = self.case.intent in _PASSING
                out_of_reach = in_memory and where in _OTHER_PROCESS
                per_thread = self.observation.pool == _PER_THREAD
                limit = out_of_reach or per_thread
                yield Objection("the other does not see the data", limit)


def _lost(observation: Observation, intent: Intent) -> str | None:
    if intent is Intent.FILE and observation.reopened in (Reopened.DOES_NOT_SEE, Reopened.REFUSED):
        return "what was written is not found again"
    pool = (observation.pool or "").removeprefix("Fallback").removeprefix("AsyncAdapted")
    alone = observation.second_connection is SecondConnection.DOES_NOT_SEE
    if intent in _PASSING and (pool == "NullPool" or alone):
        return _POOLS.get(pool)
    return None
