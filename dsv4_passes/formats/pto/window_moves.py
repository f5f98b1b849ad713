"""Copies between a window of columns and a tile with rows of another length.

    %w = pto.subview %t[%r, %c] sizes [32, 32] : 32x64 -> 32x32
    pto.tmov ins(%w : 32x32) outs(%d : 32x32)          =>    pto.textract ins(%t, %r, %c) outs(%d : 32x32)
    pto.tmov ins(%s : 32x32) outs(%w : 32x32)          =>    pto.tinsert ins(%s, %r, %c) outs(%t : 32x64)

A window has rows as far apart as those of its tile. ptoas compares the shapes that operands of tmov have in
memory, and on A2/A3 rejects two that differ; textract and tinsert copy boxes. Numbers that these two do not
take are copied as floats of the same width, of which every bit is kept.
"""

from xdsl.ir import Operation, SSAValue

from dialects.pto.allocation import AllocTileOp
from dialects.pto.base import TileOp, layout_of
from dialects.pto.memory import constant_int
from dialects.pto.moves import TExtractOp, TInsertOp, TMovOp
from dialects.pto.tiles import BitcastOp, SubviewOp
from dialects.pto.types import TileBufType, TileLayout, element_bits
from dsv4_passes.targets import Chip, Ptoas

BLOCK_BYTES = 32
"""A box of columns begins at a multiple (pto-isa npu/a2a3/TExtract.hpp, TInsert.hpp)."""
_TAKEN = ("f32", "f16", "bf16", "i8")
_FLOATS = {32: "f32", 16: "f16", 8: "i8"}
"""By the number of bits, what elements are copied as that are not taken."""


def row_length(value: SSAValue) -> int:
    """The row stride of a buffer in lanes."""
    while isinstance(op := value.owner, SubviewOp):
        value = op.source
    return layout_of(value).cols


def is_between_rows(op: Operation, chip: Chip, ptoas: Ptoas) -> bool:
    """A copy within vector memory that this ptoas rejects because the row strides differ."""
    if not isinstance(op, TMovOp) or len(op.ins) != 1 or not op.outs or chip.lifts("tmov.same_shape"):
        return False
    plain = all(_in_rows(layout_of(value)) for value in (op.ins[0], op.outs[0]))
    return plain and ptoas.has("strided_windows") and row_length(op.ins[0]) != row_length(op.outs[0])


def cannot_move(op: TMovOp) -> str | None:
    """Why no operation copies this box."""
    window, values = _window(op), [op.ins[0], op.outs[0]]
    if isinstance(window.source.owner, SubviewOp):
        return "copies a window of a window, which no operation does"
    layout, at = layout_of(window.source), constant_int(window.offsets[1])
    if at is not None and at * element_bits(layout.dtype) % (8 * BLOCK_BYTES):
        return f"copies columns from {at} on, which is no multiple of {BLOCK_BYTES} bytes"
    if layout.dtype in _TAKEN:
        return None
    values.remove(window.res)
    if element_bits(layout.dtype) not in _FLOATS or isinstance(values[0].owner, SubviewOp):
        return f"copies columns of {layout.dtype}, which no operation does"
    return None


def move_box(op: TMovOp) -> None:
    """Copy by the operation that takes the rows of both sides as they are."""
    window = _window(op)
    tile = _as_taken(op, window.source)
    if window.res is op.outs[0]:
        new: TileOp = TInsertOp([_as_taken(op, op.ins[0]), *window.offsets], outs=[tile])
    else:
        new = TExtractOp([tile, *window.offsets], outs=[_as_taken(op, op.outs[0])])
    _before(op, new)
    op.detach()
    op.erase()


def _window(op: TMovOp) -> SubviewOp:
    """The window among the operands: that which is written, if both are."""
    owners = op.outs[0].owner, op.ins[0].owner
    return next(owner for owner in owners if isinstance(owner, SubviewOp))


def _as_taken(op: TMovOp, value: SSAValue) -> SSAValue:
    """The same bytes as numbers that the operation takes."""
    layout, owner = layout_of(value), value.owner
    if layout.dtype in _TAKEN:
        return value
    seen = TileBufType(layout._replace(dtype=_FLOATS[element_bits(layout.dtype)]))
    if isinstance(owner, AllocTileOp) and owner.addr is not None:
        cast: Operation = AllocTileOp(seen, owner.addr, owner.valid_row, owner.valid_col)
    else:
        cast = BitcastOp(value, seen)
    _before(op, cast)
    return cast.results[0]


def _in_rows(layout: TileLayout) -> bool:
    return (layout.loc, layout.blayout, layout.slayout) == ("vec", "row_major", "none_box")


def _before(op: Operation, new: Operation) -> None:
    block = op.parent
    assert block is not None
    new.location = op.location
    block.insert_op_before(new, op)
