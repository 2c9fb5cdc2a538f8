"""SQLite's own shell: the installed command `sqlite3`.

A connection is a process, `sqlite3 -batch <target>`, which reads statements and prints rows. It
runs `.databases` first, because the shell opens its database only when a command needs it.
Two connections are two processes, so they can share files but never memory.

The shell can do more than SQLite: run programs, and read and write any file. Its switch `-safe`
would prevent that, but ATTACH, VACUUM INTO and `.backup`, too, which are measured. So the driver
lets through no commands of the shell, no options in place of names, and no statement with the name
of a function of the shell's own; and the kernel lets the shell start no program. `-init` keeps it
from reading the user's `.sqliterc`, which it looks for in the home directory of the password
database, not in $HOME.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sqlite3
import subprocess
from contextlib import suppress
from typing import Any, Dict, List, Optional, Tuple

from ..limits import note_child
from ..linux import IS_LINUX
from ..plugins import Unavailable
from ..seccomp import forbid_processes
from . import Rows

_COMMAND = "sqlite3"
_COLUMN, _ROW = "\x1f", "\x1e"
_LEAVE_SECONDS = 5.0
_DOT_COMMAND = re.compile(r"^\s*\.", re.MULTILINE)
"""`.shell` and its like would run programs; the driver's own lines go past this."""
_OF_THE_SHELL = re.compile(
    r"\b(edit|fsdir|fts3_tokenizer|load_extension|lsmode|readfile|sha3_query|shell_\w+"
    r"|trusted_schema|writable_schema|writefile|zipfile(?:_cds)?)\b",
    re.IGNORECASE,
)
"""Functions and tables that the shell adds, and the PRAGMAs with which a schema could name them.

`sha3_query` runs its argument as SQL, in which a name could be hidden.
"""
_SWITCHED_OFF = ("load_extension", "fts3_tokenizer", "trusted_schema")
_SWITCHES_SINCE = (3, 31)


class ShellError(Exception):
    """What the shell wrote to standard error."""


class Shell:
    """One process of the shell, its prompt ready."""

    def __init__(self, path: str, *arguments: Any) -> None:
        self.end = "(end %s)" % secrets.token_hex(16)
        self._process = subprocess.Popen(
            [_COMMAND, "-batch", "-init", os.devnull, *arguments],
            executable=path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            preexec_fn=forbid_processes if IS_LINUX else None,  # noqa: PLW1509 -- no threads here
        )
        try:
            self.ask(".databases")
            self.ask(".mode ascii")
        except ShellError:
            self.close()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, line: str) -> str:
        """What the shell prints for a line; raises ShellError if it writes to standard error."""
        streams = self._process.stdin, self._process.stdout, self._process.stderr
        writer, reader, errors = (stream.fileno() for stream in streams if stream is not None)
        end = (self.end + "\n").encode()
        with suppress(BrokenPipeError):  # it has exited; standard error says why
            os.write(writer, os.fsencode("%s\n.print %s\n" % (line, self.end)))
        answer = b""
        while not answer.endswith(end):
            piece = os.read(reader, 1 << 16)
            if not piece:
                break
            answer += piece
        os.set_blocking(errors, not answer.endswith(end))  # a shell that exits closes both
        complaint = _read_all(errors)
        if complaint or not answer.endswith(end):
            note_child(self._process, 0 if answer.endswith(end) else _LEAVE_SECONDS)
            raise ShellError(os.fsdecode(complaint).strip() or "the shell has ended")
        return os.fsdecode(answer[: -len(end)])

    def close(self) -> None:
        """End the shell by closing its input."""
        process = self._process
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


class Driver:
    """The shell on the path; its options are `readonly` and `vfs`, and URIs are always on."""

    shim: Optional[str] = None

    def __init__(self, library: Optional[str]) -> None:
        if library is not None:
            raise Unavailable("the shell brings its own SQLite")
        found = shutil.which(_COMMAND)
        if found is None:
            raise Unavailable("there is no command %s on the PATH" % _COMMAND)
        self._path = found
        self._shells: List[Shell] = []
        said = subprocess.run([found, "-version"], stdout=subprocess.PIPE, check=False)
        self.version = said.stdout.decode().partition(" ")[0]
        self._switches: List[str] = []
        if tuple(map(int, re.findall(r"\d+", self.version)[:2])) >= _SWITCHES_SINCE:
            for name in _SWITCHED_OFF:
                self._switches += ["-cmd", ".dbconfig %s off" % name]

    def force_uri(self, on: bool) -> None:
        if not on:
            raise Unavailable("the shell always has URIs on")

    def system_calls(self) -> Any:
        raise Unavailable("the shell runs in another process")

    def processes(self) -> List[int]:
        return [shell.pid for shell in self._shells]

    def record(self, recorder: Any) -> None:
        """Open every connection through `self._open`."""
        original = self._open

        def open_(*args: Any, **kwargs: Any) -> Any:
            return recorder.opening(original, args, kwargs)

        self._open = open_  # type: ignore[method-assign]  # as the tool's user would see it

    def _open(self, target: Any, **options: Any) -> Shell:
        arguments = []
        for name, value in options.items():
            if (name, value) == ("readonly", True):
                arguments.append("-readonly")
            elif name == "vfs":
                arguments += ["-vfs", _name(value)]
            elif (name, value) != ("uri", True):
                raise TypeError("the shell has no option for %s=%r" % (name, value))
        shell = Shell(self._path, *arguments, *self._switches, _name(target))
        self._shells.append(shell)
        return shell

    def connect(self, target: Any, options: Dict[str, Any]) -> Any:
        """Start a shell; `uri: true` needs no option, because URIs are always on."""
        return self._open(target, **options)

    def execute(self, connection: Any, sql: str) -> Rows:
        """Run a statement; an incomplete one would swallow everything that follows."""
        if _DOT_COMMAND.search(sql):
            raise ShellError("a line that begins with a dot is a command of the shell, not SQL")
        named = _OF_THE_SHELL.search(sql)
        if named:
            raise ShellError("%s reaches beyond SQLite; the tool does not run it" % named[0])
        line = sql + "\n;"
        if not sqlite3.complete_statement(line):
            raise ShellError("incomplete input")
        answer = connection.ask(line)
        return [_row(line) for line in answer.split(_ROW) if line]

    def database_list(self, connection: Any) -> Rows:
        return self.execute(connection, "PRAGMA database_list")

    def in_transaction(self, connection: Any) -> bool:
        """Whether BEGIN fails; if it succeeds it has read nothing, and is rolled back."""
        try:
            self.execute(connection, "BEGIN")
        except ShellError:
            return True
        self.execute(connection, "ROLLBACK")
        return False

    def close(self, connection: Any) -> None:
        if connection in self._shells:
            self._shells.remove(connection)
            connection.close()

    def backup(self, connection: Any, target: Any, _options: Dict[str, Any]) -> None:
        """`.backup`, whose target the shell opens in its own way."""
        quoted = _name(target).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        connection.ask('.backup main "%s"' % quoted)

    def dbapi(self, _name: Optional[str]) -> Any:
        raise Unavailable("the shell is not a Python module")


def _name(given: Any) -> Any:
    """A name as it is; raises Unavailable for one that the shell would take for an option."""
    if os.fspath(given)[:1] in ("-", b"-"):
        raise Unavailable("the shell would read %r as an option, not as a name" % (given,))
    return given


def _read_all(descriptor: int) -> bytes:
    """Read to the end, or, if the descriptor does not block, what is available now."""
    found = b""
    while True:
        try:
            piece = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return found
        if not piece:
            return found
        found += piece


def _row(line: str) -> Tuple[Any, ...]:
    return tuple(int(v) if re.fullmatch("-?[0-9]+", v) else v for v in line.split(_COLUMN))
