"""What may lie outside of a case's directory, and the ways in which a case may name it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

from matrix.model import Case
from matrix.runner.collect import observe
from matrix.runner.options import RunOptions
from matrix.stacks.provision import Provided
from tests.builders import make_case


def make_database(path: Path, mode: str = "delete") -> None:
    """A database, copied while it is open: with `wal` its log is beside it."""
    with _being_made(path) as connection:
        connection.execute(f"PRAGMA journal_mode={mode}")
        connection.execute("CREATE TABLE mine(x)")
        connection.execute("INSERT INTO mine VALUES ('precious')")


def make_crashed(path: Path) -> None:
    """A database whose process died in the middle of a transaction: its journal is hot."""
    with _being_made(path) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 'precious' AS x")
        connection.execute("PRAGMA cache_size=1")
        connection.execute("BEGIN")
        connection.execute("UPDATE mine SET x = 'lost'")
        connection.execute("CREATE TABLE big AS SELECT zeroblob(20000) AS x")


class _being_made:  # noqa: N801 -- reads as a statement
    """A connection to a new database, which is copied to its place before it is closed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._made = path.parent / "made"

    def __enter__(self) -> sqlite3.Connection:
        self._connection = sqlite3.connect(self._made, isolation_level=None)
        return self._connection

    def __exit__(self, *_: object) -> None:
        for suffix in ("", "-wal", "-journal"):
            made = self._made.with_name(self._made.name + suffix)
            if made.exists():
                shutil.copyfile(made, f"{self._path}{suffix}")
        self._connection.close()
        self._made.unlink()


def _database(path: Path) -> None:
    make_database(path)


def _wal(path: Path) -> None:
    make_database(path, "wal")


def _text(path: Path) -> None:
    path.write_text("a user's notes, which are no database\n" * 100)


def _with_mode(mode: int, *, of_directory: bool = False) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        make_database(path)
        (path.parent if of_directory else path).chmod(mode)

    return make


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(path.parent)  # the address of a socket has to be short
        listening.bind(path.name)
        os.chdir(here)


def _link(path: Path) -> None:
    (path.parent / "real").mkdir()
    make_database(path.parent / "real" / "real.db")
    path.symlink_to("real/real.db")


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere.db")


def _dangling_far(path: Path) -> None:
    path.symlink_to("nowhere/x.db")


def _linked_directory(path: Path) -> None:
    (path.parent.parent / "real").mkdir()
    make_database(path.parent.parent / "real" / path.name)
    path.parent.rmdir()
    path.parent.symlink_to("real")


def _hard(path: Path) -> None:
    make_database(path.with_name("other.db"))
    path.hardlink_to(path.with_name("other.db"))


def _not_there(path: Path) -> None:
    path.with_name("other").touch()


def _no_directory(path: Path) -> None:
    path.parent.rmdir()


def _below_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.touch()


def _left_log(path: Path) -> None:
    path.with_name(path.name + "-wal").write_text("left by a crash")


def _left_journal(path: Path) -> None:
    make_database(path)
    path.with_name(path.name + "-journal").write_text("left by a crash")


def _left_shared_memory(path: Path) -> None:
    _wal(path)
    path.with_name(path.name + "-shm").write_bytes(bytes(32768))


THERE: Mapping[str, tuple[str, Callable[[Path], Any]]] = {
    "database": ("home/x.db", _database),
    "empty": ("home/x.db", Path.touch),
    "text": ("home/x.db", _text),
    "log": ("home/x.db", _wal),
    "log alone": ("home/x.db", _left_log),
    "log and index": ("home/x.db", _left_shared_memory),
    "hot journal": ("home/x.db", make_crashed),
    "old journal": ("home/x.db", _left_journal),
    "read-only": ("home/x.db", _with_mode(0o444)),
    "unreadable": ("home/x.db", _with_mode(0)),
    "write-only": ("home/x.db", _with_mode(0o200)),
    "unsearchable directory": ("home/x.db", _with_mode(0o644, of_directory=True)),
    "socket": ("home/x.db", _socket),
    "read-only directory": ("home/x.db", _with_mode(0o555, of_directory=True)),
    "link": ("home/x.db", _link),
    "loop": ("home/x.db", _loop),
    "dangling link": ("home/x.db", _dangling),
    "link to nowhere": ("home/x.db", _dangling_far),
    "linked directory": ("home/x.db", _linked_directory),
    "hard link": ("home/x.db", _hard),
    "directory": ("home/x.db", Path.mkdir),
    "pipe": ("home/x.db", os.mkfifo),
    "nothing": ("home/x.db", _not_there),
    "no directory": ("home/x.db", _no_directory),
    "below a file": ("home/x.db", _below_a_file),
    "special characters": ("home/a b%20?c#d&e=f.db", _database),
    "no UTF-8": ("home/" + os.fsdecode(b"\xff\xfe.db"), _database),
}
"""What may be where a string leads: its name, and what makes it."""


def _uri(path: Path, query: str = "") -> str:
    return f"file:{quote_from_bytes(os.fsencode(path))}{query}"


def _by_uri(query: str) -> Callable[[Path], dict[str, Any]]:
    return lambda path: {"target": _uri(path, query), "connect": {"uri": True}}


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


NAMED: Mapping[str, Callable[[Path], dict[str, Any]]] = {
    "plain": lambda path: {"target": str(path)},
    "URI": _by_uri(""),
    "ro": _by_uri("?mode=ro"),
    "rw": _by_uri("?mode=rw"),
    "rwc": _by_uri("?mode=rwc"),
    "immutable": _by_uri("?immutable=1"),
    "attach": lambda path: {
        "target": "x.db",
        "sql": (f"ATTACH {_quoted(path)} AS a",),
        "write_to": "a",
    },
    "backup": lambda path: {"target": "x.db", "backup": str(path)},
    "second": lambda path: {"target": "x.db", "second": str(path)},
    "vacuum": lambda path: {"target": "x.db", "sql": (f"VACUUM INTO {_quoted(path)}",)},
    "WAL": lambda path: {"target": str(path), "sql": ("PRAGMA journal_mode=wal",)},
    "reading": lambda path: {"target": str(path), "sql": ("SELECT x FROM mine",), "write": False},
    "modeof": _by_uri("?mode=ro&modeof=/etc/hostname"),
    "through a link": lambda path: {
        "target": "link.db",
        "setup": ({"symlink": "link.db", "to": str(path)},),
    },
    "through a linked directory": lambda path: {
        "target": f"away/{path.name}",
        "setup": ({"symlink": "away", "to": str(path.parent)},),
    },
    "climbing": lambda path: {
        "target": f"../../../../../../../../../../{path.parent}/../{path.parent.name}/{path.name}"
    },
    "two at once": lambda path: {
        "target": "x.db",
        "sql": (
            f"ATTACH {_quoted(path)} AS a",
            "BEGIN",
            "CREATE TABLE t(x)",
            "CREATE TABLE a.t(x)",
            "COMMIT",
        ),
        "write_to": "a",
    },
    "emptied": lambda path: {
        "target": str(path),
        "sql": ("PRAGMA journal_mode=truncate", "DROP TABLE mine", "VACUUM"),
    },
    "again": lambda path: {"target": str(path), "reopen": True},
}
"""How a case may name it: its fields."""


Tree = tuple[Path, Case]


def trees(root: Path, part: int = 0, parts: int = 1) -> Iterator[Tree]:
    """Combinations: a directory below `root` with something in it, and a case that names it.

    Each of the `parts` has all that may be there, and all ways to name it, in other combinations.
    """
    for row, (there, (name, make)) in enumerate(THERE.items()):
        for column, (named, fields) in enumerate(NAMED.items()):
            if (row + column) % parts != part or (there, named) in WAITS_FOR_EVER:
                continue
            tree = root / f"{there}, {named}".replace(" ", "-")
            path = tree / name
            path.parent.mkdir(parents=True)
            make(path)
            yield tree, make_case(f"outside/{there}[{named}]", **fields(path))


WAITS_FOR_EVER = {("pipe", "ro"), ("pipe", "immutable"), ("pipe", "modeof")}
"""Who opens a pipe to read waits for one who writes."""


def state(directory: Path) -> dict[str, tuple[Any, ...]]:
    """All that a user may notice of a directory and of what is below it."""
    found = {str(directory): _noticed(directory)}
    if stat.S_ISDIR(directory.lstat().st_mode) and os.access(directory, os.R_OK | os.X_OK):
        for path in directory.iterdir():
            found.update(state(path))
    return found


def _noticed(path: Path) -> tuple[Any, ...]:
    status = path.lstat()
    content: Any = None
    if stat.S_ISLNK(status.st_mode):
        content = str(path.readlink())
    elif stat.S_ISREG(status.st_mode) and os.access(path, os.R_OK):
        content = path.read_bytes()
    return (
        content, status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns,
        status.st_ctime_ns, status.st_ino, status.st_nlink,
    )  # fmt: skip


def faults(provided: Provided, root: Path, options: RunOptions, part: int, parts: int) -> list[str]:
    """Where a rehearsal changes something, or shows something else than happens in place."""
    real = list(trees(root / "in-place", part, parts))
    rehearsed = list(trees(root / "rehearse", part, parts))  # a path of the same length
    before = [state(tree) for tree, _ in rehearsed]
    shown = _observed(provided, rehearsed, options)
    found = [
        f"{case.id} changed"
        for state_before, (tree, case) in zip(before, rehearsed, strict=True)
        if state(tree) != state_before
    ]
    happened = _observed(provided, real, replace(options, private_root=None, in_place=True))
    for name, facts in happened.items():
        found += [
            f"{name}: {field} is {fact!r} and not {shown[name][field]!r}"
            for field, fact in facts.items()
            if shown[name][field] != fact
        ]
    for tree, _ in [*real, *rehearsed]:
        if (tree / "home").is_dir():
            (tree / "home").chmod(0o755)  # so that it can be removed
    return found


def _observed(
    provided: Provided, trees: Sequence[Tree], options: RunOptions
) -> dict[str, dict[str, Any]]:
    """What was seen of each case, with a placeholder for its tree."""
    (stack,) = observe([(provided, [case for _, case in trees])], options=options).stacks
    assert stack.unavailable is None, stack.unavailable
    found = {}
    for tree, case in trees:
        seen = stack.observations[case.id]
        plain = json.dumps({**seen.behaviour(), "outside": seen.outside})
        found[case.id] = json.loads(plain.replace(str(tree.parent), "{tree}"))
    return found
