"""Real inputs, and what chance makes of them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

Json = Any
Random = random.Random

SNIPPETS = (
    *(b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"\xf0\x9f\x98\x80"),
    *(
        b"\r",
        b"\t",
        b"\n",
        b"\r\n",
        b"\x1b[31m",
        b"\x85",
        b"\xe2\x80\xa8",
        b"\xe2\x80\xae",
        b" ",
        b"",
    ),
    *(b"\\ud800", b"\\u0000", b"\\udcff", b"\\", b"'", b'"', b"::error::"),
    *(b"NaN", b"-Infinity", b"1e999", b"-0", b"1" * 30, b"9" * 5000, b"null", b"true", b"~"),
    *(b"[" * 70, b"{" * 70, b"[" * 3000, b'{"a":' * 70, b"[", b"]", b"{", b"}", b"{{", b"{*}"),
    *(b"&a ", b"*a", b"<<: ", b"!!int ", b"!!python/object:os.system ", b"? ", b"- ", b": ", b", "),
    *(b"#", b"%", b"%00", b"---\n", b"...\n", b"{dir}", b"{name}", b"*", b"@", b"/", b"../"),
    *(b"=", b"==", b">=", b"~=1", b"===", b";", b"; extra == 'x'", b"; python_version ~= 'x'"),
)
"""What readers stumble over."""

DEEP = "\x00deep\x00"
"""Stands for lists in lists, which Python's writers of JSON cannot write."""


VALUES: tuple[Json, ...] = (
    *(None, True, False, 0, -1, 1, 10**18, 10**19, -(10**40), 1.5, -0.0),
    *(float("nan"), float("inf"), DEEP, [], [None], [[]], ["x", 1], [1, 2]),
    *("", " ", "x", "none", "any", "é", "a\nb", "\0", "\ud800", "\udcff", "\x1b[0m", "::error::"),
    *("x" * 5000, "1" * 5000, "1.2.3", ">=", ">=1", ">x", "<" * 200, "=", "*", "[", "{", "{a,b}"),
    *(
        "file:x?mode=memory",
        "sqlite:///file:x?uri=true",
        "{dir}/x",
        "%00%ff%",
        "..",
        "/",
        "@",
        "a@b",
    ),
    *({}, {"": ""}, {"a": None}, {"\ud800": 1}, {"db": "x"}, [{"db": 1}], {"args": []}),
    *({"kwargs": {}}, {"args": [], "kwargs": {"database": 1}}, {"args": {}, "kwargs": []}),
)
"""Values of every type, most of them odd."""


def somewhere(data: Json, chance: Random) -> list[Json]:
    """The way inward to a value: what is near the top is met as often as what lies deep."""
    at: list[Json] = []
    while isinstance(data, dict | list) and data and (not at or chance.random() < 0.75):
        at.append(chance.choice([*data] if isinstance(data, dict) else range(len(data))))
        data = data[at[-1]]
    return at


def changed(original: Json, chance: Random) -> Json:
    """A copy with one change somewhere: another value, a key more, less or by another name."""
    data = json.loads(json.dumps(original))
    if chance.random() < 0.02 or not isinstance(data, dict | list) or not data:
        return chance.choice(VALUES)
    *way, last = somewhere(data, chance)
    parent = data
    for key in way:
        parent = parent[key]
    inside, kind = parent[last], chance.randrange(8)
    if kind == 0:
        del parent[last]
    elif kind == 1 and isinstance(parent, dict):
        parent[chance.choice(("x", "", "\ud800", "id", "\0"))] = parent.pop(last)
    elif kind == 2:
        parent[last] = [inside]
    elif kind == 3:
        parent[last] = {"x": inside}
    elif kind == 4 and isinstance(parent, list):
        parent.insert(0, inside)
    else:
        parent[last] = chance.choice(VALUES)
    return data


def written(data: Json, chance: Random) -> bytes:
    """Data as JSON, now and then with a key that stands twice."""
    text = json.dumps(data, separators=(chance.choice((",", ", ")), chance.choice((":", ": "))))
    if chance.random() < 0.05 and "," in text:
        place = chance.choice([n for n, sign in enumerate(text) if sign == ","])
        key = text.find('"', place)
        again = text[key : text.find(",", key)]
        text = f"{text[:place]},{again}{text[place:]}"
    depth = chance.choice((10, 70, 3000))
    return text.replace(json.dumps(DEEP), "[" * depth + "]" * depth).encode()


def damaged(content: bytes, chance: Random) -> bytes:
    """Bytes with something cut out, doubled, put in, turned over, or cut off."""
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        here, there = sorted(chance.randrange(len(content) + 1) for _ in range(2))
        there = min(there, here + chance.choice((1, 3, 30, 300)))
        content = chance.choice(_DAMAGES)(content, here, there, chance)
    return content


def _insert(content: bytes, here: int, _there: int, chance: Random) -> bytes:
    return content[:here] + chance.choice(SNIPPETS) + content[here:]


def _replace(content: bytes, here: int, there: int, chance: Random) -> bytes:
    return content[:here] + chance.choice(SNIPPETS) + content[there:]


def _cut_out(content: bytes, here: int, there: int, _chance: Random) -> bytes:
    return content[:here] + content[there:]


def _double(content: bytes, here: int, there: int, _chance: Random) -> bytes:
    return content[:there] + content[here:]


def _turn(content: bytes, here: int, _there: int, chance: Random) -> bytes:
    return content[:here] + bytes([chance.randrange(256)]) + content[here + 1 :]


def _cut_off(content: bytes, here: int, _there: int, _chance: Random) -> bytes:
    return content[:here]


_DAMAGES: tuple[Callable[[bytes, int, int, Random], bytes], ...] = (
    _insert, _insert, _replace, _replace, _cut_out, _double, _turn, _turn, _cut_off,
)  # fmt: skip
