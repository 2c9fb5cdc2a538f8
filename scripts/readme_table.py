"""Measure the table at the top of the README; `--write` updates it.

python scripts/readme_table.py --write
"""

from __future__ import annotations

import sys
from pathlib import Path

from matrix.model import Case, Fingerprint, Intent, Observation
from matrix.model.outcome import outcome
from matrix.results.store import ResultSet
from matrix.runner.collect import observe
from matrix.stacks.catalogue import load_catalogue
from matrix.stacks.provision import Provisioner
from matrix.stacks.spec import parse_stack

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- measured: scripts/readme_table.py -->", "<!-- end -->"

_DRIVERS = ("sqlite3", "sqlite3[uri=off]", "pysqlite3", "apsw")
_BARE: tuple[tuple[str, dict[str, bool], Intent], ...] = (
    ("file:testdb?mode=memory", {}, Intent.PRIVATE_MEMORY),
    ("file:testdb?mode=memory", {"uri": True}, Intent.PRIVATE_MEMORY),
    ("file:testdb?mode=memory&cache=shared", {"uri": True}, Intent.SHARED_MEMORY),
    ("file:/testdb?vfs=memdb", {"uri": True}, Intent.SHARED_MEMORY),
    (":memory:?cache=shared", {}, Intent.SHARED_MEMORY),
)
_SQLALCHEMY = (
    ("sqlite:///file:testdb?mode=memory", Intent.PRIVATE_MEMORY),
    ("sqlite:///file:testdb?mode=memory&uri=true", Intent.PRIVATE_MEMORY),
    ("sqlite:////file:testdb{name}?mode=memory&uri=true", Intent.PRIVATE_MEMORY),
)


def cases() -> tuple[Case, ...]:
    """The strings of the table, in its order."""
    bare = [
        Case(id=f"readme/{number}", target=target, connect=connect, intent=intent)
        for number, (target, connect, intent) in enumerate(_BARE, 1)
    ]
    through = [
        Case(id=f"readme/sqlalchemy-{number}", target=target, via="sqlalchemy", intent=intent)
        for number, (target, intent) in enumerate(_SQLALCHEMY, 1)
    ]
    return (*bare, *through)


def measure(provisioner: Provisioner) -> ResultSet:
    """Run the strings on each driver, bare and under SQLAlchemy."""
    catalogue = load_catalogue()
    stacks = [parse_stack(spec, catalogue) for spec in _DRIVERS]
    stacks += [parse_stack(_with_sqlalchemy(spec), catalogue) for spec in _DRIVERS]
    provided = provisioner.provide_all(stacks)
    return observe([(p, [c for c in cases() if p.stack.runs(c.via)]) for p in provided])


def render(results: ResultSet) -> str:
    """The table as Markdown: a row per string, a column per driver."""
    columns = [_column(spec, results) for spec in _DRIVERS]
    lines = [
        "| you write | " + " | ".join(title for title, _ in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for case in cases():
        cells = [_words(found[case.id]) for _, found in columns]
        lines.append(f"| {_call(case)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _with_sqlalchemy(spec: str) -> str:
    return spec.replace("]", ",sqlalchemy]") if "]" in spec else f"{spec}[sqlalchemy]"


def _column(spec: str, results: ResultSet) -> tuple[str, dict[str, Observation]]:
    """A driver's title, and its observations, bare and under SQLAlchemy."""
    catalogue = load_catalogue()
    found: dict[str, Observation] = {}
    title = spec
    for each in (parse_stack(spec, catalogue), parse_stack(_with_sqlalchemy(spec), catalogue)):
        stack = next(s for s in results.stacks if s.stack == each.id)
        found |= stack.observations
        if stack.fingerprint is not None and each.middleware is None:
            title = _title(stack.fingerprint)
    return title, found


def _title(seen: Fingerprint) -> str:
    version = "" if seen.distribution is None else f" {seen.driver_version}"
    switch = "" if seen.uri_setting.value == "as-built" else f", URIs {seen.uri_setting.value}"
    return f"{seen.driver}{version}{switch} (SQLite {seen.sqlite})"


def _call(case: Case) -> str:
    target = case.target.replace("{name}", "")
    if case.via is not None:
        return f'`create_engine("{target}")`'
    return f'`connect("{target}"{", uri=True" if case.connect else ""})`'


def _words(observation: Observation) -> str:
    word = outcome(observation).word
    strays = [stray.path.replace("{name}", "") for stray in observation.strays]
    return f"**{word}** `{strays[0]}`" if strays else word


def main() -> None:
    table = render(measure(Provisioner()))
    if "--write" not in sys.argv[1:]:
        print(table)
        return
    before, _, rest = README.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
