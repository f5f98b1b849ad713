"""Tiles assembled from non-overlapping pieces at constant offsets.

    %0 = pto.undef                                 : 128x64
    %1 = pto.insert %a into %0[%c0, %c0]           : 64x64 into 128x64
    %2 = pto.insert %b into %1[%c64, %c0]          : 64x64 into 128x64

A piece that is one stretch of the tile's bytes can be computed there, whoever else reads it: before its
insert the tile holds nothing in that place, and after it the piece.
"""

from collections.abc import Iterator

from xdsl.dialects import func
from xdsl.ir import Operation, SSAValue

from dialects.pto.base import TileOp, layout_of
from dialects.pto.memory import constant_int
from dialects.pto.tiles import InsertOp, UndefOp
from dialects.pto.types import element_bits

from .byte_ranges import stretch

TileBox = tuple[int, int, int, int]
"""First row, first column, and those behind the last."""


def assemblies(function: func.FuncOp) -> Iterator[list[InsertOp]]:
    """The inserts of each tile that is put together, in order. Nobody reads the tile in between."""
    for op in function.walk():
        if not isinstance(op, UndefOp):
            continue
        inserts: list[InsertOp] = []
        value: SSAValue = op.res
        while (following := only_insert(value)) is not None and following.parent is op.parent:
            inserts.append(following)
            value = following.res
        if _disjoint(inserts):
            yield inserts


def place_in_tile(insert: InsertOp) -> int | None:
    """Bytes from the start of the tile to a full piece of it that is one aligned stretch of bytes."""
    piece = layout_of(insert.source)
    offset = stretch(layout_of(insert.dest), piece.shape, insert.row, insert.col)
    return offset if offset is not None and offset % 32 == 0 and piece.full else None


def computed_at_once(root: SSAValue) -> bool:
    """The value is the result of a tile operation that does not update another value."""
    owner = root.owner
    return isinstance(owner, TileOp) and owner.TIED is None and len(owner.res) == 1


def only_insert(value: SSAValue) -> InsertOp | None:
    """The single user of a value, if it updates the value in place."""
    uses = list(value.uses)
    user: Operation | None = uses[0].operation if len(uses) == 1 else None
    return user if isinstance(user, InsertOp) and uses[0].index == 1 else None


def _disjoint(inserts: list[InsertOp]) -> bool:
    windows: list[TileBox] = []
    for insert in inserts:
        row, col = constant_int(insert.row), constant_int(insert.col)
        layout = layout_of(insert.source)
        if row is None or col is None or element_bits(layout.dtype) % 8:
            return False
        windows.append((row, col, row + layout.rows, col + layout.cols))
    return not any(_overlap(a, b) for i, a in enumerate(windows) for b in windows[:i])


def _overlap(a: TileBox, b: TileBox) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
