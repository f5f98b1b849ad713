"""One load in place of several that read boxes next to each other, and loads of what is needed alone.

%a = pto.tload %x [%r, 0] [32, 16]
%b = pto.tload %x [%r, 16] [32, 16]      =>      %ab = pto.tload %x [%r, 0] [32, 32]

%a = pto.tload %x [%r, 0] [32, 64]
%b = pto.subview %a [0, 32] [32, 32]     =>      %b = pto.tload %x [%r, 32] [32, 32]
"""

from collections.abc import Sequence

from xdsl.dialects.builtin import IndexType
from xdsl.ir import Operation, SSAValue

from dialects.pto.base import layout_of
from dialects.pto.memory import PartitionViewOp, TLoadOp, constant_int
from dialects.pto.types import PartitionTensorViewType, TileLayout, TileType, ViewShape, element_bits
from dsv4_passes.xdsl_extras.insert import constant

from .builder import Builder, CannotBuild, is_row_major


def adjacent_loads(values: Sequence[SSAValue]) -> list[TLoadOp] | None:
    """The loads behind tiles, if they read whole boxes of the same rows, each where the last one ends."""
    loads: list[TLoadOp] = []
    end: int | None = None
    for value in values:
        owner = value.owner
        try:
            load = Builder(owner).load_behind(value) if isinstance(owner, Operation) else None
        except CannotBuild:
            return None
        view = load.ins[0].owner if load is not None else None
        if load is None or not isinstance(view, PartitionViewOp) or not is_row_major(view):
            return None
        start, layout = constant_int(view.offsets[-1]), layout_of(load.res[0])
        if start is None or not layout.full or not _is_box(view, layout):
            return None
        if loads:
            first = loads[0].ins[0].owner
            assert isinstance(first, PartitionViewOp)
            same = view.source is first.source and list(view.offsets[:-1]) == list(first.offsets[:-1])
            if not same or start != end or layout.rows != layout_of(loads[0].res[0]).rows:
                return None
        loads.append(load)
        end = start + layout.cols
    return loads


def _is_box(view: PartitionViewOp, layout: TileLayout) -> bool:
    """The tile is the box: its rows are rows of the tensor."""
    sizes = [constant_int(v) for v in view.sizes]
    return len(sizes) == 2 and sizes == [layout.rows, layout.cols]


def load_together(builder: Builder, loads: Sequence[TLoadOp]) -> SSAValue:
    """The boxes of adjacent loads as one tile in vector memory, loaded where the first of them was."""
    first = loads[0]
    view = first.ins[0].owner
    assert isinstance(view, PartitionViewOp)
    return _load(builder, first, view.offsets[-1], sum(layout_of(load.res[0]).cols for load in loads))


def columns_of_load(value: SSAValue, col: int, width: int) -> TLoadOp | None:
    """The load of a tile, if a stretch of its columns can be loaded alone: whole blocks, at a known place."""
    op = value.owner
    view = op.ins[0].owner if isinstance(op, TLoadOp) else None
    if not isinstance(op, TLoadOp) or not isinstance(view, PartitionViewOp) or not is_row_major(view):
        return None
    layout = layout_of(value)
    start, bits = constant_int(view.offsets[-1]), element_bits(layout.dtype)
    if start is None or not layout.full or not _is_box(view, layout):
        return None
    return op if col * bits % 256 == 0 == width * bits % 256 else None


def load_columns(builder: Builder, load: TLoadOp, col: int, width: int) -> SSAValue:
    """A stretch of columns of what a load reads, loaded where that is."""
    view = load.ins[0].owner
    assert isinstance(view, PartitionViewOp)
    start = constant_int(view.offsets[-1])
    assert start is not None
    offset = constant(start + col, IndexType())
    builder.add(offset, before=load)
    return _load(builder, load, offset.result, width)


def _load(builder: Builder, first: TLoadOp, start: SSAValue, cols: int) -> SSAValue:
    """The rows that a load reads, so many columns from another one on, as a tile in vector memory."""
    view = first.ins[0].owner
    assert isinstance(view, PartitionViewOp)
    layout = layout_of(first.res[0])
    width = constant(cols, IndexType())
    builder.add(width, before=first)
    box = PartitionViewOp(
        view.source,
        [*view.offsets[:-1], start],
        [*view.sizes[:-1], width.result],
        PartitionTensorViewType(ViewShape((layout.rows, cols), layout.dtype)),
    )
    builder.add(box, before=first)
    box.res.name_hint = view.res.name_hint
    load = TLoadOp(
        [box.res], result=TileType(TileLayout("vec", layout.rows, cols, layout.dtype, layout.rows, cols))
    )
    builder.add(load, before=first)
    load.res[0].name_hint = first.res[0].name_hint
    return load.res[0]
