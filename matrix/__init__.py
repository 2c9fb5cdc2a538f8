"""What a SQLite connection string really does, measured on real drivers.

    import matrix

    results = matrix.check("file:db?mode=memory", intent="private-memory")
    print(matrix.render(results, "table"))

docs/api.md describes the API. Each name is imported when it is first used, so that
`import matrix` itself costs nothing.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matrix.api import (
        check,
        compare,
        expand_topics,
        load_results,
        load_topics,
        observe,
        parse_stack,
        render,
    )
    from matrix.comparison.compare import Change, Comparison
    from matrix.errors import MatrixError
    from matrix.model import Case, Fingerprint, Intent, Observation, TargetType
    from matrix.model.outcome import Outcome, Verdict, outcome, verdict
    from matrix.results.store import ResultSet
    from matrix.runner.options import RunOptions
    from matrix.stacks.spec import Stack
    from matrix.version import __version__
else:
    _HOMES = {
        "matrix.api": (
            "check", "compare", "expand_topics", "load_results", "load_topics", "observe",
            "parse_stack", "render",
        ),
        "matrix.comparison.compare": ("Change", "Comparison"),
        "matrix.errors": ("MatrixError",),
        "matrix.model": ("Case", "Fingerprint", "Intent", "Observation", "TargetType"),
        "matrix.model.outcome": ("Outcome", "Verdict", "outcome", "verdict"),
        "matrix.results.store": ("ResultSet",),
        "matrix.runner.options": ("RunOptions",),
        "matrix.stacks.spec": ("Stack",),
        "matrix.version": ("__version__",),
    }  # fmt: skip

    def __getattr__(name):
        from importlib import import_module

        for home, names in _HOMES.items():
            if name in names:
                return globals().setdefault(name, getattr(import_module(home), name))
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__all__})


__all__ = [
    "Case",
    "Change",
    "Comparison",
    "Fingerprint",
    "Intent",
    "MatrixError",
    "Observation",
    "Outcome",
    "ResultSet",
    "RunOptions",
    "Stack",
    "TargetType",
    "Verdict",
    "__version__",
    "check",
    "compare",
    "expand_topics",
    "load_results",
    "load_topics",
    "observe",
    "outcome",
    "parse_stack",
    "render",
    "verdict",
]
