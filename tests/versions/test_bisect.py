"""The first version that behaves differently: the number of runs, and how exact the answer is."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from math import ceil, log2
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.cli import main
from matrix.errors import ProvisionError, UsageError
from matrix.model import Observation
from matrix.model.outcome import outcome
from matrix.reports.bisect import boundary_json, render_boundaries
from matrix.stacks.index import versions_on_index
from matrix.stacks.provision import Provisioner
from matrix.versions.bisect import Bisection, Boundary
from matrix.versions.history import behaviour
from tests.builders import in_memory, make_case, make_fingerprint, refused, shared, stray
from tests.paths import ROOT
from tests.tool import run_tool

CASE = "topic/scenario[form=plain]"
SHARED = "sharing/named[path=name,uri=true]"

Shows = Callable[[int], Mapping[str, Observation]]


def names(count: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(count))


def search(count: int, shows: Shows, cases: Sequence[str] = (CASE,)) -> tuple[list[str], Bisection]:
    """Bisect versions that are called by their place; which ones were run, in order."""
    bisection = Bisection(names(count), cases)
    ran: list[str] = []
    while (version := bisection.wanted()) is not None:
        assert version not in ran
        ran.append(version)
        bisection.tell(version, shows(int(version)))
    return ran, bisection


def found(bisection: Bisection, *, adjacent: bool = True) -> list[Boundary]:
    return list(bisection.boundaries(lambda older, newer: adjacent))


@given(st.integers(2, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n - 1))))
def test_the_boundary_is_found_with_as_few_runs_as_a_bisection_needs(
    sizes: tuple[int, int],
) -> None:
    count, boundary = sizes
    ran, bisection = search(
        count, lambda at: {CASE: shared(CASE) if at < boundary else in_memory(CASE)}
    )
    (answer,) = found(bisection)
    assert (answer.last, answer.first) == (str(boundary - 1), str(boundary))
    assert answer.exact
    assert answer.settled
    assert len(ran) <= bisection.bound <= 2 + ceil(log2(count))


@given(
    st.lists(st.sampled_from(["old", "new", "third", None]), min_size=2, max_size=60),
)
def test_the_answer_always_agrees_with_the_versions_that_ran(
    kinds: list[str | None],
) -> None:
    makers = {"old": shared, "new": in_memory, "third": stray}

    def shows(at: int) -> Mapping[str, Observation]:
        kind = kinds[at]
        return {} if kind is None else {CASE: makers[kind](CASE)}

    ran, bisection = search(len(kinds), shows)
    seen = [n for n, kind in enumerate(kinds) if kind is not None]
    answers = found(bisection)
    if not seen:
        assert answers == []
        return
    (answer,) = answers
    assert (answer.old, answer.new) == (str(seen[0]), str(seen[-1]))
    if kinds[seen[0]] == kinds[seen[-1]]:
        assert (answer.last, answer.first) == (None, None)
        return
    assert answer.last in ran
    assert answer.first in ran
    last, first = int(answer.last or 0), int(answer.first or 0)
    assert kinds[last] == kinds[seen[0]] != kinds[first]
    assert [kinds[n] for n in range(last + 1, first)] == [None] * (first - last - 1)
    assert answer.exact == (first - last == 1)
    assert answer.settled == (kinds[first] == kinds[seen[-1]])


def test_an_unavailable_version_makes_the_answer_an_interval() -> None:
    def shows(at: int) -> Mapping[str, Observation]:
        if at in (4, 5):
            return {}
        return {CASE: shared(CASE) if at < 5 else in_memory(CASE)}

    _, bisection = search(9, shows)
    (answer,) = found(bisection)
    assert (answer.last, answer.first, answer.skipped) == ("3", "6", ("4", "5"))
    assert not answer.exact


def test_between_releases_that_are_not_listed_the_answer_is_an_interval() -> None:
    _, bisection = search(2, lambda at: {CASE: (shared, in_memory)[at](CASE)})
    (answer,) = found(bisection, adjacent=False)
    assert not answer.exact


def test_several_cases_share_their_runs() -> None:
    cases = [f"topic/scenario[form={n}]" for n in range(10)]

    def shows(at: int) -> Mapping[str, Observation]:
        return {case: shared(case) if at < 40 + n // 5 else refused(case)
                for n, case in enumerate(cases)}  # fmt: skip

    ran, bisection = search(100, shows, cases)
    assert [answer.first for answer in found(bisection)] == ["40"] * 5 + ["41"] * 5
    assert len(ran) <= bisection.bound + 1


def test_only_the_outcome_may_count() -> None:
    seen = [refused(CASE, "no"), refused(CASE, "No!"), refused(CASE, "No!"), in_memory(CASE)]
    for key, first in ((behaviour, "1"), (outcome, "3")):
        bisection = Bisection(names(4), [CASE], key)
        while (version := bisection.wanted()) is not None:
            bisection.tell(version, {CASE: seen[int(version)]})
        (answer,) = found(bisection)
        assert answer.first == first


def test_the_words_say_how_sure_the_answer_is() -> None:
    case = make_case(CASE)
    prints = {
        CASE: {
            "1": make_fingerprint(shared_cache=True),
            "3": make_fingerprint(shared_cache=False),
        }
    }
    exact = Boundary(
        case=CASE, old="1", new="3", before=shared(CASE), after=in_memory(CASE), last="1", first="3"
    )
    interval = Boundary(
        case=CASE, old="1", new="4", before=shared(CASE), after=in_memory(CASE), last="1",
        first="3", skipped=("2",), exact=False, settled=False,
    )  # fmt: skip
    same = Boundary(case=CASE, old="1", new="3", before=shared(CASE), after=shared(CASE))
    text = render_boundaries("apsw", {CASE: case}, [same, exact], prints)
    assert text.index("is the first that") < text.index("behave alike: shared memory.")
    assert "apsw 3 is the first that behaves differently." in text
    assert "second_connection: sees → does_not_see" in text
    assert "another build: shared_cache true → false" in text
    assert "A change in between that went back is not excluded." in text
    text = render_boundaries("apsw", {CASE: case}, [interval], prints)
    assert "or a release between it and 1 already does; 2 could not be seen." in text
    assert "It changes again later: 4 behaves in a third way." in text
    assert boundary_json("apsw", case, interval, prints[CASE])["exact"] is False


def run(words: Sequence[str], provisioner: Provisioner, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("SQLITE_MATRIX_CACHE", str(provisioner.cache))
    with pytest.raises(SystemExit) as end:
        main(["bisect", *words])
    assert isinstance(end.value.code, int)
    return end.value.code


def test_apsw_stops_sharing_at_3_48(
    provisioner: Provisioner, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = [SHARED, "--driver=apsw", "--old=3.46.1.0", "--new=3.50.0.0", "--format=json"]
    assert run(words, provisioner, monkeypatch) == 0
    out, err = capfd.readouterr()
    data = json.loads(out)
    (answer,) = data["boundaries"]
    assert (answer["last"], answer["first"], answer["exact"]) == ("3.47.2.0", "3.48.0.0", True)
    assert answer["builds"] == {
        "shared_cache": [True, False],
        "sqlite": ["3.47.2", "3.48.0"],
        "MAX_FUNCTION_ARG": ["127", "1000"],
        "OMIT_SHARED_CACHE": ["absent", "set"],
    }
    assert len(data["runs"]) <= 5
    assert [line.split()[1] for line in err.splitlines()[1:]] == [
        each["version"] for each in data["runs"]
    ]


def test_sqlalchemy_knows_uri_since_1_3_9(
    provisioner: Provisioner, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    case = "sqlalchemy-uris/switch-value[switch=true-word]"
    words = [case, "--middleware=sqlalchemy", "--new=1.4.54"]
    assert run(words, provisioner, monkeypatch) == 0
    assert "sqlalchemy 1.3.9 is the first that behaves differently." in capfd.readouterr().out


def test_a_named_version_that_is_unavailable_ends_the_search(
    provisioner: Provisioner, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = [SHARED, "--driver=apsw", "--old=3.1.0", "--offline"]
    assert run(words, provisioner, monkeypatch) == 4
    assert "apsw 3.1.0: apsw==3.1.0 for Python" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["x", "--driver=apsw"], 5),
        ([SHARED], 2),
        ([SHARED, "--driver=apsw", "--sqlite"], 2),
        ([SHARED, "--driver=mysql"], 2),
        ([SHARED, "--driver=sqlite3"], 2),
        ([SHARED, "--driver=apsw", "--stack=sqlite3"], 2),
        ([SHARED, "--driver=apsw", "--old=3.54.1.0"], 2),
        ([SHARED, "--driver=apsw", "--old=old"], 2),
        ([SHARED, "--middleware=django"], 5),
        ([SHARED, "--sqlite", "--all"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_invalid_arguments_are_reported(
    words: list[str],
    code: int,
    provisioner: Provisioner,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    topic = ROOT / "scenarios" / "sharing.yaml"
    assert run([*words, f"--scenarios={topic}"], provisioner, monkeypatch) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("sqlite-matrix: ")
    assert "error of ours" not in err


def test_the_index_says_which_versions_there_are() -> None:
    listed = versions_on_index("apsw", "3.11")
    assert listed.index("3.48.0.0") < listed.index("3.47.2.0")
    with pytest.raises(UsageError, match="no such package"):
        versions_on_index("sqlite-matrix-no-such-package", "3.11")


def test_an_index_that_does_not_answer_is_not_a_missing_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(ProvisionError, match="apsw: the index does not answer"):
        versions_on_index("apsw", "3.11")


def test_bisect_has_help(tmp_path: Path) -> None:
    assert "first version" in run_tool("bisect", "--help", cwd=tmp_path).stdout
