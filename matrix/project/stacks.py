"""The stacks that a project names, and the file that pins their versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from matrix.documents.yaml_model import suggest
from matrix.errors import DocumentError, UsageError
from matrix.model.stack_id import StackId
from matrix.project.config import PINS_FILE, ProjectConfig, load_config
from matrix.stacks.catalogue import Catalogue
from matrix.stacks.pins import chosen_specs, load_pins, missing_pins, pinned_stacks
from matrix.stacks.spec import Stack, parse_stack, stacks_of_set

BASELINE_SET = "baseline"
"""The set of stacks in a baseline, unless a project names others."""


def choose_stacks(
    catalogue: Catalogue, set_name: str | None, specs: Sequence[str], default: str
) -> tuple[Stack, ...]:
    """The stacks that a user named, else those of pyproject.toml, else those of the default set."""
    settings = load_config()
    if set_name is None and not specs and settings.stacks is not None:
        return project_stacks(settings, catalogue)
    chosen = [parse_stack(spec, catalogue) for spec in specs]
    if set_name is not None or not chosen:
        chosen += stacks_of_set(set_name or default, catalogue)
    return tuple({stack.id: stack for stack in chosen}.values())


def configured_specs(settings: ProjectConfig, catalogue: Catalogue) -> tuple[str, ...]:
    """The names that a project lists, else those of the set `baseline`.

    Raises DocumentError, with the line in pyproject.toml, for an invalid name.
    """
    if settings.stacks is None:
        return chosen_specs([BASELINE_SET], catalogue)
    specs = chosen_specs(settings.stacks, catalogue)
    problems = []
    for spec in specs:
        try:
            parse_stack(spec, catalogue)
        except UsageError as error:  # noqa: PERF203 - report every wrong name
            parsed = StackId.parse(spec)
            driver = parsed.driver if parsed else spec
            known = [*catalogue.sets, *catalogue.drivers]
            hint = error.hint if driver in known else suggest(driver, known)
            problems.append(settings.problem("stacks", error.message, hint))
    if problems:
        raise DocumentError(problems)
    return specs


def project_stacks(settings: ProjectConfig, catalogue: Catalogue) -> tuple[Stack, ...]:
    """The stacks that a project lists, with full names: as pinned, else the newest listed."""
    specs = configured_specs(settings, catalogue)
    pins = load_pins(pins_path(settings, settings.baseline))
    full = pins.with_more(missing_pins(specs, pins, catalogue))
    stacks = (replace(stack, name=None) for stack in pinned_stacks(specs, full, catalogue))
    return tuple({stack.id: stack for stack in stacks}.values())


def pins_path(settings: ProjectConfig, baseline: Path) -> Path:
    """The file with the pins of a baseline."""
    return settings.pins or baseline / PINS_FILE
