"""What is there before a case begins."""

from __future__ import annotations

import os
import shutil
from typing import Any, Dict, List

from .paths import real_path, without_links_above
from .places import Places


def set_up(driver: Any, steps: List[Dict[str, Any]], places: Places) -> None:
    """Perform the steps; the key says which: db, empty, file, mkdir or symlink."""
    for step in places.fill(steps):
        if "db" in step:
            _make_database(driver, step, places)
        elif "empty" in step:
            open(inside(step["empty"], places), "xb").close()
        elif "file" in step:
            with open(inside(step["file"], places), "x", encoding="utf-8") as file:
                file.write(step["text"])
        elif "mkdir" in step:
            os.makedirs(inside(step["mkdir"], places))
        elif "symlink" in step:
            os.symlink(step["to"], inside(step["symlink"], places))
        else:
            raise ValueError("no such set-up: " + ", ".join(sorted(step)))


def _make_database(driver: Any, step: Dict[str, Any], places: Places) -> None:
    """Make it aside, under an absolute plain name, which no URI rule touches, and move it in.

    With `keep_wal` it is copied while it is open: the last close would remove its log.
    """
    workshop = os.path.join(places.around, "setup")
    os.mkdir(workshop)
    made = os.path.join(workshop, "made.db")
    connection = driver.connect(made, dict(getattr(driver, "autocommit", {})))
    try:
        for sql in step.get("sql", ()):
            driver.execute(connection, sql)
        if driver.in_transaction(connection):
            driver.execute(connection, "COMMIT")
        if step.get("keep_wal"):
            _copy(made, step["db"], places)
    finally:
        driver.close(connection)
    if not step.get("keep_wal"):
        _copy(made, step["db"], places)
    shutil.rmtree(workshop)


def inside(name: str, places: Places) -> str:
    """The path that a set-up may change; ValueError where a link leads out of the directory."""
    path = os.path.normpath(os.path.join(places.dir, name))
    real = without_links_above(path)
    home = real_path(places.dir) + os.sep
    if not (real + os.sep).startswith(home) or os.path.islink(path):
        raise ValueError("the set-up leads out of the case's directory: " + places.show_path(path))
    return path


def _copy(made: str, name: str, places: Places) -> None:
    for suffix in ("", "-wal"):
        if os.path.exists(made + suffix):
            shutil.copyfile(made + suffix, inside(name + suffix, places))
