"""The words, tones and signs of the page come with its data: its script has no copy of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from matrix.model import PathKind, Reopened, SecondConnection, Storage
from matrix.model.outcome import Outcome
from matrix.reports.page.data import build_page_data, detail_document, grid_document
from matrix.reports.page.html import page_script
from matrix.reports.page.words import (
    AXIS_WORDS,
    BUILD_WORDS,
    PATH_WORDS,
    REOPENED_WORDS,
    SECOND_CONNECTION_WORDS,
    SHORT_WORDS,
    STORAGE_WORDS,
    TONES,
)
from matrix.versions.history import BUILD_FACTS
from tests.builders import realistic

OTHER_USES = {"opened", "error", "database", "file", "stray", "-"}
"""Names of fields and kinds that the script reads, of a filter, and a dash before an option."""


def texts(value: Any) -> Iterator[str]:
    """Every text in a document, however deep; names of keys are none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from texts(each)
    elif isinstance(value, dict):
        yield from texts(list(value.values()))


def test_whatever_can_be_recorded_has_a_word() -> None:
    assert set(TONES) == set(Outcome)
    assert set(STORAGE_WORDS) == set(Storage)
    assert set(SECOND_CONNECTION_WORDS) == set(SecondConnection)
    assert set(REOPENED_WORDS) == set(Reopened)
    assert set(PATH_WORDS) == set(PathKind)
    assert set(BUILD_WORDS) == set(BUILD_FACTS)


def test_a_short_word_is_a_part_of_the_whole_one() -> None:
    assert all(short in outcome.word.split() for outcome, short in SHORT_WORDS.items())


def test_the_script_has_no_copy_of_what_comes_with_the_data() -> None:
    data = build_page_data(realistic())
    grid, detail = grid_document(data), detail_document(data)
    shared = [grid[name] for name in ("outcomes", "verdicts", "intents", "groups")]
    shared += [detail[name] for name in ("calls", "uri_flags", "words")]
    shared += [AXIS_WORDS]
    wanted = {text.strip() for text in texts(shared)} - {"", *OTHER_USES}
    assert len(wanted) > 50
    script = page_script()
    copies = {text for text in wanted if re.search(rf"([\"'`]){re.escape(text)}\1", script)}
    assert copies == set()


def test_the_script_does_not_compute_what_a_character_means() -> None:
    assert not re.search(r"charCodeAt\([^)]*\) *[-+*/%]", page_script())
