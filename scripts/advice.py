"""List everything that the claims and the documents advise to write, and run it.

python scripts/advice.py --stacks standard

Each line says where the advice stands, through which way in it is meant, and on how many of those
stacks it is as intended. The exit code is 1 if it is not on all of them. What stands in a table of
a document was measured, and is no advice; a document speaks of the newest release of a middleware.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matrix.claims.document import ClaimsDocument, Instead, load_claims
from matrix.model import Case, Intent, Json
from matrix.model.outcome import Verdict, verdict
from matrix.model.stack_id import StackId
from matrix.results.store import StackResults
from matrix.runner.collect import observe
from matrix.scenarios.conditions import Condition, meets, stack_facts
from matrix.scenarios.expand import expand_topics
from matrix.scenarios.load import load_topics
from matrix.scenarios.selector import Selector
from matrix.stacks.catalogue import load_catalogue
from matrix.stacks.provision import Provided, Provisioner
from matrix.stacks.spec import parse_stack, stacks_of_set

ROOT = Path(__file__).parent.parent
DOCUMENTS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
CLAIMS = ROOT / "scenarios" / "claims"

_CALL = re.compile(r"\b(?:(?:sqlite3|pysqlite3)\.connect|connect|create_engine)\(")
_PRAGMA = re.compile(r"PRAGMA \w+=\w+")
_NO_ADVICE = (Intent.OBSERVE, Intent.REFUSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What is to be written through one way in, and the cases that are just that."""

    where: str
    write: str
    cases: tuple[Case, ...]
    on: Condition | None = None

    @property
    def way(self) -> str:
        return self.cases[0].via or "the driver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A piece of advice, and the stacks on which it is as intended, and on which it is not."""

    advice: Advice
    good: tuple[str, ...]
    bad: tuple[str, ...]


def advice_of_claims(cases: Mapping[str, Case]) -> Iterator[Advice]:
    """What the claims advise, through each way in; ValueError if a case is not what is written."""
    for document in load_claims(sorted(CLAIMS.glob("*.yaml")), cases):
        yield from _advice_of(document, cases)


def _advice_of(document: ClaimsDocument, cases: Mapping[str, Case]) -> Iterator[Advice]:
    for claim in document.claims:
        for instead in claim.instead:
            selected = [case for name, case in cases.items() if Selector(instead.cases)(name)]
            where = f"{document.id} {claim.id}"
            _check_written(where, instead, selected)
            for via in dict.fromkeys(case.via for case in selected):
                through = tuple(case for case in selected if case.via == via)
                yield Advice(where=where, write=instead.write, cases=through, on=instead.on)


def _check_written(where: str, instead: Instead, cases: Sequence[Case]) -> None:
    """That each call and each statement that is written is one of the cases."""
    ran = {statement for case in cases for statement in case.sql}
    for call in calls(instead.write):
        if not any(_is(case, call) for case in cases):
            raise ValueError(f"{where}: {instead.write}: none of its cases opens {call}")
    for statement in _PRAGMA.findall(instead.write):
        if statement not in ran:
            raise ValueError(f"{where}: {instead.write}: none of its cases runs {statement}")


def advice_of_documents(cases: Iterable[Case]) -> Iterator[Advice]:
    """The calls in the prose and the samples of the documents, each as a case of the corpus.

    ValueError if the corpus has no such case with an intent.
    """
    plain = (case for case in cases if not (case.setup or case.sql or case.second))
    known = [case for case in plain if case.intent not in _NO_ADVICE]
    for path in DOCUMENTS:
        where = path.relative_to(ROOT).as_posix()
        lines = path.read_text("utf-8").splitlines()
        for line in (line for line in lines if not line.startswith("|")):
            for call in calls(line):
                like = [case for case in known if _is(case, call)]
                if not like:
                    raise ValueError(f"{where}: no case with an intent is {call}")
                on = _newest(like[0].via)
                yield Advice(where=where, write=line.strip(), cases=(like[0],), on=on)


def _newest(via: str | None) -> Condition | None:
    """The stacks with the newest release of a middleware that fits this Python."""
    if via is None:
        return None
    name = StackId.of(parse_stack(f"sqlite3[{via}]", load_catalogue()).id)
    return {"middleware_version": (name.options[via],)}


Call = tuple[str | None, str, dict[str, Json]]
"""A call as a case has it: the way in, the target, the options."""


def _is(case: Case, call: Call) -> bool:
    """Whether a case is this call, whatever the name of its database."""
    via, target, options = call
    pattern = re.escape(case.target).replace(re.escape("{name}"), r"\w+")
    same = re.fullmatch(pattern, target) is not None
    return same and (case.via, dict(case.connect)) == (via, options)


def calls(text: str) -> Iterator[Call]:
    """The calls in a text that open something, those within another one left out."""
    place = 0
    while found := _CALL.search(text, place):
        place = found.end()
        source = _balanced(text, found.start())
        try:
            tree = ast.parse(source, mode="eval").body
        except SyntaxError:
            continue  # `connect(…)`, say
        place = found.start() + len(source)
        if isinstance(tree, ast.Call) and tree.args and isinstance(tree.args[0], ast.Constant):
            yield _call(tree)


def _balanced(text: str, start: int) -> str:
    """A call from its name to the bracket that closes it."""
    depth = 0
    for place in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if text[place] == ")" and depth == 0:
            return text[start : place + 1]
    return text[start:]


def _call(tree: ast.Call) -> Call:
    target = ast.literal_eval(tree.args[0])
    options = {each.arg: _option(each.value) for each in tree.keywords if each.arg is not None}
    is_engine = isinstance(tree.func, ast.Name) and tree.func.id == "create_engine"
    return ("sqlalchemy" if is_engine else None), target, options


def _option(value: ast.expr) -> Json:
    """An option as a case has it: a class or a module by its name, a function by what it opens."""
    if isinstance(value, ast.Lambda) and isinstance(value.body, ast.Call):
        _, target, options = _call(value.body)
        return {"target": target, **options}
    return value.id if isinstance(value, ast.Name) else ast.literal_eval(value)


def collect() -> tuple[Advice, ...]:
    """Everything that is advised."""
    cases = {case.id: case for case in expand_topics(load_topics([ROOT / "scenarios"]))}
    return (*advice_of_claims(cases), *advice_of_documents(cases.values()))


def measure(advice: Sequence[Advice], provided: Iterable[Provided]) -> tuple[Measured, ...]:
    """Run advice on each stack that it is given for; a case of several pieces runs once."""
    cases = {case.id: case for each in advice for case in each.cases}
    work = [(p, [c for c in cases.values() if p.stack.runs_case(c)]) for p in provided]
    results = observe([each for each in work if each[1]])
    return tuple(_measured(each, results.stacks) for each in advice)


def _measured(advice: Advice, stacks: Iterable[StackResults]) -> Measured:
    good: list[str] = []
    bad: list[str] = []
    for stack in stacks:
        if stack.fingerprint is None:
            continue
        seen = [(case, stack.observations.get(case.id)) for case in advice.cases]
        ran = [(case, each) for case, each in seen if each is not None]
        if ran and (advice.on is None or meets(stack_facts(stack.fingerprint), advice.on)):
            fine = all(verdict(each, case) is Verdict.AS_INTENDED for case, each in ran)
            (good if fine else bad).append(stack.stack)
    return Measured(advice=advice, good=tuple(good), bad=tuple(bad))


def render(measured: Iterable[Measured]) -> str:
    """A line for each piece of advice."""
    lines = []
    for each in measured:
        advice, total = each.advice, len(each.good) + len(each.bad)
        intents = ", ".join(sorted({case.intent.value for case in advice.cases}))
        not_on = f", not on {', '.join(each.bad)}" if each.bad else ""
        lines += [
            f"{advice.where}, {advice.way}: {advice.write}",
            f"    {intents}: as intended on {len(each.good)} of {total} stacks{not_on}",
        ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stacks", default="quick", help="a set of stacks; default: quick")
    options = parser.parse_args(arguments)
    stacks = stacks_of_set(options.stacks, load_catalogue())
    provided = [p for p in Provisioner().provide_all(stacks) if isinstance(p, Provided)]
    measured = measure(collect(), provided)
    sys.stdout.write(render(measured))
    bad = sum(bool(each.bad) for each in measured)
    unrun = sum(not (each.good or each.bad) for each in measured)
    cells = sum(len(each.good) + len(each.bad) for each in measured)
    print(
        f"{len(measured)} pieces of advice, {cells} times on {len(provided)} stacks: "
        f"{bad} not as intended, {unrun} not run"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
