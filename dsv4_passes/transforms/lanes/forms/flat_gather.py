"""Move lanes by one gather over the whole tile, as one row, with an index that is made once.

    %y = dsv4.swap_pairs %x : 32x64xf32            %i = 1 0 3 2 … : 1x2048xi32         (outside of loops)
                                             =>    %g = tgather %x, %i : 1x2048xf32
                                                   %y = reshape %g : 32x64

    %e, %o = dsv4.deinterleave %x                  two gathers, with 0 2 4 … and 1 3 5 …
    %y = dsv4.interleave %e, %o                    one gather of both, one below the other: 0 n 1 n+1 …

Exact moves of bits. What it costs depends on what a long row of a gather costs, which is not measured.
"""

from collections.abc import Callable, Sequence

from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, f32
from xdsl.ir import SSAValue

from dialects.pto.base import layout_of
from dialects.pto.broadcast import TExpandsOp
from dialects.pto.lanes import TGatherOp
from dialects.pto.moves import TMovOp
from dialects.pto.tiles import InsertOp, UndefOp
from dialects.pto.types import TileLayout, TileType, element_bits
from dsv4_passes.transforms.lanes.builder import Builder, index_constant

from .form import Built, Form, Target, lacks, not_contiguous
from .index_tiles import Indices, cannot_count
from .scatter_pair import is_zero_fill
from .words import made, seen_as


def refuse(target: Target, layout: TileLayout) -> str | None:
    if element_bits(layout.dtype) != 32:
        return f"it gathers 32-bit lanes, not {layout.dtype}"
    return not_contiguous(layout) or lacks(target, "tgather", layout.dtype, "index") or cannot_count(target)


def swap(builder: Builder, operands: Sequence[SSAValue]) -> list[Built]:
    (x,) = operands
    return [gathered(builder, x, layout_of(x), Indices.swapped)]


def apart(builder: Builder, operands: Sequence[SSAValue]) -> list[Built]:
    (x,) = operands
    layout = layout_of(x)
    half = layout._replace(cols=layout.cols // 2, valid_cols=layout.cols // 2)
    return [gathered(builder, x, half, lambda i, lane=lane: i.every_second(lane)) for lane in (0, 1)]


def together(builder: Builder, operands: Sequence[SSAValue]) -> list[Built]:
    half = layout_of(operands[0])
    whole = half._replace(cols=half.cols * 2, valid_cols=half.cols * 2)
    return [gathered(builder, one_below_the_other(builder, operands), whole, Indices.in_turns)]


def gathered(
    builder: Builder, source: SSAValue, layout: TileLayout, index: Callable[[Indices], SSAValue]
) -> SSAValue:
    """The lanes of a source that an index names, as a tile of that layout."""
    row = _one_row(layout)
    op = TGatherOp([source, index(Indices(builder, row.cols))], result=TileType(row))
    builder.add(op)
    return seen_as(builder, op.res[0], layout)


def one_below_the_other(builder: Builder, parts: Sequence[SSAValue]) -> SSAValue:
    """Tiles of one shape as the rows of one tile, each seen as one row."""
    layout = _one_row(layout_of(parts[0]))
    undef = UndefOp(TileType(layout._replace(rows=len(parts), valid_rows=len(parts))))
    builder.add(undef)
    whole: SSAValue = undef.res
    for number, part in enumerate(parts):
        row, col = index_constant(builder, number), index_constant(builder, 0)
        if is_zero_fill(part):  # others may read those zeros
            piece = zeros(builder, layout)
        else:
            piece = seen_as(builder, part, layout)
            if part in parts[:number]:
                piece = made(builder, TMovOp, [piece])
        insert = InsertOp(piece, whole, row, col)
        builder.add(insert)
        whole = insert.res
    return whole


def zeros(builder: Builder, layout: TileLayout) -> SSAValue:
    """A tile of +0."""
    zero = arith.ConstantOp(FloatAttr(0.0, f32))
    builder.add(zero)
    zero.result.name_hint = "zero"
    fill = TExpandsOp([zero.result], result=TileType(layout))
    builder.add(fill)
    return fill.res[0]


def _one_row(layout: TileLayout) -> TileLayout:
    count = layout.rows * layout.cols
    return layout._replace(rows=1, cols=count, valid_rows=1, valid_cols=count)


FLAT_GATHER = tuple(
    Form("flat-gather", operation, refuse, build)
    for operation, build in (("swap_pairs", swap), ("deinterleave", apart), ("interleave", together))
)
