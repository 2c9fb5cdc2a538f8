"""The fields of an observation in a few words."""

from __future__ import annotations

from matrix.foreign import visible
from matrix.model import Json, canonical
from matrix.text import cut

_SHORT = 100


def in_words(name: str, value: Json, *, length: int = _SHORT) -> str:
    """A field in short: an error's text, the paths that were created, the call that was made.

    `length`: so many characters are shown.
    """
    if value is None or value == []:
        text = "none"
    elif name == "error":
        text = f"{value['type']}: {value['message']}"
    elif name == "created":
        text = ", ".join(f"{e['path']} ({e['kind']}{'' if e['kept'] else ', gone'})" for e in value)
    elif name in ("modified", "removed", "outside"):
        text = ", ".join(value)
    elif name == "passed":
        text = ", ".join(canonical(argument) for argument in value["args"])
        text += "".join(f", {key}={canonical(item)}" for key, item in value["kwargs"].items())
    else:
        text = value if isinstance(value, str) else canonical(value)
    return cut(visible(text), length)
