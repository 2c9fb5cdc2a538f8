"""Paths without the links in them."""

from __future__ import annotations

import os
from typing import AnyStr


def real_path(path: AnyStr) -> AnyStr:
    """A path without its links, as far as they can be read.

    Before Python 3.13, `realpath` raises where a link cannot be read, as `/proc/1/root`.
    """
    try:
        return os.path.realpath(path)
    except OSError:
        return os.path.abspath(path)


def without_links_above(path: AnyStr) -> AnyStr:
    """The path with links followed, except that which it is itself."""
    return os.path.join(real_path(os.path.dirname(path)), os.path.basename(path))
