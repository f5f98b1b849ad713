"""Conversions against ml_dtypes, and against a reference on exact fractions; bits are compared."""

import math
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

from dsv4_passes.interpreter import numerics

pytestmark = pytest.mark.filterwarnings("error")

MODES = ("RINT", "ROUND", "FLOOR", "CEIL", "TRUNC", "ODD")
FORMATS = {"bf16": (8, -126, 127), "f16": (11, -14, 15)}  # precision, least and greatest exponent
ALL_16 = np.arange(1 << 16, dtype=np.uint16)


def singles() -> np.ndarray:
    """Edges of every kind and random bits."""
    rng = np.random.default_rng(1)
    # The ends of the f32 range, everything around that of f16, and where integers end.
    exponents = np.array([0, 1, 2, 3, *range(98, 160), 190, 191, 253, 254, 255], np.int64) << 23
    fractions = np.array(
        [0, 1, 2, 0x7FFF, 0x8000, 0x8001, 0xFFFF, 0x10000, 0x18000, 0x0FFF, 0x1000, 0x1001, 0x3000]
    )
    edges = (exponents[:, None] + np.concatenate([fractions, -fractions])).ravel()
    edges = edges[(edges >= 0) & (edges < 0x80000000)].astype(np.uint32)
    bits = np.concatenate([edges, edges | np.uint32(1 << 31), rng.integers(0, 2**32, 1500, dtype=np.uint32)])
    return bits.view(np.float32)


def round_fraction(q: Fraction, mode: str) -> int:
    """An exact number to an integer, straight from the definition of each mode."""
    down, up = math.floor(q), math.ceil(q)
    toward_zero = down if q >= 0 else up
    nearest = down if q - down < up - q else up
    tie = up != down and q - down == up - q
    match mode:
        case "FLOOR":
            return down
        case "CEIL":
            return up
        case "TRUNC":
            return toward_zero
        case "ODD":
            return down if down % 2 or down == up else up
        case "RINT":
            return (down if down % 2 == 0 else up) if tie else nearest
        case _:
            return (down if q < 0 else up) if tie else nearest


def reference(x: float, dtype: str, mode: str) -> float:
    precision, least, greatest = FORMATS[dtype]
    if math.isnan(x) or math.isinf(x) or x == 0:
        return x
    exponent = max(math.frexp(abs(x))[1] - 1, least)
    quantum = Fraction(2) ** (exponent - precision + 1)
    result = round_fraction(Fraction(x) / quantum, mode) * quantum
    biggest = (2 - Fraction(2) ** (1 - precision)) * Fraction(2) ** greatest
    if abs(result) > biggest:
        away = mode in ("RINT", "ROUND") or mode == ("CEIL" if x > 0 else "FLOOR")
        return math.copysign(math.inf if away else float(biggest), x)
    return math.copysign(float(result), x)


def bits(a: np.ndarray) -> np.ndarray:
    return a.view(np.uint16 if a.dtype.itemsize == 2 else np.uint32)


def is_quiet_nan(a: np.ndarray) -> np.ndarray:
    quiet = {"bfloat16": 0x7FC0, "float16": 0x7E00}[a.dtype.name]
    return (bits(a) & quiet) == quiet


@pytest.mark.parametrize("dtype", ["bf16", "f16"])
def test_nearest_even_is_what_ml_dtypes_does(dtype: str) -> None:
    x = np.concatenate(
        [singles(), np.random.default_rng(2).integers(0, 2**32, 10**6, dtype=np.uint32).view("f4")]
    )
    with np.errstate(all="ignore"):
        want = x.astype(ml_dtypes.bfloat16 if dtype == "bf16" else np.float16)
    got = numerics.from_f32(x, dtype, "RINT")
    nan = np.isnan(x)
    assert np.array_equal(bits(got)[~nan], bits(want)[~nan])
    assert is_quiet_nan(got)[nan].all()
    for alias in ("NONE", "CAST_RINT"):
        assert np.array_equal(bits(numerics.from_f32(x, dtype, alias)), bits(got))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["bf16", "f16"])
def test_every_mode_against_fractions(dtype: str, mode: str) -> None:
    x = singles()
    x = x[~np.isnan(x)]
    want = np.array([reference(v, dtype, mode) for v in x.tolist()])
    got = numerics.from_f32(x, dtype, mode)
    assert np.array_equal(numerics.to_f32(got).astype(np.float64).view(np.uint64), want.view(np.uint64))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["bf16", "f16"])
def test_every_16_bit_number_survives_the_round_trip(dtype: str, mode: str) -> None:
    x = ALL_16.view(numerics.numpy_dtype(dtype))
    wide = numerics.to_f32(x)
    nan = np.isnan(wide)
    with np.errstate(all="ignore"):
        assert np.array_equal(wide.view(np.uint32)[~nan], x.astype(np.float32).view(np.uint32)[~nan])
    back = numerics.from_f32(wide, dtype, mode)
    assert np.array_equal(bits(back)[~nan], ALL_16[~nan])
    assert is_quiet_nan(back)[nan].all()


@pytest.mark.parametrize("mode", sorted(numerics.SYMMETRIC_MODES))
def test_symmetric_modes_commute_with_neg(mode: str) -> None:
    x = singles()
    x = x[~np.isnan(x)]
    for dtype in FORMATS:
        negated = numerics.from_f32(-x, dtype, mode)
        assert np.array_equal(bits(negated) ^ np.uint16(0x8000), bits(numerics.from_f32(x, dtype, mode)))


def test_ties_tell_the_modes_apart() -> None:
    tie = np.array([1 + 2**-8, 1 + 3 * 2**-8, -(1 + 2**-8)], np.float32)
    ulp = 2.0**-7
    want = {
        "RINT": [1, 1 + 2 * ulp, -1],
        "ROUND": [1 + ulp, 1 + 2 * ulp, -1 - ulp],
        "FLOOR": [1, 1 + ulp, -1 - ulp],
        "CEIL": [1 + ulp, 1 + 2 * ulp, -1],
        "TRUNC": [1, 1 + ulp, -1],
        "ODD": [1 + ulp, 1 + ulp, -1 - ulp],
    }
    for mode, values in want.items():
        assert numerics.to_f32(numerics.f32_to_bf16(tie, mode)).tolist() == values


INTS = ("i8", "i16", "i32", "i64", "ui8", "ui16", "ui32")


@pytest.mark.parametrize("saturate", [False, True])
@pytest.mark.parametrize("mode", [*MODES, "NONE"])
@pytest.mark.parametrize("dtype", INTS)
def test_float_to_int(dtype: str, mode: str, saturate: bool) -> None:
    halves = np.arange(-600, 600, dtype=np.float32) / 4
    x = np.concatenate([singles()[::3], halves, -halves, np.float32(2) ** np.arange(0, 66, dtype=np.float32)])
    info = np.iinfo(numerics.numpy_dtype(dtype))
    long = np.iinfo(np.int64)

    def one(value: float) -> int:
        if math.isnan(value):
            return 0
        low, high = (info.min, info.max) if saturate else (long.min, long.max)
        if math.isinf(value):
            whole = high if value > 0 else low
        else:
            whole = round_fraction(Fraction(value), "TRUNC" if mode == "NONE" else mode)
        clamped = min(max(int(whole), int(low)), int(high))
        wrapped = clamped % 2**info.bits
        return wrapped - 2**info.bits if info.min < 0 and wrapped > info.max else wrapped

    got = numerics.float_to_int(x, dtype, mode, saturate)
    assert got.dtype == numerics.numpy_dtype(dtype)
    assert got.tolist() == [one(v) for v in x.tolist()]


@pytest.mark.parametrize("mode", MODES)
def test_int_to_f32(mode: str) -> None:
    rng = np.random.default_rng(3)
    wide = rng.integers(-(2**63), 2**63 - 1, 4000, dtype=np.int64) >> rng.integers(0, 63, 4000)
    edges = np.array([0, 1, -1, 2**24 + 1, -(2**24 + 1), 2**25 + 2, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63)])
    x = np.concatenate([wide, edges])
    for value, got in zip(x.tolist(), numerics.int_to_f32(x, mode).tolist(), strict=True):
        exponent = max(abs(value).bit_length() - 24, 0)
        assert got == round_fraction(Fraction(value, 2**exponent), mode) * 2.0**exponent
    assert not np.signbit(numerics.int_to_f32(np.array([0], np.int32), mode))[0]
    unsigned = np.array([0, 2**32 - 1, 2**31 + 1], np.uint32)
    assert numerics.int_to_f32(unsigned, "RINT").tolist() == unsigned.astype(np.float32).tolist()


def test_int_to_int_wraps_or_saturates() -> None:
    x = np.array([0, 127, 128, 255, 256, 300, -1, -128, -129, -(2**31), 2**31 - 1], np.int32)
    for dtype in ("i8", "ui8", "i16", "ui16", "i64", "ui32"):
        info = np.iinfo(numerics.numpy_dtype(dtype))
        assert (
            numerics.int_to_int(x, dtype, True).tolist()
            == np.clip(x.astype(object), info.min, info.max).tolist()
        )
        assert np.array_equal(numerics.int_to_int(x, dtype, False), x.astype(numerics.numpy_dtype(dtype)))
    assert numerics.int_to_int(x, "i1", True).tolist() == (x != 0).tolist()


def test_f32_to_f32_rounds_to_integral_values() -> None:
    x = np.array([2.5, -2.5, -0.4, 1e30, np.inf, -0.0], np.float32)
    got = numerics.convert(x, "f32", "f32", "RINT", False)
    assert got.tolist() == [2.0, -2.0, -0.0, x[3], np.inf, -0.0]
    assert np.signbit(got).tolist() == [False, True, True, False, False, True]
    assert numerics.convert(x, "f32", "f32", "ROUND", False).tolist()[:2] == [3.0, -3.0]


def test_constants_are_rounded_once() -> None:
    # Just above a bf16 tie: through f32 it becomes the tie, and a second rounding would go down.
    above = 1 + 2**-8 + 2**-40
    assert numerics.constant(above, "bf16").astype(np.float32) == 1 + 2**-7
    assert numerics.constant(1 + 2**-8, "bf16").astype(np.float32) == 1
    assert numerics.constant(1 + 2**-11 + 2**-50, "f16") == np.float16(1 + 2**-10)
    assert numerics.constant(1e300, "f32") == np.inf
    assert numerics.constant(-0.0, "bf16").view(np.uint16) == 0x8000
    with pytest.raises(OverflowError):
        numerics.constant(300, "i8")


def test_saturation_leaves_float_results_alone() -> None:
    x = np.array([1e30], np.float32)
    assert numerics.convert(x, "f32", "f16", "RINT", True)[0] == np.inf


@pytest.mark.parametrize(
    "call", [lambda: numerics.numpy_dtype("f8E4M3FN"), lambda: numerics.rounding_mode("UP", True)]
)
def test_what_is_unknown_is_said(call) -> None:
    with pytest.raises(ValueError, match=r"f8E4M3FN|UP"):
        call()
