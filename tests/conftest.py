"""Real stacks for tests: provided once from the cache, and started where a test asks for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from matrix.model import Case, Observation
from matrix.results.store import StackResults
from matrix.runner.collect import observe
from matrix.runner.options import RunOptions
from matrix.stacks.catalogue import Catalogue, load_catalogue
from matrix.stacks.provision import Provided, Provisioner
from matrix.stacks.spec import Stack, parse_stack
from tests.paths import FAKES

settings.register_profile("patient", deadline=None)  # a slow machine is no failure
settings.load_profile("patient")


ObserveOn = Callable[..., list[Observation]]
Provide = Callable[[str | Stack], Provided]
RunOn = Callable[..., StackResults]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--per-topic",
        type=int,
        default=4,
        help="how many cases of each topic are compared with strace (tox -e audit: all)",
    )
    parser.addoption(
        "--agreement-cells",
        type=int,
        default=60,
        help="how many random cells a user performs again under strace (tox -e agreement: 5,000)",
    )
    parser.addoption(
        "--fuzz-inputs",
        type=int,
        default=1_000,
        help="how many inputs the readers are tried with (tox -e fuzz: 100,000)",
    )
    parser.addoption("--fuzz-start", type=int, default=0, help="the number of the first of them")


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="session")
def provisioner() -> Provisioner:
    cache = os.environ.get("SQLITE_MATRIX_CACHE")
    return Provisioner(Path(cache) if cache else None)


@pytest.fixture(scope="session")
def provide(catalogue: Catalogue, provisioner: Provisioner) -> Provide:
    """Provide a stack, given by its spec or the name of a fake; it has to be available."""

    def provide(spec: str | Stack) -> Provided:
        if isinstance(spec, str) and (FAKES / f"{spec}.py").is_file():
            spec = str(FAKES / f"{spec}.py")
        stack = spec if isinstance(spec, Stack) else parse_stack(spec, catalogue)
        provided = provisioner.provide(stack)
        assert isinstance(provided, Provided), provided
        return provided

    return provide


@pytest.fixture(scope="session")
def run_on(provide: Provide) -> RunOn:
    """Run cases on a stack with one worker, and give what the stack showed."""

    def run_on(
        spec: str | Stack | Provided,
        *cases: Case,
        timeout: float = 30.0,
        scratch: Path | None = None,
    ) -> StackResults:
        provided = spec if isinstance(spec, Provided) else provide(spec)
        options = RunOptions(jobs=1, timeout=timeout, scratch=scratch)
        results = observe([(provided, cases)], options=options)
        (stack,) = results.stacks
        return stack

    return run_on


@pytest.fixture(scope="session")
def observe_on(run_on: RunOn) -> ObserveOn:
    """Run cases on a stack that is available; their observations, in the order of the cases."""

    def observe_on(
        spec: str | Stack | Provided, *cases: Case, **options: float | Path | None
    ) -> list[Observation]:
        stack = run_on(spec, *cases, **options)
        assert stack.unavailable is None
        return [stack.observations[case.id] for case in cases]

    return observe_on
