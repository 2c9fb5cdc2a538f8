"""Scenarios of a stranger: they change, forge, leak and leave nothing, and the others go on."""

from __future__ import annotations

import json
import os
import sqlite3
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from matrix.errors import DocumentError
from matrix.model import Case, Observation, Result
from matrix.runner.collect import observe
from matrix.runner.isolation import choose_isolation
from matrix.runner.options import RunOptions
from matrix.scenarios.load import load_topics
from tests.builders import make_case
from tests.conftest import ObserveOn, Provide
from tests.processes import needs_proc, workers_of

SECRET = "a-secret-of-the-environment-5a1f"
QUICK = RunOptions(jobs=2, timeout=5)
WAYS = {
    "private root": QUICK,
    "private root without Landlock": replace(QUICK, contain=False),
    "redirected": replace(QUICK, private_root=False),
    "redirected without Landlock": replace(QUICK, private_root=False, contain=False),
}


def hostile(home: Path, results: Path) -> dict[str, dict[str, Any]]:
    """What a stranger may write, by what it is after; `home` has a user's files."""
    mine, notes = home / "mine.db", home / "notes.txt"
    return {
        "the database": {"target": str(mine)},
        "the database by URI": {"target": f"file:{mine}?mode=rwc", "connect": {"uri": True}},
        "the database in capitals": {"target": f"file://localhost{mine}"},
        "the database by encoding": {"target": "file:" + str(mine).replace("/", "%2f")},
        "the database by climbing": {"target": "../" * 40 + str(mine)[1:]},
        "the database by doubled slashes": {"target": "//" + str(mine)},
        "the database by dots": {"target": f"{home}/./x/../mine.db"},
        "the database by a link": _linked("x.db", mine),
        "the database by a linked directory": _linked("d", home, target="d/mine.db"),
        "the database by two links": _linked("x.db", home / "link.db"),
        "its link": {"target": str(home / "link.db")},
        "its other name": {"target": str(home / "hard.db")},
        "attached": _sql(f"ATTACH '{mine}' AS a", "DROP TABLE a.mine"),
        "attached by URI": _sql(f"ATTACH 'file:{mine}' AS a", "DELETE FROM a.mine"),
        "attached and vacuumed": _sql(f"ATTACH '{mine}' AS a", "VACUUM a"),
        "attached in WAL mode": _sql(f"ATTACH '{mine}' AS a", "PRAGMA a.journal_mode=wal"),
        "attached by a computed name": _sql(f"ATTACH '{home}/' || 'mine' || '.db' AS a"),
        "attached by computed characters": _sql(_characters(f"{home}/new.db", "ATTACH ? AS a")),
        "vacuumed by computed characters": _sql("CREATE TABLE t(x)",
                                                _characters(f"{home}/new.db", "VACUUM INTO ?")),
        "a program": _sql("SELECT sha3_query('SELECT ed' || 'it(''x'', ''touch "
                          f"{home}/ran; true'')')"),
        "an address": _sql("SELECT fts3_tokenizer('simple', x'4141414141414141')",
                           "CREATE VIRTUAL TABLE t USING fts3(x, tokenize=simple)"),
        "copied over the database": {"target": "x.db", "backup": str(mine)},
        "copied over the notes": {"target": "x.db", "backup": str(notes)},
        "vacuumed into the notes": _sql("CREATE TABLE t(x)", f"VACUUM INTO '{notes}'"),
        "vacuumed beside": _sql("CREATE TABLE t(x)", f"VACUUM INTO '{home}/new.db'"),
        "the second connection": {"target": "x.db", "second": str(mine)},
        "the notes": {"target": str(notes)},
        "the empty file": {"target": str(home / "empty")},
        "the read-only file": {"target": str(home / "read-only.db")},
        "the directory": {"target": str(home)},
        "a dangling link": {"target": str(home / "dangling")},
        "a new file": {"target": str(home / "new.db")},
        "a journal beside": _sql(f"ATTACH '{home}/new.db' AS a", "PRAGMA a.journal_mode=persist"),
        "temporary files": _sql(f"PRAGMA temp_store_directory='{home}'", "PRAGMA temp_store=1",
                                "CREATE TEMP TABLE t AS SELECT zeroblob(5000000) AS x"),
        "the lock": {"target": str(home / "new.db"), "connect": {"vfs": "unix-dotfile"}},
        "the results": {"target": str(results / "cases.jsonl")},
        "the results, attached": _sql(f"ATTACH '{results}/cases.jsonl' AS a", "DELETE FROM a.t"),
        "the tool's own code": {"target": __file__},
        "the pipe": _sql(*(f"ATTACH '/proc/self/fd/{n}' AS a{n}" for n in range(3, 9))),
        "the standard streams": _sql("ATTACH '/dev/stdin' AS a", "ATTACH '/dev/stdout' AS b"),
        "the tool's memory": {"target": f"/proc/{os.getpid()}/mem"},
        "the tool's files": _sql(*(f"ATTACH '/proc/{os.getpid()}/fd/{n}' AS a{n}"
                                   for n in range(3, 9))),
        "the tool's directory": {"target": f"/proc/{os.getpid()}/cwd/stray-of-a-stranger"},
        "the tool's environment": {"target": f"/proc/{os.getpid()}/environ"},
        "settings of the kernel": {"target": "/proc/sys/kernel/hostname"},
        "a disk": {"target": "/dev/vda"},
        "shared memory": {"target": "/dev/shm/stray-of-a-stranger"},
        "the root directory": {"target": "/stray-of-a-stranger"},
        "another case": {"target": "{dir}/../../00001/dir/x.db"},
        "the next cases": _sql(*(f"ATTACH '{{dir}}/../../{n:05}' AS a{n}" for n in range(3, 9))),
        "the scratch directory": {"target": "../../tmp/x.db"},
        "endless work": _sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) "
                             "SELECT count(*) FROM n"),
        "all memory": _sql("PRAGMA cache_size=-100000000", "PRAGMA temp_store=2",
                           "CREATE TEMP TABLE t(x)", *[_large(900)] * 8),
        "a huge file": _sql("CREATE TABLE t(x)", *[_large(300)] * 4),
        "a terminal and a log": {"target": "x\x1b[2J\n::error::forged\n\u202e=cmd()"},
        "a loaded library": _sql("SELECT load_extension('/lib/libc.so.6', 'system')"),
        "a broken schema": _sql("CREATE TABLE t(x)", "PRAGMA writable_schema=1",
                                "UPDATE sqlite_master SET sql='broken'"),
    }  # fmt: skip


def _sql(*statements: str) -> dict[str, Any]:
    return {"target": "x.db", "sql": statements}


def _large(megabytes: int) -> str:
    return f"INSERT INTO t VALUES(zeroblob({megabytes}000000))"


def _characters(name: str, sql: str) -> str:
    """A statement with the name as an expression, in which it does not stand as a text."""
    return sql.replace("?", " || ".join(f"char({ord(sign)})" for sign in name))


def _linked(name: str, to: Path, target: str | None = None) -> dict[str, Any]:
    return {"target": target or name, "setup": ({"symlink": name, "to": str(to)},)}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's directory."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("mine.db", "read-only.db"):
        with sqlite3.connect(home / name) as connection:
            connection.execute("CREATE TABLE mine AS SELECT 'precious' AS x")
        connection.close()
    (home / "read-only.db").chmod(0o400)
    (home / "notes.txt").write_text("a user's notes")
    (home / "empty").touch()
    (home / "link.db").symlink_to("mine.db")
    (home / "hard.db").hardlink_to(home / "mine.db")
    (home / "dangling").symlink_to("nowhere")
    return home


def state_of(directory: Path) -> dict[str, Any]:
    """All that a user may notice of a directory and what is in it."""
    found = {}
    for path in (directory, *directory.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else None
        found[str(path)] = (content, status.st_mode, status.st_mtime_ns, status.st_ctime_ns,
                            status.st_ino, status.st_nlink, status.st_uid)  # fmt: skip
    return found


def strays() -> list[Path]:
    """What the scenarios would leave in directories that all use."""
    names = ("/stray-of-a-stranger*", "/dev/shm/stray-of-a-stranger*", "stray-of-a-stranger*")
    found = [path for name in names[:2] for path in Path("/").glob(name[1:])]
    return found + list(Path.cwd().glob(names[2]))


def harmless(number: int) -> Case:
    return make_case(f"harmless/{number:03}", target="file:x.db?mode=memory", connect={"uri": True})


@needs_proc
@pytest.mark.parametrize(
    "how", [*product(["apsw"], WAYS), ("shell", "redirected without Landlock")], ids=", ".join
)
def test_a_stranger_changes_forges_leaks_and_leaves_nothing(
    provide: Provide,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: tuple[str, str],
) -> None:
    driver, way = how
    monkeypatch.setenv("SECRET", SECRET)
    results, scratch = tmp_path / "results", tmp_path / "scratch"
    results.mkdir()
    scratch.mkdir()
    (results / "cases.jsonl").write_text("{}\n")
    cases: list[Case] = []
    for number, fields in enumerate(hostile(home, results).values()):
        cases += [make_case(f"hostile/{number:03}", **fields), harmless(number)]
    before, hostname = state_of(tmp_path), Path("/proc/sys/kernel/hostname").read_text()
    options = replace(WAYS[way], scratch=scratch)
    wanted = options.private_root is not False
    if wanted and not choose_isolation(options, scratch).private_root:
        pytest.skip("this machine allows no private root")
    (stack,) = observe([(provide(driver), cases)], options=options).stacks
    assert stack.unavailable is None
    assert set(stack.observations) == {case.id for case in cases}
    assert _without(state_of(tmp_path), scratch) == _without(before, scratch)
    assert list(scratch.iterdir()) == []
    assert strays() == []
    assert Path("/proc/sys/kernel/hostname").read_text() == hostname
    assert workers_of(scratch) == []
    harmless_ones = {_same(seen) for name, seen in stack.observations.items() if "harmless" in name}
    assert len(harmless_ones) == 1
    assert SECRET not in json.dumps([seen.to_json() for seen in stack.observations.values()])
    assert all(seen.result is not Result.CRASHED for seen in stack.observations.values())


@needs_proc
def test_a_program_of_a_case_reads_nothing_of_the_worker(observe_on: ObserveOn) -> None:
    cases = [make_case(target, target=target) for target in ("mem", "fd/1", "fd/2")]
    for seen in observe_on("spies", *cases):
        assert seen.error is not None
        assert "PermissionError" in seen.error.message


def _without(state: dict[str, Any], *left_out: Path) -> dict[str, Any]:
    return {path: found for path, found in state.items() if Path(path) not in left_out}


def _same(seen: Observation) -> str:
    return json.dumps({**seen.to_json(), "case": ""}, sort_keys=True)


REFUSED = {
    "a set-up by an absolute path": "target: x\n    setup: [{file: /tmp/evil.py, text: x}]",
    "a set-up that climbs": "target: x\n    setup: [{file: ../../evil, text: x}]",
    "another case's directory": "target: x\n    setup: [{mkdir: ../../10/x}]",
    "a database that climbs": "target: x\n    setup: [{db: ../../../evil.db}]",
    "a module": "target: x\n    connect: {module: antigravity}",
    "a class": "target: x\n    connect: {poolclass: create_engine}",
    "a billion": "target: x{a}{b}{c}\n    axes: {"
    + ", ".join(f"{name}: [{', '.join(map(str, range(1000)))}]" for name in "abc") + "}",
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_leads_out_is_refused_when_it_is_read(tmp_path: Path, text: str) -> None:
    topic = tmp_path / "topic.yaml"
    topic.write_text(
        "id: topic\ntitle: Of a stranger\nquestion: What happens?\nscenarios:\n"
        "  - id: hostile\n    title: Hostile\n    question: What happens?\n"
        f"    intent: observe\n    {text}\n"
    )
    with pytest.raises(DocumentError):
        load_topics([topic])


def test_there_are_fifty_of_them(tmp_path: Path) -> None:
    assert len(hostile(tmp_path, tmp_path)) >= 50
