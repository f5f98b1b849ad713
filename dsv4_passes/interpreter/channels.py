"""Pipes between the cube function and the vector functions of a mixed kernel, as queues of tile values.

One cube core works with two vector sub-blocks. With split 0 a push from the cube reaches every sub-block as
it is, and of what the sub-blocks push the lanes that were written count (pypto masks all but one of them
with an extent of 0x0). With split 1 the rows are halved, or put together, in the order of the sub-blocks;
with split 2 the columns.
"""

from collections import deque
from collections.abc import Hashable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from dsv4_passes.diagnostics import UserError

from .values import Tile

_SPLIT_AXIS = {1: 0, 2: 1}
"""split attribute -> axis; 0 does not split (ptoas 0.60 PTOToEmitC.cpp: TILE_UP_DOWN, TILE_LEFT_RIGHT).

Sub-block 0 has the upper or left half; the extent is even (pto-isa include/pto/common/fifo.hpp).
"""

MAX_SPLIT = 2
"""3 and 4 are the same for odd extents, whose halves no document states."""


class Item(NamedTuple):
    """A tile on its way, and where its push stands among loops that run once for all their trips."""

    tile: Tile
    where: Hashable = ()


class Channels:
    """All pipes of one block; `moved` counts pushes and pops, so that a scheduler sees progress."""

    def __init__(self, subblocks: int):
        self.subblocks = subblocks
        self.moved = 0
        self._to_vector: dict[tuple[int, int], deque[Item]] = {}
        self._to_cube: dict[tuple[int, int], deque[Item]] = {}

    def push_to_vector(self, pipe: int, split: int, item: Item) -> None:
        self.moved += 1
        for subblock in range(self.subblocks):
            part = _part(item.tile, split, subblock) if self.subblocks > 1 else item.tile
            queue = self._to_vector.setdefault((pipe, subblock), deque())
            queue.append(Item(part, item.where))

    def push_to_cube(self, pipe: int, subblock: int, item: Item) -> None:
        self.moved += 1
        self._to_cube.setdefault((pipe, subblock), deque()).append(item)

    def pop_from_cube(self, pipe: int, subblock: int) -> Item | None:
        """What a vector sub-block receives, or None as long as nothing has come."""
        queue = self._to_vector.get((pipe, subblock))
        if not queue:
            return None
        self.moved += 1
        return queue.popleft()

    def pop_from_vector(self, pipe: int, split: int) -> Item | None:
        """What the cube receives once every sub-block has pushed, or None."""
        queues = [self._to_cube.get((pipe, subblock)) for subblock in range(self.subblocks)]
        filled = [queue for queue in queues if queue]
        if len(filled) < len(queues):
            return None
        self.moved += 1
        items = [queue.popleft() for queue in filled]
        places = {item.where for item in items}
        where = items[0].where if len(places) == 1 else tuple(item.where for item in items)
        return Item(_together([item.tile for item in items], split), where)

    def left(self) -> int:
        """Tiles that were pushed and never popped."""
        return sum(map(len, (*self._to_vector.values(), *self._to_cube.values())))


def _part(tile: Tile, split: int, subblock: int) -> Tile:
    axis = _SPLIT_AXIS.get(split)
    if axis is None:
        return tile
    half, rest = divmod(tile.data.shape[axis], 2)
    if rest:
        what = ("rows", "columns")[axis]
        raise UserError(f"a push with split = {split} halves {what}, but its tile has {2 * half + 1}")
    at = (slice(None),) * axis + (slice(subblock * half, (subblock + 1) * half),)
    rows, cols = tile.data[at].shape
    layout = tile.layout._replace(rows=rows, cols=cols, valid_rows=rows, valid_cols=cols)
    return Tile(layout, tile.data[at], tile.known[at], (rows, cols), tile.conditions)


def _together(tiles: list[Tile], split: int) -> Tile:
    first, conditions = tiles[0], frozenset[str]().union(*(tile.conditions for tile in tiles))
    axis = _SPLIT_AXIS.get(split)
    if len(tiles) == 1:
        return first
    if axis is None:
        data, known = first.data.copy(), first.known.copy()
        for tile in tiles[1:]:
            added = tile.known & ~known
            data[added] = tile.data[added]
            known |= added
        return replace(first, data=data, known=known, conditions=conditions)
    data, known = (np.concatenate([getattr(t, field) for t in tiles], axis) for field in ("data", "known"))
    rows, cols = data.shape
    layout = first.layout._replace(rows=rows, cols=cols, valid_rows=rows, valid_cols=cols)
    return Tile(layout, data, known, (rows, cols), conditions)
