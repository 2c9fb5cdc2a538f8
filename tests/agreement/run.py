"""Lets the user perform cells under `strace`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from matrix.runner.scratch import default_scratch
from matrix.stacks.provision import Provided
from tests.agreement.cases import Cell
from tests.agreement.compare import View, their_view
from tests.agreement.judge import Answer, calls_by_case, judge
from tests.paths import ROOT
from tests.strace import parse_trace

_START = (
    f"import sys; sys.path.append({str(ROOT)!r}); "
    "from tests.agreement.user.main import main; main()"
)
_TRACED = "open,openat,creat,unlink,unlinkat,rmdir,mkdir,mkdirat,write,pwrite64"


def run_user(provided: Provided, cells: Sequence[Cell]) -> Iterator[View]:
    """Perform cells on a stack; what was found, in their order."""
    root = Path(tempfile.mkdtemp(prefix="agreement-", dir=default_scratch()))
    root.chmod(0o711)  # the user of a case with permissions is nobody
    try:
        answers = _answers(provided, cells, root)
        calls = dict(calls_by_case(parse_trace(root / "trace")))
        for cell, answer in zip(cells, answers, strict=True):
            yield their_view(cell, answer, judge(answer, calls[answer["number"]]))
    finally:
        shutil.rmtree(root)


def _answers(provided: Provided, cells: Sequence[Cell], root: Path) -> list[Answer]:
    stack = provided.stack
    about = {
        "driver": stack.driver,
        "uri": stack.uri.value,
        "middleware": stack.middleware,
        "overlays": [str(path) for path in provided.overlays],
        "root": str(root),
    }
    (root / "tmp").mkdir()
    strace = ("strace", "-f", "--seccomp-bpf", "-q", "-xx", "-y", "-s", "0")
    python = (str(provided.python), "-I", "-S", "-X", "utf8", "-W", "ignore", "-c", _START)
    places = dict.fromkeys(("TMPDIR", "SQLITE_TMPDIR"), str(root / "tmp"))
    done = subprocess.run(
        [*strace, f"-etrace={_TRACED}", "-o", str(root / "trace"), *python, json.dumps(about)],
        input="".join(json.dumps(cell.case.to_json()) + "\n" for cell in cells),
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **places},
        stdout=subprocess.PIPE,
        encoding="ascii",
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
