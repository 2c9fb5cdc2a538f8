"""Text from outside, in each place where it is shown."""

from __future__ import annotations

import json

import pytest

from matrix.foreign import (
    command_message,
    command_property,
    csv_cell,
    document,
    json_document,
    markdown_code,
    markdown_text,
    markup_document,
    visible,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("file:é?a=b 日本", "file:é?a=b 日本"),
        ("a\tb\r\nc\x1b[0m\x7f", r"a\tb\r\nc\x1b[0m\x7f"),
        ("\x85\xa0\u202e\u2066\u200b", r"\x85\xa0\u202e\u2066\u200b"),
        ("\ufeff\udcff\U000e0041", r"\ufeff\udcff\U000e0041"),
    ],
)
def test_what_cannot_be_seen_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", r"\x3a:error::x"),
        ("a\n  ::error::x\nb", "a\n  \\x3a:error::x\nb"),
        ("\x1b[1m::error::x", "\x1b[1m\\x3a:error::x"),
        ("a ::error::x", "a ::error::x"),
        (":memory:", ":memory:"),
        ("a ##[error]b", r"a #\x23[error]b"),
        ("##vso[a]##teamcity[b]", r"#\x23vso[a]#\x23teamcity[b]"),
        ("## heading [x]", "## heading [x]"),
    ],
)
def test_no_line_of_a_document_is_a_command(text: str, shown: str) -> None:
    assert document(text) == shown


def test_json_has_other_escapes_and_means_the_same() -> None:
    data = ["##[error]x", "##vso[x]", "\x7f", "::error::"]
    text = json_document(json.dumps(data, indent=1))
    assert json.loads(text) == data
    assert "##" not in text
    assert "\x7f" not in text


def test_markup_has_references_to_characters() -> None:
    assert markup_document("::a\n##[b]") == "&#58;:a\n#&#35;[b]"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("  =1", "'  =1"),
        ("＝1", "'＝1"),
        ("\t=1", r"\t=1"),
        ("file:a=b", "file:a=b"),
        ("", ""),
    ],
)
def test_a_cell_that_a_spreadsheet_would_evaluate_begins_with_an_apostrophe(
    text: str, cell: str
) -> None:
    assert csv_cell(text) == cell


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b>*x*_[y](z)|`", r"\<b\>\*x\*\_\[y\](z)\|\`"),
        ("$x$ &lt; #1", r"\$x\$ \&lt; \#1"),
        ("_a_ b_c d__e", r"\_a\_ b_c d\_\_e"),
        ("- x", r"\- x"),
        ("1. x", r"1\. x"),
        ("     code", "code"),
        ("https://x.example www.x.example", r"https:\//x.example www\.x.example"),
        ("@user, and a@b.example", "@&#8203;user, and a@&#8203;b.example"),
        ("sqlite3[uri=off]@3.11", r"sqlite3\[uri=off\]@3.11"),
    ],
)
def test_text_in_markdown_is_no_markup_and_no_link(text: str, shown: str) -> None:
    assert markdown_text(text) == shown


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("a|b", "`a\\|b`"),
        ("a`b", "``a`b``"),
        ("`a``", "``` `a`` ```"),
        ("a\nb", r"`a\nb`"),
        (" ", "`   `"),
    ],
)
def test_code_in_markdown_stays_in_its_span(text: str, span: str) -> None:
    assert markdown_code(text) == span


def test_a_workflow_command_ends_where_it_should() -> None:
    assert command_property("50%: a,b\n::error::") == "50%25%3A a%2Cb\\n%3A%3Aerror%3A%3A"
    assert command_message("a\n::error::b\r##[c]") == r"a%0A\x3a:error::b\r#\x23[c]"
