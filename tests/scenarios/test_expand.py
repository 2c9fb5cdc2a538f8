from __future__ import annotations

from itertools import islice

import pytest

from matrix.errors import UsageError
from matrix.model import Case, Intent, Json, TargetType
from matrix.model.codec import read_scenario_info
from matrix.scenarios.expand import (
    Dropped,
    expand_scenario,
    expand_topics,
    explain_scenario,
    explain_topics,
    scenario_infos,
)
from matrix.scenarios.topic import Topic


def make_topic(*scenarios: Json, references: Json = ()) -> Topic:
    """Make a topic `t` of scenarios `s0`, `s1`, ... with these keys of their own."""
    told = [
        {"id": f"s{number}", "title": "A title", "question": "Does it?", **scenario}
        for number, scenario in enumerate(scenarios)
    ]
    head = {"id": "t", "title": "A topic", "question": "What?", "references": list(references)}
    return Topic.model_validate({**head, "scenarios": told})


def expand(**scenario: Json) -> list[Case]:
    return list(expand_topics([make_topic(scenario)]))


def targets(**scenario: Json) -> list[str]:
    return [case.target for case in expand(**scenario)]


def labels(**scenario: Json) -> list[str]:
    return [case.id.removeprefix("t/s0[").removesuffix("]") for case in expand(**scenario)]


def test_a_scenario_without_axes_is_one_case_whose_id_has_no_brackets() -> None:
    assert expand(target="file:x") == [Case(id="t/s0", target="file:x")]


def test_the_cases_are_the_product_of_the_axes_with_the_last_one_fastest() -> None:
    ids = labels(target="{a}{b}", axes={"a": ["x", "y"], "b": {"one": "1", "two": "2"}})
    assert ids == ["a=x,b=one", "a=x,b=two", "a=y,b=one", "a=y,b=two"]


def test_ids_follow_the_order_of_the_file_and_not_of_the_alphabet() -> None:
    assert labels(target="{b}{a}", axes={"b": ["z", "y"], "a": ["x"]}) == ["b=z,a=x", "b=y,a=x"]


def test_an_id_does_not_depend_on_other_scenarios() -> None:
    alone, beside = {"id": "own", "target": "x"}, {"target": "y"}
    (case,) = expand_topics([make_topic(alone)])
    assert case in list(expand_topics([make_topic(beside, alone)]))


def test_permute_gives_every_order_labelled_with_the_names() -> None:
    axes = {"order": {"permute": ["mode=memory", "cache=shared"]}}
    assert targets(target="file:x?{order}", axes=axes) == [
        "file:x?mode=memory&cache=shared",
        "file:x?cache=shared&mode=memory",
    ]
    assert labels(target="{order}", axes=axes) == ["order=mode-cache", "order=cache-mode"]


def test_permute_takes_labels_and_another_joint() -> None:
    axes = {"order": {"permute": {"memory": "mode=memory", "rwc": "mode=rwc"}, "join": ";"}}
    cases = expand(target="{order}", axes=axes)
    assert [case.id for case in cases] == ["t/s0[order=memory-rwc]", "t/s0[order=rwc-memory]"]
    assert cases[0].target == "mode=memory;mode=rwc"


def test_the_first_orders_of_many_parameters_come_at_once() -> None:
    parts = [f"p{number}=1" for number in range(20)]
    axes = {"a": {"permute": parts}, "b": {"permute": parts}}
    topic = make_topic({"target": "{a}{b}", "axes": axes})
    assert len(list(islice(expand_topics([topic]), 3))) == 3


def test_texts_go_into_target_options_setup_and_statements_but_not_into_keys() -> None:
    (case,) = expand(
        target="{a}",
        connect={"{a}": {"deep": ["{a}", 1, True, None]}},
        setup=[{"db": "{a}", "sql": ["create table {a}"]}, {"symlink": "l", "to": "{a}"}],
        sql=["attach '{a}'"],
        axes={"a": ["x"]},
    )
    assert case.target == "x"
    assert case.connect == {"{a}": {"deep": ["x", 1, True, None]}}
    assert case.setup == (
        {"db": "x", "sql": ["create table x"], "keep_wal": False},
        {"symlink": "l", "to": "x"},
    )
    assert case.sql == ("attach 'x'",)


def test_a_text_may_hold_an_axis_above_it() -> None:
    axes = {"cache": ["shared"], "order": {"permute": ["mode=memory", "cache={cache}"]}}
    assert targets(target="{order}", axes=axes)[1] == "cache=shared&mode=memory"


def test_what_a_run_fills_in_stays_in_place() -> None:
    assert targets(target="{dir}/{a}", axes={"a": {"x": "{name}"}}) == ["{dir}/{name}"]


def test_doubled_braces_become_single_ones_once() -> None:
    axes = {"a": {"x": "{{b}}"}}
    assert targets(target="{{{a}}}{{{{", axes=axes) == ["{{b}}{{"]


def test_literal_braces_around_a_placeholder_are_kept_apart_from_it() -> None:
    assert targets(target="{{{dir}}}") == ["{{dir}}"]


def test_literal_braces_that_come_to_spell_a_placeholder_are_refused_with_the_case() -> None:
    with pytest.raises(UsageError, match=r"t/s0\[a=x\]: literal braces spell"):
        expand(target="{{{a}}}", axes={"a": {"x": "dir"}})


def test_the_settings_of_a_value_hold_for_its_cases() -> None:
    changed = {
        "target_type": "bytes",
        "via": "sqlalchemy",
        "write": False,
        "write_to": "temp",
        "intent": "file",
        "drivers": ["apsw"],
    }
    with_it, without = expand(target="x", axes={"a": {"with": changed, "without": {}}})
    assert with_it == Case(
        id="t/s0[a=with]",
        target="x",
        target_type=TargetType.BYTES,
        via="sqlalchemy",
        write=False,
        write_to="temp",
        intent=Intent.FILE,
        drivers=("apsw",),
    )
    assert without == Case(id="t/s0[a=without]", target="x")


def test_a_value_can_take_back_the_middleware_and_the_drivers() -> None:
    (case,) = expand(
        target="x",
        via="sqlalchemy",
        drivers=["apsw"],
        axes={"a": {"bare": {"via": None, "drivers": None}}},
    )
    assert (case.via, case.drivers) == (None, None)


def test_options_merge_to_the_depth_and_set_up_and_statements_add_up() -> None:
    (case,) = expand(
        target="x",
        connect={"connect_args": {"timeout": 1, "uri": False}, "echo": False},
        setup=[{"mkdir": "a"}],
        sql=["one"],
        axes={
            "a": {"x": {"connect": {"connect_args": {"uri": True}}, "setup": [{"mkdir": "b"}]}},
            "b": {"y": {"connect": {"echo": True}, "sql": ["two"]}},
        },
    )
    assert case.connect == {"connect_args": {"timeout": 1, "uri": True}, "echo": True}
    assert case.setup == ({"mkdir": "a"}, {"mkdir": "b"})
    assert case.sql == ("one", "two")


def test_of_two_axes_that_set_the_same_the_later_one_holds() -> None:
    axes = {"a": {"x": {"intent": "file"}}, "b": {"y": {"intent": "refuse"}}}
    assert [case.intent for case in expand(target="x", axes=axes)] == [Intent.REFUSE]


AXES = {"a": ["x", "y"], "b": ["1", "2"]}


def test_include_keeps_what_matches_one_of_its_rules() -> None:
    rules = [{"when": {"a": "x", "b": "1"}, "reason": "r"}, {"when": {"a": ["y"]}, "reason": "q"}]
    assert labels(target="{a}{b}", axes=AXES, include=rules) == ["a=x,b=1", "a=y,b=1", "a=y,b=2"]


def test_exclude_drops_what_include_kept() -> None:
    include = [{"when": {"a": "x"}, "reason": "r"}]
    exclude = [{"when": {"b": b}, "reason": "q"} for b in (["3"], ["2", "4"])]
    kept = labels(target="{a}{b}", axes=AXES, include=include, exclude=exclude)
    assert kept == ["a=x,b=1"]


def test_what_is_dropped_is_explained_with_its_id_and_the_reason() -> None:
    topic = make_topic(
        {
            "target": "{a}{b}",
            "axes": AXES,
            "include": [{"when": {"a": "x"}, "reason": "only x"}],
            "exclude": [{"when": {"b": "2"}, "reason": "no 2"}],
        }
    )
    assert list(explain_topics([topic])) == [
        Dropped(id="t/s0[a=x,b=2]", reason="no 2"),
        Dropped(id="t/s0[a=y,b=1]", reason="matches no include rule: only x"),
        Dropped(id="t/s0[a=y,b=2]", reason="matches no include rule: only x"),
    ]
    assert next(explain_topics([topic])).to_json() == {"id": "t/s0[a=x,b=2]", "reason": "no 2"}


def test_kept_and_dropped_together_are_the_whole_product() -> None:
    rules = [{"when": {"a": "x"}, "reason": "r"}]
    topic = make_topic({"target": "{a}{b}", "axes": AXES, "exclude": rules})
    (scenario,) = topic.scenarios
    kept = [case.id for case in expand_scenario(topic, scenario)]
    dropped = [entry.id for entry in explain_scenario(topic, scenario)]
    assert (len(kept), len(dropped), len({*kept, *dropped})) == (2, 2, 4)


def test_a_scenario_is_told_with_the_references_of_its_topic_first_and_each_once() -> None:
    topic = make_topic(
        {"target": "x", "references": ["https://b", "https://a"]},
        {"target": "y"},
        references=["https://a"],
    )
    first, second = scenario_infos([topic])
    assert (first.id, first.title, first.question) == ("t/s0", "A title", "Does it?")
    assert first.references == ("https://a", "https://b")
    assert second.references == ("https://a",)


def test_a_scenario_is_told_with_what_was_reported() -> None:
    topic = make_topic({"target": "x", "then": "a file named x"}, {"target": "y"})
    reported, other = scenario_infos([topic])
    assert (reported.then, other.then) == ("a file named x", None)
    assert read_scenario_info(reported.to_json()) == reported
    older = {key: value for key, value in other.to_json().items() if key != "then"}
    assert read_scenario_info(older) == other
