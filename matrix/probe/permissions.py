"""Files that not everybody may use, and a case that runs as a user who is not root.

Root may read and write every file, so permissions show only to others. Where the probe runs as
root, a case with permissions runs as `nobody`, to whom its directory is given.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Any, Dict, Iterator

from .places import Places
from .plugins import Unavailable
from .setup import inside

Permissions = Dict[str, Dict[str, Any]]
"""By path in the case's directory: `mode`, such as `0444`, or None; `owner`, `another` or None."""

_NOBODY = 65534
"""The user and the group `nobody` of Linux, who own no file."""
_FORBIDDEN = "another owner is possible only where the probe runs as root"


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def set_permissions(permissions: Permissions, places: Places) -> None:
    """Give the case's directory to its user, then each path its mode and its owner."""
    if not permissions:
        return
    if not hasattr(os, "setresuid"):
        raise Unavailable("permissions can be set on Linux only")
    if is_root():
        places.open_to_all()
        for path in (places.tmp, *_below(places.around)):
            os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)
    for name, wanted in permissions.items():
        path = inside(name, places)
        if wanted["owner"] == "another":
            if not is_root():
                raise Unavailable("another owner is possible only where the probe runs as root")
            os.chown(path, 0, 0)
        if wanted["mode"] is not None:
            os.chmod(path, int(wanted["mode"], 8))


@contextmanager
def as_its_user(permissions: Permissions, places: Places) -> Iterator[None]:
    """Be `nobody` for a while instead of root, if the case sets permissions.

    Raises Unavailable where nobody cannot reach the case's directory. The saved user stays root:
    this shows what permissions do, and does not confine anybody.
    """
    if not permissions or not is_root():
        yield
        return
    groups = os.getgroups()
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, 0)
    os.setresuid(_NOBODY, _NOBODY, 0)
    try:
        if not os.access(places.around, os.X_OK):
            raise Unavailable("permissions need a private root where the probe runs as root")
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
        os.setgroups(groups)


def reset_permissions(permissions: Permissions, places: Places) -> None:
    """Make everything removable again."""
    if permissions:
        for path in _below(places.around):
            if os.path.isdir(path) and not os.path.islink(path):
                os.chmod(path, 0o700)  # before it is listed


def _below(directory: str) -> Iterator[str]:
    """A directory and what is in it, each directory before what it contains."""
    yield directory
    if os.path.isdir(directory) and not os.path.islink(directory):
        for name in os.listdir(directory):
            yield from _below(os.path.join(directory, name))
