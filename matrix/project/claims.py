"""The claims of a project: its documents, and what results say about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matrix.claims.document import ClaimsDocument, load_claims
from matrix.claims.evaluate import ClaimResult, evaluate_claims
from matrix.claims.experiments import load_experiments
from matrix.errors import UsageError
from matrix.files import is_directory
from matrix.model import Case
from matrix.project.topics import read_topics
from matrix.results.store import ResultSet
from matrix.scenarios.expand import expand_topics

CLAIMS = Path("scenarios/claims")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectClaims:
    """Documents of claims, and all the cases, by id, that they can refer to."""

    documents: tuple[ClaimsDocument, ...] = ()
    cases: Mapping[str, Case] = field(default_factory=dict)


def read_claims(paths: Sequence[Path] = ()) -> ProjectClaims:
    """The claims in these files and directories, by default in `scenarios/claims/`.

    Raises UsageError if there is no document, DocumentError for invalid ones.
    """
    cases = {case.id: case for case in expand_topics(read_topics())}
    return ProjectClaims(documents=load_claims(claims_files(paths), cases), cases=cases)


def claims_if_any() -> ProjectClaims:
    """The claims in `scenarios/claims/`; none if there is no such directory."""
    return read_claims() if is_directory(CLAIMS) else ProjectClaims()


def claims_files(paths: Sequence[Path] = ()) -> list[Path]:
    """The documents of claims in these files and directories, by default in `scenarios/claims/`."""
    if not paths and not is_directory(CLAIMS):
        raise UsageError(f"there is no directory {CLAIMS}/ here", hint="name files with --claims")
    files = [
        file
        for path in paths or [CLAIMS]
        for file in (sorted(path.glob("*.yaml")) if is_directory(path) else [path])
    ]
    if not files:
        raise UsageError("no *.yaml file of claims found", hint="docs/claims.md has the format")
    return files


def evaluate_project_claims(
    claims: ProjectClaims, results: ResultSet, directory: Path
) -> tuple[ClaimResult, ...]:
    """Claims judged by results, and by the experiments in the same directory."""
    if not claims.documents:
        return ()
    experiments = load_experiments(directory)
    return evaluate_claims(claims.documents, results, experiments, claims.cases)
