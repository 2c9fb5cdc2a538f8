"""Start the probe from its directory, whatever is on the path.

It is loaded as `sqlite_matrix_probe`, because a stack does not have the project's own package.
"""

from __future__ import annotations

import importlib.util
import os
import sys


def _load() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    spec = importlib.util.spec_from_file_location(
        "sqlite_matrix_probe",
        os.path.join(here, "__init__.py"),
        submodule_search_locations=[here],
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    _load()
    from sqlite_matrix_probe.worker import main

    sys.exit(main())
