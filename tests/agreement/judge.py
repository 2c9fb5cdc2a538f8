"""What the kernel was asked to do in a case, judged from the trace and from the directory.

SQLite is not asked what it opened, nor where it put the data.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from matrix.model import Case, Json
from tests.strace import Call

Answer = Mapping[str, Json]
"""What `user` says of a case."""

_MARKS = "/dev/null/"
_HELD = re.compile(r"(\d+)<((?:\\x[0-9a-f]{2})+)>(\(deleted\))?, .*?, (\d+)(?:, \d+)?")
"""The arguments of a write: descriptor, path, whether that is gone, how much."""
_ATTACHES = re.compile(r"ATTACH '.*' AS other")
_BESIDE = re.compile(r"-journal$|-wal$|-shm$|-mj[0-9A-Fa-f]{9}$")
_BULK = 200_000
"""Bytes: half of what `user` writes."""
_CREATES = ("open", "openat", "creat")


@dataclass(slots=True)
class Judged:
    """What happened to files in a case; paths are absolute.

    `before`: what was there. `created`: by path, the step in which it appeared. `opened`: by step,
    the databases that the case's own process opened. `bulk`: where the bulk of the write went, a
    path and whether it had lost its name. `there`: what is there after the last call.
    """

    before: frozenset[str]
    created: dict[str, str] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)
    opened: dict[str, list[str]] = field(default_factory=dict)
    bulk: tuple[str, bool] | None = None
    there: set[str] = field(default_factory=set)


def calls_by_case(calls: Iterable[Call]) -> Iterator[tuple[str, list[tuple[str, Call]]]]:
    """For each case its number, and its calls, each with the step that it belongs to."""
    steps = _with_steps(calls)
    for number, group in groupby(steps, key=lambda found: found[0]):
        if number:
            yield number, [(step, call) for _, step, call in group]


def _with_steps(calls: Iterable[Call]) -> Iterator[tuple[str, str, Call]]:
    number = step = ""
    for call in calls:
        if call.name == "unlink" and call.paths[0].startswith(_MARKS):
            number, step = call.paths[0].removeprefix(_MARKS).split("/")
            number = "" if step == "end" else number
        yield number, step, call


def judge(answer: Answer, calls: list[tuple[str, Call]]) -> Judged:
    """Follow the calls of a case, from what was there when it began to what a listing shows."""
    before = {answer["dir"], os.path.dirname(answer["dir"]), *answer["before"]}
    found = Judged(before=frozenset(before), there=before)
    user = calls[0][1].pid
    written: dict[tuple[str, bool], int] = {}
    for step, call in calls:
        stage = step.partition(":")[0]
        if call.name in ("write", "pwrite64"):
            if call.pid == user and step == "write":
                where, size = _written(call)
                written[where] = written.get(where, 0) + size
        elif call.name in _CREATES:
            _open(found, call, stage, answer["dir"])
            if call.pid == user and call.went_well:
                _note_database(found, call, step, answer["dir"])
        elif call.name.startswith("mkdir"):
            path = _path(call, answer["dir"])
            if call.went_well:
                _create(found, path, stage)
            elif not _is_there(found, path):
                found.tried.add(path)
        elif call.name in ("unlink", "unlinkat", "rmdir") and call.went_well:
            found.there.discard(_path(call, answer["dir"]))
    found.bulk = next((where for where, size in written.items() if size > _BULK), None)
    _check(found, answer)
    return found


def storage(case: Case, answer: Answer, judged: Judged) -> str | None:
    """Where the data is; None where the calls cannot tell.

    After a commit it is where the bulk went; otherwise in the database that was opened for this
    schema. Who shares the cache of a rival opens nothing.
    """
    if answer["result"] != "opened":
        return "none"
    if answer["journal_mode"] is not None:
        if judged.bulk is None:
            return "memory"
        return "temporary" if judged.bulk[1] else "file"
    if any(rival["where"] in ("same", "thread") for rival in case.rivals):
        return None
    failed = answer["error"]["phase"] if answer["error"] is not None else None
    schema = "main" if failed == "sql" else case.write_to.lower()
    if schema == "main":
        return "file" if judged.opened.get("open") else "memory"
    return None


def opened(judged: Judged) -> str | None:
    """The one database that was opened with the first connection, if there is one."""
    found = list(dict.fromkeys(judged.opened.get("open", ())))
    return found[0] if len(found) == 1 else None


def kind(path: str) -> str:
    """What SQLite makes under such a name."""
    name = os.path.basename(path)
    if name.startswith("etilqs_") or name == "(unnamed)":
        return "temporary"
    for suffix, found in (
        ("-journal", "journal"), ("-wal", "wal"), ("-shm", "shm"), (".lock", "lock"),
    ):  # fmt: skip
        if name.endswith(suffix):
            return found
    return "journal" if _BESIDE.search(name) else "database"


def _check(found: Judged, answer: Answer) -> None:
    """Fail where the trace was misread, and where a case has left its surroundings."""
    around = os.path.dirname(answer["dir"]) + os.sep
    left = {path for path in found.there if path.startswith(around)}
    assert left == {path for path in answer["after"] if path.startswith(around)}
    surroundings = (around, os.path.join(os.path.dirname(around[:-1]), "tmp") + os.sep)
    assert [path for path in found.created if not path.startswith(surroundings)] == []


def _path(call: Call, directory: str) -> str:
    return os.path.normpath(os.path.join(directory, call.paths[0]))


def _open(found: Judged, call: Call, stage: str, directory: str) -> None:
    if "O_CREAT" not in call.arguments and "O_TMPFILE" not in call.arguments:
        return
    path = _path(call, directory)
    if "O_TMPFILE" in call.arguments:
        path = os.path.join(path, "(unnamed)")
    if call.went_well:
        _create(found, path, stage)
    elif not _is_there(found, path):
        found.tried.add(path)


def _create(found: Judged, path: str, stage: str) -> None:
    if path not in found.there and path not in found.before:
        found.created.setdefault(path, stage)
    if not path.endswith("(unnamed)"):
        found.there.add(path)


def _is_there(found: Judged, path: str) -> bool:
    return path in found.there or os.path.lexists(path)


def _note_database(found: Judged, call: Call, step: str, directory: str) -> None:
    """Note a database; Python opens files, too, but none in the surroundings of the case."""
    path = _path(call, directory)
    inside = path.startswith(os.path.dirname(directory) + os.sep)
    if inside and "O_DIRECTORY" not in call.arguments and not _BESIDE.search(path):
        found.opened.setdefault(step, []).append(path)


def _written(call: Call) -> tuple[tuple[str, bool], int]:
    """Where a write went, and how much it was."""
    held = _HELD.fullmatch(call.arguments)
    if held is None:
        return ("", False), 0
    path = os.fsdecode(bytes.fromhex(held[2].replace("\\x", "")))
    return (path, held[3] is not None), int(held[4])
