"""The domain of bits: lanes are numpy arrays of the element type.

f32 arithmetic is IEEE single precision with one rounding; bf16 and f16 are computed in f32 and rounded to
nearest even; integers wrap. Where IEEE leaves a choice, or the function is not an IEEE one, this follows the
CPU simulator of pto-isa (include/pto/cpu/ElementOp.h, TMatmul.hpp), which is not the hardware:

- max and min are `a < b ? b : a` and `b < a ? b : a`: with a NaN, or with zeros of two signs, the first
  operand;
- relu is `max(x, 0)`, so relu(-0) is -0 and relu(NaN) is NaN; comparisons with a NaN are false, except `ne`;
- rem takes the sign of the divisor; integer division truncates; dividing an integer by 0 gives 0 (there:
  asserted away);
- exp, log, sqrt, rsqrt and pow are computed in double precision and rounded; they use the C library of the
  host;
- shifts by the width or more give 0, or the sign for the right shift of a signed integer.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from dsv4_passes.npz import Array

from . import numerics
from .domain import Lanes


def _wide(function: Callable[..., Any], *operands: Array) -> Array:
    """A function computed in double precision and rounded once to f32."""
    return np.asarray(function(*(x.astype(np.float64) for x in operands))).astype(np.float32)


def _rsqrt(a: Array) -> Array:
    return np.divide(1.0, np.sqrt(a))


def _float_rem(a: Array, b: Array) -> Array:
    rest = _wide(np.fmod, a, b)
    other_sign = np.not_equal(a >= 0, b >= 0) & (rest != 0)
    return np.where(other_sign, rest + b, rest)


def _int_div(a: Array, b: Array) -> Array:
    """Truncating division without a detour through floats; x / 0 = 0."""
    safe = np.where(b == 0, b.dtype.type(1), b)
    down = np.floor_divide(a, safe)
    up = (np.multiply(down, safe) != a) & ((a < 0) != (safe < 0))
    return np.where(b == 0, b.dtype.type(0), np.add(down, up.astype(a.dtype)))


def _int_rem(a: Array, b: Array) -> Array:
    return np.where(b == 0, b.dtype.type(0), np.mod(a, np.where(b == 0, b.dtype.type(1), b)))


def _shift(a: Array, b: Array, left: bool) -> Array:
    width = a.dtype.itemsize * 8
    outside = (b < 0) | (b >= width)
    amount = np.where(outside, b.dtype.type(0), b)
    if left:
        return np.where(outside, a.dtype.type(0), np.left_shift(a, amount))
    fill = np.where(a < 0, np.array(-1).astype(a.dtype), a.dtype.type(0))
    return np.where(outside, fill, np.right_shift(a, amount))


def _first_max(a: Array, b: Array) -> Array:
    return np.where(a < b, b, a)


def _first_min(a: Array, b: Array) -> Array:
    return np.where(b < a, b, a)


_FLOAT_BINARY: dict[str, Callable[[Array, Array], Array]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "rem": _float_rem,
    "max": _first_max,
    "min": _first_min,
    "pow": lambda a, b: _wide(np.power, a, b),
}

_INT_BINARY: dict[str, Callable[[Array, Array], Array]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": _int_div,
    "rem": _int_rem,
    "max": _first_max,
    "min": _first_min,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "shl": lambda a, b: _shift(a, b, left=True),
    "shr": lambda a, b: _shift(a, b, left=False),
}

_FLOAT_UNARY: dict[str, Callable[[Array], Array]] = {
    "neg": np.negative,
    "abs": np.abs,
    "exp": lambda a: _wide(np.exp, a),
    "log": lambda a: _wide(np.log, a),
    "sqrt": lambda a: _wide(np.sqrt, a),
    "rsqrt": lambda a: _wide(_rsqrt, a),
    "recip": lambda a: np.float32(1) / a,
    "relu": lambda a: _first_max(a, np.zeros_like(a)),
}

_INT_UNARY: dict[str, Callable[[Array], Array]] = {
    "neg": np.negative,
    "abs": np.abs,
    "not": np.invert,
    "relu": lambda a: _first_max(a, np.zeros_like(a)),
}

_COMPARE: dict[str, Callable[[Array, Array], Array]] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}


def binary_function(name: str, dtype: str) -> Callable[[Array, Array], Array]:
    """The operation on f32 or integer arrays. ValueError where `dtype` has no such operation."""
    table = _FLOAT_BINARY if numerics.computes_as_float(dtype) else _INT_BINARY
    if name not in table:
        raise ValueError(f"no binary operation {name} on {dtype}")
    return table[name]


def unary_function(name: str, dtype: str) -> Callable[[Array], Array]:
    """The operation on f32 or integer arrays. ValueError where `dtype` has no such operation."""
    table = _FLOAT_UNARY if numerics.computes_as_float(dtype) else _INT_UNARY
    if name not in table:
        raise ValueError(f"no unary operation {name} on {dtype}")
    return table[name]


def compare_function(cmp: str) -> Callable[[Array, Array], Array]:
    """The comparison eq ne lt le gt ge; ValueError for another."""
    if cmp not in _COMPARE:
        raise ValueError(f"no comparison {cmp}")
    return _COMPARE[cmp]


def check_reduction(name: str) -> None:
    """ValueError for a reduction that does not exist."""
    if name not in _PAIRWISE and name not in ("argmax", "argmin"):
        raise ValueError(f"no reduction {name}")


def check_dot(src: str, dst: str) -> None:
    """ValueError unless a cube accumulates `src` operands in `dst`."""
    if dst != ("f32" if numerics.computes_as_float(src) else "i32"):
        raise ValueError(f"no matrix product of {src} operands in {dst}")


def lanes_per_row(cols: int, src: str, dst: str) -> int:
    """How many lanes of `dst` the bytes of `cols` lanes of `src` are. ValueError if they are not whole."""
    count, rest = divmod(cols * numerics.numpy_dtype(src).itemsize, numerics.numpy_dtype(dst).itemsize)
    if rest:
        raise ValueError(f"{cols} lanes of {src} are no whole lanes of {dst}")
    return count


_PAIRWISE = {"sum": "add", "prod": "mul", "max": "max", "min": "min"}


class NumpyDomain:
    """Lanes are arrays of `numerics.numpy_dtype(dtype)`. Stateless; results never alias their operands."""

    def constant(self, value: float, dtype: str, shape: tuple[int, ...]) -> Lanes:
        return np.full(shape, numerics.constant(value, dtype))

    def from_numbers(self, numbers: Array, dtype: str) -> Lanes:
        return numbers.astype(numerics.numpy_dtype(dtype))

    def binary(self, name: str, a: Lanes, b: Lanes, dtype: str) -> Lanes:
        return self._apply(binary_function(name, dtype), dtype, a, b)

    def unary(self, name: str, a: Lanes, dtype: str) -> Lanes:
        return self._apply(unary_function(name, dtype), dtype, a)

    def _apply(self, function: Callable[..., Array], dtype: str, *operands: Array) -> Array:
        """Floats through f32 and back, integers and booleans as they are."""
        with np.errstate(all="ignore"):
            if numerics.computes_as_float(dtype):
                return numerics.from_f32(function(*(numerics.to_f32(x) for x in operands)), dtype)
            return np.asarray(function(*operands)).astype(numerics.numpy_dtype(dtype))

    def convert(self, a: Lanes, src: str, dst: str, mode: str, saturate: bool) -> Lanes:
        return numerics.convert(a, src, dst, mode, saturate)

    def bitcast(self, a: Lanes, src: str, dst: str) -> Lanes:
        source, target = numerics.numpy_dtype(src), numerics.numpy_dtype(dst)
        if source.itemsize != target.itemsize:
            raise ValueError(f"bitcast from {src} to {dst} changes the width")
        return np.ascontiguousarray(a).view(target).copy()

    def reinterpret(self, a: Lanes, src: str, dst: str) -> Lanes:
        lanes_per_row(a.shape[1], src, dst)
        return np.ascontiguousarray(a).view(numerics.numpy_dtype(dst)).copy()

    def dot(self, lhs: Lanes, rhs: Lanes, acc: Lanes | None, src: str, dst: str) -> Lanes:
        """Ascending k from +0, each product rounded to f32 and then added; `acc + sum` last.

        That is the simulator's order (TMatmul.hpp), the hardware has its own. It uses a fused multiply-add,
        which differs from this where a product is not exact: never for bf16 and f16 operands short of over-
        and underflow.
        """
        check_dot(src, dst)
        target = numerics.numpy_dtype(dst)
        if numerics.computes_as_float(src):
            left, right = numerics.to_f32(lhs), numerics.to_f32(rhs)
        else:
            left, right = lhs.astype(target), rhs.astype(target)
        total = np.zeros((lhs.shape[0], rhs.shape[1]), left.dtype)
        with np.errstate(all="ignore"):
            for k in range(lhs.shape[1]):
                total = total + left[:, k : k + 1] * right[k : k + 1, :]
            if acc is not None:
                total = acc + total
        return total.astype(target)

    def compare(self, cmp: str, a: Lanes, b: Lanes, dtype: str) -> Lanes:
        function = compare_function(cmp)
        if numerics.computes_as_float(dtype):
            a, b = numerics.to_f32(a), numerics.to_f32(b)
        with np.errstate(all="ignore"):
            return function(a, b)

    def pack_bits(self, bits: Lanes) -> Lanes:
        return np.packbits(bits.astype(np.bool_), axis=1, bitorder="little")

    def unpack_bits(self, bytes_: Lanes, cols: int) -> Lanes:
        return np.unpackbits(bytes_.astype(np.uint8), axis=1, count=cols, bitorder="little").astype(np.bool_)

    def select(self, cond: Lanes, a: Lanes, b: Lanes) -> Lanes:
        return np.where(cond.astype(np.bool_), a, b)

    def reduce(self, name: str, a: Lanes, axis: int, dtype: str) -> Lanes:
        """Ascending from the first lane; floats in f32, rounded once at the end. argmax and argmin: the first
        such.
        """
        check_reduction(name)
        if a.shape[axis] == 0:
            raise ValueError("reduction over no lanes")
        wide = numerics.to_f32(a) if numerics.computes_as_float(dtype) else a
        lines = np.moveaxis(wide, axis, 0)
        if name in ("argmax", "argmin"):
            result = self._first_extreme(lines, greater=name == "argmax")
            return np.expand_dims(result, axis)
        table = _FLOAT_BINARY if numerics.computes_as_float(dtype) else _INT_BINARY
        total = lines[0]
        with np.errstate(all="ignore"):
            for line in lines[1:]:
                total = table[_PAIRWISE[name]](total, line)
        total = (
            numerics.from_f32(total, dtype) if numerics.computes_as_float(dtype) else total.astype(wide.dtype)
        )
        return np.expand_dims(total, axis)

    @staticmethod
    def _first_extreme(lines: Array, greater: bool) -> Array:
        better = np.greater if greater else np.less
        best: Array = lines[0]
        index = np.zeros(lines.shape[1:], np.int32)
        for i in range(1, lines.shape[0]):
            found = better(lines[i], best)
            best, index = np.where(found, lines[i], best), np.where(found, np.int32(i), index)
        return index

    def concrete(self, a: Lanes, dtype: str) -> Array:
        return a.astype(numerics.numpy_dtype(dtype))

    def take_conditions(self) -> frozenset[str]:
        return frozenset()
