"""Integer functions of a block number and loop trips as sums: `4 * (b // 8) + 2 * trip + 64`.

A function of `b` that is not linear may be linear in the digits of `b`: with `b = 8 * d1 + d0`,
`32 * d1 + 4 * d0` is one. The digits are found by looking at all values.
"""

from typing import NamedTuple

import numpy as np

from dsv4_passes.transforms.fusion.index_evaluation import Numbers


class Digit(NamedTuple):
    """`(x // stride) % size` of the variable `x` of an axis; `whole` if that is all of `x // stride`."""

    axis: int
    stride: int
    size: int
    whole: bool


class Sum(NamedTuple):
    """`constant + sum(coefficient * digit)`."""

    constant: int
    parts: tuple[tuple[Digit, int], ...]


def as_sum(values: Numbers) -> Sum | None:
    """A function of as many variables as `values` has axes, or None where it is no such sum."""
    start = int(values.flat[0])
    parts: list[tuple[Digit, int]] = []
    total = np.full(values.shape, start, np.int64)
    for axis, length in enumerate(values.shape):
        line = np.moveaxis(values, axis, 0).reshape(length, -1)[:, 0] - start
        found = _digits(line, axis)
        if found is None:
            return None
        parts += [(digit, coefficient) for digit, coefficient in found if coefficient]
        total += line.reshape([length if a == axis else 1 for a in range(values.ndim)])
    return Sum(start, tuple(parts)) if np.array_equal(total, values) else None


def _digits(line: Numbers, axis: int) -> list[tuple[Digit, int]] | None:
    """The digits in which a sequence that starts with 0 is linear, the lowest as large as possible."""
    found: list[tuple[Digit, int]] = []
    stride = 1
    while (length := len(line)) > 1:
        sizes = (s for s in range(length, 1, -1) if length % s == 0 and _repeats(line, s))
        if (size := next(sizes, None)) is None:
            return None
        found.append((Digit(axis, stride, size, size == length), int(line[1])))
        line, stride = line[::size], stride * size
    return found


def _repeats(line: Numbers, size: int) -> bool:
    """Every group of `size` values increases by the same step."""
    rows = line.reshape(-1, size)
    return bool((rows - rows[:, :1] == line[1] * np.arange(size)).all())
