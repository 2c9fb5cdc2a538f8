"""What narrows cases or stacks down."""

from __future__ import annotations

from collections.abc import Callable

Selection = Callable[[str], bool]
"""Whether a case, or a stack, is wanted; it is called with the id."""
