"""The common case of f32 arithmetic on terms, for whole arrays: operands that no rule of `TermTable` names.

Most lanes are loads multiplied, added and rounded. For these the table's `mul`, `add`, `neg` and `round` come
down to making a node; here the same nodes are made many at a time. What is left goes through the table.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .terms import (
    BF16,
    CONSTANT,
    F16,
    HIDES_Z,
    NEGATED,
    NEVER_NEG_ZERO,
    REPRESENTABLE,
    Head,
    Ids,
    TermTable,
)

Plain: TypeAlias = Callable[[Sequence[Ids], Ids], NDArray[np.bool_]]
"""Fills in the results for operand columns where no rule applies, and says where that is."""

_RULES = {"mul": CONSTANT | NEGATED, "add": CONSTANT | NEVER_NEG_ZERO}
"""Flags of an operand that a rule asks for."""
_KEPT = {"mul": HIDES_Z, "add": HIDES_Z | NEVER_NEG_ZERO}
"""Flags that the result inherits from an operand."""


def plain_binary(table: TermTable, name: str) -> Plain | None:
    """Products and sums of two operands that are neither constants nor rewritten."""

    def plain(columns: Sequence[Ids], result: Ids) -> NDArray[np.bool_]:
        a, b = columns
        known = table.flags_of(a) | table.flags_of(b)
        where = known & _RULES[name] == 0
        pairs = np.minimum(a, b)[where], np.maximum(a, b)[where]  # both commute
        result[where] = _nodes(table, (name,), pairs, known[where] & _KEPT[name])
        return where

    return plain if name in _RULES else None


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
    plain = known & (CONSTANT | NEVER_NEG_ZERO | HIDES_Z) == 0
    flags = known[plain] & (BF16 | F16) | (NEVER_NEG_ZERO | HIDES_Z)
    result[plain] = _nodes(table, ("Z",), (a[plain],), flags)
    rest = ~plain & (known & NEVER_NEG_ZERO == 0)
    result[rest] = [table.plus_zero(term) for term in a[rest].tolist()]
    return result


def _nodes(table: TermTable, head: Head, columns: Sequence[Ids], flags: NDArray[Any]) -> list[int]:
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    return table.nodes(head, rows, flags.astype(np.uint8).tobytes())
