"""Which files SQL names, as SQLite itself reads it.

A statement is compiled by the SQLite of the tool's own Python, after `EXPLAIN`, which lists the
program and does not run it. The program shows the name: as the first argument of `sqlite_attach`,
which ATTACH calls, and in the register of the opcode `Vacuum`, for VACUUM INTO. An authorizer
refuses whatever else a statement may do while it is compiled: some PRAGMAs take effect then.

Sources: https://www.sqlite.org/lang_explain.html, https://www.sqlite.org/opcode.html,
https://www.sqlite.org/c3ref/set_authorizer.html.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from functools import lru_cache
from typing import Any

_LONGEST = 100_000  # characters of a text that are read
_MOST = 1_000  # semicolons of a text at which a statement may end
_ALLOWED = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_FUNCTION)
_FAULTS = (sqlite3.Error, sqlite3.Warning, ValueError)
"""What compiling may raise; the text may be anything."""
_CALLS = ("Function", "PureFunc", "Function0")
_TEXT = ord("B")
"""The affinity that CAST AS TEXT gives, as an operand of the opcode `Cast`."""
_BYTES = {surrogate: 0xF0000 + surrogate for surrogate in range(0xD800, 0xE000)}
"""Characters for private use in place of surrogates, which Python does not hand to SQLite."""
_BACK = {private: surrogate for surrogate, private in _BYTES.items()}

_Instruction = tuple[Any, ...]
"""A row of EXPLAIN: address, opcode, P1 to P5, comment."""
_Registers = dict[int, "str | None"]
"""What is known of the registers: a text; None is NULL, or what is not known."""


@lru_cache(maxsize=4096)
def names_in_sql(statements: tuple[str, ...]) -> tuple[str, ...]:
    """The names in ATTACH and VACUUM INTO, in order; of several statements in one text, of each.

    Nothing is executed. What SQLite cannot compile names nothing, and a name that a function or a
    subquery computes is not known.
    """
    if not any(_may_name(text) for text in statements):
        return ()
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        connection.set_authorizer(_authorize)
        pieces = (piece for text in statements for piece in _pieces(text))
        return tuple(name for piece in pieces for name in _names(connection, piece))


@lru_cache(maxsize=4096)
def is_query(statement: str) -> bool:
    """Whether a statement reads and gives rows: SQLite first asks leave for a SELECT."""
    asked: list[int] = []

    def note(action: int, *_: object) -> int:
        asked.append(action)
        return sqlite3.SQLITE_DENY

    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.set_authorizer(note)
        with suppress(*_FAULTS):
            connection.execute(f"EXPLAIN {next(_pieces(statement), '')}")
    return asked[:1] == [sqlite3.SQLITE_SELECT]


def _may_name(text: str) -> bool:
    """Whether it is worth a look: no statement that names a file lacks these words."""
    lower = text[:_LONGEST].lower()
    return "attach" in lower or "vacuum" in lower


def _authorize(action: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _pieces(text: str) -> Iterator[str]:
    """The statements of a text, which ends at a NUL, each up to the semicolon that completes it."""
    text = text[:_LONGEST].partition("\0")[0].translate(_BYTES)
    start = end = 0
    for _ in range(_MOST):
        end = text.find(";", end) + 1
        if not end:
            break
        if sqlite3.complete_statement(text[start:end]):
            yield text[start:end]
            start = end
    if text[start:].strip():
        yield text[start:]


def _names(connection: sqlite3.Connection, statement: str) -> Iterator[str]:
    """The name in one statement; a schema that it attaches is known to those that follow."""
    try:
        program = connection.execute(f"EXPLAIN {statement}").fetchall()
    except _FAULTS:
        return
    for name, schema in _attached(program):
        if schema is not None:
            with suppress(*_FAULTS):  # the name is taken, or there are too many
                connection.execute("ATTACH ':memory:' AS ?", (schema,))
        if name is not None:
            yield name.translate(_BACK)


def _attached(program: Sequence[_Instruction]) -> Iterator[tuple[str | None, str | None]]:
    """The names that a program opens, with their schemas, as far as they are constants.

    It is followed from constant to constant; at an opcode that could branch or loop it is left.
    """
    registers: _Registers = {}
    for instruction in _straight_on(program):
        _, opcode, _, p2, _, p4, *_ = instruction
        if opcode in _CALLS and str(p4).startswith("sqlite_attach("):
            yield registers.get(p2), registers.get(p2 + 1)
        elif opcode == "Vacuum":
            yield registers.get(p2) if p2 else None, None
        elif not _is_followed(instruction, registers):
            return


def _straight_on(program: Sequence[_Instruction]) -> Iterator[_Instruction]:
    """The instructions in the order in which they run where nothing branches."""
    at = 0
    for _ in range(2 * len(program)):
        if not at < len(program):
            return
        instruction = program[at]
        at += 1
        if instruction[1] in ("Init", "Goto"):
            at = instruction[3]
        else:
            yield instruction


def _is_followed(instruction: _Instruction, registers: _Registers) -> bool:
    """Do to the registers what an instruction does; False where that is not known here."""
    _, opcode, p1, p2, p3, p4, *_ = instruction
    if opcode in ("String8", "Blob", "Int64"):
        registers[p2] = p4
    elif opcode == "Integer":
        registers[p2] = str(p1)
    elif opcode in ("Copy", "SCopy"):
        registers[p2] = registers.get(p1)
    elif opcode == "Concat":
        left, right = registers.get(p2), registers.get(p1)
        registers[p3] = None if left is None or right is None else left + right
    elif opcode == "Null" or opcode in _CALLS:
        registers[p2 if opcode == "Null" else p3] = None
    else:
        return bool(opcode == "Once" or (opcode == "Cast" and p2 == _TEXT))
    return True
