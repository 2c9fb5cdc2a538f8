"""Options that name an object of Python: each takes a name from a closed list.

A scenario may be a stranger's. A module is imported, and an attribute is looked up, only under
these names; importing any other module could run it.
"""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Mapping, Tuple

from .plugins import Unavailable

NAMES: Mapping[str, Tuple[str, ...]] = {
    "module": (
        "sqlite3",
        "sqlite3.dbapi2",
        "pysqlite3",
        "pysqlite3.dbapi2",
        "sqlean",
        "sqlean.dbapi2",
        "apsw",
        "apsw_dbapi",
    ),
    "poolclass": (
        "AssertionPool",
        "AsyncAdaptedQueuePool",
        "FallbackAsyncAdaptedQueuePool",
        "NullPool",
        "QueuePool",
        "SingletonThreadPool",
        "StaticPool",
    ),
    "ENGINE": ("django.db.backends.sqlite3",),
}
"""For each such option of `connect` the names that it takes."""


def named_options(connect: Mapping[str, Any]) -> Iterator[Tuple[str, Any]]:
    """The options of `connect` that name something, with what they are given."""
    return ((key, value) for key, value in connect.items() if key in NAMES and value is not None)


def checked(option: str, name: Any, own: Iterable[str] = ()) -> str:
    """The name, if it is on the option's list or among `own`; else raises Unavailable."""
    known = dict.fromkeys((*NAMES[option], *own))
    if not isinstance(name, str) or name not in known:
        listed = ", ".join(known)
        raise Unavailable("%s=%r is not imported; known: %s" % (option, name, listed))
    return name
