"""Hands out the cases, one a line of standard input, and answers each with a line."""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import os
import pathlib
import shutil
import sys
from typing import Any

from .apart import READY, in_a_process
from .before import become_nobody, set_permissions, set_up
from .drivers import load_driver
from .stay import Stay, mark, name_of_case


def main() -> None:
    stack = json.loads(sys.argv[1])
    sys.dont_write_bytecode = True
    sys.path[:0] = stack["overlays"]
    driver: Any = load_driver(stack["driver"], stack["uri"])
    if stack["middleware"] is not None:
        importlib.import_module("sqlalchemy.dialects.sqlite.pysqlite")
        logging.getLogger("sqlalchemy").addHandler(logging.NullHandler())
    for number, line in enumerate(sys.stdin):
        answer = perform(driver, json.loads(line), f"{number:05}", stack["root"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def perform(driver: Any, case: dict[str, Any], number: str, root: str) -> dict[str, Any]:
    """Let a process of its own perform the case, and look around before and afterwards."""
    around = os.path.join(root, number)
    os.makedirs(os.path.join(around, "dir"))
    os.chdir(os.path.join(around, "dir"))
    in_a_process(lambda _line: set_up(driver, case, number))
    if case["permissions"]:
        set_permissions(case["permissions"], os.environ["TMPDIR"])
    before: dict[str, str] = {}

    def look_around() -> None:
        before.update(contents(around))

    def stay(line: Any) -> dict[str, Any]:
        if case["permissions"]:
            become_nobody()
        guest = Stay(driver, case, number)
        guest.let_the_first_rivals_come()
        line.write(READY)
        line.flush()
        line.readline()
        mark(number, "begin")
        return guest.run()

    answer = in_a_process(stay, look_around)
    mark(number, "end")
    after = {**contents(around), **contents(os.environ["TMPDIR"])}
    os.chdir(root)
    tidy(around, os.environ["TMPDIR"])
    about = {"number": number, "name": name_of_case(number), "dir": os.path.join(around, "dir")}
    return {**about, "before": before, "after": after, **answer}


def contents(directory: str) -> dict[str, str]:
    """Everything below a directory, with what it holds."""
    found = {}
    for entry in os.scandir(directory):
        if entry.is_symlink():
            found[entry.path] = "link " + os.readlink(entry.path)
        elif entry.is_dir():
            found[entry.path] = "directory"
            found.update(contents(entry.path))
        else:
            content = pathlib.Path(entry.path).read_bytes()
            found[entry.path] = "file " + hashlib.sha256(content).hexdigest()
    return found


def tidy(around: str, tmp: str) -> None:
    for directory, directories, _ in os.walk(around):
        for name in directories:
            os.chmod(os.path.join(directory, name), 0o700)
    shutil.rmtree(around)
    for name in os.listdir(tmp):
        os.unlink(os.path.join(tmp, name))
