"""The bytes of a tile seen in other ways, and operations on 32-bit words.

A word holds the pair of 16-bit lanes 2k and 2k+1; the even lane is its low half (little endian, P3). Words
are unsigned, so that a shift to the left loses no sign and one to the right brings in zeros (P4). Seen with
rows of 256 bytes, the length of one vector operation, no part of a vector is wasted.
"""

from math import prod

from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr, i32
from xdsl.ir import SSAValue

from dialects.pto.broadcast import TExpandsOp
from dialects.pto.elementwise import TAndOp, TAndsOp, TOrOp, TShlsOp, TShrsOp
from dialects.pto.tiles import ReinterpretOp, ReshapeOp
from dialects.pto.types import TileLayout, TileType, element_bits
from dsv4_passes.transforms.lanes.builder import Builder, layout_of

REPEAT_BYTES = 256
WORD, SIGNED_WORD = "ui32", "i32"
HIGH_HALF = -1 << 16
"""The mask of a word's high half, as the signed number that it is."""
VIEWS = (ReshapeOp, ReinterpretOp)
"""Of tiles that are one stretch of bytes; a view of a view is one view."""


def full_rows(layout: TileLayout) -> TileLayout:
    """The same lanes in rows of one vector each, where that takes fewer vectors; else as they are."""
    lanes = REPEAT_BYTES * 8 // element_bits(layout.dtype)
    total = prod(layout.shape)
    if layout.cols % lanes == 0 or total % lanes:
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


def shifted(builder: Builder, words: SSAValue, by: int) -> SSAValue:
    """Each word shifted to the left, or to the right for a negative number."""
    amount = arith.ConstantOp(IntegerAttr(abs(by), i32))
    builder.add(amount)
    amount.result.name_hint = f"c{abs(by)}_i32"
    kind = TShlsOp if by > 0 else TShrsOp
    op = kind([words, amount.result], result=words.type)
    builder.add(op)
    return op.res[0]


def joined(builder: Builder, low: SSAValue, high: SSAValue) -> SSAValue:
    """Words of two with disjoint bits."""
    op = TOrOp([low, high], result=low.type)
    builder.add(op)
    return op.res[0]


def masked(builder: Builder, words: SSAValue, mask: int) -> SSAValue:
    """The bits of each word that are in the mask, which is a tile made outside of loops."""
    layout = layout_of(words)
    number = arith.ConstantOp(IntegerAttr(mask, i32))
    fill = TExpandsOp([number.result], result=TileType(layout._replace(dtype=SIGNED_WORD)))
    for op in (number, fill):
        builder.add(op, before=builder.outside_loops())
    number.result.name_hint, fill.res[0].name_hint = "mask", "mask"
    op = TAndOp([words, seen_as(builder, fill.res[0], layout)], result=words.type)
    builder.add(op)
    return op.res[0]


def masked_by_number(builder: Builder, words: SSAValue, mask: int) -> SSAValue:
    """The bits of each word that are in the mask."""
    layout = layout_of(words)
    number = arith.ConstantOp(IntegerAttr(mask, i32))
    builder.add(number)
    number.result.name_hint = "mask"
    signed = seen_as(builder, words, layout._replace(dtype=SIGNED_WORD))
    op = TAndsOp([signed, number.result], result=signed.type)
    builder.add(op)
    return seen_as(builder, op.res[0], layout)
