"""What an SSA value is while a kernel is evaluated.

Integers are `Number`s (affine.py) and floats are lanes [1, 1] of the domain. Tiles as values are `Tile`s,
handles on on-chip memory are `Handle`s (memory.py), and pointers and views of GM are described here.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from dialects.pto.types import TileLayout

from .affine import Number
from .domain import Lanes

Known: TypeAlias = NDArray[np.bool_]
Extent: TypeAlias = tuple[Number, Number]
"""Valid rows and columns."""

NO_CONDITIONS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Tile:
    """A tile as a value.

    `data` holds the lanes of the whole tile [rows, cols]; where `known` [rows, cols] is False, nobody wrote
    them, and they mean nothing. `conditions` are the side conditions that the lanes rest on, those of the
    tiles they were computed from included.
    """

    layout: TileLayout
    data: Lanes
    known: Known
    valid: Extent
    conditions: frozenset[str] = NO_CONDITIONS

    @property
    def box(self) -> tuple[int, int]:
        """Rows and columns of the valid extent; the physical one where an extent has no number."""
        return box(self.layout, self.valid)

    def with_valid(self, valid: Extent) -> "Tile":
        return replace(self, valid=valid)


def box(layout: TileLayout, valid: Extent) -> tuple[int, int]:
    """The lanes to compute: the valid extent, or all there are where it has no number."""
    rows, cols = valid
    return rows if isinstance(rows, int) else layout.rows, cols if isinstance(cols, int) else layout.cols


def blank(layout: TileLayout, dtype: np.dtype[Any], valid: Extent) -> Tile:
    """An uninitialised tile."""
    return Tile(layout, np.zeros(layout.shape, dtype), np.zeros(layout.shape, np.bool_), valid)


def written_tile(layout: TileLayout, lanes: Lanes, valid: Extent, conditions: frozenset[str]) -> Tile:
    """A tile of which `lanes` cover, from the first row and column, all that was written."""
    if lanes.shape == layout.shape:
        return Tile(layout, lanes, np.ones(layout.shape, np.bool_), valid, conditions)
    tile = blank(layout, lanes.dtype, valid)
    rows, cols = lanes.shape
    tile.data[:rows, :cols] = lanes
    tile.known[:rows, :cols] = True
    return replace(tile, conditions=conditions)


class Pointer(NamedTuple):
    """A pointer argument plus an offset in elements."""

    argument: int
    offset: Number
    dtype: str


class GmView(NamedTuple):
    """A strided view of GM, whole (`make_tensor_view`) or a box of it (`partition_view`).

    Extents and strides are in elements, one per dimension.
    """

    pointer: Pointer
    sizes: tuple[Number, ...]
    strides: tuple[Number, ...]


class Box(NamedTuple):
    """The GM elements that one load or store moves, laid out as the tile's lanes [rows, cols].

    Element [r, c] lies at `base + offsets[r, c]` of `argument`. Along strides that have no number, which
    `scale` names, offsets count far steps (`gm.FAR`): with equal scales, equal sums mean equal addresses.
    """

    argument: int
    dtype: str
    base: Number
    offsets: NDArray[np.int64]
    scale: tuple[Number, ...] = ()
    extent: tuple[Number, ...] = ()
    """Valid rows and columns, where one of them has no number: of the lanes, only those are moved."""


Value: TypeAlias = Any
"""Number, Lanes [1, 1], Tile, Handle, Pointer or GmView; None where nothing reads it."""


def is_lanes(value: Value) -> TypeGuard[Lanes]:
    """A float scalar, as lanes [1, 1]."""
    return isinstance(value, np.ndarray)
