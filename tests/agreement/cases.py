"""Random cells: strings from a grammar, options, what is there before, and who else is at work.

The same seed and number always give the same cell. Whatever a string names lies in the case's
directory or beside it, however it is read: an absolute path begins with `{dir}`, except for that
of a named database in memory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from urllib.parse import quote

from matrix.model import Case, Json
from matrix.scenarios.jsonl import parse_cases

STACKS = (
    "sqlite3",
    "sqlite3[uri=off]",
    "pysqlite3",
    "apsw",
    "apsw[uri=on]",
    "sqlite3[sqlalchemy]",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A case, and the stack that it is for.

    `names`: the files that its strings ask for, None where that is a matter of opinion.
    """

    stack: str
    case: Case
    names: tuple[str, ...] | None


def random_cells(seed: int, count: int) -> Iterator[Cell]:
    for number in range(count):
        stack = STACKS[number % len(STACKS)]
        yield _Maker(Random(f"{seed}/{number}"), stack).cell(f"agreement/{seed}-{number:05}")


@dataclass(slots=True)
class _Name:
    """The file that a case is about, as a name in the file system."""

    text: str

    @property
    def directory(self) -> str | None:
        """The directory to be made for it, if it is in one."""
        plain = self.text.removeprefix("{dir}/").removeprefix("./")
        head = plain.rpartition("/")[0]
        return head if head and ".." not in head else None

    @property
    def inside(self) -> str | None:
        """What a set-up calls it; None where it may not touch it."""
        plain = self.text.removeprefix("{dir}/").removeprefix("./")
        outside = plain.startswith("..") or "data/.." in plain
        return None if outside or "\\" in plain or "\udcff" in plain else plain


_NAMES = (
    "x.db", "x.db", "x.db", "x.db", "y", "X.DB", "a b.db", "é.db", "a+b.db", "a&b.db", "a=b.db",
    "100%.db", "100%41.db", "x#y.db", "x?y.db", "x?mode=memory", "a'b.db", 'a"b.db', "-x.db",
    "data/x.db", "data/x.db", "data/deep/x.db", "./x.db", "{dir}/x.db", "{dir}/x.db",
    "../x.db", "{dir}/../x.db", "data/../x.db", "file:x.db", "file:x.db?mode=memory",
    "file:data/x.db", "link.db", "link.db", "{name}", "n" * 60, "\udcffx.db", "C:\\x.db",
    "~/x.db", "$HOME/x.db",
)  # fmt: skip

_ODD = (
    "", "", ":memory:", ":memory:", ":MEMORY:", ":memory", "::memory::", " :memory:", ":memory: ",
    ":memory:?cache=shared", "memory:", "file::memory:", "file::memory:?cache=shared",
    "file:%3Amemory%3A", "file::memory", "file:./:memory:", "sqlite:///x.db", "sqlite://",
    "sqlite::memory:", "jdbc:sqlite::memory:", "test_:memory:", "FILE:x.db", "File:x?mode=memory",
    " file:x.db", "file :x.db", "file", "file:", "file://", "file:///", "file:?", "file:#x",
    "file:?mode=memory", "file:?cache=shared", "file:?mode=ro", "file:///?mode=ro", "file://x.db",
    "file://localhost", "file://host{dir}/x.db", "file:?vfs=memdb", "file:/?vfs=memdb",
    " ", ".", "..", "./", "data", "data/", "x.db/", "x.db/y", "{dir}", "{dir}/", "x\0y", "\ud800x",
    "?mode=memory", "x.db?", "x.db#", "x.db?mode=ro&uri=true", "mode=memory", "a" * 300,
)  # fmt: skip
"""Strings that mean no file, or of which people do not agree what they mean."""

_MEMORY = (
    "file:{name}?mode=memory&cache=shared",
    "file:{name}?cache=shared&mode=memory",
    "file:{name}?mode=memory",
    "file:/{name}?vfs=memdb",
    "file:{name}?vfs=memdb",
    "file:/{name}?vfs=memdb&cache=shared",
    "file::memory:?cache=shared",
    "file:{dir}/{name}?mode=memory&cache=shared",
)

_PARAMETERS: dict[str, Sequence[str]] = {
    "mode": ("ro", "ro", "rw", "rwc", "rwc", "memory", "memory", "Memory", "r", "", "mem%6Fry"),
    "cache": ("shared", "shared", "shared", "private", "Shared", "", "none"),
    "vfs": ("unix", "unix-none", "unix-dotfile", "unix-excl", "memdb", "nosuch", "", "un%69x"),
    "immutable": ("1", "1", "0", "true", "yes", ""),
    "nolock": ("1", "0", "true"),
    "psow": ("0", "1", "x"),
}
_PLAIN_PARAMETERS = (
    "x=1", "timeout=5", "uri=true", "mode", "", "=ro", "Mode=memory", "amp;mode=memory", "a b=c",
    "%6Dode=memory", "cache=shared%00", "vfs", "modeof=x.db",
)  # fmt: skip
_AUTHORITIES = ("//", "//", "//localhost", "//LOCALHOST", "//host", "//localhost:80", "///")

_MODES = ("0444", "0444", "0000", "0200", "0644", "0666", "0600")
_DIRECTORY_MODES = ("0555", "0555", "0333", "0000", "0755", "0777")

_STATEMENTS = (
    "CREATE TABLE t(x)",
    "CREATE TABLE IF NOT EXISTS t(x)",
    "CREATE TEMP TABLE tt(x)",
    "INSERT INTO t VALUES (1)",
    "SELECT count(*) FROM t",
    "SELECT count(*) FROM sqlite_master",
    "BEGIN",
    "BEGIN IMMEDIATE",
    "BEGIN EXCLUSIVE",
    "COMMIT",
    "SELEKT 1",
    "VACUUM",
    "PRAGMA journal_mode=wal",
    "PRAGMA journal_mode=wal",
    "PRAGMA journal_mode=truncate",
    "PRAGMA journal_mode=persist",
    "PRAGMA journal_mode=memory",
    "PRAGMA journal_mode=off",
    "PRAGMA locking_mode=exclusive",
    "PRAGMA temp_store=memory",
    "PRAGMA page_size=1024",
    "PRAGMA user_version=7",
    "PRAGMA query_only=1",
    "PRAGMA synchronous=off",
    "PRAGMA read_uncommitted=1",
    "PRAGMA auto_vacuum=1",
    "PRAGMA mmap_size=1000000",
    "PRAGMA cache_spill=0",
)
_FILLED: Sequence[Sequence[str]] = (
    [],
    ["CREATE TABLE t(x)"],
    ["CREATE TABLE t(x)"],
    ["CREATE TABLE t(x)", "INSERT INTO t VALUES (1)"],
    ["PRAGMA journal_mode=wal", "CREATE TABLE t(x)"],
    ["PRAGMA journal_mode=wal", "CREATE TABLE t(x)"],
    ["PRAGMA page_size=1024", "CREATE TABLE t(x)"],
    ["CREATE TABLE t(x)", "INSERT INTO t SELECT zeroblob(300000)", "DROP TABLE t"],
)


@dataclass(slots=True)
class _Maker:
    """Makes one cell. `_names` collects what its strings ask for; None once that is unclear."""

    chance: Random
    stack: str
    _names: list[str] | None = field(default_factory=list)
    _about: _Name = field(default_factory=lambda: _Name("x.db"))

    def cell(self, name: str) -> Cell:
        plain = {"id": name, **self._case()}
        (case,) = parse_cases([json.dumps(plain).encode()], name)
        names = None if self._names is None else tuple(dict.fromkeys(self._names))
        return Cell(stack=self.stack, case=case, names=names)

    @property
    def _is_apsw(self) -> bool:
        return self.stack.startswith("apsw")

    @property
    def _via(self) -> str | None:
        return "sqlalchemy" if "sqlalchemy" in self.stack else None

    def _perhaps(self, probability: float) -> bool:
        return self.chance.random() < probability

    def _case(self) -> dict[str, Json]:
        self._about = _Name(self.chance.choice(_NAMES))
        target = self._url() if self._via else self._target()
        case: dict[str, Json] = {
            "target": target,
            "via": self._via,
            "connect": self._engine_options() if self._via else self._options(),
            "setup": self._setup(),
            "sql": self._sql(),
            "write": self._perhaps(0.88),
            "rivals": [self._rival() for _ in range(self.chance.choice((0, 0, 1, 1, 1, 2, 2, 3)))],
            "reopen": self._perhaps(0.15),
        }
        if any(sql.startswith("ATTACH") for sql in case["sql"]) and self._perhaps(0.5):
            case["write_to"] = "other"
        elif self._perhaps(0.05):
            case["write_to"] = self.chance.choice(("temp", "MAIN", "nosuch"))
        if self._perhaps(0.1) and not self._via:
            case["second"] = self._target()
        if self._perhaps(0.2) and not self._via:
            case["second_in_thread"] = True
        if not self._via:
            case["target_type"] = self._type(target)
            case["permissions"] = self._permissions(case["setup"])
        case["before"] = self._before(case["setup"])
        return case

    # Strings

    def _target(self) -> str:
        """A string for the bare driver."""
        kind = self.chance.random()
        if kind < 0.2:
            self._names = None
            return self.chance.choice(_ODD)
        if kind < 0.35:
            return self.chance.choice(_MEMORY)
        return self._plain() if kind < 0.5 else self._uri()

    def _plain(self) -> str:
        """The name itself; what it asks for is clear unless it looks like more."""
        text = self._about.text
        if text.startswith(("file:", "~", "$", "C:")) or "?" in text or "%" in text:
            self._names = None
        self._ask(text)
        return text

    def _ask(self, name: str) -> None:
        if self._names is not None:
            self._names.append(name)

    def _uri(self) -> str:
        name = self._about.text
        path = self._escaped(name)
        authority = ""
        if path.startswith("{dir}") and self._perhaps(0.6):
            authority = self.chance.choice(_AUTHORITIES)
        elif self._perhaps(0.03):
            authority, path = self.chance.choice((("//", ""), ("//localhost", "")))
            self._names = None
        if authority not in ("", "//", "//localhost"):
            self._names = None
        parameters = self._parameters()
        if any(p not in _SAFE_PARAMETERS for p in parameters):
            self._names = None
        if "mode=memory" not in parameters and "vfs=memdb" not in parameters:
            self._ask(name)
        elif parameters[-1] not in ("mode=memory", "vfs=memdb"):
            self._names = None  # the last mode counts
        query = "?" + "&".join(parameters) if parameters or self._perhaps(0.05) else ""
        end = self.chance.choice(("#", "#x?mode=memory", "%00y")) if self._perhaps(0.05) else ""
        if end:
            self._names = None
        return f"file:{authority}{path}{query}{end}"

    def _escaped(self, name: str) -> str:
        """The path of a URI, with what must be escaped, and sometimes more, sometimes less."""
        if self._perhaps(0.06):
            if quote(name, safe="/{}:", errors="surrogateescape") != name:
                self._names = None
            return name
        head = "{dir}/" if name.startswith("{dir}/") else ""
        rest = name.removeprefix(head)
        escaped = "".join(
            sign if sign in "{}" or not self._perhaps(0.04) else f"%{ord(sign):02x}"
            for sign in rest
        ) if rest.isascii() and "%" not in quote(rest, safe="/{}:") else quote(
            rest, safe="/{}:+&='", errors="surrogateescape"
        )  # fmt: skip
        return head + escaped

    def _parameters(self) -> list[str]:
        """Some parameters, in any order, with repeats."""
        count = self.chance.choice((0, 0, 1, 1, 1, 2, 2, 3, 4))
        found = []
        for _ in range(count):
            if self._perhaps(0.12):
                found.append(self.chance.choice(_PLAIN_PARAMETERS))
                continue
            key = self.chance.choice(("mode", "mode", "cache", "cache", *_PARAMETERS))
            found.append(f"{key}={self.chance.choice(_PARAMETERS[key])}")
        return found

    def _type(self, target: str) -> str:
        if self._perhaps(0.9) or "\ud800" in target:
            return "str"
        if target.startswith("file:/"):
            return "bytes"  # as a path it would lose a slash, and lead to the root
        self._names = None
        return self.chance.choice(("bytes", "path"))

    def _url(self) -> str:
        """A URL of SQLAlchemy. `_names` stays unclear: the layers read it in their own ways."""
        self._names = None
        driver = self.chance.choice(("sqlite", "sqlite", "sqlite", "sqlite+pysqlite"))
        kind = self.chance.random()
        if kind < 0.15:
            return driver + self.chance.choice(("://", ":///", ":///:memory:", "://?cache=shared"))
        if kind < 0.35:
            text = self.chance.choice(_MEMORY) + "&uri=true"
        elif kind < 0.45:
            text = self.chance.choice(
                ("file::memory:?uri=true", "file:?uri=true", "file:?cache=shared&uri=true",
                 ":memory:?uri=true", "file::memory:?cache=shared&uri=true",
                 "file:x.db", "file:{name}?mode=memory", "{dir}", "x.db?mode=ro")
            )  # fmt: skip
        elif kind < 0.7:
            text = self._about.text + self.chance.choice(("", "", "", "?timeout=0"))
        else:
            uri = self._uri()
            text = uri + ("&" if "?" in uri else "?") + "uri=true"
        return f"{driver}:///{text}"

    # Options

    def _options(self) -> dict[str, Json]:
        if self._is_apsw:
            return self._flags()
        options: dict[str, Json] = {}
        if self._perhaps(0.6):
            options["uri"] = self._perhaps(0.85)
        if self._perhaps(0.9):
            options["timeout"] = 0
        if self._perhaps(0.2):
            options["isolation_level"] = self.chance.choice((None, "IMMEDIATE", "DEFERRED"))
        if self._perhaps(0.1):
            options["check_same_thread"] = False
        return options

    def _flags(self) -> dict[str, Json]:
        if self._perhaps(0.7):
            return {"uri": True} if self._perhaps(0.65) else {}
        names = self.chance.choice(
            ("READWRITE CREATE", "READWRITE CREATE URI", "READONLY", "READONLY URI", "READWRITE",
             "READWRITE URI", "READWRITE CREATE URI MEMORY", "READWRITE CREATE URI SHAREDCACHE",
             "READWRITE CREATE URI PRIVATECACHE", "READWRITE CREATE NOFOLLOW",
             "READWRITE CREATE MEMORY", "READONLY URI MEMORY", "URI", "CREATE URI")
        )  # fmt: skip
        options: dict[str, Json] = {"flags": names.split()}
        if self._perhaps(0.2):
            options["vfs"] = self.chance.choice(("unix", "unix-none", "memdb", "nosuch"))
        return options

    def _engine_options(self) -> dict[str, Json]:
        options: dict[str, Json] = {"connect_args": {"timeout": 0}}
        if self._perhaps(0.1):
            options["connect_args"]["check_same_thread"] = False
        if self._perhaps(0.35):
            pools = ("StaticPool", "NullPool", "QueuePool", "SingletonThreadPool")
            options["poolclass"] = self.chance.choice(pools)
            if options["poolclass"] == "StaticPool" and self._perhaps(0.7):
                options["connect_args"]["check_same_thread"] = False
        return options

    # What is there

    def _setup(self) -> list[Json]:
        steps: list[Json] = []
        name = self._about.inside
        directory = self._about.directory
        if directory is not None and self._perhaps(0.8):
            steps.append({"mkdir": directory})
        elif self._perhaps(0.05):
            steps.append({"mkdir": self.chance.choice(("data", "file:", "localhost"))})
        missing = directory is not None and {"mkdir": directory} not in steps
        if name == "link.db":
            steps.append({"symlink": "link.db", "to": self._link_target()})
            name = "x.db"
        if name is None or missing or self._perhaps(0.45) or "{name}" in name:
            return steps
        kind = self.chance.random()
        if kind < 0.8:
            keep = self._perhaps(0.25)
            filled = self.chance.choice(_FILLED)
            steps.append({"db": name, "sql": filled, "keep_wal": keep})
        elif kind < 0.9:
            steps.append({"empty": name})
        else:
            steps.append({"file": name, "text": "no database\n" * 50})
        return steps

    def _link_target(self) -> str:
        return self.chance.choice(("x.db", "x.db", "missing.db", "../x.db", "link.db", "data"))

    def _made(self, setup: Sequence[Json]) -> str | None:
        """The database that the set-up makes."""
        return next((step["db"] for step in setup if "db" in step), None)

    def _before(self, setup: Sequence[Json]) -> list[Json]:
        made = self._made(setup)
        if made is None or self._perhaps(0.8):
            return []
        sql = self.chance.choice(([], ["PRAGMA journal_mode=wal"], ["PRAGMA journal_mode=persist"]))
        return [{"killed": made, "sql": sql}]

    def _permissions(self, setup: Sequence[Json]) -> dict[str, Json]:
        if self._perhaps(0.88) or os.geteuid() != 0:
            return {}  # only root can look into what nobody may
        found: dict[str, Json] = {}
        made = self._made(setup)
        if made is not None and self._perhaps(0.7):
            owner = "another" if self._perhaps(0.3) else None
            found[made] = {"mode": self.chance.choice(_MODES), "owner": owner}
        if not found or self._perhaps(0.3):
            owner = "another" if self._perhaps(0.15) else None
            found["."] = {"mode": self.chance.choice(_DIRECTORY_MODES), "owner": owner}
        return found

    # What is done

    def _sql(self) -> list[str]:
        statements = ["PRAGMA busy_timeout=0"]
        for _ in range(self.chance.choice((0, 0, 0, 0, 1, 1, 1, 2))):
            if self._perhaps(0.25):
                statements.append(self._naming_statement())
            else:
                statements.append(self.chance.choice(_STATEMENTS))
        return statements

    def _naming_statement(self) -> str:
        name, asked = self.chance.choice(
            (("y.db", "y.db"), ("x.db", "x.db"), ("{dir}/y.db", "{dir}/y.db"), (":memory:", None),
             ("", None), ("file:y.db?mode=memory", None), ("../y.db", "../y.db"),
             ("file:y.db", "y.db"), ("file:x.db?cache=shared", "x.db"), ("no/y.db", "no/y.db"),
             ("file:/{name}?vfs=memdb", None), ("file:y%20y.db?mode=rwc", "y y.db"))
        )  # fmt: skip
        if asked is not None:
            self._ask(asked)
        if self._perhaps(0.25):
            return f"VACUUM INTO '{name}'"
        return f"ATTACH '{name}' AS other"

    def _rival(self) -> Json:
        chance = self.chance
        wheres = ["same", "thread", "process"]
        when = chance.choice(("before", "before", "during", "after"))
        if when != "before":
            wheres += ["engine", "engine", "engine", "fork"] if self._via else ["fork"]
        where = chance.choice(wheres)
        rival: dict[str, Json] = {"where": where, "when": when, "does": chance.choice(_DOES)}
        if where in ("engine", "fork"):
            return rival
        if self._via or self._perhaps(0.35):
            rival["target"] = self._rival_target()
            if self._via or self._perhaps(0.5):
                rival["connect"] = {"uri": True} if self._perhaps(0.7) else {}
        return rival

    def _rival_target(self) -> str:
        names, target = None if self._names is None else list(self._names), ""
        while not target:
            kind = self.chance.random()
            if kind < 0.4:
                target = self._about.text
            elif kind < 0.6:
                target = f"file:{self._escaped(self._about.text)}?cache=shared"
            elif kind < 0.8:
                target = self.chance.choice(_MEMORY)
            else:
                target = self._uri()
        self._names = names  # a rival's string is not the user's
        return target


_DOES = ("open", "open", "read", "write", "write", "roll-back")
_SAFE_PARAMETERS = frozenset(
    ["mode=ro", "mode=rw", "mode=rwc", "mode=memory", "cache=shared", "cache=private", "vfs=unix",
     "vfs=unix-none", "vfs=unix-excl", "vfs=unix-dotfile", "vfs=memdb", "immutable=1",
     "immutable=0", "nolock=1", "nolock=0", "psow=0", "psow=1", "x=1"]
)  # fmt: skip
"""Parameters whose meaning nobody disputes."""
