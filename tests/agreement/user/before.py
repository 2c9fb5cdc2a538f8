"""What is there before a case: databases and files, those who were killed, permissions."""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
from typing import Any

from .apart import fork
from .stay import WRITE, filled

NOBODY = 65534


def set_up(driver: Any, case: dict[str, Any], number: str) -> None:
    """Make what the case finds, in the current directory, which is the case's."""
    for step in filled(case["setup"], number):
        if "mkdir" in step:
            os.makedirs(step["mkdir"])
        elif "symlink" in step:
            os.symlink(step["to"], step["symlink"])
        elif "db" in step:
            make_database(driver, step)
        else:
            text = step.get("text", "")
            pathlib.Path(step.get("file") or step["empty"]).write_text(text, encoding="utf-8")
    for victim in filled(case["before"], number):
        kill_writer(driver, os.path.abspath(victim["killed"]), victim["sql"])


def make_database(driver: Any, step: dict[str, Any]) -> None:
    """Make it under a name that nothing can read as a URI, and give it its own name then."""
    made = os.path.abspath("../made")
    connection = driver.connect_plainly(made)
    for sql in step["sql"]:
        driver.run(connection, sql)
    if step["keep_wal"]:
        for suffix in ("", "-wal"):
            if os.path.exists(made + suffix):
                shutil.copyfile(made + suffix, step["db"] + suffix)
    connection.close()
    if step["keep_wal"]:
        os.unlink(made)
    elif os.path.exists(made):
        os.rename(made, step["db"])


def kill_writer(driver: Any, path: str, statements: list[str]) -> None:
    """Let a process write to a database and die before it commits."""
    process = fork()
    if not process:
        connection = driver.connect_plainly(path)
        for sql in statements:
            driver.run(connection, sql)
        driver.run(connection, "PRAGMA cache_size=10")
        driver.run(connection, "BEGIN IMMEDIATE")
        driver.run(connection, "CREATE TABLE by_a_victim(x)")
        driver.run(connection, f"INSERT INTO by_a_victim {WRITE}")
        os.kill(os.getpid(), signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    if status != signal.SIGKILL:
        raise OSError("the writer that was to be killed failed")


def set_permissions(permissions: dict[str, Any], tmp: str) -> None:
    """Give everything to the user of the case, then each path its mode and its owner."""
    if os.geteuid() == 0:
        around = os.path.abspath("..")
        os.chown(around, NOBODY, NOBODY)
        for directory, directories, files in os.walk(around):
            for name in (*directories, *files):
                os.lchown(os.path.join(directory, name), NOBODY, NOBODY)
    os.chmod(tmp, 0o1777)
    for name, wanted in permissions.items():
        if wanted["owner"] == "another":
            os.chown(name, 0, 0)
        if wanted["mode"] is not None:
            os.chmod(name, int(wanted["mode"], 8))


def become_nobody() -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
