"""The rules of the term table against bits: a random program run on numbers, and its terms evaluated.

A tile has COLS columns; its rows are independent samples for the numbers, while the terms have one row of
ids. So one normalised program is checked on many inputs at once. Inputs are rich in what rules get wrong:
zeros of both signs, subnormals, values that round to zero, ties, overflow, Inf and NaN. NaN is one class.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsv4_passes.equivalence.term_domain import TermDomain
from dsv4_passes.interpreter import numerics
from dsv4_passes.interpreter.numpy_domain import NumpyDomain

pytestmark = pytest.mark.filterwarnings("error")

COLS, SAMPLES = 8, 128
FLOATS = ("f32", "bf16", "f16")
MODES = ("RINT", "ROUND", "FLOOR", "CEIL", "TRUNC", "ODD", "NONE", "CAST_RINT")
CONSTANTS = (0.0, -0.0, 1.0, -1.0, 2.0, -0.5, 3.0, 1e-40, -(2.0**-149), np.inf, -np.inf, np.nan, 1 + 2**-8)
INTEGERS = (0, 1, -1, 2, 7, 255, -(2**31), 2**31 - 1)
INTS = ("i32", "i32", "i16", "i8", "ui8", "ui16", "ui32", "i64")
WIDTHS = {"f32": ("i32", "ui32"), "bf16": ("i16", "ui16", "f16"), "f16": ("i16", "ui16", "bf16")}
EXAMPLES = int(os.environ.get("DSV4_EXAMPLES", "400"))
"""How many random programs are tried."""
NUMPY = NumpyDomain()
WORDLIKE = ("ui32", "ui32", "i32", "ui16", "i16", "ui8")
NARROW = ("bf16", "ui16", "i16", "f16", "ui8", "i8")
WIDER = {
    **dict.fromkeys(("bf16", "ui16", "i16", "f16"), ("ui32", "f32", "i32")),
    **dict.fromkeys(("ui8", "i8"), ("ui16", "i16", "bf16", "f16")),
}
BYTE_MASKS = (0xFFFF, 0xFFFF0000, 0xFF, 0xFF00, 0xFF00FF00, 0x80000000, 0x8000, 0, -1, 1)


def f32(bits: list[int]) -> np.ndarray:
    return np.array(bits, np.uint32).view(np.float32)


TINY = f32([1, 2, 0x8000, 0x8001, 0x7FFF, 0x10000, 0x18000, 0x33000000, 0x33000001, 0x32FFFFFF, 0x33800000])
LARGE = f32([0x7F7FFFFF, 0x7F7F8000, 0x7F7F7FFF, 0x477FE000, 0x477FF000, 0x477FEFFF, 0x47800000, 0x7F800000])
TIES = f32([0x3F808000, 0x3F818000, 0x3F808001, 0x3F807FFF, 0x3F801000, 0x3F803000, 0x3F000000, 0x40200000])
OTHER = f32([0x3F800000, 0x7FC00000, 0x7F800001, 0x00800000, 0x387FFFFF, 0x4F000000, 0x5F000000, 0x3FC90FDB])
TINY, SPECIAL = np.concatenate([TINY, -TINY]), np.concatenate([LARGE, -LARGE, TIES, -TIES, OTHER, -OTHER])


@dataclass
class Tile:
    """Numbers [SAMPLES, cols], ids [1, cols], and where the two must agree."""

    dtype: str
    numbers: np.ndarray
    ids: np.ndarray
    valid: np.ndarray


Run = Callable[[Any, Callable[[Tile], np.ndarray]], np.ndarray]
"""One operation, given a domain and how to see a tile's lanes in it."""


class Machine:
    """Runs one program in both domains; `steps` picks operations and operands by number."""

    def __init__(self, seed: int) -> None:
        self.terms = TermDomain()
        self.rng = np.random.default_rng(seed)
        self.inputs: dict[int, np.ndarray] = {}
        self.tiles: list[Tile] = []
        named = (("x", "f32"), ("y", "f32"), ("b", "bf16"), ("h", "f16"), ("i", "i32"))
        for name, dtype in (*named, *((dtype, dtype) for dtype in INTS[2:])):
            ids = self.terms.table.loads(name, 0, None, np.arange(COLS)[None], dtype)
            numbers = self.draw(dtype)
            self.inputs |= {int(t): numbers[:, k] for k, t in enumerate(ids[0])}
            self.push(dtype, numbers, ids)

    def draw(self, dtype: str) -> np.ndarray:
        shape = (SAMPLES, COLS)
        anything = self.rng.integers(0, 2**32, shape, dtype=np.uint32).view(np.float32)
        moderate = self.rng.normal(size=shape).astype(np.float32)
        which = self.rng.integers(0, 4, shape)
        mixed = np.choose(
            which, [anything, moderate, self.rng.choice(SPECIAL, shape), self.rng.choice(SPECIAL, shape)]
        )
        if not numerics.computes_as_float(dtype):
            near = self.rng.choice(np.array(INTEGERS), shape) + self.rng.integers(-2, 3, shape)
            any_ = self.rng.integers(-(2**63), 2**63 - 1, shape)
            return np.where(which == 0, any_, near).astype(numerics.numpy_dtype(dtype))
        return numerics.from_f32(mixed, dtype)

    def push(
        self, dtype: str, numbers: np.ndarray, ids: np.ndarray, *operands: Tile, row_wise: bool = False
    ) -> Tile:
        valid = np.ones(np.shape(numbers), np.bool_)
        for operand in operands:
            ok = operand.valid.all(axis=1, keepdims=True) if row_wise else operand.valid
            valid = valid & ok
        assert numbers.shape[1] == ids.shape[1]
        tile = Tile(dtype, numbers, ids, valid)
        self.tiles.append(tile)
        return tile

    def pick(self, number: int, *dtypes: str) -> Tile:
        """A tile of one of the types; every second number takes the newest, so that operations chain."""
        fitting = [t for t in self.tiles if t.dtype in dtypes]
        return fitting[-1 - (number // 2 if number % 2 else 0) % len(fitting)]

    def both(
        self, operation: Callable[[Any, Callable[[Tile], np.ndarray]], np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        return operation(NUMPY, lambda t: t.numbers), operation(self.terms, lambda t: t.ids)

    # -------------------------------------------------------------------------------------- steps

    def binary(self, a: int, b: int, c: int) -> None:
        x = self.pick(a, *FLOATS)
        y = self.pick(b, x.dtype)
        name = ("add", "sub", "mul", "add", "mul", "div", "max", "min", "rem", "pow")[c % 10]
        self.push(x.dtype, *self.both(lambda d, of: d.binary(name, of(x), of(y), x.dtype)), x, y)

    def with_constant(self, a: int, b: int, c: int) -> None:
        x = self.pick(a, *FLOATS)
        name, value = ("add", "mul", "sub", "max")[c % 4], CONSTANTS[b % len(CONSTANTS)]

        def run(d: Any, of: Callable[[Tile], np.ndarray]) -> np.ndarray:
            k = d.constant(value, x.dtype, (1, 1))
            return d.binary(name, of(x), k, x.dtype) if c < 4 else d.binary(name, k, of(x), x.dtype)

        self.push(x.dtype, *self.both(run), x)

    def all_constant(self, a: int, b: int, c: int) -> None:
        dtype, name = FLOATS[c % 3], ("add", "mul", "div", "sub")[c // 3 % 4]

        def run(d: Any, of: Callable[[Tile], np.ndarray]) -> np.ndarray:
            rows = SAMPLES if d is NUMPY else 1
            x, y = (d.constant(CONSTANTS[k % len(CONSTANTS)], dtype, (rows, COLS)) for k in (a, b))
            return d.binary(name, x, y, dtype)

        self.push(dtype, *self.both(run))

    def unary(self, a: int, b: int, c: int) -> None:
        x = self.pick(a, *FLOATS)
        name = ("neg", "neg", "abs", "relu", "sqrt", "exp", "recip", "rsqrt", "log")[b % 9]
        self.push(x.dtype, *self.both(lambda d, of: d.unary(name, of(x), x.dtype)), x)

    def plus_zero(self, a: int, b: int, c: int) -> None:
        self.with_constant(a, 0, 0)

    def round(self, a: int, b: int, c: int) -> None:
        x, dst, mode = self.pick(a, *FLOATS), ("bf16", "bf16", "f16", "f32")[b % 4], MODES[c % 8]
        self.push(dst, *self.both(lambda d, of: d.convert(of(x), x.dtype, dst, mode, c > 7)), x)

    def round_and_widen(self, a: int, b: int, c: int) -> None:
        self.round(a, b % 3, c)
        x = self.tiles[-1]
        self.push("f32", *self.both(lambda d, of: d.convert(of(x), x.dtype, "f32", "NONE", False)), x)

    def to_int(self, a: int, b: int, c: int) -> None:
        x, dst, mode = self.pick(a, *FLOATS), INTS[b % len(INTS)], MODES[c % 8]
        self.push(dst, *self.both(lambda d, of: d.convert(of(x), x.dtype, dst, mode, c > 7)), x)

    def from_int(self, a: int, b: int, c: int) -> None:
        x, dst, mode = self.pick(a, INTS[b % len(INTS)]), FLOATS[b % 3], MODES[c % 8]
        self.push(dst, *self.both(lambda d, of: d.convert(of(x), x.dtype, dst, mode, False)), x)

    def between_ints(self, a: int, b: int, c: int) -> None:
        x, dst = self.pick(a, INTS[c % len(INTS)]), (*INTS, "i1")[b % (len(INTS) + 1)]
        self.push(dst, *self.both(lambda d, of: d.convert(of(x), x.dtype, dst, "NONE", c > 7)), x)

    def int_binary(self, a: int, b: int, c: int) -> None:
        dtype = INTS[(a + b) % len(INTS)]
        x, y = self.pick(a, dtype), self.pick(b, dtype)
        name = ("add", "sub", "mul", "and", "or", "xor", "max", "min", "shl", "shr", "div", "rem")[c % 12]
        self.push(dtype, *self.both(lambda d, of: d.binary(name, of(x), of(y), dtype)), x, y)

    def int_unary(self, a: int, b: int, c: int) -> None:
        x, name = self.pick(a, INTS[c % len(INTS)]), ("neg", "abs", "not", "relu")[b % 4]
        self.push(x.dtype, *self.both(lambda d, of: d.unary(name, of(x), x.dtype)), x)

    def int_matmul(self, a: int, b: int, c: int) -> None:
        """By a constant of zeros and ones, or of anything; integers have no conditions."""
        x, acc = self.pick(a, "i8"), self.pick(b, "i32") if c % 3 == 0 else None
        k = np.zeros((COLS, COLS), np.int8)
        k[self.rng.permutation(COLS), np.arange(COLS)] = self.rng.choice([1, 1, 1, 0, -1], COLS)
        if c % 4 == 0:
            k[:, 0] = self.rng.integers(-128, 128, COLS)

        def run(d: Any, of: Callable[[Tile], np.ndarray]) -> np.ndarray:
            right = k if d is NUMPY else self.terms.from_numbers(k, "i8")
            return d.dot(of(x), right, None if acc is None else of(acc), "i8", "i32")

        numbers, ids = self.both(run)
        tile = self.push("i32", numbers, ids, x, row_wise=True)
        tile.valid = tile.valid & (True if acc is None else acc.valid)
        assert not self.terms.take_conditions()

    def int_reduce(self, a: int, b: int, c: int) -> None:
        x = self.pick(a, *((INTS[c % len(INTS)],) if b % 2 else FLOATS))
        name = ("max", "sum", "argmax", "min", "argmin", "prod")[b % 6]
        numbers, ids = self.both(lambda d, of: d.reduce(name, of(x), 1, x.dtype))
        dtype = "i32" if "arg" in name else x.dtype
        self.push(dtype, numbers.repeat(COLS, 1), ids.repeat(COLS, 1), x, row_wise=True)

    def int_with_constant(self, a: int, b: int, c: int) -> None:
        x = self.pick(a, INTS[(a + b) % len(INTS)])
        value = int(np.array(INTEGERS[c % 8]).astype(numerics.numpy_dtype(x.dtype)))
        name = ("add", "sub", "mul", "and", "or", "xor", "shl", "div", "rem", "shr", "max")[b % 11]

        def run(d: Any, of: Callable[[Tile], np.ndarray]) -> np.ndarray:
            k = d.constant(value, x.dtype, (1, 1))
            return d.binary(name, of(x), k, x.dtype) if c < 8 else d.binary(name, k, of(x), x.dtype)

        self.push(x.dtype, *self.both(run), x)

    def bits(self, a: int, b: int, c: int) -> None:
        x = self.pick(a, *FLOATS)
        dst = WIDTHS[x.dtype][b % len(WIDTHS[x.dtype])]
        tile = self.push(dst, *self.both(lambda d, of: d.bitcast(of(x), x.dtype, dst)), x)
        tile.valid = tile.valid & ~np.isnan(numerics.to_f32(x.numbers))  # payloads are not part of a value

    def value(self, a: int, b: int, c: int) -> None:
        src, dst = (("i32", "f32"), ("ui16", "bf16"), ("i16", "f16"), ("i16", "bf16"), ("i16", "ui16"))[b % 5]
        x = self.pick(a, src)
        self.push(dst, *self.both(lambda d, of: d.bitcast(of(x), src, dst)), x)

    def there_and_back(self, a: int, b: int, c: int) -> None:
        """Integers kept in floats, some of them NaN: every bit stays, in constants too."""
        src, dst = (("i32", "f32"), ("ui16", "bf16"), ("i16", "f16"))[b % 3]
        x, value = self.pick(a, src), INTEGERS[c % 8]

        def run(d: Any, of: Callable[[Tile], np.ndarray]) -> np.ndarray:
            lanes = of(x)
            if c > 7:
                lanes = lanes.copy()
                stored = np.array(value).astype(numerics.numpy_dtype(src))
                lanes[:, ::2] = d.constant(int(stored), src, (1, 1))
            return d.bitcast(d.bitcast(lanes, src, dst), dst, src)

        self.push(src, *self.both(run), x)

    def merge_by_bits(self, a: int, b: int, c: int) -> None:
        """Two scattered halves joined by `or` on their bits."""
        x = self.pick(a, "f32")

        def run(d: Any, of: Callable[[Tile], np.ndarray]) -> np.ndarray:
            i = d.bitcast(of(x), "f32", "i32")
            zero = d.bitcast(d.constant(0.0, "f32", (1, 1)), "f32", "i32")
            merged = d.binary("or", i, zero, "i32") if c % 2 else d.binary("or", zero, i, "i32")
            return d.bitcast(merged, "i32", "f32")

        self.push("f32", *self.both(run), x)

    def shift_bytes(self, a: int, b: int, c: int) -> None:
        x, amount = self.pick(a, WORDLIKE[b % len(WORDLIKE)]), (8, 16, 16, 24)[c % 4]
        name = "shl" if c > 7 else "shr"

        def run(d: Any, of: Callable[[Tile], np.ndarray]) -> np.ndarray:
            return d.binary(name, of(x), d.constant(amount, x.dtype, (1, 1)), x.dtype)

        self.push(x.dtype, *self.both(run), x)

    def mask_bytes(self, a: int, b: int, c: int) -> None:
        x = self.pick(a, WORDLIKE[b % len(WORDLIKE)])
        name, mask = (
            ("and", "or", "xor", "add", "and")[(a + b) % 5],
            np.array(BYTE_MASKS[c % len(BYTE_MASKS)]),
        )
        value = int(mask.astype(numerics.numpy_dtype(x.dtype)))

        def run(d: Any, of: Callable[[Tile], np.ndarray]) -> np.ndarray:
            return d.binary(name, of(x), d.constant(value, x.dtype, (1, 1)), x.dtype)

        self.push(x.dtype, *self.both(run), x)

    def merge_pieces(self, a: int, b: int, c: int) -> None:
        """Words of which each has zeros where the other has not."""
        dtype = WORDLIKE[a % len(WORDLIKE)]
        x, y = self.pick(b, dtype), self.pick(c, dtype)
        half = 4 * numerics.numpy_dtype(dtype).itemsize
        name = ("or", "add", "xor")[c % 3]

        def run(d: Any, of: Callable[[Tile], np.ndarray]) -> np.ndarray:
            low, upper = (
                d.constant(n, dtype, (1, 1))
                for n in ((1 << half) - 1, -(1 << half) if dtype[0] != "u" else ((1 << half) - 1) << half)
            )
            return d.binary(
                name, d.binary("and", of(x), low, dtype), d.binary("and", of(y), upper, dtype), dtype
            )

        self.push(dtype, *self.both(run), x, y)

    def flip_sign(self, a: int, b: int, c: int) -> None:
        x = self.pick(a, *FLOATS)
        dtype = WORDS[x.dtype]

        def run(d: Any, of: Callable[[Tile], np.ndarray]) -> np.ndarray:
            sign = d.constant(1 << 8 * numerics.numpy_dtype(dtype).itemsize - 1, dtype, (1, 1))
            flipped = d.binary("xor", d.bitcast(of(x), x.dtype, dtype), sign, dtype)
            return d.bitcast(flipped, dtype, x.dtype)

        self.push(x.dtype, *self.both(run), x)

    def widen(self, a: int, b: int, c: int) -> None:
        """Two lanes side by side as one of twice the width."""
        src = NARROW[a % len(NARROW)]
        x, y = self.pick(b, src), self.pick(c, src)
        dst = WIDER[src][c % len(WIDER[src])]

        def run(d: Any, of: Callable[[Tile], np.ndarray]) -> np.ndarray:
            rows = max(len(of(x)), len(of(y)))
            both = [np.broadcast_to(of(t), (rows, COLS)) for t in (x, y)]
            return d.reinterpret(np.stack(both, axis=2).reshape(rows, -1), src, dst)

        tile = self.push(dst, *self.both(run), x, y)
        for operand in (x, y):
            tile.valid = tile.valid & _has_bits(operand)

    def narrow(self, a: int, b: int, c: int) -> None:
        """One half of each lane; the other one must be there too."""
        dst = NARROW[a % len(NARROW)]
        sources = [
            src
            for src, wider in ((n, WIDER[dst]) for n in ("f32", "ui32", "i32", "i16", "ui16", "bf16"))
            if src in wider
        ]
        x = self.pick(b, sources[c % len(sources)])
        numbers, ids = self.both(lambda d, of: d.reinterpret(of(x), x.dtype, dst)[:, c % 2 :: 2])
        tile = self.push(dst, numbers, ids, x)
        tile.valid = tile.valid & _has_bits(x)

    def compare(self, a: int, b: int, c: int) -> None:
        x = self.pick(a, *FLOATS, INTS[b % len(INTS)])
        y, cmp = self.pick(b, x.dtype), ("eq", "ne", "lt", "le", "gt", "ge")[c % 6]
        self.push("i1", *self.both(lambda d, of: d.compare(cmp, of(x), of(y), x.dtype)), x, y)

    def select(self, a: int, b: int, c: int) -> None:
        if not any(t.dtype == "i1" for t in self.tiles):
            self.compare(a, b, c)
        mask, x = self.pick(a, "i1"), self.pick(b, *FLOATS)
        y = self.pick(c, x.dtype)
        self.push(x.dtype, *self.both(lambda d, of: d.select(of(mask), of(x), of(y))), mask, x, y)

    def predicate_bytes(self, a: int, b: int, c: int) -> None:
        if not any(t.dtype == "i1" for t in self.tiles):
            self.compare(a, b, c)
        mask = self.pick(a, "i1")
        cols = COLS - b % 3

        def run(d: Any, of: Callable[[Tile], np.ndarray]) -> np.ndarray:
            packed = d.pack_bits(of(mask)[:, :cols])
            if c % 3 == 0:
                packed = d.binary("xor", packed, d.constant(c, "ui8", (1, 1)), "ui8")
            return d.unpack_bits(packed, COLS)

        self.push("i1", *self.both(run), mask, row_wise=True)

    def matmul(self, a: int, b: int, c: int) -> None:
        """By constants: one-hot, signed, empty, dense, with an Inf; from either side; accumulating or not."""
        x = self.pick(a, "bf16", "f16") if c % 2 else self.pick(a, *FLOATS)
        acc = self.pick(b, "f32") if c % 3 == 0 else None
        coefficients = np.zeros((COLS, COLS))
        coefficients[np.arange(COLS), self.rng.permutation(COLS)] = self.rng.choice(
            [1, 1, 1, -1, 0, -0.0, 2], COLS
        )
        if c % 5 == 0:
            coefficients[self.rng.integers(COLS), self.rng.integers(COLS)] = self.rng.choice(
                [1, np.inf, -0.0, 3]
            )
        if c % 7 == 0:
            coefficients += self.rng.integers(-1, 2, (COLS, COLS))
        rounded = numerics.from_f32(coefficients.astype(np.float32), x.dtype)

        def run(d: Any, of: Callable[[Tile], np.ndarray]) -> np.ndarray:
            k = rounded if d is NUMPY else self.terms.from_numbers(rounded, x.dtype)
            into = None if acc is None else of(acc)
            if c % 4 < 2:
                return d.dot(of(x), k, into, x.dtype, "f32")
            return d.dot(k, of(x).T, None if into is None else into.T, x.dtype, "f32").T

        assert not self.terms.take_conditions()
        numbers, ids = self.both(run)
        tile = self.push("f32", numbers, ids, x, row_wise=True)
        if acc is not None:
            tile.valid = tile.valid & acc.valid
        if "FIN" in self.terms.take_conditions():
            finite = np.isfinite(numerics.to_f32(x.numbers)).all(axis=1, keepdims=True)
            tile.valid = tile.valid & finite

    def dense_matmul(self, a: int, b: int, c: int) -> None:
        """A sum of products of two unknown tiles: one sample's row by the same sample's column."""
        x = self.pick(a, *FLOATS)
        y = self.pick(b, x.dtype)
        pairs = ((x.numbers[s : s + 1], y.numbers[s : s + 1].T) for s in range(SAMPLES))
        products = np.concatenate([NUMPY.dot(row, col, None, x.dtype, "f32") for row, col in pairs])
        ids = self.terms.dot(x.ids, y.ids.T, None, x.dtype, "f32")
        conditions = self.terms.take_conditions()
        tile = self.push("f32", products.repeat(COLS, 1), ids.repeat(COLS, 1), x, y, row_wise=True)
        if conditions:
            both = np.concatenate([numerics.to_f32(x.numbers), numerics.to_f32(y.numbers)], axis=1)
            tile.valid = tile.valid & np.isfinite(both).all(axis=1, keepdims=True)

    def reduce(self, a: int, b: int, c: int) -> None:
        x, name = self.pick(a, *FLOATS), ("sum", "max", "min", "prod")[b % 4]
        numbers, ids = self.both(lambda d, of: d.reduce(name, of(x), 1, x.dtype))
        self.push(x.dtype, numbers.repeat(COLS, 1), ids.repeat(COLS, 1), x, row_wise=True)

    def insert_constants(self, a: int, b: int, c: int) -> None:
        x, value = self.pick(a, *FLOATS), CONSTANTS[b % len(CONSTANTS)]
        numbers, ids = x.numbers.copy(), x.ids.copy()
        numbers[:, :c], ids[:, :c] = (
            NUMPY.constant(value, x.dtype, ()),
            self.terms.constant(value, x.dtype, ()),
        )
        self.push(x.dtype, numbers, ids, x)

    def move(self, a: int, b: int, c: int) -> None:
        x = self.pick(a, *FLOATS)
        order = np.roll(np.arange(COLS), b) ^ (c & 1)
        tile = self.push(x.dtype, x.numbers[:, order], x.ids[:, order])
        tile.valid = x.valid[:, order]


def _has_bits(tile: Tile) -> np.ndarray:
    """The bits of a NaN are not part of its value."""
    if tile.dtype not in FLOATS:
        return np.ones(tile.numbers.shape, np.bool_)
    return ~np.isnan(numerics.to_f32(tile.numbers))


STEPS = [
    Machine.binary,
    Machine.binary,
    Machine.with_constant,
    Machine.with_constant,
    Machine.plus_zero,
    Machine.unary,
    Machine.unary,
    Machine.round,
    Machine.round,
    Machine.round_and_widen,
    Machine.matmul,
    Machine.matmul,
    Machine.dense_matmul,
    Machine.select,
    Machine.compare,
    Machine.predicate_bytes,
    Machine.to_int,
    Machine.from_int,
    Machine.between_ints,
    Machine.int_binary,
    Machine.int_with_constant,
    Machine.bits,
    Machine.value,
    Machine.there_and_back,
    Machine.int_unary,
    Machine.int_matmul,
    Machine.int_reduce,
    Machine.merge_by_bits,
    Machine.shift_bytes,
    Machine.mask_bytes,
    Machine.merge_pieces,
    Machine.flip_sign,
    Machine.widen,
    Machine.narrow,
    Machine.all_constant,
    Machine.reduce,
    Machine.insert_constants,
    Machine.move,
]


# ------------------------------------------------------------------------------ evaluating terms


WORDS = {"f32": "ui32", "bf16": "ui16", "f16": "ui16"}
UNINTERPRETED = {"op", "to_int", "to_float", "integral", "wrap", "clamp"}


class Evaluator:
    """The value of a term on every sample: float32 for floats (whatever their type), int64 for integers."""

    def __init__(self, machine: Machine) -> None:
        self.table = machine.terms.table
        self.memo: dict[int, np.ndarray] = {}
        for leaf, numbers in machine.inputs.items():
            is_float = numbers.dtype in (np.float32, np.float16, ml_dtypes.bfloat16)
            self.memo[leaf] = numerics.to_f32(numbers) if is_float else numbers.astype(np.int64)

    def __call__(self, term: int) -> np.ndarray:
        if term not in self.memo:
            with np.errstate(all="ignore"):
                self.memo[term] = self.evaluate(term)
        return self.memo[term]

    def evaluate(self, term: int) -> np.ndarray:
        head, args = self.table.head(term), self.table.args(term)
        number = self.table.number(term)
        if number is not None:
            return np.full(SAMPLES, number, np.float32 if isinstance(number, float) else np.int64)
        if head[0] in ("dot", "reduce"):
            return self.fold(head, args)
        values = [self(x) for x in args]
        return self.uninterpreted(head, values) if head[0] in UNINTERPRETED else self.rule(head, values)

    def rule(self, head: Any, values: list[np.ndarray]) -> np.ndarray:
        match head:
            case ("mul",):
                return values[0] * values[1]
            case ("add",):
                return values[0] + values[1]
            case ("neg",):
                return -values[0]
            case ("Z",):
                return values[0] + np.float32(0)
            case ("round", str(dst), str(mode)):
                return numerics.to_f32(numerics.from_f32(values[0], dst, mode))
            case ("select",):
                return np.where(values[0] != 0, values[1], values[2])
            case ("compare", str(cmp)):
                order = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal}
                return order[cmp](values[0], values[1]).astype(np.int64)
            case ("pack",):
                return np.bitwise_or.reduce([(v != 0).astype(np.int64) << i for i, v in enumerate(values)])
            case ("bit", int(i)):
                return values[0] >> i & 1
        return self.bits(head, values)

    def bits(self, head: Any, values: list[np.ndarray]) -> np.ndarray:
        match head:
            case ("bits", str(dtype)):
                return NUMPY.bitcast(numerics.from_f32(values[0], dtype), dtype, WORDS[dtype]).astype(
                    np.int64
                )
            case ("value", str(dtype)):
                words = values[0].astype(numerics.numpy_dtype(WORDS[dtype]))
                return numerics.to_f32(NUMPY.bitcast(words, WORDS[dtype], dtype))
            case ("join", int(width)):
                return values[0] | values[1] << width // 2
            case ("high", int(width)):
                return values[0] >> width // 2
        raise AssertionError(f"no evaluation for {head}")

    def uninterpreted(self, head: Any, values: list[np.ndarray]) -> np.ndarray:
        match head:
            case ("op", str(name)):
                apply = NUMPY.binary if len(values) == 2 else NUMPY.unary
                return apply(name, *values, dtype="f32")
            case ("op", str(name), str(dtype)):
                typed = [v.astype(numerics.numpy_dtype(dtype)) for v in values]
                apply = NUMPY.binary if len(values) == 2 else NUMPY.unary
                return apply(name, *typed, dtype=dtype).astype(np.int64)
            case ("to_int", str(dst), str(mode), bool(saturate)):
                return numerics.float_to_int(values[0], dst, mode, saturate).astype(np.int64)
            case ("to_float", str(mode)):
                return numerics.int_to_f32(values[0], mode)
            case ("integral", str(mode)):
                return numerics.float_to_float(values[0], "f32", "f32", mode)
            case ("wrap" | "clamp", str(dst)):
                return numerics.int_to_int(values[0], dst, head[0] == "clamp").astype(np.int64)
        raise AssertionError(f"no evaluation for {head}")

    def fold(self, head: Any, args: tuple[int, ...]) -> np.ndarray:
        if head[0] == "dot":
            row, col = ([self(x) for x in self.table.args(side)] for side in args[:2])
            total = np.zeros(SAMPLES, np.float32 if numerics.computes_as_float(str(head[1])) else np.int64)
            for a, b in zip(row, col, strict=True):
                total = total + a * b
            return total if len(args) == 2 else self(args[2]) + total
        _, name, dtype, *_ = head
        lanes = np.stack([self(x) for x in args], axis=1)
        if numerics.computes_as_float(dtype):
            lanes = numerics.from_f32(lanes, dtype)
        reduced = NUMPY.reduce(name, lanes.astype(numerics.numpy_dtype(dtype)), 1, dtype)[:, 0]
        return numerics.to_f32(reduced) if reduced.dtype.kind not in "iu" else reduced.astype(np.int64)


def canonical(values: np.ndarray) -> np.ndarray:
    """Bits to compare: f32 with one NaN, or int64."""
    if values.dtype in (np.float32, np.float16, ml_dtypes.bfloat16):
        single = numerics.to_f32(values)
        return np.where(np.isnan(single), np.float32(np.nan), single).view(np.uint32)
    return values.astype(np.int64)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(0, 2**20),
    st.lists(
        st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 15), st.integers(0, 15), st.integers(0, 15)),
        min_size=12,
        max_size=24,
    ),
)
def test_terms_have_the_bits_of_the_run(seed: int, steps: list[tuple[int, int, int, int]]) -> None:
    machine = Machine(seed)
    for step, a, b, c in steps:
        STEPS[step](machine, a, b, c)
    evaluate = Evaluator(machine)
    for number, tile in enumerate(machine.tiles):
        bare = machine.terms.strip_zero(tile.ids)
        moved = machine.terms.without_underflow(tile.ids)
        for column in range(tile.ids.shape[1]):
            valid = tile.valid[:, column]
            want = canonical(tile.numbers[:, column])[valid]
            got = canonical(evaluate(int(tile.ids[0, column])))[valid]
            assert np.array_equal(got, want), (number, column, tile.dtype)
            for near in (bare, moved):  # these may differ in the sign of a zero, and in nothing else
                value = canonical(evaluate(int(near[0, column])))[valid]
                if tile.dtype in FLOATS:
                    value, want = (np.where(x == 1 << 31, np.uint32(0), x) for x in (value, want))
                assert np.array_equal(value, want), (number, column, tile.dtype)
