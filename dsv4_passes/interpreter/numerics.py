"""Exact conversions between element types, on whole arrays, by integer arithmetic on the bits.

Sources: rounding modes, pto-isa include/pto/common/type.hpp and include/pto/npu/a2a3/TCvt.hpp. ODD is von
Neumann rounding (an inexact result gets an odd last bit). NONE means nearest even into a float and towards
zero into an integer: the `default` cases of a2a3/TCvt.hpp. Every NaN stays a NaN and becomes quiet. No
function here emits a numpy warning.
"""

from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from dsv4_passes.npz import Array

FLOATS = frozenset({"f32", "bf16", "f16"})
"""The float element types that have arithmetic; all of it happens in f32."""

_DTYPES: dict[str, np.dtype[Any]] = {
    "f32": np.dtype(np.float32),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "f16": np.dtype(np.float16),
    "i1": np.dtype(np.bool_),
    "i8": np.dtype(np.int8),
    "i16": np.dtype(np.int16),
    "i32": np.dtype(np.int32),
    "i64": np.dtype(np.int64),
    "index": np.dtype(np.int64),
    "ui8": np.dtype(np.uint8),
    "ui16": np.dtype(np.uint16),
    "ui32": np.dtype(np.uint32),
    "ui64": np.dtype(np.uint64),
}

DTYPES = tuple(_DTYPES)
"""All element types."""
_MODES = frozenset({"RINT", "ROUND", "FLOOR", "CEIL", "TRUNC", "ODD"})
SYMMETRIC_MODES = frozenset({"RINT", "ROUND", "TRUNC", "ODD"})
"""Modes that round -x to the negative of what x rounds to."""


def numpy_dtype(dtype: str) -> np.dtype[Any]:
    """The numpy type that stores an element type. ValueError for one that has no arithmetic here (fp8, 4 bit
    types).
    """
    try:
        return _DTYPES[dtype]
    except KeyError:
        raise ValueError(f"element type {dtype} has no numpy semantics") from None


def as_elements(array: NDArray[Any], dtype: str, name: str) -> NDArray[Any]:
    """An array as elements of a type; those of two bytes may be given as their bits.

    ValueError for an array of another type, which calls it `name`.
    """
    target = numpy_dtype(dtype)
    bits = target.name in ("bfloat16", "float16") and array.dtype in (np.dtype(np.uint16), np.dtype("V2"))
    if array.dtype != target and not bits:
        wanted = "uint16 (the bits of bf16)" if dtype == "bf16" else target.name
        raise ValueError(f"array '{name}' should be of {wanted}, found {array.dtype.name}")
    return np.ascontiguousarray(array).view(target)


def computes_as_float(dtype: str) -> bool:
    """Whether arithmetic on `dtype` is that of floats. ValueError for a type without arithmetic here."""
    if dtype not in _DTYPES:
        numpy_dtype(dtype)  # says what is wrong
    return dtype in FLOATS


def rounding_mode(mode: str, to_float: bool) -> str:
    """The mode with NONE and CAST_RINT resolved. ValueError for an unknown one."""
    if mode == "CAST_RINT":
        return "RINT"
    if mode == "NONE":
        return "RINT" if to_float else "TRUNC"
    if mode not in _MODES:
        raise ValueError(f"unknown rounding mode {mode}")
    return mode


def _round_shift(magnitude: Array, shift: Array | int, negative: Array, mode: str) -> Array:
    """`magnitude / 2**shift` rounded to an integer; unsigned arrays, 0 < shift < width, the sign steers FLOOR
    and CEIL.
    """
    one = magnitude.dtype.type(1)
    shift = np.asarray(shift, magnitude.dtype)
    kept = magnitude >> shift
    rest = magnitude & ((one << shift) - one)
    half = one << (shift - one)
    if mode == "RINT":
        up = (rest > half) | ((rest == half) & ((kept & one) == one))
    elif mode == "ROUND":
        up = rest >= half
    elif mode == "FLOOR":
        up = negative & (rest != 0)
    elif mode == "CEIL":
        up = ~negative & (rest != 0)
    elif mode == "TRUNC":
        return kept
    else:  # ODD: set the last bit of an inexact result
        return kept | (rest != 0).astype(magnitude.dtype)
    return kept + up.astype(magnitude.dtype)


def _split(a: Array) -> tuple[Array, Array, Array]:
    """f32 as (magnitude bits, sign in bit 15, whether negative)."""
    bits = np.ascontiguousarray(a, np.float32).view(np.uint32)
    sign = (bits >> np.uint32(16)) & np.uint32(0x8000)
    return bits & np.uint32(0x7FFFFFFF), sign, sign != 0


def f32_to_bf16(a: Array, mode: str = "RINT") -> Array:
    """Round f32 to bf16.

    A carry out of the fraction moves to the next binade and at last to Inf, so an overflow is Inf in RINT and
    ROUND, and in FLOOR and CEIL on the side they round to; TRUNC, ODD and the other side stop at the largest
    finite number.
    """
    magnitude, sign, negative = _split(a)
    rounded = _round_shift(magnitude, 16, negative, rounding_mode(mode, True))
    quiet_nan = (magnitude >> np.uint32(16)) | np.uint32(0x40)
    rounded = np.where(magnitude > 0x7F800000, quiet_nan, rounded)
    return (rounded | sign).astype(np.uint16).view(ml_dtypes.bfloat16)


def f32_to_f16(a: Array, mode: str = "RINT") -> Array:
    """Round f32 to f16, subnormals included. Overflow as in `f32_to_bf16`."""
    mode = rounding_mode(mode, True)
    magnitude, sign, negative = _split(a)
    # Rebias the exponent by 127 - 15. The subtraction wraps for what is no normal f16; `tiny` replaces that.
    normal = _round_shift(magnitude - np.uint32(112 << 23), 13, negative, mode)
    exponent = np.maximum(magnitude >> np.uint32(23), np.uint32(1)).astype(np.int64)
    hidden = np.where(magnitude >= 1 << 23, np.uint32(1 << 23), np.uint32(0))
    fraction = (magnitude & np.uint32(0x7FFFFF)) | hidden
    # The last bit of a subnormal f16 is 2**-24, that of `fraction` 2**(exponent - 150). A shift by 31 says
    # all that a longer one could: inexact and below one half.
    tiny = _round_shift(fraction, np.clip(126 - exponent, 1, 31), negative, mode)
    rounded = np.where(magnitude < 113 << 23, tiny, normal)
    to_infinity = {"RINT": True, "ROUND": True, "FLOOR": negative, "CEIL": ~negative}.get(mode, False)
    overflow = np.where(to_infinity, np.uint32(0x7C00), np.uint32(0x7BFF))
    rounded = np.where(magnitude >= 143 << 23, overflow, rounded)
    rounded = np.where(magnitude == 0x7F800000, np.uint32(0x7C00), rounded)
    quiet_nan = ((magnitude >> np.uint32(13)) & np.uint32(0x3FF)) | np.uint32(0x7E00)
    rounded = np.where(magnitude > 0x7F800000, quiet_nan, rounded)
    return (rounded | sign).astype(np.uint16).view(np.float16)


def to_f32(a: Array) -> Array:
    """bf16, f16 or f32 to f32, exact; a bf16 NaN keeps its payload."""
    if a.dtype == ml_dtypes.bfloat16:
        return (np.ascontiguousarray(a).view(np.uint16).astype(np.uint32) << np.uint32(16)).view(np.float32)
    with np.errstate(all="ignore"):
        return a.astype(np.float32)


def _to_f64(a: Array) -> Array:
    """f32 to double, exact; quiet about signalling NaN."""
    with np.errstate(all="ignore"):
        return a.astype(np.float64)


def from_f32(a: Array, dtype: str, mode: str = "RINT") -> Array:
    """f32 rounded into the float type `dtype`."""
    if dtype == "bf16":
        return f32_to_bf16(a, mode)
    if dtype == "f16":
        return f32_to_f16(a, mode)
    return a.astype(np.float32)


def round_to_integral(a: Array, mode: str) -> Array:
    """Each float64 rounded to an integer, still float64. Exact for values that are f32. ODD moves an inexact
    value to the odd neighbour.
    """
    with np.errstate(all="ignore"):
        if mode == "RINT":
            return np.rint(a)
        if mode == "FLOOR":
            return np.floor(a)
        if mode == "CEIL":
            return np.ceil(a)
        down = np.trunc(a)
        if mode == "TRUNC":
            return down
        if mode == "ROUND":
            up = np.abs(a - down) >= 0.5
        else:
            up = (down != a) & (np.fmod(down, 2.0) == 0.0)
        return np.where(up, down + np.copysign(1.0, a), down)


def float_to_int(a: Array, dtype: str, mode: str, saturate: bool) -> Array:
    """f32 (or bf16, f16) rounded to the integer type `dtype`.

    Saturating, a value out of range becomes the nearest end of the range. Otherwise it is converted to int64
    (which saturates) and its low bits are taken: "Convert to int64, extract least significant N bits",
    pto-isa a2a3/TCvt.hpp. A NaN gives 0 (the ISA headers do not say; stated here). The A2/A3 header saturates
    every pair but f16 -> i8/ui8/i16, f32 -> i16, i64 -> i32 and i32 -> i16, whatever the caller asked.
    """
    target = numpy_dtype(dtype)
    if target == np.bool_:
        return a != 0
    wide = round_to_integral(_to_f64(to_f32(a)), rounding_mode(mode, False))
    nan = np.isnan(wide)
    info = np.iinfo(target if saturate else np.dtype(np.int64))
    # The upper end, taken as 2**bits, is exact in float64; `info.max` itself is not for 64 bits.
    high, low = wide >= float(info.max) + (1.0 if info.max < 1 << 53 else 0.0), wide < float(info.min)
    with np.errstate(all="ignore"):
        inside = np.where(nan | high | low, 0.0, wide)
        exact = inside.astype(np.uint64 if info.min == 0 else np.int64)
    exact = np.where(high, exact.dtype.type(info.max), exact)
    exact = np.where(low, exact.dtype.type(info.min), exact)
    return exact.astype(target)


def float_to_float(a: Array, src: str, dst: str, mode: str) -> Array:
    """Between float types. Widening is exact; f32 -> f32 rounds to an integral value, as a2a3/TCvt.hpp does
    (its `vconv_f322f32*`).
    """
    if src == dst == "f32":
        mode = rounding_mode(mode, True)
        # That switch has no case for ODD: it takes the default, nearest even.
        return round_to_integral(_to_f64(a), "RINT" if mode == "ODD" else mode).astype(np.float32)
    if src == dst:
        return a.copy()
    return from_f32(to_f32(a), dst, mode)


def int_to_int(a: Array, dtype: str, saturate: bool) -> Array:
    """Between integer types: two's complement wrap, or the nearest end of the range. To i1: whether it is not
    0.
    """
    target = numpy_dtype(dtype)
    if a.dtype == np.bool_ or target == np.bool_ or not saturate:
        return a.astype(target)
    info, source = np.iinfo(target), np.iinfo(a.dtype)
    low, high = max(int(info.min), int(source.min)), min(int(info.max), int(source.max))
    return np.clip(a, a.dtype.type(low), a.dtype.type(high)).astype(target)


def int_to_f32(a: Array, mode: str = "RINT") -> Array:
    """An integer rounded to f32 in `mode` (a2a3/TCvt.hpp, i32 -> f32). Zero gives +0."""
    mode = rounding_mode(mode, True)
    negative = a < 0
    wide = a.astype(np.uint64)
    magnitude = np.where(negative, np.uint64(0) - wide, wide)
    # Keep the 24 leading bits of each value, with two integer halves so that float64 finds the bit length
    # exactly.
    top = (magnitude >> np.uint64(32)).astype(np.float64)
    bottom = (magnitude & np.uint64(0xFFFFFFFF)).astype(np.float64)
    length = np.where(top > 0, np.frexp(top)[1] + 32, np.frexp(bottom)[1])
    shift = np.clip(length - 24, 0, 40)
    rounded = np.where(shift > 0, _round_shift(magnitude, np.maximum(shift, 1), negative, mode), magnitude)
    with np.errstate(all="ignore"):
        value = np.ldexp(rounded.astype(np.float64), shift.astype(np.int32)).astype(np.float32)
    return np.where(negative, -value, value)


def constant(value: float, dtype: str) -> Array:
    """A 0-d array: a number rounded to nearest even into `dtype`, once. OverflowError for an integer that
    does not fit.
    """
    if not computes_as_float(dtype):
        return np.asarray(int(value), numpy_dtype(dtype))
    with np.errstate(all="ignore"):
        single = np.asarray(np.float64(value).astype(np.float32))
        if dtype == "f32":
            return single
        # Round to odd on the way through f32: 24 bits are enough for the second rounding to be the only one
        # that counts.
        back = single.astype(np.float64)
        inexact = np.isfinite(single) & (back != value) & ((single.view(np.uint32) & 1) == 0)
        neighbour = np.nextafter(single, np.where(back < value, np.float32(np.inf), np.float32(-np.inf)))
    return from_f32(np.where(inexact, neighbour, single), dtype)


def convert(a: Array, src: str, dst: str, mode: str, saturate: bool) -> Array:
    """Any conversion. `saturate` concerns integers only: the control bit is for results that are integers
    (a2a3/TCvt.hpp, CTRL[59]).
    """
    if computes_as_float(src):
        return (
            float_to_float(a, src, dst, mode)
            if computes_as_float(dst)
            else float_to_int(a, dst, mode, saturate)
        )
    if computes_as_float(dst):
        return from_f32(int_to_f32(a, mode), dst, mode)
    return int_to_int(a, dst, saturate)
