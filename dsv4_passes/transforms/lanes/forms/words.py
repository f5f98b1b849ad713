"""The bytes of a tile seen in other ways, and operations on 32-bit words.

A word holds the pair of 16-bit lanes 2k and 2k+1; the even lane is its low half (little endian, P3). Words
are unsigned, so that a shift to the left loses no sign and one to the right brings in zeros (P4). Seen with
rows of 256 bytes, the length of one vector operation, no part of a vector is wasted.
"""

from collections.abc import Sequence
from math import prod

from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr, i32
from xdsl.ir import SSAValue

from dialects.pto.base import TileOp, layout_of
from dialects.pto.broadcast import TExpandsOp
from dialects.pto.elementwise import TAndOp, TAndsOp, TOrOp, TShlsOp, TShrsOp
from dialects.pto.moves import TMovOp
from dialects.pto.tiles import ReinterpretOp, ReshapeOp, SetValidShapeOp, SubviewOp
from dialects.pto.types import TileLayout, TileType, element_bits
from dsv4_passes.transforms.lanes.builder import Builder, index_constant, valid_of

REPEAT_BYTES = 256
WORD, SIGNED_WORD = "ui32", "i32"
HIGH_HALF = -1 << 16
"""The mask of a word's high half, as the signed number that it is."""
VIEWS = (ReshapeOp, ReinterpretOp)
"""Of tiles that are one stretch of bytes; a view of a view is one view."""


def full_rows(layout: TileLayout) -> TileLayout:
    """The same lanes in rows of one vector each, where that takes fewer vectors; else as they are.

    Where not all rows are valid they are as they are.
    """
    lanes = REPEAT_BYTES * 8 // element_bits(layout.dtype)
    total = prod(layout.shape)
    if layout.cols % lanes == 0 or total % lanes or not layout.full:
        return layout
    rows = total // lanes
    return layout._replace(rows=rows, cols=lanes, valid_rows=rows, valid_cols=lanes)


def seen_as(builder: Builder, value: SSAValue, layout: TileLayout) -> SSAValue:
    """The same bytes as a tile of another shape or element type."""
    while isinstance(op := value.owner, VIEWS):
        value = op.source
    have = layout_of(value)
    if have == layout:
        return value
    if isinstance(value.owner, SubviewOp):  # a part of a tile has no bytes of its own to be seen
        value = made(builder, TMovOp, [value])
    op = (ReshapeOp if have.dtype == layout.dtype else ReinterpretOp)(value, TileType(layout))
    builder.add(op)
    op.res.name_hint = value.name_hint
    return op.res


def words_of(builder: Builder, value: SSAValue) -> SSAValue:
    """A tile's bytes as 32-bit words in full rows."""
    layout = layout_of(value)
    cols = layout.cols * element_bits(layout.dtype) // 32
    words = layout._replace(cols=cols, valid_cols=cols, dtype=WORD)
    return seen_as(builder, value, full_rows(words))


def made(
    builder: Builder, kind: type[TileOp], operands: Sequence[SSAValue], layout: TileLayout | None = None
) -> SSAValue:
    """The result of a tile operation, of the first operand's type unless given, with as many valid rows."""
    first = operands[0]
    op = kind(operands, result=TileType(layout or layout_of(first)), valid=valid_of(first))
    builder.add(op)
    return op.res[0]


def shifted(builder: Builder, words: SSAValue, by: int) -> SSAValue:
    """Each word shifted to the left, or to the right for a negative number."""
    amount = arith.ConstantOp(IntegerAttr(abs(by), i32))
    builder.add(amount)
    amount.result.name_hint = f"c{abs(by)}_i32"
    return made(builder, TShlsOp if by > 0 else TShrsOp, [words, amount.result])


def joined(builder: Builder, low: SSAValue, high: SSAValue) -> SSAValue:
    """Words of two with disjoint bits."""
    return made(builder, TOrOp, [low, high])


def masked(builder: Builder, words: SSAValue, mask: int) -> SSAValue:
    """The bits of each word that are in the mask, which is a tile made outside of loops."""
    layout = layout_of(words)
    full = layout._replace(dtype=SIGNED_WORD, valid_rows=layout.rows)
    before = builder.outside_loops()
    number = builder.shared(arith.ConstantOp(IntegerAttr(mask, i32)), before)
    tile = builder.shared(TExpandsOp([number], result=TileType(full)), before)
    number.name_hint = tile.name_hint = "mask"
    seen = seen_as(builder, tile, layout._replace(valid_rows=layout.rows))
    if not layout.full:
        seen = rows_of(builder, seen, words)
    return made(builder, TAndOp, [words, seen])


def rows_of(builder: Builder, value: SSAValue, like: SSAValue) -> SSAValue:
    """A tile as one with the valid rows of another of its shape."""
    layout = layout_of(like)
    given = valid_of(like)
    rows = given[0] if given else index_constant(builder, layout.valid_rows)
    op = SetValidShapeOp(value, rows, index_constant(builder, layout.cols), like.type)
    builder.add(op)
    assert op.res is not None
    return op.res


def masked_by_number(builder: Builder, words: SSAValue, mask: int) -> SSAValue:
    """The bits of each word that are in the mask."""
    layout = layout_of(words)
    number = arith.ConstantOp(IntegerAttr(mask, i32))
    builder.add(number)
    number.result.name_hint = "mask"
    signed = seen_as(builder, words, layout._replace(dtype=SIGNED_WORD))
    return seen_as(builder, made(builder, TAndsOp, [signed, number.result]), layout)
