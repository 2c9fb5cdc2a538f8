"""A run of a project's scenarios into a directory of results."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matrix.claims.evaluate import ClaimResult
from matrix.claims.expectations import Unmet, unmet
from matrix.claims.experiments import EXPERIMENTS_FILE, perform, write_experiments
from matrix.model import Case
from matrix.project.claims import ProjectClaims, claims_if_any, evaluate_project_claims
from matrix.project.topics import read_topics, select_cases
from matrix.results.lock import locked
from matrix.results.provenance import PROVENANCE_FILE, provenance_now, write_provenance
from matrix.results.store import ResultSet, load_results
from matrix.runner.collect import check_ran, provide, share_out
from matrix.runner.options import RunOptions
from matrix.runner.progress import SILENT, Progress
from matrix.runner.resume import prepare, run_prepared
from matrix.scenarios.expand import scenario_infos
from matrix.scenarios.topic import Topic
from matrix.stacks.provision import Provisioner
from matrix.stacks.spec import Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What to run: the cases of topics, and the claims to evaluate afterwards."""

    topics: tuple[Topic, ...]
    cases: tuple[Case, ...]
    claims: ProjectClaims


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """The outcome of a run.

    `missing`: the stacks that could not run, with the reasons. `unmet`: the expectations of the
    topics that were not met.
    """

    results: ResultSet
    claims: tuple[ClaimResult, ...]
    missing: Mapping[str, str]
    unmet: tuple[Unmet, ...]


def plan_run(scenarios: Sequence[Path] = (), patterns: Sequence[str] = ()) -> RunPlan:
    """The selected cases of these files and directories, by default of the project's scenarios.

    Claims are part only of a run of everything; most of them could not be settled otherwise.
    """
    topics = read_topics(scenarios)
    cases = select_cases(topics, patterns)
    claims = ProjectClaims() if scenarios or patterns else claims_if_any()
    return RunPlan(topics=topics, cases=cases, claims=claims)


def run_plan(
    plan: RunPlan,
    stacks: Sequence[Stack],
    output: Path,
    *,
    provisioner: Provisioner,
    options: RunOptions = RunOptions(),
    resume: bool = False,
    progress: Progress = SILENT,
) -> RunOutcome:
    """Run into a directory; with `resume`, continue an interrupted run of the same cases.

    Raises NothingRanError if no stack could run, ResultsError if another run has the directory.
    """
    with locked(output):
        return _run_plan(
            plan, stacks, output,
            provisioner=provisioner, options=options, resume=resume, progress=progress,
        )  # fmt: skip


def _run_plan(
    plan: RunPlan,
    stacks: Sequence[Stack],
    output: Path,
    *,
    provisioner: Provisioner,
    options: RunOptions,
    resume: bool,
    progress: Progress,
) -> RunOutcome:
    began = time.monotonic()
    work = share_out(provide(provisioner, stacks, progress), plan.cases)
    used = {case.scenario for case in plan.cases}
    infos = [info for info in scenario_infos(plan.topics) if info.id in used]
    beside = (EXPERIMENTS_FILE, PROVENANCE_FILE)
    prepare(output, infos, plan.cases, resume=resume, beside=beside, progress=progress)
    missing = run_prepared(output, work, options=options, progress=progress)
    experiments = [each for document in plan.claims.documents for each in document.experiments]
    if plan.claims.documents:
        write_experiments(output, perform(experiments, offline=provisioner.offline))
    write_provenance(output, [provenance_now(time.monotonic() - began)])
    check_ran(work, missing)
    results = load_results(output)
    return RunOutcome(
        results=results,
        claims=evaluate_project_claims(plan.claims, results, output),
        missing=missing,
        unmet=unmet(plan.topics, results),
    )
