from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Discriminator, Field, Tag

from matrix.documents.yaml_model import (
    Document,
    Flaw,
    FromPlain,
    Position,
    Positions,
    Record,
    Shape,
    Shorthand,
    dotted,
    load_document,
    load_documents,
    parse_document,
    suggest,
)
from matrix.documents.yaml_reader import read_yaml
from matrix.errors import DocumentError
from matrix.model import Intent, Json


class Part(Record):
    name: str
    size: int = 1
    tags: FromPlain[tuple[str, ...]] = ()


class Square(Record):
    side: int


class Circle(Record):
    radius: int
    colour: str = ""


def _form(value: Json) -> str | None:
    if isinstance(value, dict):
        return "(square)" if "side" in value else "(circle)"
    return None


Form = Annotated[
    Annotated[Square, Tag("(square)")] | Annotated[Circle, Tag("(circle)")],
    Discriminator(_form, custom_error_type="form", custom_error_message="needs a form"),
]


def _part(text: str) -> Json:
    return {"name": text}


class Box(Record):
    title: Annotated[str, Shape("[a-z]+", "use a-z")]
    open: bool = False
    kind: Literal["wood", "steel"] = "wood"
    intent: FromPlain[Intent] = Intent.OBSERVE
    parts: Annotated[FromPlain[tuple[Part, ...]], Field(min_length=1)] | None = None
    lid: Annotated[Part, Shorthand(_part, "a text or a mapping")] | None = None
    forms: dict[str, Form] = Field(default_factory=dict)


def problems_of(text: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        parse_document(text, "box.yaml", Box)
    return [str(problem) for problem in caught.value.problems]


def data_of(text: str) -> Json:
    data, _, problems = read_yaml(text, "x.yaml")
    assert problems == []
    return data


@pytest.mark.parametrize(
    "text",
    f"3.40 2026-01-01 yes no on off True NULL ~ 007 0x10 1_0 1e3 .inf +5 -0 << = {10**18}".split(),
)
def test_what_is_no_whole_number_and_no_true_or_false_stays_a_text(text: str) -> None:
    assert data_of(f"key: {text}") == {"key": text}


def test_whole_numbers_true_false_and_null_are_read_as_such() -> None:
    data = data_of("[0, -12, 999999999999999999, true, false, null, '7', 'true']")
    assert data == [0, -12, 10**18 - 1, True, False, None, "7", "true"]


def test_every_value_and_every_key_has_its_place() -> None:
    _, positions, _ = read_yaml("a:\n  b: [x,\n     y]\n", "x.yaml")
    assert positions.at(("a", "b", 1)) == Position(3, 6)
    assert positions.keys[("a", "b")] == Position(2, 3)
    assert positions.at(("a", "b")) == Position(2, 6)


def test_a_place_inside_what_is_not_there_is_that_of_what_is_around_it() -> None:
    _, positions, _ = read_yaml("a: {b: 1}", "x.yaml")
    assert positions.known(("a", "c", 3)) == ("a",)
    assert positions.at(("a", "c", 3)) == Position(1, 4)
    assert Positions("x.yaml", {}).at(("a",)) == Position(1, 1)


def test_a_flaw_is_told_at_what_is_written_around_it() -> None:
    document = Document(*parse_document("title: box", "box.yaml", Box))
    problem = document.problem(Flaw(("title", "text"), "is wrong", "right it"))
    assert str(problem) == "box.yaml:1:8: title: is wrong; right it"


def test_an_alias_stands_for_a_copy_of_its_anchor() -> None:
    assert data_of("a: &x {b: [1]}\nc: *x") == {"a": {"b": [1]}, "c": {"b": [1]}}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title: a\nopen: true\ntitle: b", "3:1: title: is written twice; first on line 1"),
        ("title: a\n3: b", '2:1: 3: the key is not a text; write it in quotes: "3"'),
        ("title: a\n? [x]\n: y", "2:3: has a key that is not a text"),
        ("title: a\n<<: {open: true}", "2:1: <<: merge keys are not supported; write the keys out"),
        (
            "title: !!float 1",
            "1:8: title: unsupported tag 'float'; write the value without it",
        ),
        ("title: !!int x", "1:8: title: 'x' does not fit its tag 'int'; remove the tag"),
        ("title: !x {}", "1:8: title: unsupported tag '!x'; write the value without it"),
        ("title: &x [*x]", "1:8: title[0]: holds itself; remove the alias"),
    ],
)
def test_what_is_yaml_but_is_not_read_here_is_told(text: str, told: str) -> None:
    assert f"box.yaml:{told}" in problems_of(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1:1: the file is empty"),
        ("# nothing\n---\n", "1:1: the file is empty"),
        ("a:\n\tb: 1", "2:1: a tab where only spaces are allowed; indent with spaces"),
        ("a: b: c", "1:5: a ': ' where no key is allowed; check the indentation, or put the text"),
        ("a: {b}c: d", "1:7: this does not fit what comes before it; check the indentation, and"),
        ("a: [b\nc: d", "1:4: a { or [ that is not closed; close it, or put the text in quotes"),
        ('a: "b', "1:4: a quote that is not closed"),
        ("a: *b", "1:4: an alias without an anchor; for a text with *, put the text in quotes"),
        ("a: 1\n---\nb: 2", "2:1: a second document; keep one; remove the '---' between them"),
        ("a: @b", "1:4: a text cannot begin with this character; put the text in quotes"),
        ('a: "\\q"', "1:6: an unknown escape; in single quotes a backslash is itself"),
        ('a: "\\U00110000"', "1:7: an escape or a number out of range"),
        ("a: 1\nb: \x01", "2:4: the character U+0001 is not allowed in YAML"),
        ("%YAML 9.9\n---\na: b", "1:1: not YAML: found incompatible YAML document"),
        ("[\n" * 65, "65:1: nested more than 64 levels deep; split the file"),
        ("a: " + "[" * 400 + "]" * 400, "1:67: nested more than 64 levels deep"),
        ("- " * 30_000, "1:129: nested more than 64 levels deep"),
        ("[" + "x, " * 20_000 + "]", "1:59999: more than 20,000 values"),
    ],
)
def test_what_is_not_yaml_is_told_in_plain_words(text: str, told: str) -> None:
    (problem,) = problems_of(text)
    assert problem.startswith(f"box.yaml:{told}")


def test_aliases_that_multiply_are_stopped() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (problem,) = problems_of("\n".join(lines))
    assert problem.endswith("more than 20,000 values; split the file")


def test_aliases_that_nest_are_stopped() -> None:
    lines = ["- &a0 [x]", *(f"- &a{n} [*a{n - 1}]" for n in range(1, 1_000))]
    (problem,) = problems_of("\n".join(lines))
    assert problem.endswith("nested more than 64 levels deep; split the file")


def test_aliases_that_repeat_a_long_text_are_stopped() -> None:
    (problem,) = problems_of("- &a " + "x" * 400_000 + "\n- *a" * 10)
    assert problem.endswith("more than 1,000,000 characters, with its aliases; split the file")


def test_a_file_larger_than_people_write_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "box.yaml").write_text("# " + "x" * 500_000)
    with pytest.raises(DocumentError, match="1:1: more than 500,000 bytes; split the file"):
        load_document(tmp_path / "box.yaml", Box)


def test_a_file_without_an_end_is_not_read() -> None:
    with pytest.raises(DocumentError, match="1:1: more than 500,000 bytes"):
        load_document(Path("/dev/zero"), Box)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("open: true", "1:1: title: is missing"),
        ("title: A b", "1:8: title: 'A b' does not fit; use a-z"),
        ("title: 3", '1:8: title: needs a text, not a whole number; write it in quotes: "3"'),
        ("title: true", '1:8: title: needs a text, not true; write it in quotes: "true"'),
        ("title:", "1:7: title: is empty, but needs a text"),
        ("title: {a}", "1:8: title: needs a text, not a mapping; a text that begins with { or ["),
        ("title: a\nopen: True", "2:7: open: needs true or false, not a text; write true, without"),
        ("title: a\nopen: [1]", "2:7: open: needs true or false, not a list"),
        ("title: a\nkind: stel", "2:7: kind: 'stel' is not known; did you mean 'steel'?"),
        ("title: a\nkind: x", "2:7: kind: 'x' is not known; known: wood, steel"),
        ("title: a\nintent: fil", "2:9: intent: 'fil' is not known; did you mean 'file'?"),
        ("title: a\nopne: true", "2:1: opne: unknown key; did you mean 'open'?"),
        ("title: a\nxyz: true", "2:1: xyz: unknown key; known: title, open, kind, intent, parts,"),
        ("title: a\nparts: []", "2:8: parts: is empty"),
        ("title: a\nparts: x", "2:8: parts: needs a list, not a text; write it on a line of its"),
        ("title: a\nparts: [x]", "2:9: parts[0]: needs a mapping, not a text"),
        (
            "title: a\nparts: [{name: x, size: '2'}]",
            "2:25: parts[0].size: needs a whole number, not a text; write 2, without quotes",
        ),
        (
            "title: a\nparts: [{name: x, nmae: y}]",
            "2:19: parts[0].nmae: unknown key; did you mean 'name'?",
        ),
        ("title: a\nlid: 3", "2:6: lid: needs a text or a mapping, not a whole number; write it"),
        ("title: a\nforms: {a: x}", "2:12: forms.a: needs a form"),
        (
            "title: a\nforms: {a: {side: 1, z: 1}}",
            "2:22: forms.a.z: unknown key; known: side",
        ),
        (
            "title: a\nforms: {a: {radius: 1, color: 1}}",
            "2:24: forms.a.color: unknown key; did you mean 'colour'?",
        ),
        ("[]", "1:1: needs a mapping, not a list"),
    ],
)
def test_what_does_not_fit_the_model_is_told_in_plain_words(text: str, told: str) -> None:
    (problem,) = problems_of(text)
    assert problem.startswith(f"box.yaml:{told}")


def test_all_problems_of_a_file_are_told_at_once_and_in_order() -> None:
    told = problems_of("title: 3\nopen: 1\nopen: 2\nxyz: 1\nparts: [1, {}]")
    places = ["1:8", "2:7", "3:1", "4:1", "5:9", "5:12"]
    assert [problem.split(": ")[0] for problem in told] == [f"box.yaml:{p}" for p in places]


def test_a_problem_is_not_told_twice() -> None:
    assert len(problems_of("title: !!float 1")) == 1


def test_a_shorthand_stands_for_the_whole_value() -> None:
    box, _ = parse_document("title: a\nlid: cover", "box.yaml", Box)
    assert box.lid == Part(name="cover")


def test_shapes_and_shorthands_are_in_the_json_schema() -> None:
    properties = Box.model_json_schema()["properties"]
    assert properties["title"]["pattern"] == "^(?:[a-z]+)$"
    assert {"type": "string"} in properties["lid"]["anyOf"]


def test_a_file_is_read_with_its_positions_whatever_its_line_ends_and_its_byte_order_mark(
    tmp_path: Path,
) -> None:
    path = tmp_path / "box.yaml"
    path.write_bytes("\ufefftitle: a\r\nopen: true\r\n".encode())
    box, positions = load_document(path, Box)
    assert box == Box(title="a", open=True)
    assert (positions.at(("title",)), positions.at(("open",))) == (Position(1, 8), Position(2, 7))


def test_a_file_that_is_not_utf_8_is_told_with_the_byte_and_its_place(tmp_path: Path) -> None:
    path = tmp_path / "box.yaml"
    path.write_bytes(b"open: true\ntitle: caf\xe9\n")
    with pytest.raises(
        DocumentError, match=r"box\.yaml:2:11: the byte 0xe9 is not UTF-8; save the"
    ):
        load_document(path, Box)


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path, name: str) -> None:
    with pytest.raises(DocumentError, match="1:1: the file cannot be read; "):
        load_document(tmp_path / name, Box)


def test_of_many_files_those_that_read_are_had_beside_the_problems_of_the_others(
    tmp_path: Path,
) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("title: good")
    bad.write_text("title: 3\nopen: 3")
    documents, problems = load_documents([bad, good], Box)
    assert [document.content.title for document in documents] == ["good"]
    assert [problem.key for problem in problems] == ["title", "open"]


def test_a_path_inward_is_dotted_with_indices_in_brackets() -> None:
    assert dotted(("scenarios", 0, "axes", "order")) == "scenarios[0].axes.order"
    assert dotted(()) == ""


def test_a_word_far_from_all_gets_a_list_that_ends() -> None:
    assert suggest("zz", []) == "known: none"
    assert suggest("zz", [f"a{n}" for n in range(30)]).endswith("a18, a19, ...")
