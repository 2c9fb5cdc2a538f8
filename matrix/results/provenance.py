"""When and where results were measured: the side file of a run, which is never compared."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from matrix.files import is_file
from matrix.version import __version__
from matrix.errors import ResultsError
from matrix.model.codec import reader_of
from matrix.results.file_format import read_small, replacing

PROVENANCE_FILE = "measured.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """One run: `finished` in UTC as ISO 8601, `seconds` that it took, the machine and the tool."""

    finished: str
    seconds: int
    machine: str
    tool: str

    @property
    def day(self) -> str:
        """The date, for people."""
        return self.finished[:10]


_read_run = reader_of(Provenance)


def provenance_now(seconds: float) -> Provenance:
    """A run that ends now, on this machine."""
    return Provenance(
        finished=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        seconds=round(seconds),
        machine=f"{platform.system()} {platform.machine()}",
        tool=f"sqlite-matrix {__version__}",
    )


def write_provenance(directory: Path, runs: Iterable[Provenance]) -> None:
    text = json.dumps([asdict(run) for run in runs], indent=1)
    with replacing(directory / PROVENANCE_FILE) as file:
        file.write(text.encode() + b"\n")


def load_provenance(directory: Path) -> tuple[Provenance, ...]:
    """The runs that results come from; none where nobody wrote it down."""
    path = directory / PROVENANCE_FILE
    if not is_file(path):
        return ()
    runs = read_small(path, "delete it")
    if not isinstance(runs, list):
        raise ResultsError(f"{path}: not as expected: not a list of runs", hint="delete it")
    try:
        return tuple(map(_read_run, runs))
    except ValueError as error:
        raise ResultsError(f"{path}: not as expected: {error}", hint="delete it") from error
