"""What a stack is: facts that are read, and where it matters tested, inside it."""

from __future__ import annotations

import os
import platform
import re
import sys
from importlib import metadata
from typing import Any, Dict, Optional

from .observe import Observer
from .permissions import is_root
from .places import Places


def take_fingerprint(
    driver: Any, middleware: Any, hello: Dict[str, Any], observer: Observer, places: Places
) -> Dict[str, Any]:
    """The facts of this stack; `places` is a directory, like a case's, to test things in."""
    connection = driver.connect(":memory:", {})
    version, source = driver.execute(connection, "SELECT sqlite_version(), sqlite_source_id()")[0]
    options = driver.execute(connection, "PRAGMA compile_options")
    driver.close(connection)
    named = hello["middleware"]
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": "%s-%s" % (sys.platform, platform.machine()),
        "driver": driver.name,
        "driver_version": _version(driver, hello["distribution"]),
        "distribution": hello["distribution"],
        "sqlite": version,
        "source_id": source,
        "compile_options": sorted(str(row[0]) for row in options),
        "uri_setting": hello["uri"],
        "uri_default": _takes_uris(driver, places),
        "shared_cache": _shares_cache(driver),
        "temp_files": _makes_temporary_files(driver, observer),
        "middleware": None if named is None else named["name"],
        "middleware_version": None if middleware is None else middleware.version(),
        "shim": None if middleware is None else driver.shim,
        "observer": observer.name,
        "user": "root" if is_root() else "other",
    }


def _version(driver: Any, distribution: Optional[str]) -> str:
    """The version of the distribution, which is what people pin, or else the driver's own."""
    if distribution is None:
        return str(driver.version)
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:  # Python 3.9 and older need the exact spelling
        return metadata.version(re.sub("[-_.]+", "_", distribution))


def _takes_uris(driver: Any, places: Places) -> bool:
    """Whether a `file:` name is a URI by default; if it is, no file appears."""
    connection = driver.connect("file:uri-default?mode=memory", {})
    driver.close(connection)
    return not os.listdir(places.dir)


def _shares_cache(driver: Any) -> bool:
    """Whether two connections to one name with `cache=shared` see one database."""
    target = "file:shared-cache?mode=memory&cache=shared"
    first = driver.connect(target, {"uri": True})
    second = driver.connect(target, {"uri": True})
    try:
        driver.execute(first, "CREATE TABLE seen(x)")
        return bool(driver.execute(second, "SELECT count(*) FROM sqlite_master")[0][0])
    finally:
        driver.close(second)
        driver.close(first)


def _makes_temporary_files(driver: Any, observer: Observer) -> bool:
    """Whether a temporary database that outgrows its cache goes to a file."""
    connection = driver.connect("", {})
    before = len(observer.held())
    try:
        driver.execute(connection, "PRAGMA cache_size=10")
        driver.execute(connection, "BEGIN")
        driver.execute(connection, "CREATE TABLE spilled(x)")
        driver.execute(connection, "INSERT INTO spilled VALUES (zeroblob(1000000))")
        return len(observer.held()) > before
    finally:
        driver.close(connection)
