"""How a fatal error is printed: with its location, or after the name of the tool."""

from __future__ import annotations

import pytest

from matrix.cli import main
from matrix.errors import (
    DocumentError,
    MatrixError,
    Problem,
    ProvisionError,
    ProvisionFailure,
    ResultsError,
    UsageError,
)

PROBLEM = Problem(path="a.yaml", line=2, column=3, key="k", message="is odd", hint="even it")


@pytest.mark.parametrize(
    ("error", "code", "written"),
    [
        (DocumentError([PROBLEM]), 2, "a.yaml:2:3: k: is odd; even it\n"),
        (ResultsError("x/a.jsonl:3: bad JSON", hint="again"), 2, "x/a.jsonl:3: bad JSON; again\n"),
        (UsageError("no a.yaml: b here"), 2, "sqlite-matrix: no a.yaml: b here\n"),
        (ProvisionError("no wheel"), 4, "sqlite-matrix: no wheel\n"),
        (MatrixError("one", "two"), 3, "one\ntwo\n"),
    ],
)
def test_a_message_that_starts_with_a_file_has_no_prefix(
    error: MatrixError,
    code: int,
    written: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fail(name: str) -> str:
        raise error

    monkeypatch.setattr("matrix.cli.schema.render_schema", fail)
    with pytest.raises(SystemExit) as end:
        main(["schema", "case"])
    assert (end.value.code, capfd.readouterr().err) == (code, written)


def test_a_provision_error_has_a_kind() -> None:
    failure = ProvisionFailure.NO_PYTHON
    error = ProvisionError("Python 3.99 is not installed", hint="fetch it", failure=failure)
    assert (str(error), error.failure) == ("Python 3.99 is not installed; fetch it", failure)
