"""Copy a proposed baseline into results/baseline, as data, or refuse it.

The proposal comes from a job that ran new third-party versions, so nothing in it is trusted: only
result files and pins are taken, and none of them can be a link, a program or an option of pip.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

BASELINE = Path(__file__).parents[1] / "results" / "baseline"
_RESULTS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=,@\[\]-]*\.jsonl")
_PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.+!]+( *;[^#\\]*)?")
_LARGEST = 50 << 20
_LARGEST_TEXT = 60_000
"""GitHub takes no longer text for a pull request."""
_MOST_FILES = 200


def flaws(proposal: Path) -> Iterator[str]:
    """What is wrong with a proposal: `baseline/`, and `new-versions.md` beside it."""
    if {path.name for path in proposal.iterdir()} != {"baseline", "new-versions.md"}:
        yield "it holds something other than baseline/ and new-versions.md"
        return
    text = proposal / "new-versions.md"
    if not _is_file(text) or text.stat().st_size > _LARGEST_TEXT:
        yield "new-versions.md is no file, or too long for a pull request"
    if (proposal / "baseline").is_symlink() or not (proposal / "baseline").is_dir():
        yield "baseline is not a directory"
        return
    files = sorted((proposal / "baseline").iterdir())
    if len(files) > _MOST_FILES:
        yield f"{len(files)} files, more than {_MOST_FILES}"
        return
    for path in files:
        reason = _flaw(path)
        if reason is not None:
            yield f"baseline/{path.name}: {reason}"


def _flaw(path: Path) -> str | None:
    if not _is_file(path) or path.stat().st_mode & 0o111:
        return "not a plain file"
    if path.stat().st_size > _LARGEST:
        return f"larger than {_LARGEST >> 20} MB"
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        return "not UTF-8"
    if path.name == "requirements.txt":
        bad = [line for line in lines if line and line[0] != "#" and not _PIN.fullmatch(line)]
        return f"not a pin: {bad[0]!a}" if bad else None
    if not _RESULTS.fullmatch(path.name):
        return "not the name of a result file"
    return None if all(map(_is_json, lines)) else "not JSON lines"


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def take(proposal: Path, baseline: Path) -> None:
    """Replace the result files and the pins of a baseline; its other files stay."""
    for path in baseline.glob("*.jsonl"):
        path.unlink()
    for path in (proposal / "baseline").iterdir():
        shutil.copyfile(path, baseline / path.name, follow_symlinks=False)


def main(arguments: list[str]) -> int:
    proposal = Path(arguments[0])
    found = list(flaws(proposal))
    for flaw in found:
        print(f"take_proposal: {flaw}", file=sys.stderr)
    if found:
        return 1
    take(proposal, BASELINE)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
