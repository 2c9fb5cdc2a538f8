"""What an environment contains, for experiments: a script that prints one JSON object.

Given a URL as its argument, it creates a SQLAlchemy engine for it and connects.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any, Dict, Optional


def look(url: Optional[str]) -> Dict[str, Any]:
    ours, other = _module("sqlite3"), _module("pysqlite3")
    facts = {
        "sqlite3": "none" if ours is None else ours.sqlite_version,
        "pysqlite3": "none" if other is None else other.sqlite_version,
        "same_module": "yes" if _connection(ours) is _connection(other) else "no",
        "engine": "none",
        "engine_error": "none",
    }
    if url is not None:
        facts.update(_connect(url))
    return facts


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name + ".dbapi2")
    except ImportError:
        return None


def _connection(module: Any) -> Any:
    """The class of its connections; for a missing module, an object that equals no other."""
    return object() if module is None else module.Connection


def _connect(url: str) -> Dict[str, str]:
    try:
        sqlalchemy = importlib.import_module("sqlalchemy")
        sqlalchemy.create_engine(url).connect().close()
    except Exception as error:
        return {"engine": "refused", "engine_error": "%s: %s" % (type(error).__name__, error)}
    return {"engine": "opened"}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(look(sys.argv[1] if len(sys.argv) > 1 else None)))
