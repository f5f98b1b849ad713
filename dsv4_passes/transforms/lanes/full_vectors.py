"""Work lane by lane in rows of whole vectors.

    %a = tmul %x, %c : 32x32xf32      =>      %a = tmul (reshape %x), (reshape %c) : 16x64xf32

A vector operation takes 256 bytes of a row at a time, and a shorter row wastes the rest of it: 32 lanes of
f32 take as long as 64. Seen as half as many rows of twice the length, which moves no bytes, the tile takes
half as many. Legal for what works lane by lane on whole contiguous tiles.
"""

from collections.abc import Callable, Sequence
from math import prod

from xdsl.dialects import func
from xdsl.ir import SSAValue
from xdsl.rewriter import Rewriter

from dialects.pto.base import REMEMBERED_SCRATCH, TileOp, layout_of
from dialects.pto.convert import TCvtOp
from dialects.pto.elementwise import BinaryOp, ScalarOp, UnaryOp
from dialects.pto.tiles import ReshapeOp
from dialects.pto.types import TileLayout, TileType, element_bits

from .builder import Builder
from .forms.words import REPEAT_BYTES, VIEWS, seen_as

LANE_WISE = (BinaryOp, ScalarOp, UnaryOp, TCvtOp)


def use_full_vectors(function: func.FuncOp) -> None:
    """Give every lane-wise operation of a function rows that fill its vectors."""
    for op in list(function.walk()):
        if isinstance(op, LANE_WISE) and op.res:
            _widen_rows(op)
    fold_views(function)


def _widen_rows(op: TileOp) -> None:
    tiles = [v for v in (*op.inputs(), *op.res) if isinstance(v.type, TileType)]
    layouts = [layout_of(v) for v in tiles]
    shape = layouts[0].shape
    if any(not is_plain(one) or one.shape != shape for one in layouts):
        return
    lanes = REPEAT_BYTES * 8 // max(element_bits(one.dtype) for one in layouts)
    if shape[1] % lanes == 0 or prod(shape) % lanes:
        return
    rows = prod(shape) // lanes

    def seen(layout: TileLayout) -> TileLayout:
        return layout._replace(rows=rows, cols=lanes, valid_rows=rows, valid_cols=lanes)

    builder = Builder(op)
    operands: list[SSAValue] = [
        seen_as(builder, v, seen(layout_of(v))) if isinstance(v.type, TileType) else v for v in op.inputs()
    ]
    redo(builder, op, operands, seen)


def redo(
    builder: Builder, op: TileOp, operands: Sequence[SSAValue], seen: Callable[[TileLayout], TileLayout]
) -> None:
    """Replace an operation by the same one on operands in other rows; its results are seen as they were."""
    new = type(op)(
        list(operands),
        result=[TileType(seen(layout_of(r))) for r in op.res],
        properties={k: v for k, v in op.properties.items() if k != "operandSegmentSizes"},
        attributes={k: v for k, v in op.attributes.items() if k != REMEMBERED_SCRATCH},
    )
    builder.add(new)
    results: list[SSAValue] = []
    for old, result in zip(op.res, new.res, strict=True):
        result.name_hint = old.name_hint
        view = ReshapeOp(result, old.type)
        builder.add(view)
        results.append(view.res)
    Rewriter.replace_op(op, [], results)


def is_plain(layout: TileLayout) -> bool:
    """All of a tile in vector memory, row after row."""
    where = layout.loc, layout.blayout, layout.slayout
    return layout.full and where == ("vec", "row_major", "none_box")


def fold_views(function: func.FuncOp) -> None:
    """A view of a view is one view; a view as the same type is none."""
    for op in [op for op in function.walk() if isinstance(op, VIEWS)]:
        if is_plain(layout_of(op.res)) and is_plain(layout_of(op.source)):
            value = seen_as(Builder(op), op.source, layout_of(op.res))
            Rewriter.replace_op(op, [], [value])
