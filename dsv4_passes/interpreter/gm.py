"""GM as kernels see it: one flat memory per pointer argument, boxes of it that loads and stores move.

Distinct pointer arguments do not alias. A view's layout tag changes nothing here: its strides say where the
elements are, `dn` views (transposed strides) included.
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation

from dsv4_passes.diagnostics import UserError

from .affine import Number
from .domain import Lanes
from .values import Box, GmView, Pointer

Grid = NDArray[np.int64]

FAR = 1 << 36
"""Represents a stride of unknown value: larger than any known distance of elements."""


class GlobalMemory(Protocol):
    """Loads and stores of boxes. The element type is the pointer argument's."""

    def load(self, box: Box, op: Operation) -> tuple[Lanes, frozenset[str]]:
        """The lanes of a box, and the side conditions that they rest on."""
        ...

    def store(self, box: Box, lanes: Lanes, op: Operation, conditions: frozenset[str], atomic: str) -> None:
        """Write the lanes of a box. `atomic` is empty, or how they combine with what is there (`add` …)."""
        ...


@lru_cache(maxsize=1024)
def _grid(sizes: tuple[int, ...], strides: tuple[int, ...]) -> Grid:
    """Offset of every element of a box, [product of the leading sizes, last size]."""
    total = np.zeros((1,) * len(sizes), np.int64)
    for axis, (size, stride) in enumerate(zip(sizes, strides, strict=True)):
        shape = [1] * len(sizes)
        shape[axis] = size
        total = total + (np.arange(size, dtype=np.int64) * stride).reshape(shape)
    rows = math.prod(sizes[:-1])
    grid = total.reshape(rows, sizes[-1]) if sizes else total.reshape(1, 1)
    grid.flags.writeable = False
    return grid


def check_sizes(sizes: Sequence[Number], op: Operation) -> None:
    """UserError for an extent of a view that is negative."""
    for size in sizes:
        if isinstance(size, int) and size < 0:
            raise UserError(f"{op.name} expects extents of 0 or more, found {size}", op.location)


def box_of(view: GmView, rows: int, cols: int, op: Operation) -> Box:
    """The box that a tile of `rows` x `cols` lanes loads from or stores to a view.

    Leading dimensions run down the rows. A view of as many elements in another shape (a column stored as a
    row) is taken in row-major order.
    """
    sizes = [size if isinstance(size, int) else None for size in view.sizes]
    if None in sizes:
        # The tile's extent is all that is known of a size without a number; it lies along the last two.
        fallback = [1] * len(sizes)
        fallback[-2:] = [rows, cols][-len(sizes) :]
        sizes = [f if s is None else s for s, f in zip(sizes, fallback, strict=True)]
    extents = tuple(s or 0 for s in sizes)
    open_ = [i for i, size in enumerate(extents) if size > 1 and not isinstance(view.strides[i], int)]
    strides = [s if isinstance(s, int) else 0 for s in view.strides]
    for i in open_:
        strides[i] = FAR * math.prod(extents[j] for j in open_ if j > i)
    grid = _grid(extents, tuple(strides))
    scale = (*(view.strides[i] for i in open_), *(extents[i] for i in open_[1:]))
    if grid.size != rows * cols:
        elements = "x".join(map(str, view.sizes))
        raise UserError(
            f"{op.name} moves {rows}x{cols} lanes, but its view has {elements} elements", op.location
        )
    pointer = view.pointer
    return Box(pointer.argument, pointer.dtype, pointer.offset, grid.reshape(rows, cols), scale)


def element_box(pointer: Pointer, offset: Number) -> Box:
    """One element."""
    return Box(pointer.argument, pointer.dtype, pointer.offset + offset, np.zeros((1, 1), np.int64))


class ArrayMemory:
    """GM in the numpy domain: flat arrays of the pointers' element types, changed in place."""

    def __init__(self, arrays: Mapping[int, NDArray[Any]], names: Mapping[int, str]):
        self.arrays = arrays
        self.names = names

    def _place(self, box: Box, op: Operation) -> tuple[NDArray[Any], Grid]:
        name = self.names.get(box.argument, f"arg{box.argument}")
        if box.argument not in self.arrays:
            raise UserError(f"{op.name} uses argument '{name}', which has no array", op.location)
        array = self.arrays[box.argument]
        assert isinstance(box.base, int)
        where = box.offsets + box.base
        if where.size and (where.min() < 0 or where.max() >= array.size):
            wrong = int(where.min() if where.min() < 0 else where.max())
            raise UserError(
                f"{op.name} reaches element {wrong} of '{name}', which has {array.size}", op.location
            )
        return array, where

    def load(self, box: Box, op: Operation) -> tuple[Lanes, frozenset[str]]:
        array, where = self._place(box, op)
        return array[where], frozenset()

    def store(self, box: Box, lanes: Lanes, op: Operation, conditions: frozenset[str], atomic: str) -> None:
        array, where = self._place(box, op)
        if atomic == "add":
            np.add.at(array, where, lanes)
        elif atomic:
            raise UserError(f"{op.name} stores with '{atomic}', which has no semantics here", op.location)
        else:
            array[where] = lanes
