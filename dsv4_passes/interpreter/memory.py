"""On-chip memory in buffer form: bytes, and for each byte whether it is initialised.

Handles with one address are the same bytes, whatever their types say, so tiles are read and written through
the physical element offsets of their layouts (pto-isa include/pto/cpu/tile_offsets.hpp). A tile without an
address gets bytes of its own each time its allocation is reached.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dialects.pto.tiles import box_shape
from dialects.pto.types import TileLayout

from . import numerics
from .domain import Lanes
from .values import Extent, Known, Tile

Offsets = NDArray[np.intp]


@lru_cache(maxsize=4096)
def _offsets(rows: int, cols: int, blayout: str, slayout: str, box_rows: int, box_cols: int) -> Offsets:
    r, c = np.indices((rows, cols), dtype=np.intp)
    if slayout == "none_box":
        offsets = r * cols + c if blayout == "row_major" else c * rows + r
    else:
        # Whole boxes even where the tile ends inside one: a vector tile may have fewer rows than a box.
        box = box_rows * box_cols
        boxes_down, boxes_across = -(-rows // box_rows), -(-cols // box_cols)
        br, bc, ir, ic = r // box_rows, c // box_cols, r % box_rows, c % box_cols
        number = br * boxes_across + bc if blayout == "row_major" else bc * boxes_down + br
        inside = ir * box_cols + ic if slayout == "row_major" else ic * box_rows + ir
        offsets = number * box + inside
    offsets.flags.writeable = False
    return offsets


def element_offsets(layout: TileLayout) -> Offsets:
    """Physical offset in elements of every lane [rows, cols]; read-only, shared between tiles of one layout.

    none_box row-major `r*cols + c`, col-major `c*rows + r`; boxed layouts put whole boxes one after another,
    along rows or columns (blayout), and elements likewise within a box (slayout): NZ, ZN, ZZ, and NZ with
    16x16 boxes for accumulators (fractal 1024).
    """
    box = (1, 1) if layout.slayout == "none_box" else box_shape(layout)
    return _offsets(layout.rows, layout.cols, layout.blayout, layout.slayout, *box)


class Region:
    """A stretch of bytes that grows as it is used."""

    def __init__(self, size: int = 0):
        self.data = np.zeros(size, np.uint8)
        self.known = np.zeros(size, np.bool_)

    def ensure(self, size: int) -> None:
        if size > self.data.size:
            grown = max(size, 2 * self.data.size)
            grown += -grown % 64
            self.data = np.concatenate([self.data, np.zeros(grown - self.data.size, np.uint8)])
            self.known = np.concatenate([self.known, np.zeros(grown - self.known.size, np.bool_)])


@dataclass
class RegionView:
    """A view of a region as a tile. `valid` belongs to the handle: `set_validshape` changes it.

    `base` is in bytes, `offsets` [rows, cols] in elements of `layout.dtype` from there; a window keeps the
    offsets, and so the strides, of the tile it looks at.
    """

    region: Region
    base: int
    layout: TileLayout
    offsets: Offsets
    valid: Extent

    @property
    def itemsize(self) -> int:
        return numerics.numpy_dtype(self.layout.dtype).itemsize

    def window(self, row: int, col: int, layout: TileLayout, valid: Extent) -> "RegionView":
        """The box of `layout`'s shape at [row, col]."""
        offsets = self.offsets[row : row + layout.rows, col : col + layout.cols]
        return RegionView(self.region, self.base, layout, offsets, valid)

    def recast(self, layout: TileLayout, valid: Extent) -> "RegionView":
        """The same bytes as another tile; a different shape is laid out from the first byte."""
        if layout.shape == self.layout.shape and layout[6:9] == self.layout[6:9]:
            return RegionView(self.region, self.base, layout, self.offsets, valid)
        start = self.base + int(self.offsets[0, 0]) * self.itemsize
        return RegionView(self.region, start, layout, element_offsets(layout), valid)

    def read(self) -> Tile:
        """What the bytes hold now; a lane is known if all of its bytes are."""
        data, known = self._elements()
        lanes, seen = data[self.offsets], np.all(known[self.offsets], axis=-1)
        if lanes.shape != self.layout.shape:
            beyond = [(0, n - m) for n, m in zip(self.layout.shape, lanes.shape, strict=True)]
            lanes, seen = np.pad(lanes, beyond), np.pad(seen, beyond)
        return Tile(self.layout, lanes, seen, self.valid)

    def write(self, lanes: Lanes, known_lanes: Known | bool = True) -> None:
        """Put `lanes` into the first rows and columns; all other lanes are what they were."""
        data, known = self._elements()
        rows, cols = lanes.shape
        where = self.offsets[:rows, :cols]
        data[where] = lanes
        known[where] = np.asarray(known_lanes)[..., None]

    def forget(self) -> None:
        """Make every lane unknown, as scratch memory is after its use."""
        self._elements()[1][self.offsets] = False

    def _elements(self) -> tuple[NDArray[Any], Known]:
        """The region from `base` on as elements [N], and their known bits [N, bytes of one]."""
        self._ensure()
        dtype = numerics.numpy_dtype(self.layout.dtype)
        end = self.region.data.size - (self.region.data.size - self.base) % dtype.itemsize
        known = self.region.known[self.base : end].reshape(-1, dtype.itemsize)
        return self.region.data[self.base : end].view(dtype), known

    def _ensure(self) -> None:
        last = int(self.offsets.max(initial=-1)) + 1
        self.region.ensure(self.base + last * self.itemsize)


class TileMemory:
    """The address spaces of one core."""

    def __init__(self) -> None:
        self.spaces: dict[str, Region] = {}

    def handle(self, layout: TileLayout, address: int | None, valid: Extent) -> RegionView:
        """A tile at a byte address, or one with bytes of its own."""
        if address is None:
            return RegionView(Region(layout.bytes), 0, layout, element_offsets(layout), valid)
        region = self.spaces.setdefault(layout.loc, Region())
        return RegionView(region, address, layout, element_offsets(layout), valid)
