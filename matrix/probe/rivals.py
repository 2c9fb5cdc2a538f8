"""Others who use the database: connections of their own, before, beside and after the case's.

A rival is a connection of the bare driver, in this thread, in another one or in another process;
or, where the case goes through an engine, one more connection of that engine; or a child that was
forked while the case's connection was open, and goes on to use it. None of them ever waits for a
lock: whoever would have to release it is waiting as well.
"""

from __future__ import annotations

import json
import os
import signal
import warnings
from contextlib import suppress
from typing import Any, Callable, Dict, List, Optional

from .linux import IS_LINUX, PR_SET_PDEATHSIG, process_control
from .middleware import AnotherThread, BareSession
from .observe import Observer
from .places import Places
from .plugins import Unavailable

Answer = Dict[str, Any]
"""What a rival answers: `rows`, or the `error` that was raised."""

_TABLE = "matrix_rival_5e1d8c40b7"
"""The table that a rival writes to."""
_NO_TABLE = "no such table"


class Rivals:
    """The rivals of one case, in order."""

    def __init__(
        self, driver: Any, observer: Observer, case: Dict[str, Any], places: Places, look: str
    ) -> None:
        self._driver = driver
        self._observer = observer
        self._case = case
        self._places = places
        self._rivals = [_Rival(spec, places, look) for spec in case.get("rivals", ())]

    def __bool__(self) -> bool:
        return bool(self._rivals)

    def come(self, when: str, session: Any = None) -> None:
        """Let those come that come `before`, `during` or `after` the case's own writing.

        `session`: that of the case, for those who share its engine or its process.
        """
        coming = [rival for rival in self._rivals if rival.when == when]
        if when == "before":
            self._fork()
        if when == "after" and self.share_engine:
            _of_engine(session, "give_back")()
        for rival in coming:
            rival.come(rival.line or self._line(rival, session))

    def _fork(self) -> None:
        """Make all other processes while no database is open: SQLite does not survive a fork."""
        for rival in self._rivals:
            if rival.where == "process":
                rival.line = self._line(rival, None)

    def look(self, written: bool) -> None:
        """Let those who are there end what they began, and look for what the case has written."""
        for rival in self._rivals:
            rival.look(written)

    def leave(self) -> None:
        """Let all go."""
        for rival in self._rivals:
            rival.leave()

    def found(self) -> List[Dict[str, Optional[str]]]:
        """For each rival what it found, and the error that it met."""
        return [{"found": rival.found, "error": rival.error} for rival in self._rivals]

    @property
    def share_engine(self) -> bool:
        """Whether one of them gets a connection of the case's engine."""
        return any(rival.where == "engine" for rival in self._rivals)

    def _line(self, rival: "_Rival", session: Any) -> "_Line":
        """Where a rival is, with the session that it has there."""
        if rival.where == "engine":
            return _Thread(_User(_of_engine(session, "checkout")(), rival.does), self._driver)
        if rival.where == "fork":
            return _Process(_User(_Inherited(session), rival.does), self._observer)
        target = self._case["target"] if rival.target is None else rival.target
        options = self._case["connect"] if rival.connect is None else rival.connect
        fill = self._places.fill
        user = _User(BareSession(self._driver, fill(target), fill(options)), rival.does)
        if rival.where == "process":
            return _Process(user, self._observer)
        return _Here(user) if rival.where == "same" else _Thread(user, self._driver)


def kill_writer(
    driver: Any, observer: Observer, path: str, statements: List[str], insert: str
) -> None:
    """Let another process write to a database, and kill it before it commits.

    `insert`: a statement that writes more than the page cache holds.
    Raises OSError where the process fails before.
    """

    def write() -> None:
        connection = driver.connect(path, dict(getattr(driver, "autocommit", {})))
        for sql in [*statements, "PRAGMA cache_size=10"]:
            driver.execute(connection, sql)
        if not driver.in_transaction(connection):
            driver.execute(connection, "BEGIN IMMEDIATE")
        driver.execute(connection, "CREATE TABLE %s(x)" % _TABLE)
        driver.execute(connection, insert % _TABLE)
        for process in getattr(driver, "processes", list)():  # where that is not this one
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)

    line = _Process(_Caller(write), observer)
    answer = line.call("run")
    line.end()
    if answer["error"] is not None:
        raise OSError("the process that was to be killed failed: " + answer["error"])


def _of_engine(session: Any, name: str) -> Callable[[], Any]:
    if not hasattr(session, name):
        raise Unavailable("this middleware has no engine with more than one connection")
    found: Callable[[], Any] = getattr(session, name)
    return found


class _Rival:
    """One rival, from its coming to its leaving."""

    def __init__(self, spec: Dict[str, Any], places: Places, look: str) -> None:
        self.where: str = spec["where"]
        self.when: str = spec["when"]
        self.does: str = spec["does"]
        self.target: Optional[str] = spec["target"]
        self.connect: Optional[Dict[str, Any]] = spec["connect"]
        self.found: Optional[str] = None
        self.error: Optional[str] = None
        self._places = places
        self.line: Optional[_Line] = None
        self._came = False
        self._look = look

    def come(self, line: "_Line") -> None:
        self.line, self._came = line, True
        if self._ask("come") is not None and self.when != "before":
            self.look(written=True)

    def look(self, written: bool) -> None:
        """End what was begun, and look for the data; whoever has found something has looked."""
        if not self._came or self.found is not None or self._ask("end") is None:
            return
        if self.does == "write":
            self.found = "wrote"
        elif written:
            answer = self._ask("look", self._look)
            if answer is not None:
                self.found = "sees" if answer["rows"] else "does_not_see"

    def leave(self) -> None:
        if self.line is not None:
            self.line.leave()

    def _ask(self, *request: str) -> Optional[Answer]:
        """What it answers; None, and the error is noted, where it was refused."""
        assert self.line is not None
        answer = self.line.call(*request)
        error = answer["error"]
        if error is None:
            return answer
        self.found, self.error = "refused", self._places.show(error)
        return None


class _User:
    """What a rival does with its session, wherever it is."""

    def __init__(self, session: Any, does: str) -> None:
        self._session = session
        self._does = does

    def come(self) -> Any:
        self._session.open()
        execute = self._session.execute
        execute("PRAGMA busy_timeout=0")
        execute("SELECT count(*) FROM sqlite_master")  # only now is a file opened
        if self._does == "read":
            execute("BEGIN")
            execute("SELECT count(*) FROM sqlite_master")
        elif self._does == "write":
            if not self._session.in_transaction():
                execute("BEGIN IMMEDIATE")
            execute("CREATE TABLE IF NOT EXISTS %s(x)" % _TABLE)
            execute("INSERT INTO %s VALUES (1)" % _TABLE)
        elif self._does == "roll-back" and self._session.in_transaction():
            execute("ROLLBACK")

    def end(self) -> Any:
        if self._session.in_transaction():
            self._session.execute("COMMIT")

    def look(self, sql: str) -> Any:
        try:
            return self._session.execute(sql)
        except Exception as error:
            if _NO_TABLE in str(error):
                return []
            raise

    def leave(self) -> Any:
        self._session.close()


class _Caller:
    """A function in the place of a user."""

    def __init__(self, run: Callable[[], None]) -> None:
        self.run = run


class _Inherited:
    """The case's own session in a child that was forked: it is open, and is not closed."""

    def __init__(self, session: Any) -> None:
        self.execute = session.execute
        self.in_transaction = session.in_transaction

    def open(self) -> None:
        """It is."""

    def close(self) -> None:
        """It is the case's."""


class _Line:
    """The way to a user: each call gives an answer, and none raises."""

    def call(self, name: str, *arguments: str) -> Answer:
        raise NotImplementedError

    def leave(self) -> None:
        self.call("leave")


class _Here(_Line):
    def __init__(self, user: Any) -> None:
        self._user = user

    def call(self, name: str, *arguments: str) -> Answer:
        return _answer(self._user, name, *arguments)


class _Thread(_Line):
    """A thread of the user's own, as a connection may belong to one."""

    def __init__(self, user: Any, driver: Any) -> None:
        self._user = user
        self._thread = AnotherThread(driver)

    def call(self, name: str, *arguments: str) -> Answer:
        answer: Answer = self._thread.run(lambda: _answer(self._user, name, *arguments))
        return answer

    def leave(self) -> None:
        self.call("leave")
        self._thread.end()


class _Process(_Line):
    """A child process; what it makes and removes is told to the observer here."""

    def __init__(self, user: Any, observer: Observer) -> None:
        self._observer = observer
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's, that a fork with threads may deadlock
            self._process = os.fork()
        if self._process == 0:
            try:
                for descriptor in (ours_in, ours_out):
                    os.close(descriptor)
                _serve(user, observer, theirs_in, theirs_out)
            finally:
                os._exit(0)
        for descriptor in (theirs_in, theirs_out):
            os.close(descriptor)
        self._in = os.fdopen(ours_in, "r", encoding="ascii")
        self._out = os.fdopen(ours_out, "w", encoding="ascii")

    def call(self, name: str, *arguments: str) -> Answer:
        try:
            self._out.write(json.dumps([name, *arguments]) + "\n")
            self._out.flush()
            answer: Answer = json.loads(self._in.readline())
        except (OSError, ValueError):
            return {"rows": None, "error": "the process has ended"}
        self._observer.note_apart(answer.pop("seen"))
        return answer

    def leave(self) -> None:
        self.call("leave")
        self.end()

    def end(self) -> None:
        """Kill the process, which closes nothing."""
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        self._in.close()
        with suppress(OSError):  # what was not sent is lost with the process
            self._out.close()


def _serve(user: Any, observer: Observer, requests: int, answers: int) -> None:
    """Answer until the requests end; the process that asks is the one that watches the files."""
    if IS_LINUX:
        process_control(PR_SET_PDEATHSIG, signal.SIGKILL)
    observer.begin_apart()
    with os.fdopen(requests, "r", encoding="ascii") as lines:
        for line in lines:
            answer = _answer(user, *json.loads(line))
            answer["seen"] = observer.take_apart()
            os.write(answers, (json.dumps(answer) + "\n").encode("ascii"))


def _answer(user: Any, name: str, *arguments: str) -> Answer:
    try:
        rows = getattr(user, name)(*arguments)
    except Exception as error:
        kind = type(error)
        called = "%s.%s" % (kind.__module__, kind.__qualname__)
        return {"rows": None, "error": "%s: %s" % (called.replace("builtins.", ""), error)}
    return {"rows": rows, "error": None}
