"""Every connection that is opened during a case, whoever opens it."""

from __future__ import annotations

import threading
from typing import Any, Callable, Dict, List, Optional, Tuple

from .places import Places

Describe = Dict[str, Callable[[Any], Any]]


class Recorder:
    """Keeps what reached the driver first, and every connection until it is closed.

    A connection that is left open keeps a shared in-memory database alive for later cases, so all
    are closed at the end of a case, each in the thread that opened it.
    """

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self.begin()
        driver.recorder = self
        driver.record(self)

    def begin(self) -> None:
        self.switched = False
        self.passed: Optional[Dict[str, Any]] = None
        self._connections: List[Tuple[int, Any]] = []

    def opening(
        self,
        open_: Callable[..., Any],
        args: Tuple[Any, ...],
        kwargs: Dict[str, Any],
        describe: Optional[Describe] = None,
    ) -> Any:
        """Open a connection, and remember the call and the connection."""
        if self.passed is None:
            self.passed = {"args": list(args), "kwargs": _described(kwargs, describe or {})}
        connection = open_(*args, **kwargs)
        self._connections.append((threading.get_ident(), connection))
        return connection

    def close_thread(self) -> None:
        """Close the connections that this thread opened, and that are not closed yet."""
        here = threading.get_ident()
        mine = [connection for thread, connection in self._connections if thread == here]
        self._connections = [(t, c) for t, c in self._connections if t != here]
        for connection in mine:
            self._driver.close(connection)

    @property
    def latest(self) -> Any:
        """The driver's own connection that this thread opened last, if it did."""
        here = threading.get_ident()
        return next((c for thread, c in reversed(self._connections) if thread == here), None)

    @property
    def left_open(self) -> int:
        """How many connections of other threads are open still: those threads had to close them."""
        return sum(not self._is_closed(connection) for _, connection in self._connections)

    def _is_closed(self, connection: Any) -> bool:
        """Whether a connection says that it is; the question may be asked from any thread."""
        try:
            self._driver.in_transaction(connection)
        except Exception as error:
            return "closed" in str(error)
        return False


def _described(kwargs: Dict[str, Any], describe: Describe) -> Dict[str, Any]:
    return {name: describe.get(name, _same)(value) for name, value in kwargs.items()}


def _same(value: Any) -> Any:
    return value


def to_json(value: Any, places: Places) -> Any:
    """What was passed, as JSON: paths with their placeholders, objects by their type."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    if isinstance(value, str):
        return places.show(value)
    if isinstance(value, (list, tuple)):
        return [to_json(item, places) for item in value]
    if isinstance(value, dict):
        return {str(key): to_json(item, places) for key, item in value.items()}
    if hasattr(value, "__fspath__"):
        return places.show(str(value))
    kind = value if isinstance(value, type) else type(value)
    return "<%s.%s>" % (kind.__module__, kind.__qualname__)
