"""The domain of terms: lanes are int64 arrays of ids of a `TermTable`, whole tiles at a time.

An operation looks at each distinct tuple of operand ids once and lets the table's rules decide what it
becomes. bf16 and f16 arithmetic is f32 arithmetic with a rounding, as in the numpy domain, so the same rules
serve; loads and constants of those types are known to be representable, which makes the rounding vanish where
it does nothing. Constants go through the numpy domain, so that what is computed here is what a run computes.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dsv4_passes.interpreter import numerics, numpy_domain
from dsv4_passes.interpreter.domain import NotConcrete
from dsv4_passes.interpreter.numpy_domain import NumpyDomain
from dsv4_passes.npz import Array

from .bits import BitTerms
from .bulk import Plain, plain_binary, plain_negation, plain_rounding, strip_zeros
from .matrix_products import DotTerms
from .memo import Results, memoised
from .terms import (
    BF16,
    CONSTANT,
    F16,
    NEVER_NEG_ZERO,
    REPRESENTABLE,
    Ids,
    TermTable,
)

BYTES_PER_TERM = 300
"""Measured: 167 to 296 for the kernels of the tests, 207 for half a million products of loads, without the
lanes that hold them and without memoised results (benchmarks/term_memory.py, CPython 3.11).
"""
TermRule: TypeAlias = Callable[..., int]
Fold: TypeAlias = Callable[..., Array]

# What depends on the C library of the host is not folded.
_UNFOLDED = frozenset({"exp", "log", "sqrt", "rsqrt", "pow"})
_COMMUTATIVE = frozenset({"add", "mul", "and", "or", "xor", "max", "min"})
_NEUTRAL = {"add": 0, "sub": 0, "or": 0, "xor": 0, "shl": 0, "shr": 0, "mul": 1, "div": 1}
_KEEPS_TYPE = frozenset({"max", "min", "abs", "relu"})
_FITS_SHORT_FLOATS = frozenset({"i1", "i8", "ui8"})
_FITS_F32 = _FITS_SHORT_FLOATS | {"i16", "ui16"}


class TermDomain:
    """`Domain` on term ids. Lanes of one domain (one table) can be compared."""

    def __init__(self, table: TermTable | None = None) -> None:
        self.table = table or TermTable()
        self._numpy = NumpyDomain()
        self._dots = DotTerms(self.table)
        self._bits = BitTerms(self.table)
        self._conditions: set[str] = set()
        self._constants: dict[tuple[str, str], int] = {}
        self._results = Results()

    @property
    def bytes(self) -> int:
        """What the terms take, about."""
        return len(self.table) * BYTES_PER_TERM + self.table.loaded_bytes + self._results.bytes

    def take_conditions(self) -> frozenset[str]:
        """Conditions of all results since the last call, also of those that were interned long before."""
        taken = frozenset(self._conditions)
        self._conditions.clear()
        return taken

    # ------------------------------------------------------------------------------------ constants

    def constant(self, value: float, dtype: str, shape: tuple[int, ...]) -> Ids:
        key = repr(value), dtype  # -0.0 and 0.0 are equal, their texts are not
        if (term := self._constants.get(key)) is None:
            term = self._constants[key] = self.from_numbers(numerics.constant(value, dtype), dtype).item()
        return np.full(shape, term, np.int64)

    def from_numbers(self, numbers: Array, dtype: str) -> Ids:
        """Constant lanes from an array of the element type; the inverse of `concrete`."""
        if numerics.computes_as_float(dtype):
            return self.table.float_constants(numbers.astype(np.float64))
        unique, inverse = np.unique(numbers, return_inverse=True)
        ids = np.array([self.table.int_constant(int(x)) for x in unique], np.int64)
        return ids[inverse].reshape(numbers.shape)

    def is_constant(self, a: Ids) -> NDArray[np.bool_]:
        """Which lanes are constants."""
        return (self.table.flags_of(a) & CONSTANT) != 0

    def concrete(self, a: Ids, dtype: str) -> Array:
        unique, inverse = np.unique(a, return_inverse=True)
        numbers: list[int | float] = []
        for term in unique.tolist():
            number = self.table.number(term)
            if number is None:
                raise NotConcrete(f"not a constant: {self.table.head(term)}")
            numbers.append(number)
        return np.array(numbers, numerics.numpy_dtype(dtype))[inverse].reshape(a.shape)

    # ---------------------------------------------------------------------------------- elementwise

    @memoised
    def binary(self, name: str, a: Ids, b: Ids, dtype: str) -> Ids:
        numpy_domain.binary_function(name, dtype)
        if (name, dtype) == ("sub", "f32"):
            return self.binary("add", a, self.unary("neg", b, dtype), dtype)
        rule: TermRule = (
            self._float_rule(name, dtype)
            if numerics.computes_as_float(dtype)
            else self._int_rule(name, dtype)
        )

        def fold(x: Array, y: Array) -> Array:
            return self._numpy.binary(name, x, y, dtype)

        if numerics.computes_as_float(dtype):
            plain = plain_binary(self.table, name) if dtype == "f32" else None
        else:
            plain = self._bits.plain_binary(name, dtype)
        return self._map(rule, None if name in _UNFOLDED else fold, (a, b), dtype, dtype, plain)

    @memoised
    def unary(self, name: str, a: Ids, dtype: str) -> Ids:
        numpy_domain.unary_function(name, dtype)
        table = self.table

        def int_rule(x: int) -> int:
            return table.node(("op", name, dtype), (x,))

        def fold(x: Array) -> Array:
            return self._numpy.unary(name, x, dtype)

        rule: TermRule = self._float_rule(name, dtype) if numerics.computes_as_float(dtype) else int_rule
        plain = plain_negation(self.table) if (name, dtype) == ("neg", "f32") else None
        return self._map(rule, None if name in _UNFOLDED else fold, (a,), dtype, dtype, plain)

    def _float_rule(self, name: str, dtype: str) -> TermRule:
        """A float operation on one tuple of operands, rounded where `dtype` is short."""
        table = self.table
        known: dict[str, TermRule] = {"add": table.add, "sub": table.sub, "mul": table.mul, "neg": table.neg}

        def uninterpreted(*args: int) -> int:
            flags = 0
            if name in _KEEPS_TYPE:  # the result is one of the operands, up to its sign
                flags = BF16 | F16
                for x in args:
                    flags &= table.flags(x)
            return table.node(("op", name), args, flags | (NEVER_NEG_ZERO if name == "abs" else 0))

        rule = known.get(name, uninterpreted)

        def rounded(*args: int) -> int:
            return table.round(dtype, "RINT", rule(*args))

        return rule if dtype == "f32" else rounded

    def _int_rule(self, name: str, dtype: str) -> TermRule:
        """An integer operation that wraps: exact, so neutral operands vanish."""
        table = self.table
        neutral = table.int_constant(_NEUTRAL[name]) if name in _NEUTRAL else None
        absorbing = table.int_constant(0) if name in ("mul", "and") else None

        def rule(a: int, b: int) -> int:
            if name in _COMMUTATIVE and a > b:
                a, b = b, a
            if b == neutral or (a == neutral and name in _COMMUTATIVE):
                return a if b == neutral else b
            if absorbing is not None and absorbing in (a, b):
                return absorbing
            return table.node(("op", name, dtype), (a, b))

        return rule

    @memoised
    def compare(self, cmp: str, a: Ids, b: Ids, dtype: str) -> Ids:
        numpy_domain.compare_function(cmp)
        table = self.table
        swapped = {"gt": "lt", "ge": "le"}  # a > b is b < a

        def rule(x: int, y: int) -> int:
            x, y = table.strip_zero(x), table.strip_zero(y)  # -0 compares as +0
            if cmp in swapped or (cmp in ("eq", "ne") and x > y):
                x, y = y, x
            return table.node(("compare", swapped.get(cmp, cmp)), (x, y))

        def fold(x: Array, y: Array) -> Array:
            return self._numpy.compare(cmp, x, y, dtype)

        return self._map(rule, fold, (a, b), dtype, "i1")

    @memoised
    def select(self, cond: Ids, a: Ids, b: Ids) -> Ids:
        return self._map(self.table.select, None, (cond, a, b), "", "")

    # ----------------------------------------------------------------------------------- conversion

    @memoised
    def convert(self, a: Ids, src: str, dst: str, mode: str, saturate: bool) -> Ids:
        from_float, to_float = numerics.computes_as_float(src), numerics.computes_as_float(dst)
        mode = numerics.rounding_mode(mode, to_float)
        if from_float and to_float and (src == dst != "f32" or (dst == "f32" != src)):
            return a.copy()  # widening is exact, and terms are values
        if not from_float and not to_float and _covers(dst, src):
            return a.copy()
        if not from_float and not to_float and not saturate and self._bits.converts(src, dst):
            return self._bits.convert(a, src, dst)

        def fold(x: Array) -> Array:
            return numerics.convert(x, src, dst, mode, saturate)

        rounds = from_float and dst in REPRESENTABLE
        plain = plain_rounding(self.table, dst, mode) if rounds else None
        return self._map(self._convert_rule(src, dst, mode, saturate), fold, (a,), src, dst, plain)

    def _convert_rule(self, src: str, dst: str, mode: str, saturate: bool) -> TermRule:
        table = self.table
        exact = REPRESENTABLE["bf16"] | REPRESENTABLE["f16"] if src in _FITS_SHORT_FLOATS else 0

        def round_float(x: int) -> int:
            return table.node(("integral", mode), (x,)) if dst == "f32" else table.round(dst, mode, x)

        def float_to_int(x: int) -> int:
            # An integer has no sign of zero to keep.
            return table.node(("to_int", dst, mode, saturate), (table.strip_zero(x),))

        def int_to_float(x: int) -> int:
            head = ("to_float", "RINT" if src in _FITS_F32 else mode)  # exact: the mode does not matter
            single = table.node(head, (x,), NEVER_NEG_ZERO | exact)
            return single if dst == "f32" else table.round(dst, mode, single)

        def int_to_int(x: int) -> int:
            if dst == "i1":
                return table.node(("compare", "ne"), tuple(sorted((x, table.int_constant(0)))))
            return table.node(("clamp" if saturate else "wrap", dst), (x,))

        if numerics.computes_as_float(src):
            return round_float if numerics.computes_as_float(dst) else float_to_int
        return int_to_float if numerics.computes_as_float(dst) else int_to_int

    @memoised
    def bitcast(self, a: Ids, src: str, dst: str) -> Ids:
        source, target = numerics.numpy_dtype(src), numerics.numpy_dtype(dst)
        if source.itemsize != target.itemsize:
            raise ValueError(f"bitcast from {src} to {dst} changes the width")
        return a.copy() if src == dst else self._bits.bitcast(a, src, dst)

    @memoised
    def reinterpret(self, a: Ids, src: str, dst: str) -> Ids:
        numpy_domain.lanes_per_row(a.shape[1], src, dst)
        return a.copy() if src == dst else self._bits.reinterpret(a, src, dst)

    # ---------------------------------------------------------------------------- predicates, folds

    @memoised
    def pack_bits(self, bits: Ids) -> Ids:
        rows, cols = bits.shape
        width = -(-cols // 8)
        padded = np.full((rows, width * 8), self.table.int_constant(0), np.int64)
        padded[:, :cols] = bits

        def rule(*eight: int) -> int:
            numbers = [self.table.number(x) for x in eight]
            if None in numbers:
                return self.table.node(("pack",), eight)
            return self.table.int_constant(sum(1 << i for i, bit in enumerate(numbers) if bit))

        return self._map_rows(rule, padded.reshape(rows * width, 8)).reshape(rows, width)

    def unpack_bits(self, bytes_: Ids, cols: int) -> Ids:
        table = self.table

        def eight(byte: int) -> tuple[int, ...]:
            if table.head(byte) == ("pack",):
                return table.args(byte)
            number = table.number(byte)
            if number is not None:
                return tuple(table.int_constant(int(number) >> i & 1) for i in range(8))
            return tuple(table.node(("bit", i), (byte,)) for i in range(8))

        unique, inverse = np.unique(bytes_, return_inverse=True)
        bits = np.array([eight(x) for x in unique.tolist()], np.int64).reshape(-1, 8)
        return bits[inverse].reshape(bytes_.shape[0], -1)[:, :cols]

    @memoised
    def reduce(self, name: str, a: Ids, axis: int, dtype: str) -> Ids:
        numpy_domain.check_reduction(name)
        lines = np.moveaxis(a, axis, -1)
        if lines.shape[-1] == 0:
            raise ValueError("reduction over no lanes")
        ordered = numerics.computes_as_float(dtype) and name in ("sum", "prod")  # the order is the hardware's

        def rule(*line: int) -> int:
            lanes = np.array([line], np.int64)
            if not ordered and self.is_constant(lanes).all():
                folded = self._numpy.reduce(name, self.concrete(lanes, dtype), 1, dtype)
                return int(
                    self.from_numbers(folded, dtype if name in ("sum", "prod", "max", "min") else "i32")[0, 0]
                )
            flags = 0
            if name in ("max", "min"):
                flags = int(np.bitwise_and.reduce(self.table.flags_of(lanes), axis=None)) & (BF16 | F16)
            elif name in ("sum", "prod"):
                flags = REPRESENTABLE.get(dtype, 0)
            return self.table.node(("reduce", name, dtype, *([axis] if ordered else [])), line, flags)

        reduced = self._map_rows(rule, lines.reshape(-1, lines.shape[-1])).reshape(lines.shape[:-1])
        return np.expand_dims(reduced, axis)

    # --------------------------------------------------------------------------------------- matmul

    @memoised
    def dot(self, lhs: Ids, rhs: Ids, acc: Ids | None, src: str, dst: str) -> Ids:
        """One-hot rows or columns select; everything else is a term of its whole row and column."""
        numpy_domain.check_dot(src, dst)
        total, added, conditions = self._dots.dot(lhs, rhs, acc, src)
        self._conditions |= conditions
        return total if acc is None else np.where(added, total, self.binary("add", acc, total, dst))

    # ----------------------------------------------------------------------------------- comparison

    def strip_zero(self, a: Ids) -> Ids:
        """`TermTable.strip_zero` on each lane."""
        return strip_zeros(self.table, a)

    def without_underflow(self, a: Ids) -> Ids:
        """`TermTable.without_underflow` on each lane."""
        return self._map(self.table.without_underflow, None, (a,), "", "")

    # ------------------------------------------------------------------------------------ vectorised

    def _map(
        self,
        rule: TermRule,
        fold: Fold | None,
        operands: tuple[Ids, ...],
        src: str,
        dst: str,
        plain: Plain | None = None,
    ) -> Ids:
        """`rule` once per distinct tuple of ids; tuples of `src` constants go through `fold`, which gives
        `dst`; tuples that match no rule are built in bulk by `plain`.
        """
        lanes = np.broadcast_arrays(*operands)
        shape = lanes[0].shape
        code = lanes[0].ravel()
        for lane in lanes[1:]:
            # The codes so far are made dense, so that two of them fit in 64 bits.
            dense = code if len(lanes) == 2 else np.unique(code, return_inverse=True)[1]
            code = dense << 32 | lane.ravel()
        _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
        columns = [lane.ravel()[first] for lane in lanes]
        result = np.empty(len(first), np.int64)
        constant = np.full(len(first), fold is not None)
        for column in columns:
            constant &= self.is_constant(column)
        if fold is not None and constant.any():
            numbers = fold(*(self.concrete(column[constant], src) for column in columns))
            result[constant] = self.from_numbers(numbers, dst)
        rest = ~constant
        if plain is not None:
            rest &= ~plain(columns, result)
        left = (column[rest].tolist() for column in columns)
        result[rest] = np.fromiter(map(rule, *left), np.int64, int(rest.sum()))
        return result[inverse].reshape(shape)

    @staticmethod
    def _map_rows(rule: TermRule, rows: Ids) -> Ids:
        """`rule` once per distinct row, with the row's ids as arguments."""
        found: dict[tuple[int, ...], int] = {}
        result = np.empty(len(rows), np.int64)
        listed: list[list[int]] = rows.tolist()
        for i, row in enumerate(listed):
            key = tuple(row)
            if key not in found:
                found[key] = rule(*row)
            result[i] = found[key]
        return result


def _covers(wide: str, narrow: str) -> bool:
    """Whether every value of the integer type `narrow` is one of `wide`."""
    if wide == "i1" or narrow == "i1":
        return narrow == "i1"
    outer, inner = np.iinfo(numerics.numpy_dtype(wide)), np.iinfo(numerics.numpy_dtype(narrow))
    return int(outer.min) <= int(inner.min) and int(inner.max) <= int(outer.max)
