"""`sqlite-matrix doctor`: what this machine has, and what each missing stack needs."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

import click
from packaging.version import Version

from matrix.cli.common import (
    output_option,
    stack_options,
    table_or_json,
    write_json,
    write_output,
)
from matrix.cli.progress import PROGRESS
from matrix.errors import EXIT_OK, EXIT_UNAVAILABLE, ProvisionError, ProvisionFailure
from matrix.foreign import document, visible
from matrix.project.stacks import choose_stacks
from matrix.runner.collect import observe_stacks, provide
from matrix.runner.isolation import choose_isolation
from matrix.runner.options import RunOptions
from matrix.runner.scratch import default_scratch
from matrix.stacks.catalogue import Catalogue, load_catalogue
from matrix.stacks.installer import find_installer
from matrix.stacks.interpreters import find_python, find_uv
from matrix.stacks.overlay import NOTE
from matrix.stacks.provision import LAYOUT, REFUSED, Provided, Provisioner, Unprovided
from matrix.stacks.spec import stacks_of_set
from matrix.text import many
from matrix.version import __version__


@click.command("doctor")
@stack_options
@table_or_json
@output_option
def command(
    set_name: str | None,
    specs: tuple[str, ...],
    format_: str,
    output: Path | None,
    provisioner: Provisioner,
) -> int:
    """Show what this machine has, which stacks it cannot run, why, and how to fix that.

    Packages that are not in the cache are fetched, as in a run. Exits with 4 if a stack is missing.

    Example: sqlite-matrix doctor --stacks full --offline
    """
    catalogue = load_catalogue()
    stacks = choose_stacks(catalogue, set_name, specs, "standard")
    provided = provide(provisioner, stacks, PROGRESS)
    found = observe_stacks(provided)
    named = {each.stack.id: each for each in provided}
    missing = {
        s.stack: _with_remedy(s.unavailable, named[s.stack])
        for s in found
        if s.unavailable is not None
    }
    observers = sorted({s.fingerprint.observer for s in found if s.fingerprint is not None})
    facts = _facts(provisioner.cache, catalogue)
    facts["observer"] = ", ".join(observers) or "none"
    facts["stacks"] = f"{len(found) - len(missing)} of {len(found)} can be run"
    if format_ == "json":
        write_json({"facts": facts, "missing": missing}, output)
    else:
        width = max(map(len, facts))
        lines = [f"{name.ljust(width)}  {value}" for name, value in facts.items()]
        lines += [f"missing: {stack}: {reason}" for stack, reason in missing.items()]
        write_output(document("\n".join(map(visible, lines)) + "\n"), output)
    return EXIT_UNAVAILABLE if missing else EXIT_OK


def _facts(cache: Path, catalogue: Catalogue) -> dict[str, str]:
    scratch = default_scratch()
    free = shutil.disk_usage(scratch).free >> 20
    return {
        "sqlite-matrix": __version__,
        "Python": f"{platform.python_version()} ({sys.executable})",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": str(os.cpu_count()),
        "Pythons": _pythons(catalogue),
        "installer": _installer(),
        "cache": _cache(cache),
        "scratch": f"{scratch} ({free:,} MiB free)",
        "isolation": str(choose_isolation(RunOptions(), scratch)),
        "strace": shutil.which("strace") or "not found: the tests that need it are skipped",
    }


def _with_remedy(reason: str, answer: Provided | Unprovided) -> str:
    """Why a stack is missing, and what to do about it if the reason does not say so itself."""
    stack = answer.stack
    library = stack.library.package if stack.library is not None else None
    for package in (*stack.packages, library):
        if package is not None and not package.fits(stack.python):
            return f"{reason}; run it under another Python: {package.marker}"
    if isinstance(answer, Unprovided) and answer.failure is ProvisionFailure.INDEX_UNREACHED:
        return f"{reason}; without a network, --offline runs what is in the cache"
    return reason


def _pythons(catalogue: Catalogue) -> str:
    """The Pythons that the sets of stacks name: the installed ones, and how to get the others."""
    named = {stack.python for name in catalogue.sets for stack in stacks_of_set(name, catalogue)}
    here, lacking = [], []
    for version in sorted(named, key=Version):
        try:
            find_python(version)
            here.append(version)
        except ProvisionError as error:  # noqa: PERF203 - each may fail on its own
            lacking.append(str(error))
    return "; ".join([", ".join(here), *lacking])


def _installer() -> str:
    try:
        found, uv = find_installer(), find_uv()
    except ProvisionError as error:
        return f"{error}, or put uv on the PATH"
    if uv is not None:
        return f"{found}, {uv}"
    return f"{found}; uv is faster: python -m pip install uv"


def _cache(cache: Path) -> str:
    packages = len(list((cache / LAYOUT).glob(f"*/*/{NOTE}")))
    refused = len(list((cache / LAYOUT).glob(f"*/*{REFUSED}")))
    words = f"{cache} ({many(packages, 'package')})"
    if not refused:
        return words
    return (
        f"{words}; {many(refused, 'package')} that the index did not have: "
        f"retried after a day, or once its *{REFUSED} file is deleted"
    )
