from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.documents.yaml_model import parse_document
from matrix.documents.yaml_reader import read_yaml
from matrix.errors import DocumentError, Problem, UsageError
from matrix.model import Case, Json, canonical
from matrix.model.codec import read_case
from matrix.scenarios import selector
from matrix.scenarios.expand import expand_topics, explain_topics
from matrix.scenarios.extent import extent_of
from matrix.scenarios.rules import RuleBits, Rules
from matrix.scenarios.selector import Selector
from matrix.scenarios.template import finish, iter_texts, placeholders, substitute
from matrix.scenarios.topic import Rule, Topic

PLAIN = st.text("abcxyz0189._+-", min_size=1, max_size=4)
NAMES = st.text("abcd", min_size=1, max_size=3)
TEXTS = st.text("abc=&?/ é\udce9%", max_size=6) | st.sampled_from(["{dir}", "{name}", "{{x}}"])
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "text": TEXTS,
        "connect": st.dictionaries(NAMES, TEXTS | st.booleans() | st.integers(), max_size=2),
        "sql": st.lists(TEXTS, max_size=2),
        "setup": st.lists(st.builds(lambda name: {"mkdir": name}, NAMES), max_size=1),
        "write": st.booleans(),
        "intent": st.sampled_from(["file", "refuse"]),
        "drivers": st.lists(st.sampled_from(["sqlite3", "apsw"]), min_size=1, max_size=1),
    },
)
AXES = st.dictionaries(
    NAMES,
    st.lists(PLAIN, min_size=1, max_size=3, unique=True)
    | st.dictionaries(PLAIN, TEXTS | SETTINGS, min_size=1, max_size=3)
    | st.builds(
        lambda parts: {"permute": parts}, st.lists(NAMES, min_size=1, max_size=3, unique=True)
    ),
    max_size=3,
)


def topic_of(axes: Json, **scenario: Json) -> Topic:
    """Make a topic of one scenario, whose target holds every axis."""
    told = {
        "id": "s",
        "title": "A title",
        "question": "Does it?",
        "target": "|".join(f"{{{axis}}}" for axis in axes),
        "axes": axes,
    }
    head = {"id": "t", "title": "A topic", "question": "What?"}
    return Topic.model_validate({**head, "scenarios": [{**told, **scenario}]})


def size_of(axis: Json) -> int:
    return math.factorial(len(axis["permute"])) if "permute" in axis else len(axis)


def labels_of(topic: Topic, axis: str) -> list[str]:
    return [label for label, _ in topic.scenarios[0].axes[axis].choices()]


@st.composite
def topics_with_rules(draw: st.DrawFn) -> Topic:
    axes = draw(AXES.filter(bool))
    plain = topic_of(axes)

    def rule() -> Json:
        chosen = draw(st.lists(st.sampled_from(sorted(axes)), min_size=1, unique=True))
        return {"when": {axis: draw(some_labels(plain, axis)) for axis in chosen}, "reason": "r"}

    include = [rule() for _ in range(draw(st.integers(0, 2)))]
    exclude = [rule() for _ in range(draw(st.integers(0, 2)))]
    return topic_of(axes, include=include, exclude=exclude)


def some_labels(topic: Topic, axis: str) -> st.SearchStrategy[Json]:
    known = st.sampled_from(labels_of(topic, axis))
    return known | st.lists(known, min_size=1, max_size=2)


@given(AXES)
def test_the_same_topic_gives_the_same_cases_in_the_same_order(axes: Json) -> None:
    topic = topic_of(axes)
    assert list(expand_topics([topic])) == list(expand_topics([topic_of(axes)]))


@given(AXES)
def test_cases_are_as_many_as_the_product_of_the_axes_and_no_two_share_an_id(axes: Json) -> None:
    ids = [case.id for case in expand_topics([topic_of(axes)])]
    assert len(ids) == len(set(ids)) == math.prod(map(size_of, axes.values()))


@given(topics_with_rules())
def test_what_rules_keep_and_drop_is_together_the_product_in_its_order(topic: Topic) -> None:
    kept = [case.id for case in expand_topics([topic])]
    dropped = [entry.id for entry in explain_topics([topic])]
    bare = topic.scenarios[0].model_copy(update={"include": (), "exclude": ()})
    every = [case.id for case in expand_topics([topic.model_copy(update={"scenarios": (bare,)})])]
    assert sorted(kept + dropped) == sorted(every)
    assert kept == [name for name in every if name in set(kept)]


def matches(rule: Rule, labels: Mapping[str, str]) -> bool:
    return all(labels[axis] in meant for axis, meant in rule.when.items())


def combinations_of(topic: Topic) -> list[Mapping[str, str]]:
    every = topic.scenarios[0].combinations()
    return [{axis: label for axis, label, _ in combination} for combination in every]


@given(topics_with_rules())
def test_a_combination_stays_if_an_include_rule_and_no_exclude_rule_matches(topic: Topic) -> None:
    (scenario,) = topic.scenarios
    rules = Rules(scenario)
    stay = []
    for labels in combinations_of(topic):
        included = not scenario.include or any(matches(rule, labels) for rule in scenario.include)
        excluded = [rule for rule in scenario.exclude if matches(rule, labels)]
        stay.append(included and not excluded)
        assert (rules.dropped(labels) is None) == stay[-1]
        if included and excluded:
            assert rules.dropped(labels) == excluded[0].reason
    assert rules.drop_all() == (not any(stay))


@given(topics_with_rules())
def test_two_rules_meet_if_some_combination_matches_both(topic: Topic) -> None:
    (scenario,) = topic.scenarios
    every = combinations_of(topic)
    include = RuleBits(scenario.include)
    for other in scenario.exclude:
        both = [
            any(matches(rule, labels) and matches(other, labels) for labels in every)
            for rule in scenario.include
        ]
        assert include.meeting(other) == sum(1 << number for number, so in enumerate(both) if so)


@given(topics_with_rules())
def test_what_a_topic_expands_to_is_counted_before_it_is_expanded(topic: Topic) -> None:
    bare = topic.scenarios[0].model_copy(update={"include": (), "exclude": ()})
    cases = list(expand_topics([topic.model_copy(update={"scenarios": (bare,)})]))
    extent = extent_of(topic.scenarios[0])
    assert extent.combinations == len(cases)
    assert extent.case_characters >= max(map(characters_of, cases))


def characters_of(case: Case) -> int:
    plain = [case.target, case.connect, case.setup, case.sql, case.second, case.backup]
    return sum(len(text) for _, text in iter_texts(plain)) + len(case.id) - len("t/s[]")


def fits(pattern: str, text: str) -> bool:
    """What a pattern without braces means, said in the shortest way."""
    if not pattern:
        return not text
    first, rest = pattern[0], pattern[1:]
    if first == "*":
        return any(fits(rest, text[start:]) for start in range(len(text) + 1))
    return bool(text) and first in ("?", text[0]) and fits(rest, text[1:])


@given(st.text("ab*?", min_size=1, max_size=8), st.text("ab", max_size=8))
def test_a_pattern_means_what_its_signs_say(pattern: str, text: str) -> None:
    assert selector.matches(pattern, text) == fits(pattern, text)


@given(st.lists(st.text("ab*?", max_size=4), min_size=1, max_size=3), st.text("ab", max_size=6))
def test_a_pattern_with_alternatives_matches_what_one_of_them_does(
    parts: list[str], text: str
) -> None:
    pattern = "a{" + ",".join(parts) + "}*"
    assert selector.matches(pattern, text) == any(fits(f"a{part}*", text) for part in parts)


@given(st.lists(NAMES, min_size=1, max_size=5, unique=True))
def test_permute_gives_each_order_once(names: Sequence[str]) -> None:
    parts = [f"{name}=1" for name in names]
    cases = list(expand_topics([topic_of({"o": {"permute": parts}})]))
    assert len({case.id for case in cases}) == math.factorial(len(names))
    assert all(sorted(case.target.split("&")) == sorted(parts) for case in cases)
    assert len({case.target for case in cases}) == len(cases)


@given(AXES)
def test_a_case_survives_the_round_trip_through_json(axes: Json) -> None:
    for case in expand_topics([topic_of(axes)]):
        assert read_case(json.loads(canonical(case.to_json()))) == case


@given(AXES, AXES)
def test_an_id_does_not_depend_on_the_scenarios_beside_it(axes: Json, others: Json) -> None:
    alone, other = topic_of(axes), topic_of(others, id="other")
    both = alone.model_copy(update={"scenarios": other.scenarios + alone.scenarios})
    cases = list(expand_topics([both]))
    assert [case for case in cases if case.scenario == "t/s"] == list(expand_topics([alone]))


@given(st.text("ab{}"))
def test_a_text_with_its_braces_doubled_is_filled_to_the_text(text: str) -> None:
    doubled = text.replace("{", "{{").replace("}", "}}")
    assert placeholders(doubled) == ()
    assert finish(substitute(doubled, {"a": "wrong", "b": "wrong"})) == text


@given(AXES)
def test_every_case_is_selected_by_its_id_its_scenario_its_topic_and_a_star(axes: Json) -> None:
    for case in expand_topics([topic_of(axes)]):
        for pattern in (case.id, case.scenario, "t", "*", "t/*", case.id[:-1] + "?"):
            assert Selector.parse([pattern])(case.id)
            assert Selector.parse([pattern])(f"{case.id} @ sqlite3[uri=off]")


PATTERNS = st.text("ab/[]=,*?{}", min_size=1, max_size=8)
IDS = st.text("abx/[]=,", max_size=8)


def parsed(*patterns: str) -> Selector | None:
    with suppress(UsageError):
        return Selector.parse(patterns)
    return None


@given(PATTERNS, PATTERNS, IDS)
def test_two_patterns_select_what_either_selects(one: str, two: str, identifier: str) -> None:
    first, second, union = parsed(one), parsed(two), parsed(one, two)
    if first is None or second is None:
        assert union is None
    else:
        assert union is not None
        assert union(identifier) == (first(identifier) or second(identifier))


@given(st.text("ab/[]=*?", max_size=4), st.text("ab/[]=*?", max_size=4), IDS)
def test_braces_select_what_either_of_two_patterns_selects(
    one: str, two: str, identifier: str
) -> None:
    union = Selector.parse([f"x{one}", f"x{two}"])
    assert Selector.parse([f"x{{{one},{two}}}"])(identifier) == union(identifier)


@given(IDS.filter(bool))
def test_a_pattern_without_signs_selects_itself(identifier: str) -> None:
    assert Selector.parse([identifier])(identifier)


TOPIC = """\
id: t
title: A topic
question: What?
references: [https://www.sqlite.org/]
scenarios:
  - id: s
    title: A title
    question: Does it?
    target: "{via}file:{form}?{order}"
    connect: {uri: true, timeout: 5}
    setup: [{db: x, sql: ["create table t(a)"]}, {symlink: l, to: x}]
    axes:
      via: {bare: "", sqlalchemy: {text: "sqlite:///", via: sqlalchemy}}
      form: [a, b]
      order: {permute: [mode=memory, cache=shared]}
    exclude:
      - {when: {via: bare, form: [a]}, reason: Because.}
"""


def problems_of(text: str) -> Sequence[Problem]:
    try:
        parse_document(text, "t.yaml", Topic)
    except DocumentError as error:
        return error.problems
    return ()


@st.composite
def edited_topics(draw: st.DrawFn) -> str:
    """A topic in which some stretches are replaced by what upsets YAML."""
    text = TOPIC
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.integers(0, 6))
        upset = st.text("{}[]:,#&*!|>'\"%@`-? \n\tax1\\é", max_size=4) | st.sampled_from(
            ["null", "true", "7", "<<", "&a ", "*a", "!!set ", "{dir}", "\x00", "\ud800", "---\n"]
        )
        text = text[:start] + draw(upset) + text[end:]
    return text


@given(st.text() | st.text("{}[]:,#&*!|>'\"%@`-? \n\tab1\\U0") | edited_topics())
@settings(max_examples=200)
def test_the_door_raises_nothing_but_its_own_error_whatever_the_text(text: str) -> None:
    assert all(problem.path == "t.yaml" for problem in problems_of(text))


DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text("ab1:{}-#' ", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3),
    max_leaves=10,
)


@given(DATA.filter(lambda data: data is not None))
def test_json_is_yaml_and_is_read_as_what_it_says(data: Json) -> None:
    assert read_yaml(json.dumps(data), "x.yaml")[0] == data


@given(DATA)
def test_whatever_stands_in_a_scenario_every_problem_has_a_place(data: Json) -> None:
    text = json.dumps({"id": "t", "scenarios": [{"axes": data, "setup": data, "id": data}]})
    problems = problems_of(text)
    assert problems
    assert all(problem.line == 1 <= problem.column for problem in problems)
    assert all("Input" not in problem.message for problem in problems)
