"""A case as one writes it in Python, and the shape of it: all but the name of the database."""

from __future__ import annotations

import re
from collections.abc import Mapping

from matrix.model import Case, TargetType
from matrix.model.meaning import means_memory
from matrix.reports.grid import connect_options, display

URI_FLAGS = ("SQLITE_OPEN_READWRITE", "SQLITE_OPEN_CREATE", "SQLITE_OPEN_URI")
"""What `uri=True` means under apsw."""
UNDER_APSW = (
    "connect(…, uri=True) stands for sqlite3.connect and its like; apsw is asked the same with "
    f"apsw.Connection(…, flags={' | '.join(URI_FLAGS)})."
)
"""What a bare call is under apsw, which has neither `connect` nor `uri`."""

CALLS: Mapping[str | None, str] = {
    None: "connect",
    "sqlalchemy": "create_engine",
    "sqlalchemy-asyncio": "create_async_engine",
    "aiosqlite": "aiosqlite.connect",
}
"""What is called, bare and through each middleware that is one call away."""

_ODD = re.compile(
    r"[^A-Za-z0-9_:/?=&.]|\?(?!\w+=)|\.\./|/{5}|file:/{4}|file://(?!/|localhost/)[^?]"
)
_OBJECT = re.compile(r"\b(module|poolclass)='(\w+)'")
"""Options that are objects in Python, and named by their names in a case."""
_LEADS_IN = re.compile(r"(?:sqlite(?:\+\w+)?:/*)?(?:file:/*(?:localhost/+)?)?")
_PLACE = re.compile(r"(?<=file:)/+(?:localhost/+)?")
_NAMELESS = re.compile(r".*file:/*(?:localhost)?[./]*")
_HERE = "/path/to"


def as_call(case: Case) -> str:
    """A case as one writes it: `connect("file:db?mode=memory", uri=True)`."""
    options = _OBJECT.sub(r"\1=\2", connect_options(case.connect))
    target = display(case.target, case.target_type)
    if case.via not in CALLS:
        return f"{target}  {options}" if options else target
    quoted = target if case.target_type is not TargetType.STR else _quoted(target)
    return f"{CALLS[case.via]}({quoted}{', ' + options if options else ''})"


def as_advice(case: Case) -> str:
    """The same for a reader, who has a directory of his own."""
    return as_call(case).replace("{dir}", _HERE)


def _quoted(target: str) -> str:
    return target if target.startswith('"') else f'"{target}"'


def oddness(case: Case) -> tuple[bool, int, str]:
    """How far from what people write: a name that is none, then the length of the call."""
    nameless = _NAMELESS.fullmatch(case.target.partition("?")[0])
    call = as_call(case)
    return nameless is not None, len(call), call


def has_odd_name(case: Case) -> bool:
    """Whether its name is one that few would give: with odd characters, or in a directory."""
    target = case.target.replace("sqlite+aiosqlite:", "sqlite:").replace("{name}", "db")
    name = _name(target.partition("?")[0]).replace("{dir}/", "")
    schemed = ":" in name and not means_memory(target)
    return _ODD.search(_placed(target)) is not None or "/" in name or schemed


def form_of(case: Case) -> object:
    """What two cases have in common that differ in the name of the database only.

    Whether a switch is on (`uri`) is no part of it, nor the value of any other option.
    """
    body, mark, query = _placed(case.target).partition("?")
    name = _name(body)
    lead = body.removesuffix(name) if ":memory:" not in body.lower() else body
    # Sorted by their keys alone: of two parameters with one key the last counts.
    ordered = sorted(query.split("&"), key=lambda each: each.partition("=")[0])
    parameters = tuple(ordered) if mark else None
    options = tuple(sorted(case.connect.keys() - {"uri"}))
    return case.via, case.target_type, lead, name == "", parameters, options


def shape_of(case: Case) -> object:
    """All but the name of the database: the form, and every option with its value.

    A path to a directory that is there is not of one shape with a name in the root directory.
    """
    return form_of(case), connect_options(case.connect), "{dir}" in case.target


def words_of(case: Case) -> tuple[object, frozenset[str]]:
    """The kind of name that a case gives, and every parameter and option that it adds to that.

    Where the name lies makes no other kind: `file:x`, `file:/x` and `file://localhost/x` are one.
    """
    body, _, query = _placed(case.target).partition("?")
    name = _name(body)
    lead = body if ":memory:" in body.lower() else body.removesuffix(name)
    kind = case.via, case.target_type, _PLACE.sub("", lead), name == ""
    options = (f"{key}={value!r}" for key, value in case.connect.items())
    return kind, frozenset([*filter(None, query.split("&")), *options])


def _placed(target: str) -> str:
    return target.replace("{dir}", _HERE)


def _name(body: str) -> str:
    """What follows the scheme and the slashes of a target without its query."""
    lead = _LEADS_IN.match(body)
    return body if lead is None else body[lead.end() :]
