"""Arrays that find differences: random numbers, and special values.

`"np.random.Generator"` stands in quotes because numpy imports that package where it is first named.
"""

import numpy as np
from numpy.typing import NDArray

from dsv4_passes.interpreter import numerics
from dsv4_passes.npz import Array

NON_FINITE = (np.inf, -np.inf, np.nan)
SMALL = (0.0, -0.0, 1.0, -1.0, 2.0**-126, -(2.0**-130), 2.0**-149, -(2.0**-149), 2.0**-134, 3.0e38, 65504.0)


def ties(random: "np.random.Generator", count: int) -> NDArray[np.float32]:
    """f32 numbers half-way between two neighbouring bf16 numbers, of both parities and signs.

    Every rounding mode decides some of them otherwise than another one.
    """
    exponents = random.integers(96, 160, count, dtype=np.uint32)
    mantissas = random.integers(0, 1 << 7, count, dtype=np.uint32)
    signs = random.integers(0, 2, count, dtype=np.uint32)
    bits = signs << 31 | exponents << 23 | mantissas << 16 | np.uint32(0x8000)
    return bits.astype(np.uint32).view(np.float32)


def floats(random: "np.random.Generator", count: int, kind: int, finite: bool) -> NDArray[np.float64]:
    """`count` numbers of the `kind`: 0 labels, each once; 1 ties; 2 awkward ones; else random."""
    if kind == 0:
        return np.arange(1, count + 1, dtype=np.float64) % 251 + 1
    if kind == 1:
        return ties(random, count).astype(np.float64)
    numbers = random.standard_normal(count) * 2.0 ** random.integers(-8, 8, count)
    if kind == 2:
        awkward = np.array([*SMALL, *(() if finite else NON_FINITE)])
        chosen = random.random(count) < 0.5
        numbers[chosen] = random.choice(awkward, int(chosen.sum()))
    return numbers


def array(dtype: str, count: int, random: "np.random.Generator", kind: int, finite: bool = True) -> Array:
    """A flat array of an element type."""
    if numerics.computes_as_float(dtype):
        with np.errstate(over="ignore"):
            return floats(random, count, kind, finite).astype(numerics.numpy_dtype(dtype))
    return random.integers(0, 8, count).astype(numerics.numpy_dtype(dtype))


def bits(values: Array) -> Array:
    """The bits of an array, all NaN as one."""
    if values.dtype.kind in "iub":
        return values
    word = {2: np.uint16, 4: np.uint32, 8: np.uint64}[values.dtype.itemsize]
    found = np.ascontiguousarray(values).view(word).copy()
    with np.errstate(invalid="ignore"):
        found[np.isnan(values.astype(np.float64))] = ~word(0)
    return found


def without_zero_sign(values: Array) -> Array:
    """Every zero as +0."""
    return np.where(values == 0, np.zeros_like(values), values)
