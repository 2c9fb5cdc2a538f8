"""A case, step by step."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .apart import elsewhere
from .drivers import name_of
from .rivals import Guest, Here, InProcess, InThread, Rival
from .sessions import Bare, Engine, finds

WRITE = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100) "
    "SELECT zeroblob(4000) FROM n"
)
"""Rows that do not fit into a cache of ten pages."""


class Stay:
    """A case, from its first connection to its last."""

    def __init__(self, driver: Any, case: dict[str, Any], number: str) -> None:
        self._driver, self._number = driver, number
        self._case: dict[str, Any] = filled(case, number)
        self._rivals = [Rival(spec) for spec in self._case["rivals"]]
        self._facts: dict[str, Any] = {
            "error": None, "second_connection": None, "reopened": None, "reused": [],
            "journal_mode": None, "rivals": [],
        }  # fmt: skip
        self._session: Any = None

    def let_the_first_rivals_come(self) -> None:
        for rival in self._rivals:
            if rival.spec["where"] == "process":
                rival.place = InProcess(self._guest(rival))
        self._let_come("before")

    def run(self) -> dict[str, Any]:
        written = False
        opened = self._step("open", self._open)
        if opened:
            usable = self._step("sql", self._run_sql)
            written = usable and self._case["write"] and self._step("write", self._write)
            if written:
                self._step("second_connection", self._look_beside)
            self._step("rivals", lambda: self._meet(written))
        self._step("close", self._session.close)
        if self._case["via"] and not self._case["reopen"]:
            self._session.close_here()
        for rival in self._rivals:
            rival.go()
        if written and self._case["reopen"]:
            self._step("reopen", self._reopen)
        mark(self._number, "exit")
        if self._case["via"]:
            self._session.close_here()
        rivals = [{"found": rival.found, "error": rival.error} for rival in self._rivals]
        return {**self._facts, "result": "opened" if opened else "refused", "rivals": rivals}

    def _step(self, step: str, action: Callable[[], None]) -> bool:
        mark(self._number, step)
        try:
            action()
        except Exception as error:
            if self._facts["error"] is None:
                statement = self._statement if step == "sql" else None
                self._facts["error"] = {
                    "phase": step, "type": name_of(error), "message": str(error),
                    "statement": statement,
                }  # fmt: skip
            return False
        return True

    def _open(self) -> None:
        self._session = self._new_session(self._case["target"])
        self._session.open()

    def _new_session(self, target: str) -> Any:
        options = self._case["connect"]
        if self._case["via"]:
            engines = any(rival.spec["where"] == "engine" for rival in self._rivals)
            return Engine(target, options, kept=engines)
        kind = self._case["target_type"]
        as_given: Any = target
        if kind == "bytes":
            as_given = os.fsencode(target)
        elif kind == "path":
            as_given = pathlib.Path(target)
        return Bare(self._driver, as_given, options)

    def _run_sql(self) -> None:
        for number, sql in enumerate(self._case["sql"]):
            mark(self._number, f"sql:{number}")
            self._statement = sql
            self._session.run(sql)
        mark(self._number, "sql:end")

    def _write(self) -> None:
        run = self._session.run
        schema = '"' + self._case["write_to"] + '"'
        run(f"PRAGMA {schema}.cache_size=10")
        if not self._session.in_transaction():
            run("BEGIN")
        run(f"CREATE TABLE {schema}.by_the_case(x)")
        run(f"INSERT INTO {schema}.by_the_case {WRITE}")
        self._let_come("during")
        run("COMMIT")
        mark(self._number, "write:committed")
        self._facts["journal_mode"] = run(f"PRAGMA {schema}.journal_mode")[0][0]

    def _look_beside(self) -> None:
        other = self._session
        if self._case["second"] is not None:
            other = Bare(self._driver, self._case["second"], self._case["connect"])
        in_thread = self._case["second_in_thread"] and not self._case["via"]
        again = False

        def look(sql: str) -> None:
            nonlocal again
            _, again = elsewhere(lambda: other.look(sql)) if in_thread else other.look(sql)

        self._tell("second_connection", look)
        if again and self._facts["second_connection"] == "sees":
            self._facts["reused"].append("second_connection")

    def _reopen(self) -> None:
        self._tell("reopened", self._session.reopen)

    def _tell(self, fact: str, look: Callable[[str], Any]) -> None:
        self._facts[fact] = "refused"
        self._facts[fact] = "sees" if finds(look) else "does_not_see"

    def _meet(self, written: bool) -> None:
        for rival in self._rivals:
            rival.look(written=written)
        if written:
            if any(rival.spec["where"] == "engine" for rival in self._rivals):
                self._session.give_back()
            self._let_come("after")

    def _let_come(self, when: str) -> None:
        for rival in self._rivals:
            if rival.spec["when"] == when:
                if rival.place is None:
                    rival.place = self._place(rival)
                rival.come()

    def _place(self, rival: Rival) -> Any:
        places = {"same": Here, "thread": InThread, "engine": InThread, "fork": InProcess}
        return places[rival.spec["where"]](self._guest(rival))

    def _guest(self, rival: Rival) -> Guest:
        spec = rival.spec
        if spec["where"] == "engine":
            return Guest(self._session.checkout(), spec["does"], borrowed=False)
        if spec["where"] == "fork":
            return Guest(self._session, spec["does"], borrowed=True)
        target = self._case["target"] if spec["target"] is None else spec["target"]
        options = self._case["connect"] if spec["connect"] is None else spec["connect"]
        return Guest(Bare(self._driver, target, options), spec["does"], borrowed=False)


def mark(number: str, step: str) -> None:
    with suppress(OSError):
        os.unlink(f"/dev/null/{number}/{step}")


def name_of_case(number: str) -> str:
    return f"dbagreement{number}"


def filled(value: Any, number: str) -> Any:
    """A case with its directory, the current one, and its name in place of the placeholders."""
    if isinstance(value, str):
        return value.replace("{dir}", os.getcwd()).replace("{name}", name_of_case(number))
    if isinstance(value, list):
        return [filled(each, number) for each in value]
    if isinstance(value, dict):
        return {key: filled(each, number) for key, each in value.items()}
    return value
