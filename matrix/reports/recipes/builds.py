"""How SQLite was built, as far as a string can tell: what a recipe has to be measured on.

A reader pins versions, but takes the build that comes: `sqlite3` is that of the distribution, of
Homebrew or of python.org. So a string is advice only if it was seen to work on builds that differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from matrix.model import Fingerprint
from matrix.model.stack_id import StackId
from matrix.results.store import StackResults

BUILD_FACTS: Mapping[str, tuple[str, str]] = {
    "uri_default": ("SQLite reads URIs by default", "SQLite does not read URIs by default"),
    "shared_cache": ("SQLite has the shared cache", "SQLite lacks the shared cache"),
}
"""The facts of a build on which the meaning of a string depends, and what each value is in words.

Both are options of the compiler, SQLITE_USE_URI and SQLITE_OMIT_SHARED_CACHE, and both are probed.
Advice needs each of them both ways. A third one, SQLITE_TEMP_STORE, decides where SQLite keeps
what it sorts; no string changes that.
"""

HOW_TO_TELL = (
    'python -c "import os, tempfile, sqlite3 as m; '
    "o = lambda t, u: m.Connection(t, **({'flags': 70 if u else 6} if m.__name__ == 'apsw' "
    "else {'uri': u})); "
    "d = tempfile.TemporaryDirectory(); os.chdir(d.name); "
    "c = o('file:x?mode=memory', False); u = not os.listdir(); "
    "a, b = (o('file:x?mode=memory&cache=shared', True) for _ in 'ab'); "
    "a.execute('CREATE TABLE t(x)'); "
    "s = list(b.execute('SELECT count(*) FROM sqlite_master')) == [(1,)]; "
    "v, = list(a.execute('SELECT sqlite_version()'))[0]; "
    "[e.close() for e in (a, b, c)]; os.chdir(os.pardir); "
    "print('SQLite', v, '- reads URIs by default:', u, '- has the shared cache:', s)\""
)
"""A line for a shell that tells a reader which build theirs is, by trying both in a directory that
goes away; `pysqlite3` and `apsw` go in the place of `sqlite3`."""
WHOSE_BUILD = (
    "What sqlite3 does depends on the SQLite that it was built with, which every distribution "
    "builds in its own way; pysqlite3 and apsw bring their own."
)
HOW_TO_TELL_INTRO = (
    "This line tells which build yours is; with pysqlite3 or apsw in the place of sqlite3, it asks "
    "those:"
)


def measured_build(stacks: Iterable[StackResults]) -> str:
    """Which build the stacks named `sqlite3` are, in words; empty where none is as built."""
    for stack in stacks:
        facts, options = stack.fingerprint, StackId.of(stack.stack).options
        if facts is not None and facts.driver == "sqlite3" and not {"sqlite", "uri"} & {*options}:
            told = (words[0 if getattr(facts, name) else 1] for name, words in BUILD_FACTS.items())
            return f"Here sqlite3 runs on SQLite {facts.sqlite}: {', '.join(told)}."
    return ""


def builds_of(prints: Iterable[Fingerprint]) -> frozenset[tuple[bool, ...]]:
    """The builds that differ among these: the values of the facts, each combination once."""
    return frozenset(tuple(getattr(each, name) for name in BUILD_FACTS) for each in prints)


def unvaried(prints: Iterable[Fingerprint]) -> tuple[str, ...]:
    """What all of these have in common, in words; empty where they differ enough for advice."""
    builds = builds_of(prints)
    return tuple(
        no if False in values else yes
        for (yes, no), *values in zip(BUILD_FACTS.values(), *builds, strict=True)
        if len(set(values)) == 1
    )
