"""Drivers and middlewares come from files, the built-in ones too.

A plugin is loaded as if it lay in the package of its kind, so that it can import what it builds on:
`from .dbapi import DbapiDriver` or `from sqlite_matrix_probe.drivers.dbapi import DbapiDriver`.
"""

from __future__ import annotations

import importlib.util
from typing import Any


class Unavailable(Exception):
    """This is not available here; the text says why."""


def load_plugin(kind: str, name: str, path: str) -> Any:
    """The module of the plugin `name` from the file `path`; `kind`: `drivers`, `middleware`."""
    full_name = "%s.%s.%s" % (__package__, kind, name)
    spec = importlib.util.spec_from_file_location(full_name, path)
    if spec is None or spec.loader is None:
        raise Unavailable("no Python module at " + path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
