"""The data of the page: every cell, in few bytes, and nothing in it twice."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from matrix.model import Intent
from matrix.model.outcome import Outcome, Verdict, outcome, reason, verdict
from matrix.reports.grid import build_grid
from matrix.reports.page.data import (
    NOT_RUN,
    PageData,
    build_page_data,
    decode,
    detail_document,
    encode,
    grid_document,
    mark,
    pack,
)
from matrix.results.store import ResultSet
from matrix.stacks.catalogue import load_catalogue
from tests.builders import (
    in_memory,
    make_case,
    make_fingerprint,
    make_results,
    make_stack,
    realistic,
    refused,
    stray,
)


def unpack(text: str) -> Any:
    return json.loads(zlib.decompress(base64.b64decode(text)))


def cells(data: PageData) -> Iterator[tuple[str, str, str, dict[str, Any], str | None]]:
    """Every cell that the two documents tell of, as the page reads them."""
    grid, detail = unpack(pack(grid_document(data))), unpack(pack(detail_document(data)))
    for number, table in enumerate(grid["tables"]):
        for row, variant in enumerate(table["variant"]):
            case = grid["scenarios"][table["scenario"][row]][0] + variant
            intent = grid["intents"][table["intent"][row]]
            seen = detail["seen"][detail["tables"][number]["seen"][row]]
            pattern = grid["patterns"][table["pattern"][row]]
            for stack, character in zip(table["stacks"], pattern, strict=True):
                if character == NOT_RUN:
                    continue
                group = grid["groups"].index(character)
                why = detail["reasons"].get(intent, {}).get(str(seen[group]))
                yield (
                    case,
                    grid["stacks"][stack]["id"],
                    table["codes"][row][group],
                    detail["observations"][seen[group]],
                    None if why is None else detail["texts"][why],
                )


@pytest.mark.parametrize("results", [realistic(), make_results([], [])], ids=["some", "none"])
def test_every_cell_comes_out_as_it_went_in(results: ResultSet) -> None:
    shown = {
        (case, stack): (code, facts, why)
        for case, stack, code, facts, why in cells(build_page_data(results))
    }
    wanted = {
        (observation.case, stack.stack): observation
        for stack in results.stacks
        for observation in stack.observations.values()
    }
    assert shown.keys() == wanted.keys()
    for place, seen in wanted.items():
        code, facts, why = shown[place]
        case = results.cases[place[0]]
        assert decode(code) == (outcome(seen), verdict(seen, case))
        assert why == reason(seen, case)
        assert {name: seen.to_json()[name] for name in facts} == facts


def test_what_was_asked_comes_out_as_it_went_in() -> None:
    data = build_page_data(realistic())
    grid, detail = grid_document(data), detail_document(data)
    for number, table in enumerate(data.tables):
        for index, row in enumerate(table.rows):
            asked = json.loads(detail["asked"][detail["tables"][number]["asked"][index]])
            options = json.loads(grid["connect"][grid["tables"][number]["connect"][index]])
            target_type = grid["types"][grid["tables"][number]["type"][index]]
            assert target_type == row.case.target_type.value
            assert {**detail["usual"], **asked, "connect": options}.items() >= {
                "connect": dict(row.case.connect),
                "setup": [dict(step) for step in row.case.setup],
                "target_type": target_type,
                "write": row.case.write,
            }.items()


def test_the_totals_are_those_of_every_report() -> None:
    assert build_page_data(realistic()).totals == build_grid(realistic()).totals


def test_every_outcome_and_verdict_has_a_character_of_its_own() -> None:
    codes = [encode(seen, judged) for seen in Outcome for judged in Verdict]
    assert len(set(codes)) == len(codes)
    assert [decode(code) for code in codes] == [(o, v) for o in Outcome for v in Verdict]
    assert not set('"\\.') & set(codes)


def test_the_codes_of_the_grid_are_those_that_occur_with_what_they_mean() -> None:
    data = build_page_data(realistic())
    grid = grid_document(data)
    meanings = {
        code: (grid["outcomes"][seen]["word"], grid["verdicts"][judged]["name"])
        for code, seen, judged in grid["codes"]
    }
    wanted = {code for table in data.tables for row in table.rows for code in row.codes}
    assert meanings == {
        code: (decode(code)[0].word, decode(code)[1].value) for code in sorted(wanted)
    }


def test_a_pattern_needs_no_escape_in_json() -> None:
    characters = "".join(map(mark, range(78)))
    assert len(set(characters)) == 78
    assert json.dumps(characters) == f'"{characters}"'
    assert NOT_RUN not in characters


def test_what_stacks_saw_alike_is_stored_once() -> None:
    names = [f"topic/one[n={n}]" for n in range(50)]
    stacks = [make_stack(f"apsw==3.{n}.0.0@3.11", map(in_memory, names)) for n in range(40, 60)]
    document = detail_document(build_page_data(make_results(map(make_case, names), stacks)))
    assert len(document["observations"]) == 1
    assert document["seen"] == [(0,)]


def test_a_million_cells_are_few_bytes() -> None:
    names = [f"topic/one[n={n}]" for n in range(300)]
    behaviours = (in_memory, stray, refused)
    stacks = [
        make_stack(
            f"apsw==3.{n}.0.0@3.11", [behaviours[(i * n) % 7 % 3](c) for i, c in enumerate(names)]
        )
        for n in range(1, 100)
    ]
    data = build_page_data(make_results(map(make_case, names), stacks))
    size = len(pack(grid_document(data))) + len(pack(detail_document(data)))
    assert size < 99 * 300 * 0.5


def test_a_selection_leaves_the_other_cases_out() -> None:
    data = build_page_data(realistic(), "read-only/missing".__eq__)
    assert [row.case.id for table in data.tables for row in table.rows] == ["read-only/missing"]


def test_rows_stand_in_the_order_of_scenarios_and_intents() -> None:
    cases = [
        make_case("b/two[x=1]", intent=Intent.FILE),
        make_case("b/two[x=2]", intent=Intent.PRIVATE_MEMORY),
        make_case("a/one"),
    ]
    results = make_results(cases, [make_stack("sqlite3@3.11", [in_memory(c.id) for c in cases])])
    (table,) = build_page_data(results).tables
    assert [row.case.id for row in table.rows] == ["a/one", "b/two[x=2]", "b/two[x=1]"]


def test_a_step_between_versions_is_exact_where_none_was_left_out() -> None:
    versions = ["3.53.0.0", "3.53.4.0", "3.54.1.0"]
    name = "topic/one"
    stacks = [
        make_stack(
            f"apsw=={version}@3.11",
            [in_memory(name)],
            fingerprint=make_fingerprint(driver="apsw", sqlite=version[:-2]),
        )
        for version in versions
    ]
    data = build_page_data(make_results([make_case(name)], stacks))
    catalogue = load_catalogue()
    (line,) = detail_document(data, catalogue)["tables"][0]["lines"]
    assert line["versions"] == versions
    assert line["places"] == [0, 1, 2]
    assert line["exact"][1:] == "".join(
        str(int(catalogue.adjacent("apsw", old, new))) for old, new in pairwise(versions)
    )


def test_a_claim_knows_the_rows_that_settle_it() -> None:
    data = build_page_data(realistic())
    document = grid_document(data, {"C1": ["read-only/missing", "no/such[case]"], "C2": []})
    ((table, row),) = document["claims"]["C1"]
    assert data.tables[table].rows[row].case.id == "read-only/missing"
    assert document["claims"]["C2"] == []
