"""The page of the strings on which the drivers differ most."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from types import ModuleType

import pytest

from tests.builders import in_memory, make_case, make_fingerprint, make_results, make_stack, stray
from tests.paths import ROOT

SCRIPT = ROOT / "scripts" / "surprises.py"


@pytest.fixture(scope="module")
def surprises() -> ModuleType:
    spec = importlib.util.spec_from_file_location("surprises", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("write", "shown"), [(True, True), (False, False)])
def test_a_case_without_a_write_is_not_shown(
    surprises: ModuleType, write: bool, shown: bool
) -> None:
    case = make_case(target="file:x?cache=shared&mode=memory", write=write)
    memory, file = in_memory(case.id), stray(case.id)
    if not write:
        memory, file = (replace(each, second_connection=None) for each in (memory, file))
    stacks = [
        make_stack("sqlite3@3.11", [memory]),
        make_stack("apsw@3.11", [file], fingerprint=make_fingerprint(driver="apsw")),
    ]
    text = surprises.render(make_results([case], stacks))
    assert ("file:x?cache=shared" in text) is shown
