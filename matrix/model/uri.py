"""SQLite's rules for connection strings, as pure functions.

They say what a string *means*, so that an observed file can be told from one that was asked for.
They never stand in for an observation.

Source: https://www.sqlite.org/uri.html, and `sqlite3ParseUri` in SQLite's src/main.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from matrix.model.case import Case, TargetType
from matrix.model.plain import Json

_ROOT = "/:dir:"
_SQLALCHEMY_URL = re.compile(r"[a-z0-9_]+(?:\+[a-z0-9_]+)?://[^/]*(?:/(?P<rest>.*))?", re.DOTALL)
_NAMES_IN_SQL = re.compile(
    r"\b(?:ATTACH(?:\s+DATABASE)?|VACUUM(?:\s+\w+)?\s+INTO)"
    r"\s*(?:'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\")",
    re.IGNORECASE,
)
_PARAMETERS = re.compile(r"[^?]*\?(?:.*&)?(?:mode|cache|vfs|uri|immutable|nolock|psow)=", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileUri:
    """A `file:` URI, taken apart: decoded path and parameters, in order, repeats included."""

    authority: str
    path: str
    parameters: tuple[tuple[str, str], ...]

    def last(self, name: str) -> str | None:
        """The value that counts where a parameter stands more than once: the last one."""
        values = [value for key, value in self.parameters if key == name]
        return values[-1] if values else None

    @property
    def in_memory(self) -> bool:
        """Whether the URI, read as a URI, names no file."""
        return (
            self.path in ("", ":memory:")
            or self.last("mode") == "memory"
            or self.last("vfs") == "memdb"
        )


def parse_file_uri(text: str) -> FileUri | None:
    """Take a name apart as SQLite does when URIs are on; None if it is not a `file:` URI.

    `%HH` is decoded and `+` is not; `%00` ends a component; `#` ends everything.
    """
    if not text.startswith("file:"):
        return None
    rest = text[len("file:") :].partition("#")[0]
    authority = ""
    if rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
    path, _, query = rest.partition("?")
    parameters = tuple(
        (_decode(name), _decode(value))
        for name, _, value in (item.partition("=") for item in query.split("&") if item)
    )
    return FileUri(authority=authority, path=_decode(path), parameters=parameters)


def asked_names(case: Case) -> tuple[str, ...]:
    """The file names that the user's strings mean; the intent has no say in it.

    The strings are the targets, that of a backup too, names in options that take one, and those in
    ATTACH and VACUUM INTO. One that starts with `file:` means the path of that URI, whether or not
    URIs are on, and so does one that bears SQLite's parameters without it; one that means memory
    asks for no file.
    """
    targets = [case.target] if case.second is None else [case.target, case.second]
    names = [name for text in targets for name in _target_names(_rooted(text), case.via)]
    names += [] if case.backup is None else [_rooted(case.backup)]
    names += [_rooted(name) for name in _names_in_options(case.connect)]
    names += [name for sql in case.sql for name in _names_in_sql(_rooted(sql))]
    found = [name for text in names for name in _file_names(text)]
    if case.target_type is TargetType.PATH:
        found.append(_rooted(case.target))  # a path object is a path, whatever it begins with
    return tuple(dict.fromkeys(name.replace(_ROOT, "{dir}") for name in found))


def _names_in_options(options: Mapping[str, Json]) -> Iterator[str]:
    """Names that stand in options: `database`, `target` of a creator, Django's `NAME`."""
    for key, value in options.items():
        if isinstance(value, Mapping):
            yield from _names_in_options(value)
        elif isinstance(value, str) and key in ("database", "target", "NAME"):
            yield value


def _rooted(text: str) -> str:
    """The text with an absolute path for `{dir}`: what follows `//` is no authority then."""
    return text.replace("{dir}", _ROOT)


def _target_names(target: str, via: str | None) -> list[str]:
    if via is None:
        return [target]
    url = _SQLALCHEMY_URL.fullmatch(target)
    if url is None:
        return [target]
    rest = url["rest"] or ""
    uri = rest.lstrip("/")
    if uri.startswith("file:"):
        return [uri]
    database = rest.partition("?")[0]
    return [database, _decode(database)]


def _names_in_sql(sql: str) -> list[str]:
    return [
        single.replace("''", "'") or double.replace('""', '"')
        for single, double in _NAMES_IN_SQL.findall(sql)
    ]


def _file_names(text: str) -> list[str]:
    if not text or text.lower().startswith(":memory:"):
        return []
    bare = not text.startswith("file:") and _PARAMETERS.match(text)
    uri = parse_file_uri(f"file:{text}" if bare else text)
    if uri is None:
        return [text]
    return [] if uri.in_memory or uri.path.startswith(":memory:") else [uri.path]


def _bytes(text: str) -> bytes:
    """The bytes of a text; a surrogate that stands for no byte is kept as if it were a character.

    Python could not hand such a text to SQLite, but it can stand in a case.
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b"".join(
            sign.encode(
                "utf-8", "surrogateescape" if "\udc80" <= sign <= "\udcff" else "surrogatepass"
            )
            for sign in text
        )


def _decode(component: str) -> str:
    """Decode `%HH` as SQLite does: up to the first NUL; a `%` without two digits drops nothing."""
    raw = _bytes(component)
    return unquote_to_bytes(raw).partition(b"\0")[0].decode("utf-8", "surrogateescape")
