"""What the claims and the documents advise is what they run, and does what it is for."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from matrix.claims.document import Instead
from matrix.stacks.catalogue import Catalogue
from matrix.stacks.spec import stacks_of_set
from tests.builders import make_case
from tests.conftest import Provide
from tests.paths import SCRIPTS

MORE = ("sqlite3[uri=off]", "sqlite3[sqlalchemy=1.3.8]")
"""What the quick set lacks of what advice is given for."""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("advice", SCRIPTS / "advice.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_advice_is_as_intended_on_every_stack_that_it_is_given_for(
    script: ModuleType, catalogue: Catalogue, provide: Provide
) -> None:
    quick = [stack.id for stack in stacks_of_set("quick", catalogue)]
    measured = script.measure(script.collect(), map(provide, [*quick, *MORE]))
    assert len(measured) > 50
    assert [(each.advice.where, each.bad) for each in measured if each.bad] == []
    assert [each.advice.where for each in measured if not each.good] == []
    assert "as intended on" in script.render(measured)


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("sqlite3.connect('file:x?a=(b)', uri=True): so", (None, "file:x?a=(b)", {"uri": True})),
        ('`connect("x.db")`', (None, "x.db", {})),
        (
            "create_engine('sqlite://', module=pysqlite3)",
            ("sqlalchemy", "sqlite://", {"module": "pysqlite3"}),
        ),
        (
            "create_engine('sqlite://', creator=lambda: sqlite3.connect('x', uri=True)) for each",
            ("sqlalchemy", "sqlite://", {"creator": {"target": "x", "uri": True}}),
        ),
    ],
)
def test_a_call_in_a_text_is_read_as_a_case(script: ModuleType, text: str, call: object) -> None:
    assert [*script.calls(text)] == [call]


@pytest.mark.parametrize("text", ["connect(…)", "sqlite3.connect(uri, uri=True)", "reconnect('x')"])
def test_what_opens_nothing_is_no_call(script: ModuleType, text: str) -> None:
    assert [*script.calls(text)] == []


def advised(write: str) -> Instead:
    return Instead.model_validate({"write": write, "cases": "t/s"})


@pytest.mark.parametrize(
    "write",
    ["connect('other.db')", "connect('x.db', uri=True)", "create_engine('x.db')", "PRAGMA a=c"],
)
def test_advice_whose_cases_are_something_else_is_refused(script: ModuleType, write: str) -> None:
    case = make_case("t/s", target="x.db", sql=("PRAGMA a=b",))
    fitting = advised("connect('x.db'), then PRAGMA a=b")
    script._check_written("claim", fitting, [case])
    with pytest.raises(ValueError, match="none of its cases"):
        script._check_written("claim", advised(write), [case])


def test_a_call_in_a_document_has_a_case_with_an_intent(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    document = tmp_path / "page.md"
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script, "DOCUMENTS", (document,))
    case = make_case("t/s", target="file:{name}", intent="file")
    document.write_text("| `connect('other')` |\nWrite `connect('file:db')`.\n", "utf-8")
    (advice,) = script.advice_of_documents([case])
    assert (advice.where, advice.write) == ("page.md", "Write `connect('file:db')`.")
    document.write_text("Write `connect('other')`.\n", "utf-8")
    with pytest.raises(ValueError, match="no case with an intent"):
        list(script.advice_of_documents([case]))
