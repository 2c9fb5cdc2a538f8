"""The documents, compared with the commands, options and files that exist."""

from __future__ import annotations

import configparser
import importlib.util
import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import jsonschema  # type: ignore[import-untyped]  # it has no types
import pytest

from matrix import errors
from matrix.cli import VERBS, cli, main
from matrix.documents.yaml_reader import read_yaml
from matrix.schemas import SCHEMAS, json_schema
from matrix.stacks.catalogue import CATALOGUE
from matrix.stacks.provision import Provisioner
from tests.builders import realistic
from tests.comparing import write_results
from tests.paths import ROOT

README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SCHEMA_FILES = sorted((ROOT / "matrix" / "schemas").glob("*.schema.json"))
TOPICS = sorted((ROOT / "scenarios").glob("*.yaml"))

_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(sqlite-matrix [^`\n]+)`")


def commands_of(text: str) -> Iterator[str]:
    """The calls of `sqlite-matrix` in code blocks and between backticks."""
    for block in _BLOCK.findall(text):
        for line in block.splitlines():
            yield from (call.strip() for call in line.split("&&"))
    yield from _INLINE.findall(text)


def words_of(call: str) -> list[str]:
    return shlex.split(call, comments=True)[1:]


COMMANDS = sorted(
    {
        call
        for path in DOCUMENTS
        for call in commands_of(path.read_text("utf-8"))
        if call.startswith("sqlite-matrix ")
    }
)


def leaves(
    group: click.Group = cli, above: click.Context | None = None
) -> Iterator[tuple[str, click.Command]]:
    """Every command that is not a group, by the words that call it."""
    context = click.Context(group, parent=above)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            for inner, leaf in leaves(command, context):
                yield f"{name} {inner}", leaf
        else:
            yield name, command


LEAVES = dict(leaves())


def parse(words: list[str]) -> click.Context:
    """Parse a call as the command line does, without running it; raises UsageError."""
    command: click.Command = cli
    name = "sqlite-matrix"
    while isinstance(command, click.Group):
        name, *words = words
        found = command.get_command(click.Context(command), name)
        if found is None:
            raise click.UsageError(f"no such command: {name}")
        command = found
    return command.make_context(name, words)


def run(words: list[str]) -> int:
    with pytest.raises(SystemExit) as end:
        main(words)
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture(scope="module")
def table() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "readme_table", ROOT / "scripts" / "readme_table.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def columns(markdown: str) -> dict[str, list[str]]:
    """The cells of a table, by column title."""
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        for line in markdown.strip().splitlines()
        if not line.startswith("|---")
    ]
    return {title: [row[index] for row in rows[1:]] for index, title in enumerate(rows[0])}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the README shows Linux")
@pytest.mark.skipif(sys.version_info < (3, 11), reason="the newest drivers need Python 3.11")
def test_the_table_shows_what_is_measured(table: ModuleType, provisioner: Provisioner) -> None:
    measured = columns(table.render(table.measure(provisioner)))
    written = columns(README.partition(table.BEGIN)[2].partition(table.END)[0])
    assert len(written) == 5
    of_wheels = [title for title in written if title.startswith(("you", "pysqlite3", "apsw"))]
    assert len(of_wheels) == 3
    of_this_sqlite = [title for title in written if title in measured]
    shown = {*of_wheels, *of_this_sqlite}
    assert {title: written[title] for title in shown} == {t: measured.get(t) for t in shown}


def test_the_documents_show_calls_of_the_command() -> None:
    assert len(COMMANDS) >= 12


@pytest.mark.parametrize("call", COMMANDS)
def test_a_call_in_the_documents_is_valid(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    parse(words_of(call))


def test_an_invalid_call_is_recognised() -> None:
    for call in ("run --fast", "list drivers", "check x --intent speed"):
        with pytest.raises(click.UsageError):
            parse(call.split())


def test_the_calls_that_only_list_and_report_work_as_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios")
    write_results(tmp_path / "results" / "latest", realistic())
    monkeypatch.chdir(tmp_path)
    ran = [
        call
        for call in map(words_of, (c for c in commands_of(README) if c.startswith("sqlite-matrix")))
        if call[:2] == ["list", "cases"] or call[0] == "report"
    ]
    assert len(ran) >= 2
    assert [run(call) for call in ran] == [0] * len(ran)
    assert (tmp_path / "cells.csv").exists()


def test_the_first_calls_of_the_readme_work_as_described(
    provisioner: Provisioner, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SQLITE_MATRIX_CACHE", str(provisioner.cache))
    checks = [words_of(call) for call in COMMANDS if call.startswith("sqlite-matrix check 'sqlite")]
    assert [run(check) for check in checks] == [0]
    assert "memory" in capsys.readouterr().out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_shown_in_the_documents(verb: str) -> None:
    assert any(call.split()[1] == verb for call in COMMANDS)


@pytest.mark.parametrize("name", LEAVES)
def test_the_help_of_a_command_describes_each_option_and_has_a_valid_example(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = LEAVES[name]
    silent = [
        parameter.opts[-1]
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.help
    ]
    assert silent == []
    *_, example = (command.help or "").partition("Example: sqlite-matrix ")
    assert example.startswith(name)
    monkeypatch.chdir(ROOT)
    parse(shlex.split(example))


def test_the_exit_codes_are_those_of_the_readme() -> None:
    rows = re.findall(r"^\| (\d+) \| ", README, re.MULTILINE)
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert {int(row) for row in rows} == codes


def tox() -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None)
    found.read(ROOT / "tox.ini", encoding="utf-8")
    return found


def test_every_tox_environment_that_is_named_exists_and_has_a_description() -> None:
    texts = [path.read_text("utf-8") for path in (*DOCUMENTS, ROOT / ".ci" / "run")]
    named = {
        name.strip()
        for text in [*texts, f"tox -e {tox()['tox']['env_list'].replace(' ', '')}"]
        for names in re.findall(r"tox -e ([\w,-]+)", text)
        for name in names.split(",")
    }
    assert {"tests", "matrix", "lint", "type"} <= named
    assert [name for name in named if not tox().get(f"testenv:{name}", "description")] == []


def test_ci_runs_the_test_command_from_the_readme() -> None:
    (block,) = _BLOCK.findall(README.partition("## Tests")[2])
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert block.strip() in lines


@pytest.mark.parametrize("path", SCHEMA_FILES, ids=lambda path: path.name)
def test_a_committed_schema_matches_the_code(path: Path) -> None:
    name = path.name.removesuffix(".schema.json")
    assert json.loads(path.read_text("utf-8")) == json_schema(name)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_schema_is_a_valid_json_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(name))


@pytest.mark.parametrize("path", [CATALOGUE, *TOPICS], ids=lambda path: path.name)
def test_a_document_is_valid_under_the_schema_named_in_its_first_line(path: Path) -> None:
    text = path.read_text("utf-8")
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert named is not None
    schema = json.loads((path.parent / named[1]).read_text("utf-8"))
    content, _, _ = read_yaml(text, str(path))
    jsonschema.validate(content, schema)
