"""What claims need to be settled: the cells of their cases, and their experiments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from matrix.claims.document import EXPERIMENT, ClaimsDocument
from matrix.claims.evaluate import ExperimentResult, wanted_cases
from matrix.claims.experiments import perform
from matrix.errors import NothingSelectedError
from matrix.model import Case
from matrix.results.store import ResultSet
from matrix.runner.collect import observe, provide, share_out
from matrix.runner.options import RunOptions
from matrix.runner.progress import SILENT, Progress
from matrix.scenarios.selector import matches
from matrix.stacks.provision import Provisioner
from matrix.stacks.spec import Stack


def select_claims(
    documents: Iterable[ClaimsDocument], patterns: Sequence[str]
) -> tuple[ClaimsDocument, ...]:
    """The documents with the claims whose ids match, in upper or lower case; all if no pattern.

    Raises NothingSelectedError where none is left.
    """

    def selected(name: str) -> bool:
        return not patterns or any(matches(p.upper(), name.upper()) for p in patterns)

    kept = tuple(
        document.model_copy(
            update={"claims": tuple(claim for claim in document.claims if selected(claim.id))}
        )
        for document in documents
    )
    if not any(document.claims for document in kept):
        raise NothingSelectedError("no claim is selected", hint="sqlite-matrix claims")
    return kept


def measure_claims(
    documents: Sequence[ClaimsDocument],
    cases: Mapping[str, Case],
    stacks: Sequence[Stack],
    *,
    provisioner: Provisioner,
    options: RunOptions = RunOptions(),
    progress: Progress = SILENT,
) -> tuple[ResultSet, tuple[ExperimentResult, ...]]:
    """Run the cases of the claims on those stacks that run any, and do their experiments."""
    claims = [claim for document in documents for claim in document.claims]
    wanted = [cases[name] for name in sorted(wanted_cases(claims, cases))]
    work = share_out(provide(provisioner, stacks, progress), wanted)
    results = observe([each for each in work if each[1]], options=options)
    named = {
        pattern
        for claim in claims
        for part in (*claim.proof, *claim.also)
        for pattern in part.cases
    }
    todo = [e for document in documents for e in document.experiments if EXPERIMENT + e.id in named]
    experiments = tuple(perform(todo, offline=provisioner.offline))
    return replace(results, cases={case.id: case for case in wanted}), experiments
