"""Options of `connect` that name an object of Python, checked before anything runs.

The probe imports nothing else either; here the mistake has its line and column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from matrix.documents.yaml_model import Flaw
from matrix.model import Json
from matrix.plugins import builtin_names, plugin_names
from matrix.probe.named import NAMES, named_options


def option_flaws(
    connect: Mapping[str, Json], possible: Callable[[str], Iterable[str]]
) -> Iterator[Flaw]:
    """The names that are on no list; `possible` gives what a text with placeholders can become."""
    for option, given in named_options(connect):
        known = known_names(option)
        texts = possible(given) if isinstance(given, str) else [given]
        wrong = next((text for text in texts if text not in known), None)
        if wrong is not None:
            message = f"{wrong!r} is not a name that can stand here"
            yield Flaw(("connect", option), message, f"known: {', '.join(known)}")
    if not isinstance(connect.get("creator", {}), Mapping):
        hint = "write creator: {target: ..., uri: true}"
        yield Flaw(("connect", "creator"), "needs a mapping, which names no function", hint)


def known_names(option: str) -> tuple[str, ...]:
    """The closed list of an option; the modules include those of driver plugins, by their names."""
    names = NAMES[option]
    if option == "module":
        own = sorted(set(plugin_names("drivers")) - set(builtin_names("drivers")))
        names += tuple(module for name in own for module in (name, f"{name}.dbapi2"))
    return names
