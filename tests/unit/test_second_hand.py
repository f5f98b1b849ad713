"""What operations mean, said a second time: Python integers, exact fractions and ml_dtypes, lane by lane.

Nothing here goes through the arithmetic of `numerics` or `numpy_domain`; `docs/semantics.md` says what else
each operation was checked against, and what is open.
"""

import operator
import re
from collections.abc import Callable
from fractions import Fraction
from math import copysign, isnan, isqrt
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from dsv4_passes.interpreter import numerics
from dsv4_passes.interpreter.numpy_domain import NumpyDomain
from dsv4_passes.interpreter.semantics import SEMANTICS

DOMAIN = NumpyDomain()
BYTES = {"i8": np.int8, "ui8": np.uint8}
WORDS = {"i16": np.int16, "ui16": np.uint16, "i32": np.int32, "ui32": np.uint32}
PAGE = Path(__file__).parents[2] / "docs" / "semantics.md"


def wrapped(value: int, dtype: str) -> int:
    """The low bits of an integer, read as the type reads them."""
    bits = numerics.numpy_dtype(dtype).itemsize * 8
    low = value % (1 << bits)
    return low - (1 << bits) if not dtype.startswith("u") and low >> (bits - 1) else low


def quotient(a: int, b: int) -> int:
    """Towards zero."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


INTEGER: dict[str, Callable[[int, int], int]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "max": max,
    "min": min,
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
    "div": quotient,
}


@pytest.mark.parametrize("dtype", BYTES)
@pytest.mark.parametrize("name", INTEGER)
def test_integer_arithmetic_on_all_pairs_of_bytes(name: str, dtype: str) -> None:
    info = np.iinfo(BYTES[dtype])
    numbers = [n for n in range(info.min, info.max + 1) if n or name != "div"]
    a = np.arange(info.min, info.max + 1).astype(BYTES[dtype])[:, None]
    b = np.array(numbers, BYTES[dtype])[None]
    left, right = np.broadcast_arrays(a, b)
    found = DOMAIN.binary(name, left, right, dtype)
    wanted = [[wrapped(INTEGER[name](int(x), y), dtype) for y in numbers] for x in a[:, 0]]
    assert np.array_equal(found, np.array(wanted, BYTES[dtype]))


@pytest.mark.parametrize("dtype", WORDS)
@pytest.mark.parametrize("name", INTEGER)
def test_integer_arithmetic_on_wider_types(name: str, dtype: str) -> None:
    kind, rng = WORDS[dtype], np.random.default_rng(3)
    info = np.iinfo(kind)
    edges = [info.min, info.min + 1, 0, 1, 2, info.max - 1, info.max, info.max // 2, info.max // 2 + 1]
    a, b = (np.array([*edges, *rng.integers(info.min, info.max, 500)]).astype(kind) for _ in range(2))
    a, b = (x.ravel() for x in np.meshgrid(a, rng.permutation(b)[:40]))
    if name == "div":
        a, b = a[b != 0], b[b != 0]
    found = DOMAIN.binary(name, a[None], b[None], dtype)[0]
    wanted = [wrapped(INTEGER[name](int(x), int(y)), dtype) for x, y in zip(a, b, strict=True)]
    assert found.tolist() == wanted


@pytest.mark.parametrize("dtype", [*BYTES, "i16", "ui16"])
def test_conversions_between_integers_on_all_values(dtype: str) -> None:
    kind = {**BYTES, **WORDS}[dtype]
    info = np.iinfo(kind)
    values = np.arange(info.min, info.max + 1).astype(kind)[None]
    for target in ("i8", "ui8", "i16", "ui16", "i32", "ui32", "i64"):
        ends = np.iinfo(numerics.numpy_dtype(target))
        wraps = DOMAIN.convert(values, dtype, target, "NONE", False)[0].tolist()
        assert wraps == [wrapped(int(v), target) for v in values[0]]
        ends_there = DOMAIN.convert(values, dtype, target, "NONE", True)[0].tolist()
        assert ends_there == [min(max(int(v), int(ends.min)), int(ends.max)) for v in values[0]]


FLOATS = {"bf16": ml_dtypes.bfloat16, "f16": np.float16}
ALL = np.arange(1 << 16, dtype=np.uint16)


def single_bits(value: Fraction) -> int:
    """The nearest f32 to an exact positive number, ties to even, as bits."""
    exponent = max(value.numerator.bit_length() - value.denominator.bit_length(), -127)
    if value < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** (max(exponent, -126) - 23)
    count, rest = divmod(value, unit)
    whole = int(count)
    if rest * 2 > unit or (rest * 2 == unit and whole % 2):
        whole += 1
    if exponent < -126:
        return whole  # a subnormal, or the least normal number
    return min(((exponent + 126) << 23) + whole, 0x7F800000)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["recip", "sqrt"])
def test_functions_of_all_short_floats_are_rounded_from_the_exact_value(name: str, dtype: str) -> None:
    """To f32 first, as all arithmetic on short floats is, then to the type: ml_dtypes and numpy do that."""
    numbers = ALL.view(FLOATS[dtype])
    found = DOMAIN.unary(name, numbers[None], dtype)[0]
    for number, result in zip(map(float, numbers), map(float, found), strict=True):
        if not (0 < number < float("inf")):
            continue
        exact = 1 / Fraction(number) if name == "recip" else root(Fraction(number))
        wide = np.array(single_bits(exact), np.uint32).view(np.float32)
        with np.errstate(over="ignore"):
            assert float(wide.astype(FLOATS[dtype])) == result, number


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["recip", "sqrt"])
def test_functions_of_all_other_short_floats(name: str, dtype: str) -> None:
    """Zeros, infinities, NaN and all negative numbers, by what IEEE 754 says of them: signs as well."""
    numbers = ALL.view(FLOATS[dtype])
    found = DOMAIN.unary(name, numbers[None], dtype)[0]
    positive = dict(zip(map(float, numbers), map(float, found), strict=True))
    for number, result in zip(map(float, numbers), map(float, found), strict=True):
        if 0 < number < float("inf"):
            continue
        sign = copysign(1.0, number)
        if isnan(number) or (name == "sqrt" and number < 0):
            assert isnan(result), number
        elif name == "sqrt":  # of -0 it is -0
            assert (result, copysign(1.0, result)) == (number, sign)
        else:
            wanted = (
                0.0 if abs(number) == float("inf") else float("inf") if number == 0 else positive[-number]
            )
            assert (abs(result), copysign(1.0, result)) == (wanted, sign), number


@pytest.mark.parametrize("dtype", WORDS | BYTES)
def test_not_of_all_integers(dtype: str) -> None:
    """Every byte and every word of 16 bits; of 32 bits, a sample and the ends."""
    bits = numerics.numpy_dtype(dtype).itemsize * 8
    numbers = range(1 << bits) if bits <= 16 else [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xA5A5A5A5]
    lanes = np.array([wrapped(n, dtype) for n in numbers], numerics.numpy_dtype(dtype))
    found = DOMAIN.unary("not", lanes[None], dtype)[0]
    assert [int(x) for x in found] == [wrapped((1 << bits) - 1 - n, dtype) for n in numbers]


def root(value: Fraction) -> Fraction:
    """A square root to 80 bits, sticky: rounding it to 24 bits rounds the exact one."""
    shift = 160 + 2 * value.denominator.bit_length()
    scaled = value * 2**shift
    whole = isqrt(int(scaled))
    sticky = whole * whole != scaled
    return Fraction(2 * whole + sticky, 2) / 2 ** (shift // 2)


@pytest.mark.parametrize("dtype", FLOATS)
def test_signs_and_comparisons_of_all_short_floats(dtype: str) -> None:
    bits = ALL.view(FLOATS[dtype])[None]
    nan = np.array([isnan(float(x)) for x in bits[0]])
    for name, wanted in (("neg", ALL ^ 0x8000), ("abs", ALL & 0x7FFF)):
        found = DOMAIN.unary(name, bits, dtype)[0].view(np.uint16)
        assert np.array_equal(found[~nan], wanted[~nan])
    positive = np.where(nan, False, (ALL >> 15 == 0) & (ALL != 0))
    found = DOMAIN.unary("relu", bits, dtype)[0].view(np.uint16)
    assert np.array_equal(found[positive], ALL[positive])
    assert not (found[~positive & ~nan] & 0x7FFF).any()
    # The bits, sign and magnitude, in the order of the numbers they are.
    order = np.where(ALL >> 15, -(ALL & 0x7FFF).astype(np.int64), (ALL & 0x7FFF).astype(np.int64))
    other = np.random.default_rng(5).permutation(1 << 16)
    compare = {"eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le}
    compare |= {"gt": operator.gt, "ge": operator.ge}
    for name, function in compare.items():
        found = DOMAIN.compare(name, bits, bits[:, other], dtype)[0]
        either = nan | nan[other]
        assert np.array_equal(found, np.where(either, name == "ne", function(order, order[other])))


def test_the_page_names_every_operation_once() -> None:
    """A new operation needs a line that says what it was checked against."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])]
    assert sorted(named) == sorted(SEMANTICS)
    for row in rows:
        assert all(cell.strip() for cell in row.split("|")[1:-1])
        for path in re.findall(r"`(test_\w+)`", row):
            assert any(
                (PAGE.parents[1] / "tests" / room / f"{path}.py").exists() for room in ("unit", "property")
            )
