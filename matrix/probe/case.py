"""Run one case stage by stage, and make its observation."""

from __future__ import annotations

import math
import os
import pathlib
import re
import warnings
from contextlib import suppress
from typing import Any, Callable, Dict, Iterator, List, Optional, Set

from .middleware import BareSession, in_another_thread
from .observe import Appeared, Observer
from .outside import Outside
from .permissions import as_its_user, reset_permissions, set_permissions
from .places import Places
from .plugins import Unavailable
from .recorder import Recorder, to_json
from .rivals import Rivals, kill_writer
from .setup import inside, set_up

_ROWS = 512
_ROW_BYTES = 4000
_WRITTEN = _ROWS * _ROW_BYTES
_SPILLED = _WRITTEN // 2
TABLE = "matrix_written_5e1d8c40b7"
"""The probe's own table; no user's statement uses this name."""
_INSERT_ROWS = (
    "INSERT INTO %%s WITH RECURSIVE n(i) AS "
    "(SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT %d) SELECT zeroblob(%d) FROM n"
) % (_ROWS, _ROW_BYTES)
INSERT = _INSERT_ROWS % ("%s." + TABLE)
LOOK = "SELECT count(*), total_changes() FROM " + TABLE
"""The number of rows, and how many of them this connection has written itself."""


class CaseRun:
    """The state of one case while it runs; `perform()` returns the observation as JSON.

    `middleware` is the module that the case goes through, or None for the bare driver.
    """

    def __init__(
        self,
        driver: Any,
        middleware: Any,
        recorder: Recorder,
        observer: Observer,
        outside: Outside,
    ) -> None:
        self._driver = driver
        self._session_type = BareSession if middleware is None else middleware.Session
        self._recorder = recorder
        self._observer = observer
        self._outside = outside
        self._session: Any = None

    def perform(self, case: Dict[str, Any], places: Places) -> Dict[str, Any]:
        """Run the case in its directory, which exists and is the current directory.

        What it made is still there, until `leave`.
        """
        self._case = case
        self._places = places
        self._error: Optional[Dict[str, Optional[str]]] = None
        self._not_opened = "refused"
        self._found: Dict[str, str] = {}
        self._reused: List[str] = []
        self._journal_mode: Optional[str] = None
        self._pool: Optional[str] = None
        self._databases: Optional[Dict[str, str]] = {}
        self._opened_files: Set[str] = set()
        self._unlisted: Optional[str] = ""
        self._main: Optional[str] = None
        self._session = None
        self._list: Optional[Callable[[], Any]] = None
        self._recorder.begin()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.simplefilter("ignore", ResourceWarning)
            result = self._stages()
        observation = self._observation(result)
        if self._outside.refusal is not None:
            way_out = "; --in-place does it for real"
            self.give_up(observation, "rehearsal", self._outside.refusal + way_out)
        observation["warnings"] = _unique(
            places.show("%s: %s" % (w.category.__name__, w.message)) for w in caught
        )
        self._observer.end()
        return observation

    def _stages(self) -> str:
        case, observer = self._case, self._observer
        self._rivals = Rivals(self._driver, observer, case, self._places, LOOK)
        self._outside.begin_set_up(_strings([case[name] for name in _NAMING]))
        ready = self._outside.refusal is None and self._attempt("setup", self._set_up)
        refusal = self._outside.refusal
        self._asked = self._paths("asked")
        self._meant = self._asked | self._paths("meant")
        observer.begin(self._places, self._meant | self._paths("elsewhere"))
        self._there = self._existing()
        if refusal is not None:
            self._outside.refuse(refusal)
        if not ready or refusal is not None:
            self._rivals.leave()
            return "unavailable"
        with as_its_user(case["permissions"], self._places):
            return self._use()

    def _use(self) -> str:
        """What the user does, from the open to the end."""
        case, observer = self._case, self._observer
        written = False
        opened = self._attempt("open", self._open)
        self._pool = None if self._session is None else self._session.pool
        if opened:
            self._list = self._database_list(self._session)
            self._databases = self._database_files()
            usable = not case["sql"] or self._attempt("sql", self._run_sql)
            written = case["write"] and usable and self._attempt("write", self._write)
            if not written:
                self._storage = self._storage_unwritten(case["write_to"] if usable else "main")
            if usable and case["backup"] is not None:
                self._attempt("backup", self._back_up)
            if written:
                self._attempt("second_connection", self._look_beside)
            if self._rivals:
                self._attempt("rivals", lambda: self._meet_rivals(written))
        self._attempt("close", self._close)
        self._rivals.leave()
        if written and case["reopen"]:
            self._attempt("reopen", self._reopen)
        observer.enter("exit")
        self._recorder.close_thread()
        self._session = self._list = None
        observer.look()
        return "opened" if opened else self._not_opened

    def _attempt(self, stage: str, action: Callable[[], None]) -> bool:
        """Run a stage, then look at the files; the first exception is the case's error."""
        self._observer.enter(stage)
        try:
            action()
        except Exception as error:
            if self._error is None:
                self._error = self._describe(stage, error)
            if isinstance(error, Unavailable):
                self._not_opened = "unavailable"
            return False
        finally:
            if stage != "setup":
                self._observer.look()
        return True

    def _describe(self, stage: str, error: Exception) -> Dict[str, Optional[str]]:
        kind = type(error)
        name = "%s.%s" % (kind.__module__, kind.__qualname__)
        message = self._places.show(str(error))
        return {
            "phase": stage,
            "type": name.replace("builtins.", ""),
            "message": message,
            "statement": self._statement if stage == "sql" else None,
        }

    def _set_up(self) -> None:
        case, places = self._case, self._places
        texts = _strings([case[name] for name in _NAMING])
        if any(_BEYOND in text.lower() for text in texts):
            raise Unavailable("%s() takes an address in memory, and is not run" % _BEYOND)
        set_up(self._driver, case["setup"], places)
        for step in places.fill(case["before"]):
            path = inside(step["killed"], places)
            kill_writer(self._driver, self._observer, path, step["sql"], _INSERT_ROWS)
        set_permissions(case["permissions"], places)
        with as_its_user(case["permissions"], places):
            self._rivals.come("before")
        self._recorder.begin()

    def _open(self) -> None:
        options = self._places.fill(self._case["connect"])
        self._session = self._session_type(self._driver, self._target(), options)
        if self._rivals.share_engine:
            self._session.shared = True
        before = self._observer.held()
        self._session.open()
        self._main = self._opened_since(before)

    def _opened_since(self, before: Dict[int, Any]) -> Optional[str]:
        """The first file that was opened, empty for none; None if it may be one of `before`."""
        opened = [held for fd, held in self._observer.held().items() if fd not in before]
        named = [os.fsdecode(held.path) for held in opened if not held.anonymous]
        return named[0] if named else None if before else ""

    def _target(self) -> Any:
        text = self._places.fill(self._case["target"])
        kind = self._case["target_type"]
        if kind == "bytes":
            return os.fsencode(text)
        return pathlib.Path(text) if kind == "path" else text

    def _run_sql(self) -> None:
        for sql in self._case["sql"]:
            self._statement = sql
            self._session.execute(self._places.fill(sql))
            self._databases = self._database_files()

    def _write(self) -> None:
        """Write about 2 MB through a small cache, so that data that can spill to disk does.

        What is free in a file without a name is written full before, so that the file grows.
        """
        schema = '"%s"' % self._case["write_to"].replace('"', '""')
        execute = self._session.execute
        before = self._observer.held()
        execute("PRAGMA %s.cache_size=10" % schema)
        if not self._session.in_transaction():
            execute("BEGIN")
        execute("CREATE TABLE %s.%s(x)" % (schema, TABLE))
        for _ in range(1 + math.ceil(self._freed(schema) / _WRITTEN)):
            execute(INSERT % schema)
        self._storage = self._storage_of(self._case["write_to"], before)
        self._rivals.come("during", self._session)
        execute("COMMIT")
        self._journal_mode = str(execute("PRAGMA %s.journal_mode" % schema)[0][0])

    def _meet_rivals(self, written: bool) -> None:
        """Let the rivals look for what was written, and those come who come after that."""
        self._rivals.look(written)
        if written:
            self._rivals.come("after", self._session)

    def _back_up(self) -> None:
        if not hasattr(self._session, "backup"):
            raise NotImplementedError("no backup is known for this middleware")
        self._session.backup(self._places.fill(self._case["backup"]))

    def _look_beside(self) -> None:
        look = self._session.look if self._case["second"] is None else self._look_from
        if self._case["second_in_thread"]:
            self._look("second_connection", lambda sql: self._in_thread(lambda: look(sql)))
        else:
            self._look("second_connection", look)

    def _in_thread(self, action: Callable[[], Any]) -> Any:
        return in_another_thread(self._driver, action)

    def _look(self, stage: str, look: Callable[[str], Any]) -> None:
        """Look for the written rows; a connection that wrote them itself is the first one again."""
        try:
            rows = look(LOOK)
        except Exception as error:
            if "no such table" in str(error):
                self._found[stage] = "does_not_see"
                return
            self._found[stage] = "refused"
            raise
        self._found[stage] = "sees"
        there, written_here = rows[0]
        if 0 < there <= written_here:
            self._reused.append(stage)

    def _look_from(self, sql: str) -> Any:
        """Look through the case's second target: another connection, or another engine."""
        options = self._places.fill(self._case["connect"])
        target = self._places.fill(self._case["second"])
        session = self._session_type(self._driver, target, options)
        session.open()
        try:
            self._note_files(self._database_list(session))
            return session.execute(sql)
        finally:
            session.close()

    def _close(self) -> None:
        """Close as a user would; connections that stay open may be used again by the reopening."""
        try:
            self._session.close()
        finally:
            if not self._case["reopen"]:
                self._recorder.close_thread()

    def _reopen(self) -> None:
        if hasattr(self._session, "reopen"):
            self._look("reopen", self._session.reopen)

    def _database_list(self, session: Any) -> Optional[Callable[[], Any]]:
        """The call that lists SQLite's databases; None if a middleware bypassed the driver."""
        if hasattr(session, "database_list"):
            listing: Callable[[], Any] = session.database_list
            return listing
        latest = self._recorder.latest
        return None if latest is None else lambda: self._driver.database_list(latest)

    def _database_files(self) -> Optional[Dict[str, str]]:
        """The file name that SQLite reports for each schema of the first connection."""
        return self._note_files(self._list)

    def _note_files(self, listing: Optional[Callable[[], Any]]) -> Optional[Dict[str, str]]:
        """The file name that SQLite reports for each schema; those held open are kept in mind.

        None where they are not known: a rival has a schema locked, or the driver cannot give the
        name. The PRAGMA reads nothing from the disk;
        `SELECT … FROM pragma_database_list` would. Up to SQLite 3.40.1 it names files for memdb,
        too, which are none.
        """
        if listing is None:
            return {}
        held = [os.fsdecode(h.path) for h in self._observer.held().values()]
        try:
            files = {name.lower(): file or "" for _, name, file in listing()}
        except UnicodeDecodeError:  # no driver but apsw has this, which can open such a file
            self._unlisted = None
            if self._main is None:
                return None
            files = {"main": self._main}
        except Exception:
            return None
        self._opened_files.update(set(files.values()).intersection(held))
        return files

    def _storage_of(self, schema: str, before: Dict[int, Any]) -> str:
        """Where a schema's data is, judging by the descriptors that SQLite holds open.

        Its file, if that is open; otherwise an unnamed file that grew by the size of the write.
        """
        if self._list is None or self._databases is None:
            return "none"
        held = self._observer.held()
        file = self._databases.get(schema.lower(), self._unlisted)
        if file and any(os.fsdecode(h.path) == file and not h.anonymous for h in held.values()):
            return "file"
        for descriptor, now in held.items():
            size = before[descriptor].size if descriptor in before else 0
            if now.anonymous and now.size - size > _SPILLED:
                return "temporary"
        return "none" if file is None else "memory"

    def _storage_unwritten(self, schema: str) -> str:
        """The same if nothing was written, when an unnamed file may belong to temporary tables.

        It belongs to the schema if the schema's content is at least as large as the file.
        """
        found = self._storage_of(schema, {})
        if found != "temporary":
            return found
        try:
            content = self._pages("page_count", '"%s"' % schema)
        except Exception:
            return found
        unnamed = [h.size for h in self._observer.held().values() if h.anonymous]
        return found if any(_SPILLED < size <= content for size in unnamed) else "memory"

    def _freed(self, schema: str) -> int:
        """Bytes that a database without a name can store before its file grows."""
        named = (self._databases or {}).get(self._case["write_to"].lower())
        return 0 if named else self._pages("freelist_count", schema)

    def _pages(self, pragma: str, schema: str) -> int:
        counts = [
            self._session.execute("PRAGMA %s.%s" % (schema, p)) for p in (pragma, "page_size")
        ]
        return int(counts[0][0][0]) * int(counts[1][0][0])

    def _observation(self, result: str) -> Dict[str, Any]:
        observer, places = self._observer, self._places
        passed = self._recorder.passed
        main = (self._databases or {}).get("main")
        changed = {"modified": observer.modified(), "removed": observer.removed()}
        return {
            "case": self._case["id"],
            "result": result,
            "error": self._error,
            "storage": self._storage if result == "opened" else "none",
            "created": self._created(),
            "there": self._there_before(),
            "unasked": self._unasked(changed["modified"]),
            "foreign": self._case["foreign"],
            "tried": sorted(places.show_path(path) for path in observer.attempted()),
            "conflicts": sorted(observer.conflicts()),
            **{what: sorted(map(places.show_path, paths)) for what, paths in changed.items()},
            "outside": self._outside_paths([path for paths in changed.values() for path in paths]),
            "second_connection": self._found.get("second_connection"),
            "reopened": self._found.get("reopen"),
            "reused": self._reused,
            "rivals": self._rivals.found(),
            "passed": None if passed is None else to_json(passed, places),
            "opened": None if main is None else places.show_path(main),
            "journal_mode": self._journal_mode,
            "pool": self._pool,
            "observer": observer.name,
            "transients_complete": observer.transients_complete,
        }

    def give_up(self, observation: Dict[str, Any], phase: str, reason: str) -> None:
        """Leave in an observation only why the case could not be performed to its end."""
        message = self._places.show(reason)
        error = {"phase": phase, "type": "unavailable", "message": message, "statement": None}
        observation.update(_UNSEEN, error=error)

    def _created(self) -> List[Dict[str, Any]]:
        created = self._observer.created()
        if not created:
            return []
        databases = {path for path in (self._databases or {}).values() if path}
        entries: Dict[str, Dict[str, Any]] = {}
        for appeared in created:
            path = self._places.show_path(appeared.path)
            place = self._outside.where(appeared.path)
            kept = os.path.lexists(place)
            sized = kept and not os.path.isdir(place)  # depends on the file system
            entries.setdefault(
                path,
                {
                    "path": path,
                    "kind": kind_of(appeared, place, databases),
                    "stage": appeared.stage,
                    "kept": kept,
                    "asked": appeared.path in self._asked,
                    "size": os.lstat(place).st_size if sized else None,
                },
            )
        return [entries[path] for path in sorted(entries)]

    def _existing(self) -> Set[str]:
        """The files that the strings mean and that are there; a link to nothing is none."""
        given = self._observer.given()
        return {path for path in given if path in self._meant and os.path.isfile(path)}

    def _there_before(self) -> List[str]:
        """Those, and what was found outside when the case was about to change it."""
        found = self._there.union(path for path in self._outside.given if path in self._meant)
        return sorted(map(self._places.show_path, found))

    def _unasked(self, modified: List[str]) -> List[str]:
        """The existing databases that the strings do not ask for, and that were opened.

        Those that SQLite listed, and those that changed: a backup's is closed when it is done.
        """
        where, given = self._outside.where, self._observer.given()
        written = [path for path in modified if _holds_database(where(path))]
        opened = (self._opened_files & set(given)).union(written)
        return sorted(map(self._places.show_path, opened - self._asked))

    def _paths(self, kind: str) -> Set[str]:
        """The paths of these names, which the user's strings mean in some way."""
        names = list(self._case[kind])
        base = getattr(self._session_type, "directory", "")
        names += [os.path.join(base, name) for name in names if base]
        return set(self._places.resolve(names))

    def leave(self) -> Optional[str]:
        """Take back what the case made outside; why that was not possible, if so."""
        reset_permissions(self._case["permissions"], self._places)
        if self._outside.in_place:
            self._drop_table()
        created = [appeared.path for appeared in self._observer.created()]
        outside = [path for path in created if self._places.is_outside(path)]
        return self._outside.leave(outside)

    def _drop_table(self) -> None:
        """Drop the probe's table from the user's own databases, which keep everything else."""
        for path in (self._databases or {}).values():
            if path in self._outside.given:
                with suppress(Exception):
                    self._driver.execute(self._connect_plainly(path), "DROP TABLE " + TABLE)
        self._recorder.close_thread()

    def _connect_plainly(self, path: str) -> Any:
        return self._driver.connect(path, dict(getattr(self._driver, "autocommit", {})))

    def _outside_paths(self, changed: List[str]) -> List[str]:
        """The paths outside that the case would change on the machine, or has changed in place.

        `changed`: what was there before, and was modified or removed.
        """
        places = self._places
        changed = [*changed, *(appeared.path for appeared in self._observer.created())]
        found = {places.show_path(path) for path in changed if places.is_outside(path)}
        return sorted(path for path in found if not path.startswith("{"))


_LISTS = (
    "created",
    "there",
    "unasked",
    "tried",
    "conflicts",
    "modified",
    "removed",
    "outside",
    "reused",
    "rivals",
)
_FACTS = ("second_connection", "reopened", "passed", "opened", "journal_mode", "pool")
_UNSEEN: Dict[str, Any] = {
    "result": "unavailable",
    "storage": "none",
    **{name: [] for name in _LISTS},
    **dict.fromkeys(_FACTS),
}
"""What is said of a case that was not performed to its end."""


_BEYOND = "fts3_tokenizer"
"""A function of SQL that calls what an address leads to, so that it could run any code."""
_NAMING = ("target", "second", "backup", "connect", "sql", "setup", "before", "rivals")
"""The fields of a case that may name files."""


def _strings(value: Any) -> Iterator[str]:
    """Every string of a case that may name a file."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def kind_of(appeared: Appeared, place: str, databases: Any) -> str:
    """What a path is: a database if SQLite lists it as one, otherwise judged by its name.

    `place` is where it is found.
    """
    path = appeared.path
    if path in databases or _holds_database(place):
        return "database"
    if appeared.what == "unnamed":
        return "temporary"
    for pattern, kind in _KINDS:
        if pattern.search(os.path.basename(path)):
            return kind
    return "database" if appeared.what == "create" or _is_empty(place) else "other"


_KINDS = (
    (re.compile(r"^etilqs_"), "temporary"),
    (re.compile(r"-journal$|-mj[0-9A-Fa-f]{9}$"), "journal"),
    (re.compile(r"-wal$"), "wal"),
    (re.compile(r"-shm$"), "shm"),
    (re.compile(r"\.lock$"), "lock"),
)


def _holds_database(path: str) -> bool:
    """Whether a file exists and has the header of a database; journals and logs do not."""
    if not (os.path.isfile(path) and os.access(path, os.R_OK)):
        return False
    with open(path, "rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def _is_empty(path: str) -> bool:
    return os.path.isfile(path) and os.path.getsize(path) == 0


def _unique(texts: Any) -> List[str]:
    return list(dict.fromkeys(texts))
