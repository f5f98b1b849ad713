"""Lane-wise work on all slices of a tile is done once, on the tile.

    %a0 = subview %a[0, 0]   %b0 = subview %b[0, 0]
    %s0 = pto.tadd ins(%a0, %b0)                              %s  = pto.tadd ins(%a, %b)
    %a1 = subview %a[8, 0]   %b1 = subview %b[8, 0]    =>     %s0 = subview %s[0, 0]
    %s1 = pto.tadd ins(%a1, %b1)                              %s1 = subview %s[8, 0]

Legal because the operation treats every lane alike and by itself; done where the slices are disjoint and
cover the tile, so that no lane is computed that was not before.
"""

from collections.abc import Sequence

import numpy as np
from xdsl.dialects import func
from xdsl.ir import SSAValue
from xdsl.rewriter import Rewriter

from dialects.pto.base import TileOp, layout_of
from dialects.pto.memory import constant_int
from dialects.pto.tiles import SubviewOp
from dialects.pto.types import TileType
from dsv4_passes.xdsl_extras.insert import insert_before

from .sink_into_inserts import LANEWISE

SliceBox = tuple[int, int, int, int]
"""Row, column, rows, columns."""


def hoist_over_slices(function: func.FuncOp) -> int:
    """Merge until there is nothing left; how many tiles got one operation instead of several."""
    count = 0
    while (group := _first_group(function)) is not None:
        _merge(group)
        count += 1
    return count


def _first_group(function: func.FuncOp) -> list[TileOp] | None:
    """Operations, in order, that do the same to all slices of the same tiles."""
    groups: dict[object, list[TileOp]] = {}
    for op in function.walk():
        if isinstance(op, LANEWISE) and (key := _key(op)) is not None:
            groups.setdefault(key, []).append(op)
    return next((g for g in groups.values() if _cover(g)), None)


def _key(op: TileOp) -> object | None:
    """The key that operations on slices of one tile share; None for other operations."""
    if not op.res or op.valid or op.scratch_operands():
        return None
    operands: list[SSAValue] = []
    boxes: set[SliceBox | None] = set()
    for value in op.ins:
        if isinstance(value.type, TileType):
            boxes.add(_box(value))
            operands.append(value.owner.source if isinstance(value.owner, SubviewOp) else value)
        else:
            operands.append(value)
    if len(boxes) != 1 or None in boxes:
        return None
    if len({layout_of(v).shape for v in operands if isinstance(v.type, TileType)}) != 1:
        return None
    properties = sorted(op.properties.items(), key=lambda item: item[0])
    return op.parent, op.name, tuple(operands), tuple(properties), layout_of(op.res[0]).dtype


def _box(value: SSAValue) -> SliceBox | None:
    """The box of another tile that a tile is; all of both must be valid."""
    op = value.owner
    if not isinstance(op, SubviewOp) or op.valid:
        return None
    row, col = (constant_int(v) for v in op.offsets)
    source, layout = layout_of(op.source), layout_of(value)
    if row is None or col is None or source.valid != source.shape or layout.valid != layout.shape:
        return None
    return row, col, layout.rows, layout.cols


def _cover(group: Sequence[TileOp]) -> bool:
    """The boxes are disjoint and all of the tile."""
    if len(group) < 2:
        return False
    counts = np.zeros(layout_of(_sliced(group[0])).shape, np.int64)
    for row, col, rows, cols in (_box_of(op) for op in group):
        counts[row : row + rows, col : col + cols] += 1
    return bool((counts == 1).all())


def _box_of(op: TileOp) -> SliceBox:
    box = next(b for v in op.ins if isinstance(v.type, TileType) and (b := _box(v)) is not None)
    return box


def _sliced(op: TileOp) -> SSAValue:
    return next(v.owner.source for v in op.ins if isinstance(v.owner, SubviewOp))


def _merge(group: Sequence[TileOp]) -> None:
    first, shape = group[0], layout_of(_sliced(group[0])).shape
    layout = layout_of(first.res[0])._replace(
        rows=shape[0], cols=shape[1], valid_rows=shape[0], valid_cols=shape[1]
    )
    ins = [v.owner.source if isinstance(v.owner, SubviewOp) else v for v in first.ins]
    properties = {n: a for n, a in first.properties.items() if n != "operandSegmentSizes"}
    whole = type(first)(ins, result=TileType(layout), properties=properties, attributes=first.attributes)
    insert_before(first, whole)
    for op in group:
        view = next(v.owner for v in op.ins if isinstance(v.owner, SubviewOp))
        piece = TileType(layout._replace(**_extents(layout_of(op.res[0]).shape)))
        slice_ = SubviewOp(whole.res[0], view.offsets, view.static_sizes, piece)
        insert_before(op, slice_)
        slice_.res.name_hint = op.res[0].name_hint
        op.res[0].replace_all_uses_with(slice_.res)
        Rewriter.erase_op(op)


def _extents(shape: tuple[int, int]) -> dict[str, int]:
    rows, cols = shape
    return {"rows": rows, "cols": cols, "valid_rows": rows, "valid_cols": cols}
