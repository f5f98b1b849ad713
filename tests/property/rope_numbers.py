"""Arguments of random kernels: matrices that select or nearly do, and numbers that rounding trips over."""

from dataclasses import dataclass

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]

NUMPY = {"f32": np.float32, "bf16": ml_dtypes.bfloat16, "f16": np.float16}
ODDITIES = (1, 1, 1, 1, 1, 1, -1, -1, 2, 0, -0.0, np.inf, np.nan)


@dataclass
class Argument:
    name: str
    dtype: str
    rows: int
    cols: int
    word: str = ""
    """What a fact says of it, `even` or `odd`."""
    matrix: Array | None = None
    """The numbers it always has, if some are stated."""


def selector(rows: int, cols: int, odd: int) -> Array:
    matrix = np.zeros((rows, cols), np.float32)
    few = np.arange(min(rows, cols))
    matrix[(2 * few + odd, few) if rows > cols else (few, 2 * few + odd)] = 1
    return matrix


def near_selector(random: np.random.Generator, rows: int, cols: int) -> Array:
    """One number not zero per column, or nearly so; permuted, signed, or with something that spoils it."""
    kind = random.integers(4)
    if kind < 2 and rows != cols:
        matrix = selector(rows, cols, int(random.integers(2)))
    else:
        matrix = np.zeros((rows, cols), np.float32)
        chosen = random.permutation(max(rows, cols))[:cols] % rows
        matrix[chosen, np.arange(cols)] = 1
    if kind % 2:
        for _ in range(int(random.integers(1, 4))):
            where = int(random.integers(rows)), int(random.integers(cols))
            if random.random() < 0.5:
                where = int(np.argmax(matrix[:, where[1]] != 0)), where[1]
            matrix[where] = random.choice(ODDITIES)
    return matrix


TINY = [
    2.0**-149,
    2.0**-135,
    2.0**-134,
    3 * 2.0**-134,
    2.0**-133,
    2.0**-126,
    2.0**-24,
    2.0**-25,
    3 * 2.0**-25,
]
TIES = [1 + 2.0**-8, 1 + 3 * 2.0**-8, 1 + 2.0**-11, 1 + 3 * 2.0**-11, 1.5, 1 / 3]
TAME = np.array([0.0, 1.0, 1.0, *TIES, *TINY], np.float32)
WILD = np.array([np.inf, -np.inf, np.nan, 3.4028235e38, -3.4028235e38, 65520.0], np.float32)


def numbers(random: np.random.Generator, a: Argument, wild: bool) -> Array:
    """Awkward numbers; some rows hold an Inf, a NaN, or what becomes an Inf by rounding."""
    if a.matrix is not None:
        return a.matrix if a.dtype == "i32" else a.matrix.astype(NUMPY[a.dtype])
    lanes = random.choice(np.concatenate([TAME, -TAME]), (a.rows, a.cols))
    noise = random.standard_normal(lanes.shape).astype(np.float32)
    lanes = np.where(random.random(lanes.shape) < 0.3, noise, lanes)
    for row in range(a.rows if wild else 0):
        if random.random() < 0.2:
            lanes[row, random.integers(a.cols)] = random.choice(WILD)
    with np.errstate(all="ignore"):
        return lanes.astype(NUMPY[a.dtype])
