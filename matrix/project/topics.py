"""The scenarios of a project, and the cases that they expand to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from matrix.errors import NothingSelectedError, UsageError
from matrix.files import exists
from matrix.model import Case
from matrix.project.config import load_config
from matrix.scenarios.expand import expand_topics
from matrix.scenarios.load import load_topics
from matrix.scenarios.selector import Selector
from matrix.scenarios.topic import Topic


def read_topics(paths: Sequence[Path] = ()) -> tuple[Topic, ...]:
    """The topics of these files and directories.

    The default is those that pyproject.toml names, else `scenarios/` in the current directory.
    """
    homes = paths or load_config().scenarios
    if not paths and not all(exists(home) for home in homes):
        raise UsageError(f"there is no directory {homes[0]}/ here", hint="name scenario files")
    return load_topics(homes)


def select_cases(topics: Iterable[Topic], patterns: Iterable[str] = ()) -> tuple[Case, ...]:
    """The cases that one of the patterns selects; all of them without a pattern.

    Raises NothingSelectedError if there are none.
    """
    selector = Selector.parse(patterns)
    cases = tuple(case for case in expand_topics(topics) if selector(case.id))
    if not cases:
        raise NothingSelectedError("no case selected", hint="sqlite-matrix list cases")
    return cases
