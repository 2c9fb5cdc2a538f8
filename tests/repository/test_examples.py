"""Every example, in the help of a command or in a document, is run as it is written.

It has to end as described and to show something, and each of its patterns has to select something.
They run in a copy of a small project with two results of its own; where an example means the whole
corpus, that is the project's few topics.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import click
import pytest

from matrix.cli import cli
from matrix.results.store import StackResults, load_results
from matrix.scenarios.expand import expand_topics
from matrix.scenarios.load import load_topics
from matrix.scenarios.selector import Selector, matches
from matrix.stacks.provision import Provisioner
from tests.comparing import write_results
from tests.conftest import Provide
from tests.paths import ROOT
from tests.repository.test_readme import DOCUMENTS, parse, run, tox

_BLOCK = re.compile(r"^```(?:sh|console|bash|shell)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(sqlite-matrix [^`\n]+)`")
_EXAMPLE = re.compile(r"Example: (sqlite-matrix .+?)(?:\n\n|\Z)", re.DOTALL)

BASELINE, LATEST = "apsw==3.53.4.0", "apsw==3.54.1.0"
"""What the results of the project were measured on."""
FEW = ("sharing", "immutable-and-nolock", "mode")
"""The topics that a run of the project has; an example that names cases sees the whole corpus."""
CONFIG = """
[tool.sqlite-matrix]
stacks = [{stacks}]
scenarios = [{scenarios}]
"""
DRIVER = "from sqlite_matrix_probe.drivers.sqlite3 import Driver as Driver\n"
TOPIC = """
id: topic
title: A topic
question: Does it work?
references:
  - https://www.sqlite.org/uri.html
scenarios:
  - id: scenario
    title: A scenario
    question: Is it a file?
    intent: file
    target: x.db
"""
LIMITS: Mapping[str, tuple[str, ...]] = {
    "compare": ("--no-explain",),
    "accept": ("--no-explain",),
    "bump": ("--no-explain",),
    "bisect": ("--old", "3.47.0.0", "--new", "3.49.0.0"),
}
"""What keeps an example short: tests of their own look for causes, and search all versions."""
CODES: Mapping[str, tuple[int, ...]] = {
    "check": (0, 1),
    "claims": (0, 1),
    "compare": (0, 1),
    "bump": (0, 1),
    "doctor": (0, 4),
}
"""How the examples of a verb may end, if not with 0: not as intended, unsettled, changed, a gap."""
ELSEWHERE = {
    "docs/regression-checks.md": "tests/regression/test_regression_page.py follows the page",
    "sqlite-matrix schema --write": "it writes into the package; a test compares the schemas",
}


def examples_in_help(
    command: click.Command = cli, above: click.Context | None = None, name: str = "sqlite-matrix"
) -> Iterator[tuple[str, str]]:
    """The examples in the help of a command and of those below it, by the words that call it."""
    text = f"{command.help or ''}\n\n{command.epilog or ''}"
    for call in _EXAMPLE.findall(text):
        yield f"{name} --help", " ".join(call.split())
    if isinstance(command, click.Group):
        context = click.Context(command, parent=above)
        for each in command.list_commands(context):
            below = command.get_command(context, each)
            assert below is not None
            yield from examples_in_help(below, context, f"{name} {each}")


def lines_of_documents() -> Iterator[tuple[str, str]]:
    """The command lines in code blocks, and the calls between backticks, by their document."""
    for path in DOCUMENTS:
        text, where = path.read_text("utf-8"), path.relative_to(ROOT).as_posix()
        for block in _BLOCK.findall(text):
            for line in filter(str.strip, block.splitlines()):
                yield from ((where, each) for each in line.removeprefix("$ ").split(" && "))
        yield from ((where, each) for each in _INLINE.findall(text))


def words_of(line: str) -> list[str]:
    return shlex.split(line, comments=True)


FOUND = [*examples_in_help(), *lines_of_documents()]
CALLS = sorted(
    {
        shlex.join(words_of(line))
        for where, line in FOUND
        if line.startswith("sqlite-matrix ") and where not in ELSEWHERE
    }
    - ELSEWHERE.keys()
)


def verb_of(call: str) -> str:
    return call.split()[1]


@cache
def corpus() -> tuple[str, ...]:
    """The ids of all cases, and of those that stand for the reader's own."""
    return ("topic/scenario", *(c.id for c in expand_topics(load_topics([ROOT / "scenarios"]))))


def patterns_of(call: str) -> Iterator[str]:
    """What an example selects by: its `--select`, and the case that it names."""
    context = parse(words_of(call)[1:])
    for parameter in context.command.params:
        if "--select" in parameter.opts:
            yield from context.params[parameter.name or ""]
        elif parameter.name == "case":
            yield context.params["case"]


@pytest.mark.parametrize("call", [call for call in CALLS if [*patterns_of(call)]])
def test_each_pattern_of_an_example_selects_something(call: str) -> None:
    for pattern in patterns_of(call):
        if verb_of(call) == "claims":
            claims = (ROOT / "scenarios" / "claims" / "founding-document.yaml").read_text("utf-8")
            assert any(matches(pattern, each) for each in re.findall(r"- id: (C\d+)\n", claims))
        else:
            assert any(map(Selector.parse([pattern]), corpus())), pattern


def test_a_pattern_that_selects_nothing_is_recognised() -> None:
    assert [*patterns_of("sqlite-matrix history 'sharing/named[*order=mode-cache]'")]
    assert not any(map(Selector.parse(["sharing/*order=cache*"]), corpus()))


def test_every_command_has_an_example_and_every_line_of_a_document_is_looked_at() -> None:
    with_example = {where for where, _ in FOUND if where.endswith("--help")}
    assert {f"{name} --help" for name in names_of_commands()} == with_example
    rest = {line for where, line in FOUND if where.endswith(".md") and not is_example(line)}
    rest = {line for line in rest if not line.startswith("python -c ")}
    assert {" ".join(words_of(line)[:3]) for line in rest} <= {
        "python -m pip", "pytest scenarios --sqlite-matrix", *environments_of_tox(),
    }  # fmt: skip


def test_a_line_of_python_in_a_document_runs(tmp_path: Path) -> None:
    lines = {line for where, line in FOUND if where.endswith(".md") and "python -c " in line}
    for line in lines:
        python, *words = words_of(line)
        assert python == "python"
        done = subprocess.run(
            [sys.executable, *words], cwd=tmp_path, capture_output=True, check=True
        )
        assert done.stdout
        assert [*tmp_path.iterdir()] == []


def is_example(line: str) -> bool:
    return line.startswith("sqlite-matrix ")


def environments_of_tox() -> set[str]:
    """`tox -e NAME`, for each environment and those that the documents put together."""
    names = [each.removeprefix("testenv:") for each in tox().sections()]
    return {f"tox -e {name}" for name in (*names, "matrix,site")}


def names_of_commands(
    command: click.Command = cli, above: click.Context | None = None, name: str = "sqlite-matrix"
) -> Iterator[str]:
    yield name
    if isinstance(command, click.Group):
        context = click.Context(command, parent=above)
        for each in command.list_commands(context):
            below = command.get_command(context, each)
            assert below is not None
            yield from names_of_commands(below, context, f"{name} {each}")


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, provisioner: Provisioner, provide: Provide
) -> Path:
    """A project with the corpus, two results of a few topics, a driver and a library of its own."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "scenarios", root / "scenarios")
    (root / "scenarios" / "topic.yaml").write_text(TOPIC, "utf-8")
    (root / "my_driver.py").write_text(DRIVER, "utf-8")
    library = provide("sqlite3[sqlite=3.51.1]").library
    assert library is not None
    (root / "lib").mkdir()
    for version in ("3.51.1", "3.48.0"):
        shutil.copy(library, root / "lib" / f"libsqlite3-{version}.so")
    (root / "results" / "baseline").mkdir(parents=True)
    (root / "results" / "baseline" / "requirements.txt").write_text(f"{BASELINE}\n", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        enter(root, whole=False, patch=patch, provisioner=provisioner)
        assert run(["regress", "--update"]) == 0
        assert run(["run", "--stack", LATEST]) == 0
    results = load_results(root / "results" / "latest")
    for machine in ("linux", "darwin"):
        stacks = tuple(_on(machine, stack) for stack in results.stacks)
        write_results(root / "results" / machine, replace(results, stacks=stacks))
    return root


def _on(machine: str, stack: StackResults) -> StackResults:
    assert stack.fingerprint is not None
    return replace(stack, fingerprint=replace(stack.fingerprint, platform=f"{machine}-x86_64"))


def enter(root: Path, *, whole: bool, patch: pytest.MonkeyPatch, provisioner: Provisioner) -> None:
    """Go to the project, as one of the whole corpus with its claims, or of a few topics."""
    stacks = '"sqlite3", "apsw"' if whole else '"apsw"'
    topics = '"scenarios"' if whole else ", ".join(f'"scenarios/{name}.yaml"' for name in FEW)
    (root / "pyproject.toml").write_text(CONFIG.format(stacks=stacks, scenarios=topics), "utf-8")
    shutil.rmtree(root / "scenarios" / "claims", ignore_errors=True)
    if whole:
        shutil.copytree(ROOT / "scenarios" / "claims", root / "scenarios" / "claims")
    patch.chdir(root)
    patch.setenv("SQLITE_MATRIX_CACHE", str(provisioner.cache.resolve()))


Enter = Callable[[bool], None]


@pytest.fixture
def enter_copy(
    project: Path, provisioner: Provisioner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Enter:
    """Go to a copy of the project, which is about the whole corpus or not."""
    copy = tmp_path / "project"
    shutil.copytree(project, copy)
    return lambda whole: enter(copy, whole=whole, patch=monkeypatch, provisioner=provisioner)


@pytest.mark.parametrize("call", CALLS)
def test_an_example_ends_as_described_and_shows_something(
    call: str, enter_copy: Enter, capsys: pytest.CaptureFixture[str]
) -> None:
    words = words_of(call)[1:]
    verb = words[0]
    reads = verb in ("claims", "check", "list", "bisect", "doctor", "schema")
    enter_copy(reads or (verb == "run" and "--select" in words))
    few_stacks = ["quick" if word == "full" else word for word in words]
    code = run([*few_stacks, *LIMITS.get(verb, ())])
    out, err = capsys.readouterr()
    assert code in CODES.get(verb, (0,)), err
    written = parse(words).params.get("output")
    assert out or (written is not None and Path(written).exists())
