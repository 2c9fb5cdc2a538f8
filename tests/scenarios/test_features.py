"""The corpus asks all that is known to matter; what it does not is listed by name."""

from __future__ import annotations

from collections import Counter

from matrix.scenarios.expand import expand_topics
from matrix.scenarios.features import count_features, features
from matrix.scenarios.load import load_topics
from tests.builders import make_case
from tests.paths import SCENARIOS

DRIVERS = ("sqlite3", "pysqlite3", "apsw")

FORMS = """
form plain|form empty|form :memory:|form :memory: and more|form relative|form /|form ///
form //localhost|form //host|form no path|form upper case
text %HH|text %00|text %?|text +|text #|text space|text quote|text not ASCII|text not UTF-8|text NUL
type bytes|type path
"""
PARAMETERS = """
mode=ro|mode=rw|mode=rwc|mode=memory|mode=wrong|mode=|mode alone|mode=MEMORY|mode x2|mode x3
cache=shared|cache=private|cache=wrong|cache=|cache=SHARED|cache x2
vfs=memdb|vfs=unix|vfs=unix-dotfile|vfs=unix-excl|vfs=unix-none|vfs=nosuch|vfs=|vfs=MEMDB|vfs x2
immutable=1|immutable=0|immutable=|nolock=1|nolock=0|nolock=|psow=1|psow=0|modeof=y.db
uri=true|uri=True|uri=1|uri=false|uri=0|uri=|uri alone|uri x2|& twice|=memory|nonsense=1
order mode-cache|order cache-mode|order mode-cache-uri|order mode-uri-cache|order cache-mode-uri
order cache-uri-mode|order uri-mode-cache|order uri-cache-mode
"""
SURROUNDINGS = """
there db|there empty|there file|there mkdir|there symlink|there wal|no write|write to temp
backup|reopen|second in thread
sql ATTACH|sql VACUUM INTO|sql TEMP TABLE|sql ORDER BY
sql PRAGMA JOURNAL_MODE=WAL|sql PRAGMA JOURNAL_MODE=PERSIST|sql PRAGMA JOURNAL_MODE=TRUNCATE
sql PRAGMA JOURNAL_MODE=MEMORY|sql PRAGMA JOURNAL_MODE=OFF|sql PRAGMA JOURNAL_MODE=DELETE
sql PRAGMA TEMP_STORE=FILE|sql PRAGMA TEMP_STORE=MEMORY
"""
SQLALCHEMY = """
via sqlalchemy|option connect_args|option creator|option uri=True
option poolclass=NullPool|option poolclass=StaticPool|option poolclass=QueuePool
option poolclass=SingletonThreadPool|option poolclass=AssertionPool
timeout=5|check_same_thread=false
"""
OTHERS = """
killed writer|permissions
rival same before open|rival thread before read|rival thread before write
rival process before open|rival process before read|rival process before write
rival thread during read|rival thread during write|rival thread after open
rival process after open|rival process after write|rival fork after open|rival fork after write
"""
MIDDLEWARES = """
via aiosqlite|via django|via peewee|via flask-sqlalchemy|via sqlalchemy-asyncio
"""


def listed(*texts: str) -> list[str]:
    names = (name for text in texts for line in text.splitlines() for name in line.split("|"))
    return [name.strip() for name in names if name.strip()]


def test_every_form_parameter_and_surrounding_is_asked_on_every_driver() -> None:
    found = count_features(expand_topics(load_topics([SCENARIOS])), DRIVERS)
    wanted = listed(FORMS, PARAMETERS, SURROUNDINGS, OTHERS, SQLALCHEMY)
    none: Counter[str] = Counter()
    missing = [
        f"{name} on {driver}"
        for name in wanted
        for driver in DRIVERS
        if not found.get(name, none)[driver]
    ]
    assert missing == []


def test_every_middleware_is_asked_and_a_driver_by_its_module() -> None:
    found = count_features(expand_topics(load_topics([SCENARIOS])), ["sqlite3"])
    assert "option module=sqlite3" in found
    assert [name for name in listed(MIDDLEWARES) if name not in found] == []


def test_a_feature_is_read_off_the_case() -> None:
    case = make_case(
        target="file:///{dir}/x%20y.db?mode=ro&mode=memory#z",
        connect={"uri": True},
        sql=("ATTACH ':memory:' AS two",),
    )
    assert features(case) == {
        "form ///",
        "text %HH",
        "text #",
        "mode=ro",
        "mode=memory",
        "mode x2",
        "via driver",
        "option uri=True",
        "sql ATTACH",
    }


def test_a_case_of_one_driver_counts_for_it_alone() -> None:
    found = count_features([make_case(drivers=("apsw",))], DRIVERS)
    assert all(dict(count) == {"apsw": 1} for count in found.values())
