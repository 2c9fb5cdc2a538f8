r"""What a user means by the strings of a case, as pure functions of them.

SQLite reads a string letter by letter; people misspell it, write it as another tool has it, or as
their shell would take it. Here is decided which files the strings ask for, so that an observed
file can be told from one that nobody meant.

Three families of texts have one function each:

- `means_memory`: near misses of `:memory:` and of `mode=memory`, in SQLite's words and in those of
  other tools. Of the public repositories in an index of GitHub, more than 450 hold a file named
  `:memory`, 250 `:memory:`, 63 `memory:`, 26 `backend/:memory:`, 11 `sqlite::memory:`,
  9 `sqlite:/:memory:`, 4 `:MEMORY:`, 3 `::memory::` and `:mem:`.
  `./:memory:` is not one of them: so SQLite's documentation spells a file of this name
  (https://www.sqlite.org/inmemorydb.html).
- `system_of`: names that only Windows or a shell understands, `C:\x.db`, `~/x.db`, `$HOME/x.db`.
- `_inner`: what stands behind the scheme of a URL, `sqlite:///x.db`, `jdbc:sqlite:x.db`.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import Enum

from matrix.model.case import Case, TargetType
from matrix.model.plain import Json, to_plain
from matrix.model.sql import names_in_sql
from matrix.model.uri import FileUri, decode, parse_file_uri


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """The file names that strings mean, each as a path that may be relative, with `{dir}`.

    `asked`: those that they ask for. `meant`: further ones that the user may have meant although
    SQLite reads the string otherwise; such a file is not asked for where it is made, but where it
    is there already, the user may have wanted to read it. `foreign`: those that only another
    system understands; of these no file is asked for. `elsewhere`: all to which some reading leads
    outside the case's directory: where a file may appear, and may be there already.
    """

    asked: tuple[str, ...] = ()
    meant: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        return to_plain(self)


class System(Enum):
    """What understands names that SQLite takes letter by letter; the value follows *only*."""

    WINDOWS = "Windows"
    WINDOWS_SHELL = "a shell of Windows"
    SHELL = "a shell"


_ROOT = "/:dir:"
"""An absolute path in place of `{dir}`: what follows `//` is no authority then."""
_NAME = "name_5e1d8c40b7"
"""A word of SQL in place of `{name}`."""

_URL = re.compile(
    r"(?:jdbc:)?(?P<scheme>[a-z0-9_]+)(?:\+[a-z0-9_]+)?:"
    r"(?://[^/]*(?:/(?P<rest>.*))?|(?P<opaque>.*))",
    re.DOTALL | re.IGNORECASE,
)
_NO_HOST = ("", "localhost")
_SQLITE_SCHEMES = ("sqlite", "sqlite3")
_SCHEME = re.compile(r"\s*file:", re.IGNORECASE)
_PARAMETER = re.compile(
    r"\?(?:.*[&;])?\s*(?:mode|cache|vfs|immutable|nolock|psow|modeof"
    r"|uri|timeout|isolation_level|detect_types|check_same_thread|cached_statements)\s*=",
    re.DOTALL | re.IGNORECASE,
)
"""Parameters of SQLite's URIs, and options of Python's drivers that people write as such."""

_MODE = re.compile(r"(?<![\w.-])(mode|vfs)[\s=]*=([^&;?#]*)")
_MEMORY_MODE = re.compile(r"(?<![a-z])(?:in-?)?mem(?:ory|db)(?![\w.])")
_MEMORY_NAME = re.compile(r":(?:in-?)?mem(?:ory|db)?:|^:+memory:*$|^memory:+$")
_DIALECT = re.compile(r"(?:jdbc:)?sqlite3?:")

_FOREIGN = (
    (System.WINDOWS, re.compile(r"[a-z][:|][\\/]|\\\\", re.IGNORECASE)),
    (System.WINDOWS_SHELL, re.compile(r"%\w+%[\\/]")),
    (System.SHELL, re.compile(r"~[\w.-]*/|\$(?:\w+|\{\w+\})(?=[/?#]|$)")),
)


def meaning_of(case: Case, *, windows: bool = os.name == "nt") -> Meaning:
    """What the strings of a case mean on this system; the intent has no say in it.

    The strings are the targets, those of a backup and of rivals too, names in options that take
    one, and those in ATTACH and VACUUM INTO. One that starts with `file:` means the path of that
    URI, whether or not URIs are on, and so does one that bears parameters without it; one that
    means memory asks for no file.
    """
    found = [
        _read(inner, text, windows) for text, via in _texts(case) for inner in _inner(text, via)
    ]
    target = _filled(case.target)
    is_path = case.target_type is TargetType.PATH and _SCHEME.match(target)
    if is_path and not means_memory(target):  # a path object is a path, whatever it begins with
        found.append(Meaning(asked=(target,), elsewhere=(target,)))
    return _joined(found)


def means_memory(text: str) -> bool:
    """Whether who writes this text means a database in memory; the family is told above.

    Width and case of letters, escapes and blanks do not count. Of several modes the last one does,
    as in SQLite.
    """
    plain = unicodedata.normalize("NFKC", decode(decode(text))).casefold()
    if any(map(_MEMORY_MODE.search, dict(_MODE.findall(plain)).values())):
        return True
    name = re.split("[?#]", _without(_SCHEME, plain))[0].strip().rstrip("/")
    if name.startswith("./"):
        return False
    last = _without(_DIALECT, name).rpartition("/")[2]
    return _MEMORY_NAME.search(last.strip(" \t\r\n'\"")) is not None


def system_of(name: str) -> System | None:
    """What alone understands this name; None where SQLite does, too."""
    bare = _without(_SCHEME, name).lstrip("/")
    return next(
        (system for system, form in _FOREIGN if form.match(bare) or form.match(decode(bare))), None
    )


def _without(beginning: re.Pattern[str], text: str) -> str:
    found = beginning.match(text)
    return text[found.end() :] if found else text


def _texts(case: Case) -> Iterator[tuple[str, str | None]]:
    """The texts that name databases, with the middleware that takes them."""
    yield _filled(case.target), case.via
    if case.second is not None:
        yield _filled(case.second), case.via
    if case.backup is not None:
        yield _filled(case.backup), None
    for rival in case.rivals:
        if rival["target"] is not None:
            yield _filled(rival["target"]), None
    for name in _names_in_options(case.connect):
        yield _filled(name), None
    for name in names_in_sql(tuple(map(_filled, case.sql))):
        yield name, None


def _names_in_options(options: Mapping[str, Json]) -> Iterator[str]:
    """Names that stand in options: `database`, `target` of a creator, Django's `NAME`."""
    for key, value in options.items():
        if isinstance(value, Mapping):
            yield from _names_in_options(value)
        elif isinstance(value, str) and key in ("database", "target", "NAME"):
            yield value


def _inner(text: str, via: str | None) -> list[str]:
    """What a URL leads to: decoded, as SQLAlchemy 2.1 takes it, and not; else the text itself."""
    url = _URL.fullmatch(text)
    scheme = "file" if url is None else url["scheme"].lower()
    if url is None or scheme == "file" or (via is None and scheme not in _SQLITE_SCHEMES):
        return [text]
    if url["opaque"] is not None:
        return [text] if via is not None else [url["opaque"]]
    rest = url["rest"] or ""
    uri = rest.lstrip("/")
    if _SCHEME.match(uri):
        return [uri]
    database = rest.partition("?")[0]
    return [database, decode(database)]


def _read(inner: str, whole: str, windows: bool) -> Meaning:
    """What one text means; `whole` is the URL that it stands in, or the text itself."""
    scheme = _SCHEME.match(inner)
    rest = _without(_SCHEME, inner)
    uri = parse_file_uri(f"file:{rest}") if scheme or _PARAMETER.search(inner) else None
    path = inner if uri is None else uri.path
    readings = [name for name in _readings(rest, uri) if name != inner] if uri is not None else []
    named = (inner, path, *readings)
    if means_memory(inner) or means_memory(whole) or _is_nameless(uri):
        return Meaning(elsewhere=named)
    system = system_of(inner)
    if system is System.WINDOWS and windows:
        drive = path.lstrip("/")  # as SQLite's VFS for Windows takes `/C:/x.db`
        return Meaning(asked=(drive,), elsewhere=(drive, *named))
    if system is not None:
        return Meaning(foreign=(inner,), elsewhere=named)
    return Meaning(asked=(path,), meant=tuple(readings), elsewhere=named)


def _is_nameless(uri: FileUri | None) -> bool:
    """Whether a URI that SQLite would open names no file."""
    return uri is not None and uri.authority in _NO_HOST and uri.in_memory


def _readings(rest: str, uri: FileUri) -> Iterator[str]:
    """The paths that a URI could mean to somebody who half knows SQLite's rules.

    The path as it stands, not decoded, with what SQLite cuts off at `?` or `#`; decoded as in a
    form, with `+` for a space; with the authority as its first directory.
    """
    path = rest
    if rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        path = slash + path
        host = re.split("[?#]", authority)[0]
        if host not in _NO_HOST:
            below = uri.path if host == authority else ""
            yield from (decode(host) + below, f"/{decode(host)}{below}")
    raw = re.split("[?#]", path)[0]
    yield from (raw, decode(raw.replace("+", " ")))
    yield from (path.partition("?")[0], path.rpartition("?")[0], path)


def _filled(text: str) -> str:
    return text.replace("{dir}", _ROOT).replace("{name}", _NAME)


def _joined(meanings: Iterable[Meaning]) -> Meaning:
    """All of them in one, with the placeholders back; what is asked for is not meant besides."""
    together: dict[str, dict[str, None]] = {each.name: {} for each in fields(Meaning)}
    for meaning in meanings:
        for kind, names in together.items():
            shown = (
                name.replace(_ROOT, "{dir}").replace(_NAME, "{name}")
                for name in getattr(meaning, kind)
            )
            names.update(dict.fromkeys(filter(None, shown)))
    for name in together["asked"]:
        together["meant"].pop(name, None)
    together["elsewhere"] = dict.fromkeys(filter(_may_lead_out, together["elsewhere"]))
    return Meaning(**{kind: tuple(names) for kind, names in together.items()})


def _may_lead_out(name: str) -> bool:
    """Whether a path may lie outside the case's directory, which it is relative to."""
    return name.startswith(("/", "\\")) or name[1:2] == ":" or ".." in name
