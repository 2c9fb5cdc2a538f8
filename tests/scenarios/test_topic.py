from __future__ import annotations

from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # it brings no types
import pytest

from matrix.documents.yaml_reader import read_yaml
from matrix.errors import DocumentError
from matrix.model import Intent
from matrix.scenarios.load import load_topics
from matrix.scenarios.topic import Topic
from matrix.schemas import json_schema
from tests.paths import ROOT

TOPICS = ROOT / "scenarios"

HEAD = """\
id: mini
title: A small topic
question: What does it do?
scenarios:
  - id: one
    title: A scenario
    question: Does it?
"""


def write_topic(directory: Path, scenario: str, *, name: str = "mini") -> Path:
    """Write a topic of one scenario whose own keys, flush left, are given."""
    body = "".join(f"    {line}\n" for line in scenario.splitlines())
    path = directory / f"{name}.yaml"
    path.write_text(HEAD + body)
    return path


def problems_of(path: Path) -> list[str]:
    """The problems of a file: where in it, and the rest after `scenarios[0].`."""
    with pytest.raises(DocumentError) as caught:
        load_topics([path])
    return [
        str(problem).removeprefix(f"{path}:").replace("scenarios[0].", "")
        for problem in caught.value.problems
    ]


def test_a_scenario_needs_little_and_defaults_to_the_dullest(tmp_path: Path) -> None:
    (topic,) = load_topics([write_topic(tmp_path, 'target: ""')])
    (scenario,) = topic.scenarios
    assert (scenario.target, scenario.intent, scenario.via) == ("", Intent.OBSERVE, None)
    assert (scenario.write, scenario.write_to, scenario.drivers) == (True, "main", None)


def test_a_directory_gives_its_topics_sorted_and_each_file_once(tmp_path: Path) -> None:
    for name in ("b", "a"):
        path = write_topic(tmp_path, "target: x", name=name)
        path.write_text(path.read_text().replace("id: mini", f"id: {name}"))
    assert [topic.id for topic in load_topics([tmp_path, tmp_path / "a.yaml"])] == ["a", "b"]


def test_a_directory_without_topics_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"1:1: the directory holds no \*\.yaml file"):
        load_topics([tmp_path])


def test_the_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    write_topic(tmp_path, "target: x", name="a")
    write_topic(tmp_path, "target: 3", name="b")
    with pytest.raises(DocumentError) as caught:
        load_topics([tmp_path, tmp_path / "missing.yaml"])
    assert [(Path(p.path).name, p.key) for p in caught.value.problems] == [
        ("a.yaml", "id"),
        ("b.yaml", "scenarios[0].target"),
        ("missing.yaml", ""),
    ]


def test_a_topic_is_called_like_its_file(tmp_path: Path) -> None:
    path = write_topic(tmp_path, "target: x", name="other")
    assert problems_of(path) == ["1:5: id: 'mini' is not the file's name; write 'other'"]


def test_a_topic_is_in_one_file_only(tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        write_topic(tmp_path / name, "target: x")
    first, second = tmp_path / "x" / "mini.yaml", tmp_path / "y" / "mini.yaml"
    with pytest.raises(DocumentError) as caught:
        load_topics([first, second])
    assert str(caught.value) == (
        f"{second}:1:5: id: the topic 'mini' is in two files; also in {first}"
    )


def test_a_scenario_id_is_used_once_in_a_topic(tmp_path: Path) -> None:
    path = write_topic(tmp_path, "target: x")
    again = HEAD.partition("scenarios:\n")[2] + "    target: y\n"
    path.write_text(path.read_text() + again)
    assert problems_of(path) == [
        "9:9: scenarios[1].id: the scenario 'one' is written twice; first on line 5"
    ]


@pytest.mark.parametrize(
    ("scenario", "told"),
    [
        ("target: '{a}'", "8:13: target: undefined axis 'a'; known: dir, name"),
        (
            "target: '{fomr}{form}'\naxes: {form: [x]}",
            "8:13: target: undefined axis 'fomr'; did you mean 'form'?",
        ),
        (
            "target: x\nconnect: {a: {b: ['{c}']}}",
            "9:23: connect.a.b[0]: undefined axis 'c'; known: dir, name",
        ),
        ("target: x\nsetup: [{db: x, sql: ['{c}']}]", "9:27: setup[0].sql[0]: undefined axis 'c'"),
        ("target: x\nsql: ['{}']", "9:11: sql[0]: undefined axis ''; known: dir, name"),
        (
            "target: '{a}'\naxes: {a: {x: {sql: ['{c}']}}}",
            "9:26: axes.a.x.sql[0]: undefined axis 'c'; known: a, dir, name",
        ),
        ("target: 'a}'", "8:13: target: '}' stands alone; write '}}' for a literal brace"),
        ("target: '{{dir}}'", "8:13: target: literal braces spell '{dir}' or '{name}', which a"),
        (
            "target: '{a}{b}'\naxes: {a: {x: '{b}'}, b: [y]}",
            "9:19: axes.a.x: {b} is not an axis above this one; move that axis up",
        ),
        (
            "target: x\naxes: {a: [x, y]}",
            "9:15: axes.a: its text is used nowhere; put {a} into target, connect or sql",
        ),
        ("target: x\naxes: {a: {x: '', y: {}}}", "9:15: axes.a: changes nothing; give its values"),
        ("target: '{dir}'\naxes: {dir: [x]}", "9:17: axes.dir: '{dir}' is filled in when a case"),
        ("target: '{a}'\naxes: {a: ['/x']}", "9:16: axes.a[0]: '/x' does not fit; it needs a"),
        ("target: '{a}'\naxes: {a: [x, x]}", "9:19: axes.a[1]: the label 'x' is used twice"),
        ("target: '{a}'\naxes: {a: []}", "9:15: axes.a: is empty"),
        ("target: '{a}'\naxes: {a: x}", "9:15: axes.a: needs a list of texts, a mapping of labels"),
        ("target: '{a}'\naxes: {a: {x y: z}}", "9:16: axes.a.x y: 'x y' does not fit; a label is"),
        ("target: '{a}'\naxes: {A: [x]}", "9:12: axes.A: 'A' does not fit; use a-z, 0-9, '-' and"),
        (
            "target: '{a}'\naxes: {a: {permute: [m=1, m=2]}}",
            "9:31: axes.a.permute[1]: the label 'm' is used twice; give labels: permute: {label:",
        ),
        (
            "target: '{a}'\naxes: {a: {permute: [a-b=1, c]}}",
            "9:26: axes.a.permute[0]: 'a-b' cannot be part of a label; give labels:",
        ),
        (
            "target: '{a}'\naxes: {a: {permute: {a-b: x}}}",
            "9:26: axes.a.permute.a-b: 'a-b' does not fit; '-' joins these labels: keep it out",
        ),
        ("target: '{a}'\naxes: {a: {permute: [x], y: z}}", "9:30: axes.a.y: unknown key; known:"),
        (
            "target: '{a}'\naxes: {a: [x]}\nexclude: [{when: {b: x}, reason: r}]",
            "10:26: exclude[0].when.b: undefined axis 'b'; known: a",
        ),
        (
            "target: '{a}'\naxes: {a: [long, y]}\ninclude: [{when: {a: [y, lang]}, reason: r}]",
            "10:30: include[0].when.a[1]: matches nothing: axis 'a' has no label 'lang'; did you",
        ),
        (
            "target: '{a}'\naxes: {a: {permute: [x, y]}}\nexclude: [{when: {a: x}, reason: r}]",
            "10:26: exclude[0].when.a: matches nothing: axis 'a' has no label 'x'; known: x-y,",
        ),
        (
            "target: '{a}'\naxes: {a: [x, y]}\ninclude: [{when: {a: x}, reason: r}]\n"
            "exclude: [{when: {a: y}, reason: r}]",
            "11:15: exclude[0]: matches nothing: no include rule keeps any of these",
        ),
        (
            "target: '{a}'\naxes: {a: [x, y]}\nexclude: [{when: {a: [x, y]}, reason: r}]",
            "5:5: scenarios[0]: empty expansion: its rules drop every combination",
        ),
        ("target: x\nexclude: [{when: {}, reason: r}]", "9:22: exclude[0].when: is empty"),
        ("target: x\nreferences: [sqlite.org]", "9:18: references[0]: 'sqlite.org' does not fit;"),
        ("target: x\ndrivers: []", "9:14: drivers: is empty"),
        ("target: x\nsetup: [{make: x}]", "9:13: setup[0]: needs a mapping with one of the keys"),
        ("target: x\nsetup: [{db: x, to: y}]", "9:21: setup[0].to: unknown key; known: db, sql,"),
        (
            "target: x\nrivals: [{where: her}]",
            "9:22: rivals[0].where: 'her' is not known; known: same, thread,",
        ),
        (
            "target: x\nrivals: [{does: wrote}]",
            "9:21: rivals[0].does: 'wrote' is not known; did you mean 'write'?",
        ),
        (
            "target: x\nrivals: [{times: 99}]",
            "9:22: rivals[0].times: should be less than or equal to 16",
        ),
        (
            "target: x\nrivals: [{target: '{c}'}]",
            "9:23: rivals[0].target: undefined axis 'c'; known: dir, name",
        ),
        (
            "target: x\nrivals: [{where: engine, when: after}]",
            "9:22: rivals[0].where: the bare driver has no engine; give via, or",
        ),
        (
            "target: x\nrivals: [{where: fork}]",
            "9:14: rivals[0]: before the open there is nothing for 'fork'; write",
        ),
        (
            "target: x\nrivals: [{where: fork, when: after, target: y}]",
            "9:49: rivals[0].target: 'fork' has the connection of the case",
        ),
        (
            "target: sqlite://\nvia: sqlalchemy\nrivals: [{where: thread}]",
            "10:14: rivals[0]: needs a target, which it opens with the bare driver;",
        ),
        (
            "target: x\nrivals: [{connect: {module: os}}]",
            "9:33: rivals[0].connect.module: 'os' is not a name that can stand here;",
        ),
        (
            "target: x{a}\naxes: {a: {x: {text: x, rivals: [{where: fork}]}}}",
            "9:38: axes.a.x.rivals[0]: before the open there is nothing for 'fork'",
        ),
        (
            "target: x\nbefore: [{killed: ../x}]",
            "9:23: before[0].killed: '../x' leads out of the case's directory;",
        ),
        (
            "target: x\npermissions: {/x: '0444'}",
            "9:19: permissions./x: '/x' leads out of the case's directory;",
        ),
        (
            "target: x\npermissions: {x: '444'}",
            "9:22: permissions.x: '444' does not fit; write it as in '0444'",
        ),
        (
            "target: x\npermissions: {x: {owner: me}}",
            "9:30: permissions.x.owner: 'me' is not known; known: another",
        ),
    ],
)
def test_a_scenario_that_cannot_be_meant_is_told_with_its_place(
    tmp_path: Path, scenario: str, told: str
) -> None:
    (problem,) = problems_of(write_topic(tmp_path, scenario))
    assert problem.startswith(told)


@pytest.mark.parametrize(
    "scenario",
    [
        "target: x\naxes: {a: {x: {connect: {uri: true}}, y: {}}}",
        "target: x\nsql: ['{a}']\naxes: {a: [x]}",
        "target: '{b}'\naxes: {a: [x], b: {y: '{a}'}}",
        "target: '{a}'\naxes: {a: {permute: [x=1, 'y={{2}}']}}",
        "target: '{{{name}}}{dir}'",
    ],
)
def test_an_axis_may_work_through_any_text_or_setting(tmp_path: Path, scenario: str) -> None:
    assert load_topics([write_topic(tmp_path, scenario)])


def permuted(count: int) -> str:
    return f"{{permute: [{', '.join(f'p{n}=1' for n in range(count))}]}}"


def numbered(count: int, text: str = "") -> str:
    return f"{{{', '.join(f'l{n}: v{n}{text}' for n in range(count))}}}"


@pytest.mark.parametrize(
    ("scenario", "told"),
    [
        (
            f"target: '{{o}}'\naxes: {{o: {permuted(11)}}}",
            "9:11: axes: expands to 39,916,800 combinations, and the limit is "
            "1,000,000; leave out axes or values",
        ),
        (
            f"target: '{{o}}'\naxes: {{o: {permuted(3_000)}}}",
            "expands to more than 1,000,000,000,000,000 combinations",
        ),
        (
            "target: '{a}{b}{c}'\naxes:\n"
            + "\n".join(f"  {name}: {numbered(1_000)}" for name in "abc"),
            "expands to 1,000,000,000 combinations",
        ),
        (
            "target: '" + "{a}" * 1_000 + f"'\naxes: {{a: {{x: {'y' * 1_000}}}}}",
            "a case can have 1,003,008 characters, and the limit is 1,000,000",
        ),
        (
            f"target: '{{c}}'\naxes: {{a: {{x: '{'y' * 99}'}}, b: {{x: '{'{a}' * 99}'}}, "
            f"c: {{x: '{'{b}' * 110}'}}}}",
            "a case can have 1,111,",
        ),
        (
            "target: '{a}{b}"
            + "x" * 2_000
            + f"'\naxes: {{a: {numbered(900)}, b: {numbered(900)}}}",
            "its cases can have 1,",
        ),
        (
            "target: x\naxes: {" + ", ".join(f"a{n}: [x]" for n in range(65)) + "}",
            "axes: has more than 64 entries",
        ),
    ],
)
def test_a_scenario_that_expands_to_too_much_is_counted_and_not_expanded(
    tmp_path: Path, scenario: str, told: str
) -> None:
    (problem,) = problems_of(write_topic(tmp_path, scenario))
    assert told in problem


def test_all_scenarios_together_expand_to_a_million_combinations_at_most(tmp_path: Path) -> None:
    half = f"target: '{{o}}{{n}}'\naxes: {{o: {permuted(9)}, n: [a, b]}}"
    write_topic(tmp_path, half)
    text = (tmp_path / "mini.yaml").read_text("utf-8")
    (tmp_path / "more.yaml").write_text(text.replace("id: mini", "id: more"), "utf-8")
    assert load_topics([tmp_path / "mini.yaml"])
    (problem,) = problems_of(tmp_path)
    assert problem.startswith(f"{tmp_path}/more.yaml:9:")
    assert "with it, the scenarios expand to 1,451,520 combinations" in problem


def test_thousands_of_labels_and_rules_are_checked_one_by_one_and_not_against_each_other(
    tmp_path: Path,
) -> None:
    rules = "\n".join(f"  - {{when: {{a: l{n}}}, reason: r}}" for n in range(2_000))
    scenario = f"target: '{{a}}'\naxes: {{a: {numbered(2_000)}}}\nexclude:\n{rules}"
    (problem,) = problems_of(write_topic(tmp_path, scenario))
    assert "empty expansion: its rules drop every combination" in problem


def test_of_many_problems_a_hundred_are_told(tmp_path: Path) -> None:
    rules = "\n".join(f"  - {{when: {{a: k{n}}}, reason: r}}" for n in range(1_000))
    scenario = f"target: '{{a}}'\naxes: {{a: {numbered(1_000)}}}\nexclude:\n{rules}"
    assert len(problems_of(write_topic(tmp_path, scenario))) == 100


def test_the_schema_accepts_the_topics_of_this_project() -> None:
    validator = jsonschema.Draft202012Validator(json_schema("scenario"))
    validator.check_schema(validator.schema)
    for path in sorted(TOPICS.glob("*.yaml")):
        data, _, _ = read_yaml(path.read_text("utf-8"), str(path))
        validator.validate(data)


def test_the_schema_tells_every_key_and_refuses_unknown_ones() -> None:
    validator = jsonschema.Draft202012Validator(json_schema("scenario"))
    data, _, _ = read_yaml(HEAD + "    target: x\n    targt: y\n", "mini.yaml")
    (error,) = validator.iter_errors(data)
    assert "targt" in error.message
    scenario = json_schema("scenario")["$defs"]["Scenario"]["properties"]
    assert all("description" in key for key in scenario.values())


def test_a_topic_cannot_be_changed() -> None:
    data, _, _ = read_yaml(HEAD + "    target: x\n", "mini.yaml")
    topic = Topic.model_validate(data)
    with pytest.raises(ValueError, match="frozen"):
        topic.title = "Another"


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "{dir}/../x", "C:/x", "..\\x"])
@pytest.mark.parametrize("step", ["db", "empty", "mkdir"])
def test_a_set_up_stays_in_the_directory_of_its_case(tmp_path: Path, step: str, name: str) -> None:
    scenario = f"target: x\nsetup: [{{{step}: '{name}'}}]"
    (problem,) = problems_of(write_topic(tmp_path, scenario))
    assert f"'{name}' leads out of the case's directory; write a path below it" in problem


def test_a_set_up_may_name_its_directory(tmp_path: Path) -> None:
    scenario = "target: x\nsetup: [{mkdir: '{dir}/a'}, {empty: a/b..c}]"
    assert load_topics([write_topic(tmp_path, scenario)])
