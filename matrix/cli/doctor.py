"""`sqlite-matrix doctor`: the facts of this machine, and what is missing for which stack."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from pathlib import Path

import click

from matrix import __version__
from matrix.catalogue import load_catalogue
from matrix.cli.common import choose_stacks, provide, stack_options, write_output
from matrix.collect import observe
from matrix.errors import EXIT_OK, EXIT_UNAVAILABLE
from matrix.provision import Provisioner, default_cache, find_installer
from matrix.scratch import default_scratch


@click.command("doctor")
@stack_options
@click.option(
    "--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path),
              help="A file instead of standard output.")  # fmt: skip
def command(
    set_name: str | None,
    specs: tuple[str, ...],
    cache: Path | None,
    offline: bool,
    format_: str,
    output: Path | None,
) -> int:
    """Say what this machine has, and which stacks cannot be had here, with the reason.

    Exit code 4 if a stack is missing.

    Example: sqlite-matrix doctor --stacks standard
    """
    facts = _facts(cache)
    stacks = choose_stacks(load_catalogue(), set_name, specs, "standard")
    provided = provide(Provisioner(cache, offline=offline), stacks)
    found = observe([(each, ()) for each in provided]).stacks
    missing = {s.stack: s.unavailable or "" for s in found if s.unavailable is not None}
    observers = sorted({s.fingerprint.observer for s in found if s.fingerprint is not None})
    facts["observer"] = ", ".join(observers) or "none"
    facts["stacks"] = f"{len(found) - len(missing)} of {len(found)} can be run"
    if format_ == "json":
        write_output(json.dumps({"facts": facts, "missing": missing}, indent=1) + "\n", output)
    else:
        width = max(map(len, facts))
        lines = [f"{name.ljust(width)}  {value}" for name, value in facts.items()]
        lines += [f"missing: {stack}: {reason}" for stack, reason in missing.items()]
        write_output("\n".join(lines) + "\n", output)
    return EXIT_UNAVAILABLE if missing else EXIT_OK


def _facts(cache: Path | None) -> dict[str, str]:
    scratch = default_scratch()
    free = shutil.disk_usage(scratch).free >> 20
    return {
        "sqlite-matrix": __version__,
        "Python": f"{platform.python_version()} ({sys.executable})",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": str(os.cpu_count()),
        "installer": find_installer(),
        "cache": str(cache or default_cache()),
        "scratch": f"{scratch} ({free:,} MiB free)",
        "strace": shutil.which("strace") or "not found: the tests against it are skipped",
    }
