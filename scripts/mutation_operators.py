"""Which mutants `mutate.py` makes: a choice of Cosmic Ray's operators, and three of our own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import cosmic_ray.plugins
from cosmic_ray.operators.operator import Example, Operator
from parso.python.tree import Name

_BINARY = {
    "Add": "Sub",
    "Sub": "Add",
    "Mul": "FloorDiv",
    "FloorDiv": "Mul",
    "Mod": "Add",
    "RShift": "LShift",
    "LShift": "RShift",
    "BitOr": "BitAnd",
    "BitAnd": "BitOr",
}
"""One replacement of each operator, where Cosmic Ray has eleven.

Eleven different TypeErrors for `"%s" % x` show no more than the first. `**` is left out: here it is
a display of a dictionary, which no other operator can be.
"""
_COMPARISON = {
    "Eq": "NotEq",
    "NotEq": "Eq",
    "Lt": "LtE",
    "LtE": "Lt",
    "Gt": "GtE",
    "GtE": "Gt",
    "Is": "IsNot",
    "IsNot": "Is",
}
"""The opposite and the boundary.

`==` for `is` is no difference for enums, and an order of names has no meaning.
"""
_CONSTANTS = ("None", "True", "False")


class DropCondition(Operator):
    """`a and b` without one of them, and a comprehension without its `if`.

    It stands for the exchange of `and` and `or`, too: a test that tells each half from the whole
    tells the one from the other.
    """

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        for part in self._parts(node):
            yield part.start_pos, part.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        part = self._parts(node)[index]
        if node.type == "comp_if":
            node.children[1] = Name("True", part.start_pos, prefix=" ")
        else:
            before = max(node.children.index(part) - 1, 0)
            del node.children[before : before + 2]
        return node

    @staticmethod
    def _parts(node: Any) -> list[Any]:
        if node.type in ("and_test", "or_test"):
            return list(node.children[::2])
        return [node.children[1]] if node.type == "comp_if" else []

    @classmethod
    def examples(cls) -> Sequence[Example]:
        return (
            Example("x = a and b", "x = b"),
            Example("x = a and b", "x = a", occurrence=1),
            Example("[x for x in y if x]", "[x for x in y if True]"),
        )


class DropStatement(Operator):
    """`pass` for a statement that changes something, or raises.

    A plain assignment to a name is left alone: without it, what follows cannot run.
    """

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        if node.type == "simple_stmt" and self._changes(node.children[0]):
            yield node.children[0].start_pos, node.children[0].end_pos

    def mutate(self, node: Any, index: int) -> Any:  # noqa: ARG002 -- there is one mutant
        first = node.children[0].get_first_leaf()
        node.children[0] = Name("pass", first.start_pos, prefix=first.prefix)
        return node

    @staticmethod
    def _changes(statement: Any) -> bool:
        if statement.type == "expr_stmt":
            target, how = statement.children[:2]
            plain = how.type == "annassign" or how.get_code().strip() == "="
            return target.type != "name" or not plain
        return statement.type in ("atom_expr", "raise_stmt", "del_stmt")

    @classmethod
    def examples(cls) -> Sequence[Example]:
        return (
            Example("f(x)\n", "pass\n"),
            Example("x.y = 1\n", "pass\n"),
            Example("raise X()\n", "pass\n"),
        )


class ReturnConstant(Operator):
    """`return None` for another value; in a function of type bool, `return True` and `False`."""

    def mutation_positions(self, node: Any) -> Iterator[Any]:
        for _ in self._constants(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        value = node.children[1]
        node.children[1] = Name(self._constants(node)[index], value.start_pos, prefix=" ")
        return node

    @staticmethod
    def _constants(node: Any) -> tuple[str, ...]:
        if node.type != "return_stmt" or node.children[1].get_code().strip() in _CONSTANTS:
            return ()
        annotation = node.search_ancestor("funcdef").annotation
        is_bool = annotation is not None and annotation.get_code().strip() == "bool"
        return ("True", "False") if is_bool else ("None",)

    @classmethod
    def examples(cls) -> Sequence[Example]:
        return (
            Example("def f():\n    return x", "def f():\n    return None"),
            Example("def f() -> bool:\n    return x", "def f() -> bool:\n    return True"),
        )


OURS = {operator.__name__: operator for operator in (DropCondition, DropStatement, ReturnConstant)}
NAMES = frozenset(
    {
        *(f"core/ReplaceBinaryOperator_{old}_{new}" for old, new in _BINARY.items()),
        *(f"core/ReplaceComparisonOperator_{old}_{new}" for old, new in _COMPARISON.items()),
        "core/ReplaceUnaryOperator_USub_UAdd",
        "core/ReplaceUnaryOperator_Delete_Not",
        "core/AddNot",
        "core/ReplaceTrueWithFalse",
        "core/ReplaceFalseWithTrue",
        "core/ReplaceBreakWithContinue",
        "core/ReplaceContinueWithBreak",
        "core/ExceptionReplacer",
        "core/NumberReplacer",
        "core/ZeroIterationForLoop",
        *(f"ours/{name}" for name in OURS),
    }
)
"""The operators in use, by Cosmic Ray's names."""

# Cosmic Ray finds other providers by their entry points, which a script has not.
cosmic_ray.plugins.OPERATOR_PROVIDERS["ours"] = OURS
