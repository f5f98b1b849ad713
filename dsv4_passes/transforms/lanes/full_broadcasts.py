"""Work with one row for all rows in rows of whole vectors.

                                              %cs = tcolexpand %c : 1x16xf32 -> 4x16xf32
    %a = tcolexpandmul %x, %c : 32x16xf32  => %a = tcolexpandmul (reshape %x), (reshape %cs) : 8x64xf32

A vector operation takes 256 bytes of a row at a time, as `full_vectors` says; here the row has to be repeated
until it fills a vector, once, where it is computed. Legal because the tile's row i is the part `i % n` of the
longer row `i / n`, where the repeated row has the same numbers in each part.
"""

from collections.abc import Callable
from math import prod

from xdsl.dialects import func
from xdsl.ir import Block, Operation, SSAValue

from dialects.pto.base import layout_of
from dialects.pto.broadcast import ColumnExpandOp, TColExpandOp
from dialects.pto.tiles import ReshapeOp
from dialects.pto.types import TileLayout, TileType, element_bits

from .builder import Builder, CannotBuild
from .forms.words import REPEAT_BYTES, seen_as
from .full_vectors import fold_views, is_plain, redo

BuilderAt = Callable[[Operation], Builder]


def use_full_broadcasts(function: func.FuncOp, builder_at: BuilderAt) -> bool:
    """Give operations of a tile and a row rows that fill their vectors; whether there were any."""
    rows: dict[SSAValue, SSAValue] = {}
    for op in list(function.walk()):
        if not isinstance(op, ColumnExpandOp) or not op.res or (times := _times(op)) is None:
            continue
        row = op.ins[1]
        if row not in rows:
            try:
                rows[row] = _repeated(row, times, builder_at)
            except CannotBuild:
                return False
        _replace(op, rows[row], builder_at(op))
    if rows:
        fold_views(function)
    return bool(rows)


def _times(op: ColumnExpandOp) -> int | None:
    """How many rows of an operation fill a vector; None where it is not for this."""
    tile, row, result = layout_of(op.ins[0]), layout_of(op.ins[1]), layout_of(op.res[0])
    lanes = REPEAT_BYTES * 8 // element_bits(tile.dtype)
    if not all(map(is_plain, (tile, row, result))) or tile != result or row.shape != (1, tile.cols):
        return None
    if tile.cols >= lanes or lanes % tile.cols or prod(tile.shape) % lanes:
        return None
    return lanes // tile.cols


def _repeated(row: SSAValue, times: int, builder_at: BuilderAt) -> SSAValue:
    """A row so many times behind itself, made where the row is."""
    owner = row.owner
    site = owner.first_op if isinstance(owner, Block) else owner.next_op
    assert site is not None
    builder, layout = builder_at(site), layout_of(row)
    several = layout._replace(rows=times, valid_rows=times)
    cols = times * layout.cols
    op = TColExpandOp([row], result=TileType(several))
    builder.add(op)
    view = ReshapeOp(op.res[0], TileType(layout._replace(cols=cols, valid_cols=cols)))
    builder.add(view)
    op.res[0].name_hint = view.res.name_hint = row.name_hint
    return view.res


def _replace(op: ColumnExpandOp, row: SSAValue, builder: Builder) -> None:
    def seen(layout: TileLayout) -> TileLayout:
        rows, cols = prod(layout.shape) // layout_of(row).cols, layout_of(row).cols
        return layout._replace(rows=rows, cols=cols, valid_rows=rows, valid_cols=cols)

    tile = seen_as(builder, op.ins[0], seen(layout_of(op.ins[0])))
    redo(builder, op, [tile, row], seen)
