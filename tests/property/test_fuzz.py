"""No input ends a reader but with an error of this tool, whatever chance makes of real ones.

`tox -e fuzz` tries 100,000 of them; a part runs with the other tests.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest
import yaml
from packaging.version import Version

from matrix.claims.document import load_claims
from matrix.claims.evaluate import evaluate_claims
from matrix.claims.expectations import unmet
from matrix.claims.experiments import load_experiments
from matrix.comparison.accepted import entries_of, load_accepted
from matrix.comparison.compare import compare_results
from matrix.comparison.report import report_changes
from matrix.comparison.workflow import parse_kinds, select_stacks
from matrix.documents.yaml_reader import read_yaml
from matrix.errors import MatrixError
from matrix.model import Case
from matrix.model.meaning import meaning_of
from matrix.project.check import cases_of_target
from matrix.project.config import load_config
from matrix.project.stacks import configured_specs, project_stacks
from matrix.regression.bump import newer, requested, step_to
from matrix.reports import RENDERERS, render
from matrix.reports.badges import render_badges
from matrix.reports.changes.formats import CHANGE_RENDERERS, render_changes
from matrix.reports.claims import claims_json, render_claims
from matrix.reports.details import render_details
from matrix.reports.grid import case_line
from matrix.reports.history import history_json, render_history
from matrix.results.merge import merge_results
from matrix.results.provenance import load_provenance
from matrix.results.store import load_results, spoilt, write_unavailable_stack
from matrix.scenarios.expand import expand_topics, explain_topics, scenario_infos
from matrix.scenarios.features import count_features
from matrix.scenarios.jsonl import load_cases
from matrix.scenarios.load import load_topics
from matrix.scenarios.selector import Selector
from matrix.stacks.catalogue import load_catalogue, specs_of_set
from matrix.stacks.pins import chosen_specs, load_pins, missing_pins, pinned_stacks
from matrix.stacks.spec import parse_stack
from matrix.versions.history import same_sqlite, strips
from matrix.versions.search import plan_search
from tests.fuzzing import Json, Random, changed, damaged, written
from tests.paths import ROOT

BASELINE = ROOT / "results" / "baseline"
MISSING = "apsw==3.54.1.0@3.10"
CLAIMS = ROOT / "scenarios" / "claims" / "founding-document.yaml"
MOST_READ = 50
"""Of the cases that a topic expands to so many are looked at."""

BESIDE = ("measured.json", "experiments.json")

Layout = Callable[[Json, Random], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A reader, and what it is given in good order: texts, and data that `layout` makes a text of.

    `beside`: the directory whose files lie beside the input.
    """

    file: str
    read: Callable[[Path, Random], object]
    texts: Sequence[bytes] = ()
    data: Sequence[Json] = ()
    layout: Layout = written
    beside: Path | None = None

    @property
    def name(self) -> str:
        return f"{self.read.__name__} of {self.file}"


class Readers:
    """Everything that reads what comes from outside, each with what is made of it afterwards."""

    def __init__(self, place: Path) -> None:
        self.results = small_results(place / "results", "apsw", "pysqlite3")
        self.other = small_results(place / "other", "apsw", "pysqlite3", swapped=True)
        self.cases = list(islice(expand_topics(load_topics([ROOT / "scenarios/mode.yaml"])), 40))
        self.ids = [case.id for case in expand_topics(load_topics([ROOT / "scenarios"]))]
        self.documents = load_claims([CLAIMS], self.ids)
        self.catalogue = load_catalogue()

    def topics(self, path: Path, chance: Random) -> None:
        topics = load_topics([path])
        cases = list(islice(expand_topics(topics), MOST_READ))
        list(islice(explain_topics(topics), MOST_READ))
        scenario_infos(topics)
        self._look_at(cases)
        if chance.random() < 0.05:
            unmet(topics, load_results(self.results))

    def claims(self, path: Path, _chance: Random) -> None:
        documents = load_claims([path], self.ids)
        judged = evaluate_claims(documents, load_results(self.results))
        render_claims(judged)
        claims_json(judged)

    def stacks(self, path: Path, chance: Random) -> None:
        catalogue = load_catalogue(path)
        for name in catalogue.sets:
            for spec in islice(specs_of_set(name, catalogue), 5):
                with suppress(MatrixError):
                    parse_stack(spec, catalogue)
        driver = chance.choice([*catalogue.drivers, "apsw"])
        for name in (driver, *catalogue.middleware):
            versions = sorted(catalogue.versions(name), key=Version)
            if len(versions) > 1:
                catalogue.adjacent(name, *versions[:2])
        plan_search(self.cases, driver, driver, catalogue)

    def accepted(self, path: Path, chance: Random) -> None:
        entries = load_accepted(path)
        report = report_changes(compare_results(self.results, self.other), entries)
        render_changes(report, chance.choice(sorted(CHANGE_RENDERERS)))

    def config(self, path: Path, _chance: Random) -> None:
        settings = load_config(path.parent)
        parse_kinds(settings.fail_on)
        configured_specs(settings, self.catalogue)
        project_stacks(settings, self.catalogue)

    def batch(self, path: Path, _chance: Random) -> None:
        self._look_at(load_cases(path))

    def pins(self, path: Path, _chance: Random) -> None:
        pins = load_pins(path)
        specs = ("apsw", "pysqlite3", "sqlite3[sqlalchemy]", "pysqlite3-binary", "sqlite3")
        full = pins.with_more(missing_pins(specs, pins, self.catalogue))
        pinned_stacks(specs, full, self.catalogue)
        for pin in full.pins[:3]:
            newer(pin, ["1", "x", "999"])
            with suppress(MatrixError):
                step_to(pin, "9.9", full, specs, self.catalogue)

    def word(self, path: Path, chance: Random) -> None:
        """A word of the command line: a selector, stacks, a pin, a target, kinds, a path."""
        word = path.read_bytes().decode("utf-8", "surrogateescape") if path.is_file() else ""
        listed = load_pins(BASELINE / "requirements.txt")
        catalogue, cases = self.catalogue, self.cases
        uses: tuple[Callable[[], object], ...] = (
            lambda: [*map(Selector.parse([word]), (word, self.ids[0], "x" * 50))],
            lambda: parse_stack(word, catalogue),
            lambda: chosen_specs([word], catalogue),
            lambda: pinned_stacks([word], listed, catalogue),
            lambda: self._look_at(cases_of_target(word, sql=[word])),
            lambda: self._look_at(cases_of_target(word, via="sqlalchemy")),
            lambda: parse_kinds(word),
            lambda: select_stacks([word]),
            lambda: requested(word, listed),
            lambda: plan_search(cases, "apsw", word, catalogue),
            lambda: plan_search(cases, "apsw", "apsw", catalogue, old=word),
            lambda: plan_search(cases, word, "apsw", catalogue),
            *(lambda load=load: load(Path(word))
              for load in (load_results, load_accepted, load_cases, load_pins)),
            lambda: load_topics([Path(word)]),
            lambda: load_claims([Path(word)], self.ids),
            lambda: compare_results(self.results, Path(word)),
        )  # fmt: skip
        for use in chance.sample(uses, 6):
            with suppress(MatrixError):
                use()

    def result(self, path: Path, chance: Random) -> None:
        """A directory of results, one file of which is the input, and all that is made of it."""
        results = load_results(path.parent)
        load_experiments(path.parent)
        runs = load_provenance(path.parent)
        claims = evaluate_claims(self.documents, results) if chance.random() < 0.2 else ()
        render(chance.choice(sorted(RENDERERS)), results, claims=claims, runs=runs)
        render_details(results)
        render_badges(results)
        render_claims(claims)
        for case in islice(results.cases.values(), 3):
            found = strips(results, case.id, self.catalogue)
            render_history(case, found, same_sqlite(results, case.id))
            history_json(case, found, same_sqlite(results, case.id))
        self._look_at(list(results.cases.values()))
        merge_results([path.parent])

    def comparison(self, path: Path, chance: Random) -> None:
        """The same, as one side of a comparison."""
        spoilt(path.parent)
        old, new = chance.sample([path.parent, self.results], 2)
        report = report_changes(compare_results(old, new))
        render_changes(report, chance.choice(sorted(CHANGE_RENDERERS)))

    def _look_at(self, cases: Sequence[Case]) -> None:
        """What every command does with cases before they are run."""
        count_features(cases, self.catalogue.drivers)
        for case in cases:
            json.dumps(case.to_json())
            meaning_of(case)
            case_line(case)
            assert case.digest


def yaml_data(path: Path) -> Json:
    data, _, _ = read_yaml(path.read_text("utf-8"), str(path))
    return data


def dumped(data: Json) -> bytes:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True).encode()


def one_scenario_each() -> Iterator[Json]:
    """Each scenario of this project as a topic of its own."""
    for path in sorted((ROOT / "scenarios").glob("*.yaml")):
        topic = yaml_data(path)
        for scenario in topic["scenarios"]:
            yield {**topic, "id": "input", "scenarios": [scenario]}


def one_claim_each() -> Iterator[Json]:
    document = yaml_data(CLAIMS)
    for claim in document["claims"]:
        yield {**document, "id": "input", "claims": [claim]}


def few_stacks() -> Json:
    """The file of stacks, with the newest versions only."""
    data = yaml_data(ROOT / "matrix" / "stacks" / "stacks.yaml")
    for part in ("drivers", "middleware", "companions"):
        data[part] = {name: pins[:3] for name, pins in data[part].items()}
    data["sqlite"] = dict(islice(data["sqlite"].items(), 2))
    return data


CONFIG = """\
[project]
name = "x"
[tool.sqlite-matrix]
scenarios = ["scenarios"]
stacks = ["baseline", "apsw[uri={off,on}]", "sqlite3[sqlalchemy]"]
baseline = "results/baseline"
pins = "requirements.txt"
fail-on = ["outcome", "storage"]
"""
PINS = (
    "# pins\n-r other.txt\napsw==3.54.1.0\n"
    "pysqlite3-binary==0.5.4.post2 ; python_version < '3.14'\n"
    "sqlalchemy==2.0.38 \\\n    --hash=sha256:00\nclick>=8\nsqlite3 @ https://x.example/x.whl\n"
)
WORDS = (
    *("file:x?mode=memory&cache=shared", "sqlite:////file:{dir}/x?uri=true", ":memory:", "%00"),
    *("mode/*[{a,b}*]", "ATTACH 'x' AS y; VACUUM INTO 'file:z?mode=ro'", "results/baseline"),
    *("apsw==3.54.1.0[uri=off,sqlalchemy=2.1.9]@3.11", "sqlite3[sqlite=3.51.1]@3.11", "standard"),
    *(
        "pysqlite3-binary",
        "apsw[uri={off,on}]",
        "apsw==3.54.1.0",
        "python",
        "outcome,storage",
        "all",
    ),
)


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().rstrip(b"\n").split(b"\n")


def sealed(lines: Sequence[bytes]) -> bytes:
    """Lines, the first of which is a header, with a footer that fits them."""
    above = b"".join(line + b"\n" for line in lines)
    digest = f"sha256:{hashlib.sha256(above).hexdigest()}"
    footer = {"count": len(lines) - 1, "digest": digest}
    return above + json.dumps(footer, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def result_file(data: Json, chance: Random) -> bytes:
    """Records as the lines of a result file; now and then the keys are in another order."""
    records = data if isinstance(data, list) else [data]
    if chance.random() < 0.9:
        records = [_sorted(each) for each in records]
    return sealed([written(each, chance).replace(b"\n", b"") for each in records])


def _sorted(record: Json) -> Json:
    return dict(sorted(record.items())) if isinstance(record, dict) else record


def json_lines(data: Json, chance: Random) -> bytes:
    return b"\n".join(
        written(each, chance) for each in (data if isinstance(data, list) else [data])
    )


def small_results(directory: Path, *stacks: str, swapped: bool = False) -> Path:
    """A few cells of the committed baseline; `swapped`: as if each were seen on the next stack."""
    cells = lines_of(BASELINE / "apsw.jsonl")[1:400:60]
    names = {json.loads(line)["case"] for line in cells}
    directory.mkdir()
    from_ = dict(zip(stacks, [*stacks[1:], stacks[0]] if swapped else stacks, strict=True))
    for name in ("cases", *stacks):
        header, *records, _ = lines_of(BASELINE / f"{name}.jsonl")
        if name != "cases":
            _, *records, _ = lines_of(BASELINE / f"{from_[name]}.jsonl")
            old, new = (f'"stack":"{each}"'.encode() for each in (from_[name], name))
            records = [line.replace(old, new) for line in records]
        key = "id" if name == "cases" else "case"
        kept = [line for line in records if json.loads(line)[key] in names]
        if name == "cases":
            header = few_scenarios(header)
        (directory / f"{name}.jsonl").write_bytes(sealed([header, *kept]))
    write_unavailable_stack(directory, MISSING, "no wheel")
    run = {"finished": "2026-01-01T00:00:00Z", "seconds": 1, "machine": "Linux", "tool": "x"}
    (directory / "measured.json").write_text(json.dumps([run]))
    seen = {"id": "upgrade", "python": "3.11", "unavailable": None, "facts": {"installed": ["yes"]}}
    (directory / "experiments.json").write_text(json.dumps({"schema": 1, "experiments": [seen]}))
    return directory


def few_scenarios(header: bytes) -> bytes:
    data = json.loads(header)
    text = json.dumps({**data, "scenarios": data["scenarios"][:3]}, separators=(",", ":"))
    return text.encode()


def targets(readers: Readers) -> Iterator[Target]:
    topics, claims, stacks = list(one_scenario_each()), list(one_claim_each()), few_stacks()
    report = report_changes(compare_results(readers.results, readers.other))
    entries = [
        each.model_dump(mode="json", exclude_none=True)
        for each in entries_of(report.groups, (), reason="meant", reference="https://x.example")
    ]
    accepted = [{"accepted": [each]} for each in entries]
    cases = [case.to_json() for case in readers.cases]
    for read, name, data in (
        (readers.topics, "input.yaml", topics),
        (readers.topics, "input.yaml", topics),
        (readers.claims, "input.yaml", claims),
        (readers.stacks, "stacks.yaml", [stacks]),
        (readers.accepted, "accepted.yaml", accepted),
    ):
        yield Target(file=name, read=read, texts=[dumped(each) for each in data], data=data)
    yield Target(file="pyproject.toml", read=readers.config, texts=[CONFIG.encode()])
    yield Target(file="requirements.txt", read=readers.pins, texts=[PINS.encode()])
    yield Target(file="word", read=readers.word, texts=[word.encode() for word in WORDS])
    batch = b"\n".join(json.dumps(case).encode() for case in cases[:5])
    yield Target(
        file="batch.jsonl", read=readers.batch, texts=[batch], data=[cases[:2]], layout=json_lines
    )
    for file in ("cases.jsonl", "apsw.jsonl", f"{MISSING}.jsonl", *BESIDE):
        for read in (readers.result, readers.comparison):
            yield of_results(read, readers.results / file)


def of_results(read: Callable[[Path, Random], object], path: Path) -> Target:
    text = path.read_bytes()
    lines = path.suffix == ".jsonl"
    data = [json.loads(line) for line in lines_of(path)[:-1]] if lines else json.loads(text)
    return Target(
        file=path.name, read=read, texts=[text], data=[data],
        layout=result_file if lines else written, beside=path.parent,
    )  # fmt: skip


def made(target: Target, chance: Random) -> bytes:
    """An input that chance makes of one in good order."""
    if target.data and chance.random() < 0.6:
        data = chance.choice(target.data)
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            data = changed(data, chance)
        return target.layout(data, chance)
    content = damaged(chance.choice(target.texts), chance)
    if target.layout is result_file and chance.random() < 0.7:
        return sealed(content.rstrip(b"\n").split(b"\n")[:-1] or [b""])
    return content


def put(path: Path, content: bytes, chance: Random) -> None:
    """Write the input; now and then there is something else in its place."""
    odd = chance.random()
    if odd < 0.01:
        path.mkdir()
    elif odd < 0.02:
        path.symlink_to(path.name)
    elif odd > 0.03:
        path.write_bytes(content)


def attempt(target: Target, directory: Path, chance: Random) -> str | None:
    """One input: how its reader ended, where it was not as it should; else None."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    if target.beside is not None:
        for file in target.beside.iterdir():
            (directory / file.name).symlink_to(file)
        (directory / target.file).unlink()
    content = made(target, chance)
    path = directory / target.file
    put(path, content, chance)
    try:
        target.read(path, chance)
    except MatrixError as error:
        return (
            None if str(error) and all(map(str.isprintable, str(error).split("\n"))) else "unclear"
        )
    except Exception:
        return f"{target.name}: {content[:2_000]!a}\n{traceback.format_exc()}"
    return None


def kind_of(failure: str) -> str:
    """The last place in the tool, and the error: failures with one cause are one."""
    places = [line.strip() for line in failure.splitlines() if "/matrix/" in line]
    return f"{places[-1] if places else ''} {failure.splitlines()[-1][:80]}"


def test_no_input_ends_a_reader_but_with_an_error_of_this_tool(
    tmp_path: Path, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, start = (pytestconfig.getoption(f"--fuzz-{name}") for name in ("inputs", "start"))
    readers = Readers(tmp_path)
    monkeypatch.chdir(tmp_path)
    every = list(targets(readers))
    failures: dict[str, str] = {}
    found: Counter[str] = Counter()
    for number in range(start, start + count):
        target = every[number % len(every)]
        failure = attempt(target, tmp_path / "input", random.Random(number))
        if failure is not None:
            found[kind_of(failure)] += 1
            failures.setdefault(kind_of(failure), f"input {number}, {failure}")
    text = "\n\n".join(f"{found[kind]} ×\n{failures[kind]}" for kind in found)
    assert not failures, f"{found.total()} of {count:,} inputs\n{text}"
    print(f"{count:,} inputs, no traceback")
