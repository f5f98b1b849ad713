"""Rules about bits: what terms call equal has equal bits for every pattern of 16 bits.

Each rule is a pair of programs over one or two lanes. Their terms must be equal, and so must the bits that
they compute from all 65536 patterns (of two lanes, from each pattern beside 64 others).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dsv4_passes.equivalence.term_domain import TermDomain
from dsv4_passes.interpreter import numerics
from dsv4_passes.interpreter.numpy_domain import NumpyDomain
from tests.unit.kernels import Array

Program = Callable[[Any, Any, Any], Any]
MODES = ("RINT", "ROUND", "FLOOR", "CEIL", "TRUNC", "ODD")
SHUFFLES = 64


def pair(d: Any, low: Any, high: Any, src: str, dst: str) -> Any:
    """Two lanes side by side as one of twice the width."""
    both = np.stack(np.broadcast_arrays(low, high), axis=2)
    return d.reinterpret(both.reshape(len(both), -1), src, dst)


def half(d: Any, x: Any, src: str, dst: str, which: int) -> Any:
    """One of the two narrower lanes that a lane is."""
    return d.reinterpret(x, src, dst)[:, which::2]


def scalar(d: Any, name: str, x: Any, number: int, dtype: str) -> Any:
    return d.binary(name, x, d.constant(number, dtype, (1, 1)), dtype)


def widen(d: Any, x: Any, dtype: str = "bf16") -> Any:
    """The bits of an f32 that is a bf16 number (or an f16 number's bits, taken for those of a bf16)."""
    number = d.convert(d.bitcast(x, dtype, "bf16"), "bf16", "f32", "NONE", False)
    return d.bitcast(number, "f32", "ui32")


def zero(d: Any, dtype: str = "ui16") -> Any:
    return d.constant(0, dtype, (1, 1))


def rounded(d: Any, x: Any, y: Any, mode: str) -> Any:
    """Some f32 that is no bf16, rounded to one."""
    product = d.binary("mul", *(d.convert(v, "bf16", "f32", "NONE", False) for v in (x, y)), "f32")
    return d.convert(product, "f32", "bf16", mode, False)


def word(d: Any, x: Any, y: Any) -> Any:
    return pair(d, x, y, "bf16", "ui32")


def chosen(d: Any, x: Any, a: Any, b: Any) -> Any:
    """`a` where `x` is positive, else `b`."""
    return d.select(d.compare("gt", x, d.constant(0.0, "bf16", (1, 1)), "bf16"), a, b)


RULES: dict[str, tuple[str, str, Program, Program]] = {
    "the bits of a choice": (
        *("bf16", "bf16"),
        lambda d, x, y: d.bitcast(chosen(d, x, x, y), "bf16", "i16"),
        lambda d, x, y: chosen(d, x, d.bitcast(x, "bf16", "i16"), d.bitcast(y, "bf16", "i16")),
    ),
    "the numbers of a choice of bits": (
        *("bf16", "bf16"),
        lambda d, x, y: d.bitcast(
            chosen(d, x, d.bitcast(x, "bf16", "i16"), d.bitcast(y, "bf16", "i16")), "i16", "bf16"
        ),
        lambda d, x, y: chosen(d, x, x, y),
    ),
    "a choice of words under another sign": (
        *("bf16", "bf16"),
        lambda d, x, y: d.bitcast(
            chosen(d, x, d.bitcast(word(d, x, y), "ui32", "i32"), d.bitcast(word(d, y, x), "ui32", "i32")),
            *("i32", "ui32"),
        ),
        lambda d, x, y: chosen(d, x, word(d, x, y), word(d, y, x)),
    ),
    "an even lane is the low half": (
        *("bf16", "bf16"),
        lambda d, x, y: half(d, word(d, x, y), "ui32", "bf16", 0),
        lambda d, x, y: x,
    ),
    "shl 16 drops the high half": (
        *("bf16", "bf16"),
        lambda d, x, y: scalar(d, "shl", word(d, x, y), 16, "ui32"),
        lambda d, x, y: pair(d, zero(d), d.bitcast(x, "bf16", "ui16"), "ui16", "ui32"),
    ),
    "shr 16 drops the low half": (
        *("bf16", "bf16"),
        lambda d, x, y: scalar(d, "shr", word(d, x, y), 16, "ui32"),
        lambda d, x, y: pair(d, d.bitcast(y, "bf16", "ui16"), zero(d), "ui16", "ui32"),
    ),
    "shr 16, shl 16 is a mask": (
        *("bf16", "bf16"),
        lambda d, x, y: scalar(d, "shl", scalar(d, "shr", word(d, x, y), 16, "ui32"), 16, "ui32"),
        lambda d, x, y: scalar(d, "and", word(d, x, y), 0xFFFF0000, "ui32"),
    ),
    "a signed mask is the same mask": (
        *("bf16", "bf16"),
        lambda d, x, y: d.bitcast(
            scalar(d, "and", pair(d, x, y, "bf16", "i32"), -65536, "i32"), "i32", "ui32"
        ),
        lambda d, x, y: scalar(d, "and", word(d, x, y), 0xFFFF0000, "ui32"),
    ),
    "the high half alone is the odd lane widened": (
        *("bf16", "bf16"),
        lambda d, x, y: d.bitcast(scalar(d, "and", word(d, x, y), 0xFFFF0000, "ui32"), "ui32", "f32"),
        lambda d, x, y: d.convert(y, "bf16", "f32", "NONE", False),
    ),
    "the low half moved up is the even lane widened": (
        *("bf16", "bf16"),
        lambda d, x, y: d.bitcast(scalar(d, "shl", word(d, x, y), 16, "ui32"), "ui32", "f32"),
        lambda d, x, y: d.convert(x, "bf16", "f32", "NONE", False),
    ),
    "turned by 16 bits is swapped": (
        *("bf16", "bf16"),
        lambda d, x, y: d.reinterpret(
            d.binary(
                "or",
                scalar(d, "shl", word(d, x, y), 16, "ui32"),
                scalar(d, "shr", word(d, x, y), 16, "ui32"),
                "ui32",
            ),
            *("ui32", "bf16"),
        ),
        lambda d, x, y: np.stack(np.broadcast_arrays(y, x), axis=2).reshape(-1, 2 * x.shape[1]),
    ),
    "two bf16 are packed into one word": (
        *("bf16", "bf16"),
        lambda d, x, y: d.binary("or", scalar(d, "shr", widen(d, x), 16, "ui32"), widen(d, y), "ui32"),
        lambda d, x, y: word(d, x, y),
    ),
    "words without common bits are added": (
        *("bf16", "bf16"),
        lambda d, x, y: d.binary("add", scalar(d, "shr", widen(d, x), 16, "ui32"), widen(d, y), "ui32"),
        lambda d, x, y: word(d, x, y),
    ),
    "f16 is packed as bf16": (
        *("f16", "f16"),
        lambda d, x, y: d.reinterpret(
            d.binary("or", scalar(d, "shr", widen(d, x, "f16"), 16, "ui32"), widen(d, y, "f16"), "ui32"),
            *("ui32", "f16"),
        ),
        lambda d, x, y: d.reinterpret(pair(d, x, y, "f16", "ui32"), "ui32", "f16"),
    ),
    "a table is doubled": (
        *("bf16", "bf16"),
        lambda d, x, y: d.binary("or", scalar(d, "shr", widen(d, x), 16, "ui32"), widen(d, x), "ui32"),
        lambda d, x, y: word(d, x, x),
    ),
    "bits negate": (
        *("bf16", "bf16"),
        lambda d, x, y: d.bitcast(
            scalar(d, "xor", d.bitcast(x, "bf16", "ui16"), 0x8000, "ui16"), "ui16", "bf16"
        ),
        lambda d, x, y: scalar(d, "mul", x, -1, "bf16"),
    ),
    "bits of a widened number negate": (
        *("bf16", "bf16"),
        lambda d, x, y: d.bitcast(scalar(d, "xor", widen(d, x), 0x80000000, "ui32"), "ui32", "f32"),
        lambda d, x, y: scalar(d, "mul", d.convert(x, "bf16", "f32", "NONE", False), -1, "f32"),
    ),
    "bytes are put together": (
        *("ui8", "ui8"),
        lambda d, x, y: pair(d, x, y, "ui8", "ui16"),
        lambda d, x, y: d.binary(
            "or",
            scalar(d, "shl", d.convert(y, "ui8", "ui16", "NONE", False), 8, "ui16"),
            d.convert(x, "ui8", "ui16", "NONE", False),
            "ui16",
        ),
    ),
    "the high byte with its sign": (
        *("i8", "i8"),
        lambda d, x, y: scalar(d, "shr", pair(d, x, y, "i8", "i16"), 8, "i16"),
        lambda d, x, y: d.convert(y, "i8", "i16", "NONE", False),
    ),
    "the low byte with its sign": (
        *("i8", "i8"),
        lambda d, x, y: scalar(
            d,
            "shr",
            d.bitcast(scalar(d, "shl", pair(d, x, y, "i8", "ui16"), 8, "ui16"), "ui16", "i16"),
            *(8, "i16"),
        ),
        lambda d, x, y: d.convert(x, "i8", "i16", "NONE", False),
    ),
    "signed bytes are put together": (
        *("i8", "i8"),
        lambda d, x, y: d.binary(
            "or",
            scalar(d, "shl", d.convert(y, "i8", "ui16", "NONE", False), 8, "ui16"),
            scalar(d, "and", d.convert(x, "i8", "ui16", "NONE", False), 255, "ui16"),
            "ui16",
        ),
        lambda d, x, y: pair(d, x, y, "i8", "ui16"),
    ),
    "shr 8 of a word moves bytes": (
        *("ui16", "ui16"),
        lambda d, x, y: half(
            d, scalar(d, "shr", pair(d, x, y, "ui16", "ui32"), 8, "ui32"), "ui32", "ui16", 1
        ),
        lambda d, x, y: scalar(d, "shr", y, 8, "ui16"),
    ),
    "dropping bits is taking the low half": (
        *("i16", "i16"),
        lambda d, x, y: d.convert(pair(d, x, y, "i16", "i32"), "i32", "i16", "NONE", False),
        lambda d, x, y: x,
    ),
    **{
        f"a bf16 rounded {mode} fills the high half": (
            *("bf16", "bf16"),
            lambda d, x, y, mode=mode: widen(d, rounded(d, x, y, mode)),
            lambda d, x, y, mode=mode: pair(
                d, zero(d), d.bitcast(rounded(d, x, y, mode), "bf16", "ui16"), "ui16", "ui32"
            ),
        )
        for mode in MODES
    },
}


def patterns(dtype: str, shuffled: bool) -> Array:
    """Every pattern of an element type, [1, 2**n]; shuffled, [SHUFFLES, 2**n] of them."""
    width = numerics.numpy_dtype(dtype).itemsize * 8
    numbers = np.arange(1 << width, dtype=np.uint64).astype(f"u{width // 8}")
    if shuffled:
        rng = np.random.default_rng(width)
        numbers = np.stack([rng.permutation(numbers) for _ in range(SHUFFLES)])
    return np.atleast_2d(numbers).view(numerics.numpy_dtype(dtype))


def bits(lanes: Array) -> Array:
    """What to compare: integers as they are, floats with one NaN."""
    if lanes.dtype.kind in "iu":
        return lanes
    single = numerics.to_f32(lanes)
    return np.where(np.isnan(single), np.float32(np.nan), single).view(np.uint32)


@pytest.mark.parametrize("rule", RULES)
def test_equal_terms_have_equal_bits(rule: str) -> None:
    left, right, before, after = RULES[rule]
    d = TermDomain()
    x, y = (d.table.loads(n, 0, None, np.arange(4)[None], t) for n, t in (("x", left), ("y", right)))
    assert np.array_equal(before(d, x, y), after(d, x, y))
    n = NumpyDomain()
    a, b = patterns(left, False), patterns(right, True)
    got, want = before(n, a, b), after(n, a, b)
    shape = np.broadcast_shapes(got.shape, want.shape)
    assert np.array_equal(np.broadcast_to(bits(got), shape), np.broadcast_to(bits(want), shape))


def word_of(d: Any, x: Any) -> Any:
    return d.bitcast(x, "f32", "ui32")


def nan(d: Any) -> Any:
    return d.constant(float("nan"), "f32", (1, 4))


DIFFERENT: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "an f32 has bits below those of its bf16": (
        lambda d, x: widen(d, d.convert(x, "f32", "bf16", "RINT", False)),
        word_of,
    ),
    "the bits of -0 are not 0": (
        lambda d, x: d.binary("or", word_of(d, d.constant(-0.0, "f32", (1, 4))), word_of(d, x), "ui32"),
        word_of,
    ),
    "to add 0 to -0 changes its bits": (
        lambda d, x: word_of(d, scalar(d, "add", x, 0, "f32")),
        word_of,
    ),
    "an arithmetic shift keeps the sign": (
        lambda d, x: scalar(d, "shr", d.bitcast(x, "f32", "i32"), 16, "i32"),
        lambda d, x: scalar(d, "shr", word_of(d, x), 16, "ui32"),
    ),
    "a shift by 15 moves no halves": (
        lambda d, x: scalar(d, "shr", word_of(d, x), 15, "ui32"),
        lambda d, x: scalar(d, "shr", word_of(d, x), 16, "ui32"),
    ),
    "words that share bits have carries": (
        lambda d, x: d.binary("add", word_of(d, x), word_of(d, x), "ui32"),
        lambda d, x: d.binary("or", word_of(d, x), word_of(d, x), "ui32"),
    ),
    "the halves are two": (
        lambda d, x: half(d, x, "f32", "ui16", 0),
        lambda d, x: half(d, x, "f32", "ui16", 1),
    ),
    "the low bits of a NaN are not known": (
        lambda d, x: half(d, nan(d), "f32", "ui16", 0),
        lambda d, x: d.constant(0, "ui16", (1, 4)),
    ),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_what_differs_in_bits_differs_in_terms(what: str) -> None:
    before, after = DIFFERENT[what]
    d = TermDomain()
    x = d.table.loads("x", 0, None, np.arange(4)[None], "f32")
    assert not np.array_equal(before(d, x), after(d, x))


def test_left_shifts_of_signed_integers_have_no_rule() -> None:
    d = TermDomain()
    x = d.table.loads("x", 0, None, np.arange(4)[None], "i32")
    shifted = scalar(d, "shl", x, 16, "i32")
    assert {d.table.head(int(t)) for t in shifted[0]} == {("op", "shl", "i32")}
