"""The common case of f32 arithmetic on terms, for whole arrays: operands that no rule of `TermTable` names.

Most lanes are loads multiplied, added and rounded. For these the table's `mul`, `add`, `neg` and `round` come
down to making a node; here the same nodes are made many at a time. What is left goes through the table.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .terms import (
    BF16,
    CONSTANT,
    F16,
    HIDES_Z,
    IS_Z,
    MADE_Z,
    NEGATED,
    NEVER_NEG_ZERO,
    REPRESENTABLE,
    Head,
    Ids,
    TermTable,
)

Plain: TypeAlias = Callable[[Sequence[Ids], Ids], NDArray[np.bool_]]
"""Fills in the results for operand columns where no rule applies, and says where that is."""

MAX_DEPTH = 50
"""Levels of operands that `strip_zeros` goes down; what is deeper goes through the table."""


def plain_binary(table: TermTable, name: str) -> Plain | None:
    """Products and sums of two operands, of which none is a constant but a +0 that is added."""
    rules = {"mul": _products, "add": _sums}
    return partial(rules[name], table) if name in rules else None


def _products(table: TermTable, columns: Sequence[Ids], result: Ids) -> NDArray[np.bool_]:
    a, b = columns
    known = table.flags_of(a) | table.flags_of(b)
    where = known & (CONSTANT | NEGATED) == 0
    result[where] = _nodes(table, ("mul",), _sorted(a[where], b[where]), known[where] & HIDES_Z)
    return where


def _sums(table: TermTable, columns: Sequence[Ids], result: Ids) -> NDArray[np.bool_]:
    a, b = columns
    constant = (table.flags_of(a) | table.flags_of(b)) & CONSTANT != 0
    done = np.zeros(len(a), np.bool_)
    for x, y in ((a, b), (b, a)):
        zero = (x == table.zero) & (table.flags_of(y) & CONSTANT == 0)
        result[zero] = plus_zeros(table, y[zero])
        done |= zero
    # as in `TermTable.add`: beside an operand that never is -0, the sign of a zero is lost
    b = _stripped_beside(table, a, b, ~constant)
    a = _stripped_beside(table, b, a, ~constant)
    known = table.flags_of(a) | table.flags_of(b)
    where = ~constant & (known & (CONSTANT | IS_Z) == 0)
    kept = known[where] & (HIDES_Z | NEVER_NEG_ZERO)
    result[where] = _nodes(table, ("add",), _sorted(a[where], b[where]), kept)
    return done | where


def _stripped_beside(table: TermTable, other: Ids, a: Ids, among: NDArray[np.bool_]) -> Ids:
    """`a`, without the signs of zeros where `other` never is -0."""
    where = among & (table.flags_of(other) & NEVER_NEG_ZERO != 0)
    result = a.copy()
    result[where] = strip_zeros(table, a[where])
    return result


def _sorted(a: Ids, b: Ids) -> tuple[Ids, Ids]:
    """Operands of what commutes."""
    return np.minimum(a, b), np.maximum(a, b)


def plain_negation(table: TermTable) -> Plain:
    """The sign of what has none that shows."""

    def plain(columns: Sequence[Ids], result: Ids) -> NDArray[np.bool_]:
        (a,) = columns
        known = table.flags_of(a)
        where = known & (CONSTANT | NEGATED) == 0
        flags = known[where] & (BF16 | F16 | HIDES_Z) | NEGATED
        result[where] = _nodes(table, ("neg",), (a[where],), flags)
        return where

    return plain


def plain_rounding(table: TermTable, dtype: str, mode: str) -> Plain:
    """Roundings to "bf16" or "f16" of terms that are neither known to be representable nor negations."""

    def plain(columns: Sequence[Ids], result: Ids) -> NDArray[np.bool_]:
        (a,) = columns
        known = table.flags_of(a)
        where = known & (CONSTANT | NEGATED | REPRESENTABLE[dtype]) == 0
        flags = known[where] & HIDES_Z | REPRESENTABLE[dtype]
        result[where] = _nodes(table, ("round", dtype, mode), (a[where],), flags)
        return where

    return plain


def plus_zeros(table: TermTable, a: Ids) -> Ids:
    """`TermTable.plus_zero` of each."""
    known = table.flags_of(a)
    result = a.copy()  # what is never -0 stays as it is
    rest = known & NEVER_NEG_ZERO == 0
    bare = strip_zeros(table, a[rest])
    known = table.flags_of(bare)
    new = np.where(bare == table.neg_zero, table.zero, bare)
    plain = known & (CONSTANT | NEVER_NEG_ZERO) == 0
    new[plain] = _nodes(table, ("Z",), (bare[plain],), known[plain] & (BF16 | F16) | MADE_Z)
    result[rest] = new
    return result


def strip_zeros(table: TermTable, a: Ids, depth: int = 0) -> Ids:
    """`TermTable.strip_zero` of each, a level of operands at a time."""
    hidden = table.flags_of(a) & HIDES_Z != 0
    if not hidden.any():
        return a
    if len(table.bare) < len(table):
        more = np.full(2 * len(table) - len(table.bare), -1, np.int64)
        table.bare = np.concatenate([table.bare, more])
    new = np.unique(a[hidden & (table.bare[a] < 0)])
    groups: dict[Head, list[int]] = {}
    for term in new.tolist():
        groups.setdefault(table.head(term), []).append(term)
    for head, terms in groups.items():
        table.bare[terms] = _stripped(table, head, terms, depth)
    return np.where(hidden, table.bare[a], a)


def _stripped(table: TermTable, head: Head, terms: list[int], depth: int) -> Sequence[int] | Ids:
    """Terms of one head without the signs of zeros; `table.bare` may be another array afterwards."""
    plain = _plain(table, head)
    if plain is None or depth > MAX_DEPTH:
        return [table.strip_zero(term) for term in terms]
    operands = np.array([table.args(term) for term in terms], np.int64)
    columns = [strip_zeros(table, column, depth + 1) for column in operands.T]
    if head == ("Z",):
        return columns[0]
    result = np.empty(len(terms), np.int64)
    rest = ~plain(columns, result)
    left = np.flatnonzero(rest).tolist()
    result[rest] = [table.rebuild(head, [int(column[i]) for column in columns]) for i in left]
    return result


def _plain(table: TermTable, head: Head) -> Plain | None:
    match head:
        case ("Z",) | ("neg",):
            return plain_negation(table)
        case ("mul",):
            return partial(_products, table)
        case ("add",):
            return partial(_sums, table)
        case ("round", str(dtype), str(mode)):
            return plain_rounding(table, dtype, mode)
        case _:
            return None


def _nodes(table: TermTable, head: Head, columns: Sequence[Ids], flags: NDArray[Any]) -> list[int]:
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    return table.nodes(head, rows, flags.astype(np.uint8).tobytes())
