"""SQLite's rules for `file:` URIs, as pure functions.

They say how SQLite takes a name apart where URIs are on. They never stand in for an observation.

Source: https://www.sqlite.org/uri.html, and `sqlite3ParseUri` in SQLite's src/main.c.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FileUri:
    """A `file:` URI, taken apart: decoded path and parameters, in order, repeats included.

    `authority` is as it stands, and any but an empty one and `localhost` is an error to SQLite.
    """

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

    The authority ends at the next slash, whatever stands in it. Then `#` ends everything, `%HH` is
    decoded and `+` is not, `%00` ends a component, and a parameter without a name is none.
    """
    if not text.startswith("file:"):
        return None
    rest = text[len("file:") :].partition("\0")[0]
    authority = ""
    if rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
    path, _, query = rest.partition("#")[0].partition("?")
    parameters = (
        (decode(name), decode(value))
        for name, _, value in (item.partition("=") for item in query.split("&"))
    )
    return FileUri(
        authority=authority,
        path=decode(path),
        parameters=tuple((name, value) for name, value in parameters if name),
    )


def decode(component: str) -> str:
    """Decode `%HH` as SQLite does: up to the first NUL; a `%` without two digits drops nothing."""
    raw = _bytes(component)
    return unquote_to_bytes(raw).partition(b"\0")[0].decode("utf-8", "surrogateescape")


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
