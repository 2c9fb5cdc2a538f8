"""Small builders of the values that tests are about; every default is the dullest there is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from matrix.model import (
    Case,
    Created,
    Failure,
    Fingerprint,
    Intent,
    Observation,
    PathKind,
    Result,
    ScenarioInfo,
    SecondConnection,
    Storage,
    UriDefault,
)
from matrix.model.stack_id import stack_order
from matrix.results.store import ResultSet, StackResults


def make_case(case: str = "topic/scenario[form=plain]", **fields: Any) -> Case:
    return Case(**{"id": case, "target": "file:{name}?mode=memory", **fields})


def make_scenario(scenario: str = "topic/scenario", **fields: Any) -> ScenarioInfo:
    return ScenarioInfo(
        **{"id": scenario, "title": "A title", "question": "What happens?", **fields}
    )


def make_observation(**fields: Any) -> Observation:
    """Make an observation of a database opened in private memory, as nobody objects to it."""
    defaults: dict[str, Any] = {
        "case": "topic/scenario[form=plain]",
        "stack": "sqlite3@3.11",
        "result": Result.OPENED,
        "storage": Storage.MEMORY,
        "second_connection": SecondConnection.DOES_NOT_SEE,
        "observer": "listing",
    }
    return Observation(**{**defaults, **fields})


def make_created(path: str = "db", **fields: Any) -> Created:
    defaults: dict[str, Any] = {
        "kind": PathKind.DATABASE,
        "stage": "open",
        "kept": True,
        "asked": True,
        "size": 8192,
    }
    return Created(path=path, **{**defaults, **fields})


def make_fingerprint(**fields: Any) -> Fingerprint:
    defaults: dict[str, Any] = {
        "python": "3.11.2",
        "implementation": "CPython",
        "platform": "linux-x86_64",
        "driver": "sqlite3",
        "driver_version": "3.11.2",
        "distribution": None,
        "sqlite": "3.40.1",
        "source_id": "2022-12-28 14:03:47 df5c253c0b3dd24916e4ec7cf77d3db5",
        "compile_options": ("TEMP_STORE=1", "USE_URI"),
        "uri_setting": UriDefault.AS_BUILT,
        "uri_default": True,
        "shared_cache": True,
        "temp_files": True,
    }
    return Fingerprint(**{**defaults, **fields})


def make_stack(
    stack: str = "sqlite3@3.11",
    observations: Iterable[Observation] = (),
    **fields: Any,
) -> StackResults:
    seen = {each.case: replace(each, stack=stack) for each in observations}
    fingerprint = None if "unavailable" in fields else make_fingerprint()
    return StackResults(
        **{"stack": stack, "fingerprint": fingerprint, "observations": seen, **fields}
    )


def make_results(
    cases: Iterable[Case], stacks: Iterable[StackResults], *scenarios: ScenarioInfo
) -> ResultSet:
    listed = {case.id: case for case in sorted(cases, key=lambda case: case.id)}
    named = scenarios or tuple(
        make_scenario(name) for name in dict.fromkeys(case.scenario for case in listed.values())
    )
    ordered = sorted(stacks, key=lambda stack: stack_order(stack.stack))
    return ResultSet(scenarios=named, cases=listed, stacks=tuple(ordered))


def in_memory(case: str) -> Observation:
    return make_observation(case=case)


def shared(case: str) -> Observation:
    return make_observation(case=case, second_connection=SecondConnection.SEES)


def in_file(case: str, path: str = "db") -> Observation:
    return make_observation(
        case=case,
        storage=Storage.FILE,
        second_connection=SecondConnection.SEES,
        created=(make_created(path),),
    )


def stray(case: str, path: str = "file:db?mode=memory") -> Observation:
    return make_observation(
        case=case,
        storage=Storage.FILE,
        second_connection=SecondConnection.SEES,
        created=(make_created(path, asked=False),),
    )


def refused(case: str, message: str = "unable to open database file") -> Observation:
    return make_observation(
        case=case,
        result=Result.REFUSED,
        storage=Storage.NONE,
        second_connection=None,
        error=Failure(phase="open", type="OperationalError", message=message),
    )


def not_measured(case: str) -> Observation:
    return make_observation(
        case=case, result=Result.UNAVAILABLE, storage=Storage.NONE, second_connection=None
    )


def realistic() -> ResultSet:
    """Build a small result set as a real run makes it: three drivers, one middleware, one gap."""
    memory, order = "memory/without-switch", "memory/order"
    plain = [f"{memory}[form={form}]" for form in ("private", "private-cache", "slashes")]
    through = "sqlalchemy/url[uri=off]"
    absolute = "sqlalchemy/url[uri=on]"
    read_only = "read-only/missing"
    kinds: dict[str, Mapping[str, Any]] = {
        plain[0]: {"target": "file:{name}?mode=memory"},
        plain[1]: {"target": "file:{name}?mode=memory&cache=private"},
        plain[2]: {"target": "file:///{name}?mode=memory"},
        f"{order}[order=cache-mode]": {
            "target": "file:{name}?cache=shared&mode=memory",
            "connect": {"uri": True},
            "intent": Intent.SHARED_MEMORY,
        },
        f"{order}[order=hostile]": {
            "target": "file:{name}\u202e\x00\udcff?cache=shared&mode=memory<script>|`",
            "connect": {"uri": True},
            "intent": Intent.SHARED_MEMORY,
        },
        read_only: {
            "target": "file:missing.db?mode=ro",
            "connect": {"uri": True},
            "intent": Intent.READ_ONLY,
        },
        through: {"target": "sqlite:///file:{name}?mode=memory", "via": "sqlalchemy"},
        absolute: {"target": "sqlite:////file:{name}?mode=memory&uri=true", "via": "sqlalchemy"},
    }
    cases = [
        make_case(case, **{"intent": Intent.PRIVATE_MEMORY, **fields})
        for case, fields in kinds.items()
    ]
    strays = [stray(case) for case in plain]
    memories = [in_memory(case) for case in plain]
    ordered = [f"{order}[order=cache-mode]", f"{order}[order=hostile]"]
    apsw = make_fingerprint(driver="apsw", sqlite="3.54.1", shared_cache=False, uri_default=False)
    stacks = [
        make_stack("sqlite3@3.11", [*memories, *map(shared, ordered), refused(read_only)]),
        make_stack(
            "pysqlite3==0.5.4.post2@3.11",
            [*memories, *map(shared, ordered), refused(read_only)],
            fingerprint=make_fingerprint(driver="pysqlite3", sqlite="3.51.1"),
        ),
        make_stack("sqlite3[uri=off]@3.11", [*strays, *map(shared, ordered), refused(read_only)]),
        make_stack(
            "apsw==3.54.1.0@3.11",
            [*strays, *map(in_memory, ordered), refused(read_only, "unable to open")],
            fingerprint=apsw,
        ),
        make_stack(
            "sqlite3[sqlalchemy=2.1.9]@3.11",
            [stray(through, "file:db"), stray(absolute, "/file:db?mode=memory")],
            fingerprint=make_fingerprint(middleware="sqlalchemy", middleware_version="2.1.9"),
        ),
        make_stack("apsw==3.54.1.0@3.10", unavailable="no wheel of apsw 3.54.1.0 fits Python 3.10"),
    ]
    return make_results(
        cases,
        stacks,
        make_scenario(memory, title="mode=memory without the URI switch"),
        make_scenario(order, title="Does the order of parameters matter?"),
        make_scenario(read_only, title="mode=ro and a name that is not there"),
        make_scenario("sqlalchemy/url", title="The same string through a URL"),
    )
