"""Scenarios as tests: `pytest scenarios/ --sqlite-matrix`.

There is one item per scenario and stack, `scenarios/mode.yaml::mode/memory[apsw]`. Each stack runs
once, with the cases of all selected items, when the first of them is set up. Under pytest-xdist
the workers share the results through a directory of the test run.

Without `--sqlite-matrix` nothing is collected, and the rest of the tool is not imported.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from matrix.comparison.compare import Change, Comparison
    from matrix.model import Case
    from matrix.results.store import ResultSet
    from matrix.scenarios.topic import Scenario, Topic
    from matrix.stacks.spec import Stack

_PLUGIN = "sqlite-matrix-session"
_SHARED = "sqlite_matrix_directory"
_TOPIC = re.compile(r"^scenarios\s*:", re.MULTILINE)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("sqlite-matrix", "what SQLite connection strings do")
    group.addoption(
        "--sqlite-matrix",
        action="store_true",
        help="collect scenario files (YAML) and run them on real drivers",
    )
    group.addoption(
        "--sqlite-matrix-stacks",
        action="append",
        metavar="SET|SPEC",
        help="a set of stacks, or one stack, which is then required (repeatable); "
        "default: those of pyproject.toml, else those of the baseline, else quick",
    )
    group.addoption(
        "--sqlite-matrix-baseline",
        metavar="DIR",
        help="result files to compare the observations with, in a directory with their pins",
    )
    group.addoption(
        "--sqlite-matrix-offline",
        action="store_true",
        help="use only the cache (SQLITE_MATRIX_CACHE), not the package index",
    )
    group.addoption(
        "--sqlite-matrix-in-place",
        action="store_true",
        help="change the files that cases name outside their own directories, instead of only "
        "showing what would happen",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--sqlite-matrix"):
        from matrix.errors import MatrixError

        try:
            config.pluginmanager.register(_Session(config), _PLUGIN)
        except MatrixError as error:
            raise pytest.UsageError(*str(error).splitlines()) from None


class _Session:
    """One test run: its stacks, and what they showed."""

    def __init__(self, config: pytest.Config) -> None:
        from matrix.project.config import load_config
        from matrix.stacks.catalogue import load_catalogue

        self._config = config
        self._settings = load_config(config.rootpath)
        self._catalogue = load_catalogue()
        self._baseline = self._find_baseline()
        self.required: set[str] = set()
        self.stacks = {stack.id: stack for stack in self._stacks()}
        self._check_baseline()
        self._cases: dict[str, dict[str, Case]] = {}
        self._results: dict[str, ResultSet] = {}
        self._changes: dict[str, Comparison] = {}
        self._workerinput: Mapping[str, Any] = getattr(config, "workerinput", {})
        shared = self._workerinput.get(_SHARED)
        self._own = shared is None
        self._directory = Path(shared or tempfile.mkdtemp(prefix="sqlite-matrix-pytest-"))

    def _find_baseline(self) -> Path | None:
        from matrix.regression.baseline import check_baseline

        named = self._config.getoption("--sqlite-matrix-baseline")
        if named is not None:
            check_baseline(Path(named), f"sqlite-matrix regress --update --baseline {named}")
            return Path(named)
        configured = self._settings.baseline if "baseline" in self._settings.lines else None
        if configured is None or not any(configured.glob("*.jsonl")):
            return None
        check_baseline(configured, "sqlite-matrix regress --update")
        return configured

    def _stacks(self) -> Iterator[Stack]:
        """The chosen stacks; one that was named itself is required, a member of a set is not."""
        from matrix.project.stacks import configured_specs, pins_path
        from matrix.stacks.pins import chosen_specs, load_pins, missing_pins, pinned_stacks

        words = self._config.getoption("--sqlite-matrix-stacks")
        if not words and (self._settings.stacks is not None or self._baseline is not None):
            configured_specs(self._settings, self._catalogue)
        words = words or self._settings.stacks or ["baseline" if self._baseline else "quick"]
        pins = load_pins(pins_path(self._settings, self._baseline or self._settings.baseline))
        for word in words:
            specs = chosen_specs([word], self._catalogue)
            if self._baseline is None:
                pins = pins.with_more(missing_pins(specs, pins, self._catalogue))
            stacks = pinned_stacks(specs, pins, self._catalogue)
            if word not in self._catalogue.sets:
                self.required.update(stack.id for stack in stacks)
            yield from stacks

    def _check_baseline(self) -> None:
        from matrix.errors import UsageError
        from matrix.results.store import result_files

        if self._baseline is None:
            return
        held = {file.stem for file in result_files(self._baseline)[1]}
        for stack in self.stacks:
            if stack not in held:
                hint = f"it has {', '.join(sorted(held))}"
                raise UsageError(f"{self._baseline} has no stack {stack}", hint=hint)

    def pytest_report_header(self) -> str:
        against = f", against {self._baseline}" if self._baseline else ""
        return f"sqlite-matrix: {', '.join(self.stacks)}{against}"

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> ScenarioFile | None:
        if file_path.suffix not in (".yaml", ".yml") or not self._is_topic(file_path, parent):
            return None
        found: ScenarioFile = ScenarioFile.from_parent(parent, path=file_path, run=self)
        return found

    def _is_topic(self, path: Path, parent: pytest.Collector) -> bool:
        """Whether a YAML file is a topic: other files may lie beside it. A named file always is."""
        if parent.session.isinitpath(path):
            return True
        homes = {home.resolve() for home in self._settings.scenarios}
        if path.suffix == ".yaml" and path.parent.resolve() in homes:
            return True
        return _TOPIC.search(path.read_text("utf-8", "replace")) is not None

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            if isinstance(item, ScenarioItem):
                of_stack = self._cases.setdefault(item.stack.id, {})
                of_stack.update((case.id, case) for case in item.cases)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist the directory that all of them share."""
        node.workerinput[_SHARED] = str(self._directory)

    def pytest_unconfigure(self) -> None:
        if self._own:
            shutil.rmtree(self._directory, ignore_errors=True)

    def results(self, stack: Stack) -> ResultSet:
        """The results of a stack, measured when they are first needed."""
        if stack.id not in self._results:
            from filelock import FileLock

            from matrix.results.file_format import CASES_FILE
            from matrix.results.store import load_results

            directory = self._directory / stack.id
            with FileLock(f"{directory}.lock"):
                if not (directory / CASES_FILE).is_file():
                    self._measure(directory, stack)
            self._results[stack.id] = load_results(directory)
        return self._results[stack.id]

    def _measure(self, directory: Path, stack: Stack) -> None:
        from matrix.project.config import configured_cache
        from matrix.runner.collect import measure
        from matrix.runner.options import RunOptions
        from matrix.stacks.provision import Provisioner

        offline = self._config.getoption("--sqlite-matrix-offline")
        provisioner = Provisioner(configured_cache(), offline=offline)
        workers = self._workerinput.get("workercount", 1)
        options = RunOptions(
            jobs=max(1, (os.cpu_count() or 1) // workers),
            in_place=self._config.getoption("--sqlite-matrix-in-place"),
        )
        cases = tuple(self._cases[stack.id].values())
        measure(directory, [(provisioner.provide(stack), cases)], options=options)

    def changes(self, stack: Stack, scenario: str) -> Sequence[Change]:
        """How a scenario differs from the baseline; empty without a baseline."""
        if self._baseline is None:
            return ()
        if stack.id not in self._changes:
            from matrix.comparison.compare import compare_results

            self._changes[stack.id] = compare_results(
                self._baseline,
                self._directory / stack.id,
                self._cases[stack.id].__contains__,
                stack.id.__eq__,
            )
        found = self._changes[stack.id].changes
        return [change for change in found if change.case.scenario == scenario]


class ScenarioFile(pytest.File):
    """A topic; an invalid one is a collection error with every location."""

    def __init__(self, *, run: _Session, **options: Any) -> None:
        super().__init__(**options)
        self._run = run

    def collect(self) -> Iterator[ScenarioItem]:
        from matrix.errors import MatrixError
        from matrix.scenarios.expand import expand_scenario
        from matrix.scenarios.load import load_topics

        try:
            (topic,) = load_topics([Path(os.path.relpath(self.path))])
            expanded = [(each, tuple(expand_scenario(topic, each))) for each in topic.scenarios]
        except MatrixError as error:
            raise self.CollectError(str(error)) from None
        lines = self.path.read_text("utf-8").splitlines()
        for scenario, cases in expanded:
            written = re.compile(rf"\s*-?\s*id:\s*['\"]?{re.escape(scenario.id)}['\"]?\s*(#|$)")
            line = next((n for n, text in enumerate(lines) if n and written.match(text)), 0)
            for stack in self._run.stacks.values():
                mine = tuple(case for case in cases if stack.runs_case(case))
                if mine:
                    name = f"{topic.id}/{scenario.id}[{stack.id}]"
                    yield ScenarioItem.from_parent(
                        self,
                        name=name,
                        nodeid=f"{self.nodeid}::{name}",  # the form that a user types
                        run=self._run, topic=topic, scenario=scenario, stack=stack, cases=mine,
                        line=line,
                    )  # fmt: skip


class ScenarioItem(pytest.Item):
    """A scenario on a stack."""

    def __init__(
        self,
        *,
        run: _Session,
        topic: Topic,
        scenario: Scenario,
        stack: Stack,
        cases: Sequence[Case],
        line: int,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._run = run
        self._topic = topic.model_copy(update={"scenarios": (scenario,)})
        self._line = line
        self.stack = stack
        self.cases = cases

    def setup(self) -> None:
        from matrix.foreign import visible

        (shown,) = self._run.results(self.stack).stacks
        if shown.unavailable is None:
            return
        reason = f"{self.stack.id}: {shown.unavailable}"
        if self.stack.id in self._run.required:
            raise StackMissing(reason)
        pytest.skip(visible(reason))

    def runtest(self) -> None:
        from matrix.claims.expectations import unmet
        from matrix.comparison.grouping import NOTES
        from matrix.foreign import visible

        results = self._run.results(self.stack)
        (shown,) = results.stacks
        failures = [
            visible(f"{case.id}: the hook and the directory listing disagree: {conflict}")
            for case in self.cases
            for conflict in shown.observations[case.id].conflicts
        ]
        failures += [visible(str(each)) for each in unmet([self._topic], results)]
        changes = self._run.changes(self.stack, self.cases[0].scenario)
        differing = [change for change in changes if change.kind not in NOTES]
        failures += [self._describe(change) for change in differing]
        if len(changes) > len(differing):
            text = f"{len(changes) - len(differing)} cells have no counterpart in the baseline"
            self.add_report_section("call", "sqlite-matrix", text)
        if failures:
            raise Differs("\n\n".join(failures))

    def _describe(self, change: Change) -> str:
        from matrix.foreign import visible
        from matrix.model.outcome import outcome
        from matrix.reports.grid import case_line
        from matrix.reports.words import in_words

        case = change.case
        lines = [f"{case.id} on {self.stack.id}: {change.kind.word}", f"  {case_line(case)}"]
        if change.old is not None and change.new is not None:
            lines.append(f"  {outcome(change.old).word} → {outcome(change.new).word}")
        for aspect in change.aspects:
            old, new = (in_words(aspect.name, value) for value in (aspect.old, aspect.new))
            lines.append(f"  {aspect.name}: {old} → {new}")
        words = ["sqlite-matrix", "run", os.path.relpath(self.path), "--stack",
                 self.stack.full_name, "--select", case.id]  # fmt: skip
        return "\n".join(map(visible, [*lines, f"  run again: {shlex.join(words)}"]))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from matrix.errors import MatrixError
        from matrix.foreign import document, visible

        if isinstance(excinfo.value, (Differs, StackMissing, MatrixError)):
            lines = str(excinfo.value).split("\n")
            return document("\n".join(map(visible, lines)))
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self._line, self.name


class Differs(Exception):
    """Describes what is not as expected, or not as in the baseline."""


class StackMissing(Exception):
    """A stack that was named is not available."""
