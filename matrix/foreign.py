"""Text from outside, made safe for the place where it is shown. Every output goes through here.

Targets, statements, errors, file names and reasons come from strangers: from scenarios, results,
drivers, an index of packages. Where they are printed, they are text and nothing else: a terminal
gets no control characters, the log of a CI system no commands, a table no cells, a spreadsheet no
formulas, Markdown no markup. Only what a place would take for more than text is changed.

A text goes through the function for its place when it is put in. A finished document goes through
`document`, or `json_document`, as a whole.
"""

from __future__ import annotations

import re

_COMMAND = re.compile(r"^((?:[ \t]|\x1b\[[0-9;]*m)*)::", re.MULTILINE)
"""A workflow command of GitHub: `::error::`, after spaces and colours that its runner removes."""

_LOGGING = re.compile(r"##(?=\w*\[)")
"""A command anywhere in a line: `##[group]` of GitHub, `##vso[` of Azure, `##teamcity[`."""

_FORMULA = re.compile(r"[=+\-@\t\r＝＋－＠]")
"""Begins a cell that a spreadsheet evaluates."""

_MARKDOWN = re.compile(r"([\\`*\[\]<>|#&~$]|(?<![^\W_])_|_(?![^\W_]))")
"""What Markdown may take for markup; an underscore inside a word is none."""
_MARKDOWN_START = re.compile(r"^\s*(?:([-+=:])|(\d+)([.)]))")
_LINKS = re.compile(r"(?<=:)/(?=/)|(?<=\bwww)\.", re.IGNORECASE)
_MENTION = re.compile(
    r"(?<!\w)@(?=[\w-]+(?:\.?$|\.?[^\w.-]))|(?<=\w)@(?=[\w.-]*\.[\w-]*[A-Za-z])", re.MULTILINE
)
"""`@user` and `user@example.org`, but not the `@3.11` of a stack."""

_TICKS = re.compile("`+")


def visible(text: str) -> str:
    r"""One text on one line: what a reader cannot see is escaped, as in `\x00`, `\n`, `\u202e`.

    These are control, format, bidi and surrogate characters, and those that no font has. What
    remains can be printed, and encoded as UTF-8.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def document(text: str) -> str:
    r"""A finished text of many lines, none of which a CI system takes for a command.

    `::error::` at the start of a line becomes `\x3a:error::`, and `##[` becomes `#\x23[`.
    """
    return _LOGGING.sub(r"#\\x23", _COMMAND.sub(r"\1\\x3a:", text))


def json_document(text: str) -> str:
    """A finished text of JSON, with other escapes for what is more than text elsewhere.

    It means the same to every reader of JSON. What is not ASCII has to be escaped already.
    """
    return _LOGGING.sub(r"#\\u0023", text).replace("\x7f", "\\u007f")


def markup_document(text: str) -> str:
    """A finished text of HTML, with references to characters in the same places."""
    return _LOGGING.sub("#&#35;", _COMMAND.sub(r"\1&#58;:", text))


def csv_cell(text: str) -> str:
    """A cell of CSV; one that a spreadsheet would evaluate begins with an apostrophe."""
    shown = visible(text)
    return f"'{shown}" if _FORMULA.match(shown.lstrip()) else shown


def markdown_text(text: str) -> str:
    """Text in Markdown: in a paragraph, a heading, an item of a list or a cell of a table."""
    shown = _MARKDOWN.sub(r"\\\1", visible(text).lstrip())
    shown = _MARKDOWN_START.sub(_escaped_start, shown)
    return _MENTION.sub("@&#8203;", _LINKS.sub(r"\\\g<0>", shown))


def _escaped_start(found: re.Match[str]) -> str:
    sign, number, after = found.groups()
    return f"\\{sign}" if sign else f"{number}\\{after}"


def markdown_code(text: str) -> str:
    """A code span in Markdown, backticks and pipes included; it may stand in a table."""
    shown = visible(text).replace("|", "\\|")
    longest = max((len(run) for run in _TICKS.findall(shown)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if shown.startswith("`") or shown.endswith("`") or not shown.strip() else ""
    return f"{fence}{padding}{shown}{padding}{fence}"


def command_message(text: str) -> str:
    """The message of a workflow command, which ends with its line; it may have several lines."""
    shown = "\n".join(map(visible, text.split("\n")))
    return document(shown).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str) -> str:
    """A property of a workflow command, such as its title."""
    return command_message(visible(text)).replace(":", "%3A").replace(",", "%2C")
