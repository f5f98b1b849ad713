"""Matrix products of terms: a product with a known one-hot operand selects, any other stays a term of its
own.

The cube's accumulator starts at +0 and adds the K products in an order that is the hardware's. Two things
hold in any order: x + (+-0) = x for x that is not 0, and a sum that starts at +0 never is -0. So where all
products but one have an exact 0 as a factor, and the other factors are finite (condition "FIN": 0*Inf and
0*NaN are NaN), the lane is Z(the remaining product); and signs of zeros among the operands never show.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsv4_passes.interpreter import numerics

from .bulk import plus_zeros, strip_zeros
from .terms import CONSTANT, NEVER_NEG_ZERO, Ids, LaneMask, TermTable

FINITE = "FIN"
"""Condition: what a matmul multiplied by an exact 0 held no Inf and no NaN."""


class DotTerms:
    """Products of id matrices over one table."""

    def __init__(self, table: TermTable) -> None:
        self._table = table

    def dot(self, lhs: Ids, rhs: Ids, acc: Ids | None, src: str) -> tuple[Ids, LaneMask, frozenset[str]]:
        """[M, K] x [K, N] -> [M, N], where it is already added to the accumulator, and its conditions.

        Products of floats that are not known are added to an accumulator one by one, in the order of the
        hardware; those that are known are one product at most, so that there is one sum, left to the caller.
        """
        left, right = _Facts(self._table, lhs), _Facts(self._table, rhs)
        total = np.full((lhs.shape[0], rhs.shape[1]), -1, np.int64)
        if lhs.shape[1] > 1 and not left.zero.any() and not right.zero.any():
            return total, self._opaque(lhs, rhs, acc, src, total), frozenset()
        products = _count(~left.zero, ~right.zero)
        float_ = numerics.computes_as_float(src)
        total[products == 0] = self._table.zero if float_ else self._table.int_constant(0)
        row, col = np.nonzero(products == 1)
        if len(row):
            position: Ids = np.arange(lhs.shape[1], dtype=np.int64)
            k = _count(position * ~left.zero, ~right.zero)[row, col].astype(np.int64)
            a, b = lhs[row, k], rhs[k, col]
            total[row, col] = self._float_products(a, b) if float_ else self._int_products(a, b)
        folded = total >= 0
        conditions: frozenset[str] = frozenset()
        if float_ and folded.any():
            if (folded & _meets(left.zero, ~right.constant, ~left.constant, right.zero)).any():
                conditions = frozenset({FINITE})
            # 0 * Inf and 0 * NaN are NaN, and a sum with a NaN is.
            total[folded & _meets(left.zero, right.infinite, left.infinite, right.zero)] = self._nan()
        return total, self._opaque(lhs, rhs, acc, src, total), conditions

    def _nan(self) -> int:
        return self._table.float_constant(float("nan"))

    def _float_products(self, a: Ids, b: Ids) -> Ids:
        """0 + a*b for a factor 1 or -1, where the product is exact; -1 for "not known"."""
        table = self._table
        product = np.where(b == table.one, a, np.where(a == table.one, b, -1))  # 1 * x = x
        for i in np.flatnonzero(product < 0).tolist():
            x, y = int(a[i]), int(b[i])
            if abs(table.number(x) or 0) == 1 or abs(table.number(y) or 0) == 1:
                product[i] = table.mul(x, y)
        known = product >= 0
        product[known] = plus_zeros(table, product[known])
        return product

    def _int_products(self, a: Ids, b: Ids) -> Ids:
        """a*1; integer products by other numbers stay opaque."""
        one = self._table.int_constant(1)
        return np.where(a == one, b, np.where(b == one, a, -1))

    def _opaque(self, lhs: Ids, rhs: Ids, acc: Ids | None, src: str, total: Ids) -> LaneMask:
        """Fill the lanes still -1 with ("dot", src)(row, column), where a row is a term of its elements; with
        the accumulator as a third operand if its sum is not exact. The lanes that have that.
        """
        float_ = numerics.computes_as_float(src)
        unknown: LaneMask = total < 0
        row, col = np.nonzero(unknown)
        added: LaneMask = unknown & (float_ and acc is not None)
        if not len(row):
            return added
        rows = self._tuples(lhs, np.unique(row))
        cols = self._tuples(rhs.T, np.unique(col))
        head = ("dot", src)
        flags = NEVER_NEG_ZERO if float_ else 0
        node = self._table.node
        # Each product commutes, so the row and the column may change places.
        low, high = np.minimum(rows[row], cols[col]), np.maximum(rows[row], cols[col])
        sides = [low.tolist(), high.tolist()]
        if float_ and acc is not None:
            sides.append(acc[row, col].tolist())
        operands = zip(*sides, strict=True)
        total[row, col] = np.fromiter((node(head, x, flags) for x in operands), np.int64, len(row))
        return added

    def _tuples(self, lanes: Ids, wanted: NDArray[np.intp]) -> Ids:
        """The id of each requested row as a term, without the signs of zeros."""
        result = np.full(len(lanes), -1, np.int64)
        lanes = strip_zeros(self._table, lanes)
        for i in wanted.tolist():
            result[i] = self._table.node(("row",), tuple(lanes[i].tolist()))
        return result


class _Facts:
    """The flags of each element of a matrix of terms."""

    def __init__(self, table: TermTable, ids: Ids) -> None:
        self.constant: LaneMask = (table.flags_of(ids) & CONSTANT) != 0
        self.zero: LaneMask = np.zeros(ids.shape, np.bool_)
        self.infinite: LaneMask = np.zeros(ids.shape, np.bool_)
        for term in np.unique(ids[self.constant]).tolist():
            number = table.number(term)
            if number == 0:
                self.zero |= ids == term
            elif number is not None and not np.isfinite(number):
                self.infinite |= ids == term


def _count(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """The sum over k of `a[i, k] * b[k, j]`; exact while it stays below 2**24, as counts of k do."""
    return a.astype(np.float32) @ b.astype(np.float32)


def _meets(a: LaneMask, b: LaneMask, c: LaneMask, d: LaneMask) -> LaneMask:
    """Whether for some k `a[i, k] and b[k, j]`, or `c[i, k] and d[k, j]`."""
    return (_count(a, b) + _count(c, d)) > 0
