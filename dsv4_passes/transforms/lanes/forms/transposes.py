"""Move pairs of 32-bit lanes by transposing: transposed, even and odd lanes are whole rows.

Seen as half as many rows of twice the length, the even rows are the left half and the odd rows the right:

    %e, %o = dsv4.deinterleave %x : 32x64xf32      %t = ttrans %x : 64x32;  %v = reshape %t : 32x64
                                              =>   %e = ttrans %v[0, 0] 32x32;  %o = ttrans %v[0, 32] 32x32

    %y = dsv4.interleave %e, %o : 32x32xf32        %v[0, 0] = ttrans %e;  %v[0, 32] = ttrans %o
                                              =>   %t = reshape %v : 64x32;  %y = ttrans %t : 32x64

    %y = dsv4.swap_pairs %x : 32x64xf32            %t = ttrans %x : 64x32;  %v = reshape %t : 32x64
                                              =>   %w[0, 0] = tmov %v[0, 32];  %w[0, 32] = tmov %v[0, 0]
                                                   %y = ttrans (reshape %w : 64x32) : 32x64

A tile that is put together with itself, as half a table is, is transposed once:

    %y = dsv4.interleave %c, %c : 32x32xf32   =>   %v[0, 0] = ttrans %c;  %v[0, 32] = tmov %v[0, 0];  …

Exact moves of bits. Only where the chip transposes blocks in vector instructions (P9): elsewhere ttrans is
a scalar loop. Rows that are no multiple of a block are seen as longer or shorter ones, which moves no bytes.
"""

from collections.abc import Iterable, Sequence

from xdsl.ir import SSAValue

from dialects.pto.base import layout_of
from dialects.pto.moves import TMovOp, TTransOp
from dialects.pto.tiles import InsertOp, SubviewOp, UndefOp
from dialects.pto.types import TileLayout, TileType
from dsv4_passes.transforms.lanes.builder import Builder, CannotBuild, index_constant

from .form import Built, Form, Target, Widened, not_contiguous, not_widened, wants_bits
from .words import seen_as


def refuse_windows(target: Target, layout: TileLayout) -> str | None:
    """The halves are transposed, or moved, where they lie."""
    if target.pypto is not None:  # its scratch tile has the type of the window, not of the tile it is of
        return "pypto transposes only whole tiles"
    return refuse(target, layout)


def refuse(target: Target, layout: TileLayout) -> str | None:
    if (why := wants_bits(layout, 32) or not_contiguous(layout)) is not None:
        return why
    rows, cols = target.chip.transposed_block
    if not rows:
        return f"{target.chip.name} transposes lane by lane"
    if _blocks(layout, rows, cols) is None:
        return f"{layout.rows}x{layout.cols} lanes cannot be seen in blocks of {rows}x{2 * cols}"
    return None


def _blocks(layout: TileLayout, rows: int, cols: int) -> TileLayout | None:
    """The lanes in row-major order, in a shape that is transposed in blocks: as near to theirs as possible.

    Rows of another length have the same pairs, as long as their length is even.
    """
    total = layout.rows * layout.cols
    widths = [w for w in range(2 * cols, total // rows + 1, 2 * cols) if total % (w * rows) == 0]
    width = min(widths, key=lambda w: (abs(w - layout.cols), w), default=None)
    return None if width is None else _shaped(layout, total // width, width)


def _seen_in_blocks(builder: Builder, value: SSAValue, halves: int = 1) -> SSAValue:
    """A tile, or one of the halves of a tile, in the shape in which whole pairs are transposed."""
    assert builder.chip is not None
    layout = layout_of(value)
    blocks = _blocks(_shaped(layout, layout.rows, layout.cols * halves), *builder.chip.transposed_block)
    assert blocks is not None
    return seen_as(builder, value, _shaped(layout, blocks.rows, blocks.cols // halves))


def apart(builder: Builder, operands: Sequence[SSAValue]) -> list[Built]:
    (x,) = operands
    layout = layout_of(x)
    halves = by_halves(builder, transposed(builder, _seen_in_blocks(builder, x)))
    parts = (transposed(builder, half(builder, halves, lane)) for lane in (0, 1))
    return [seen_as(builder, part, _shaped(layout, layout.rows, layout.cols // 2)) for part in parts]


def together(builder: Builder, operands: Sequence[SSAValue]) -> list[Built]:
    layout = layout_of(operands[0])
    parts = (transposed(builder, _seen_in_blocks(builder, part, 2)) for part in operands)
    whole = transposed(builder, stacked(builder, parts))
    return [seen_as(builder, whole, _shaped(layout, layout.rows, layout.cols * 2))]


def doubled(builder: Builder, operands: Sequence[SSAValue]) -> list[Built]:
    """A tile with itself: transposed once, and copied from one half to the other."""
    if operands[0] is not operands[1]:
        raise CannotBuild("its halves are two tiles")
    layout = layout_of(operands[0])
    part = transposed(builder, _seen_in_blocks(builder, operands[0], 2))
    undef = UndefOp(TileType(_shaped(layout_of(part), layout_of(part).rows, layout_of(part).cols * 2)))
    builder.add(undef)
    left = inserted(builder, part, undef.res, 0)
    both = inserted(builder, moved(builder, half(builder, left, 0)), left, 1)
    whole = transposed(builder, by_pairs_of_rows(builder, both))
    return [seen_as(builder, whole, _shaped(layout, layout.rows, layout.cols * 2))]


def swap(builder: Builder, operands: Sequence[SSAValue]) -> list[Built]:
    (x,) = operands
    halves = by_halves(builder, transposed(builder, _seen_in_blocks(builder, x)))
    turned = stacked(builder, (moved(builder, half(builder, halves, lane)) for lane in (1, 0)))
    return [seen_as(builder, transposed(builder, turned), layout_of(x))]


def transposed(builder: Builder, value: SSAValue) -> SSAValue:
    op = TTransOp([value], result=TileType(_shaped(layout_of(value), *layout_of(value).shape[::-1])))
    builder.add(op)
    return op.res[0]


def by_halves(builder: Builder, value: SSAValue) -> SSAValue:
    """Two rows as one: [2n, m] as [n, 2m]."""
    rows, cols = layout_of(value).shape
    return seen_as(builder, value, _shaped(layout_of(value), rows // 2, cols * 2))


def half(builder: Builder, value: SSAValue, number: int) -> SSAValue:
    """The left (0) or right (1) half of the columns."""
    layout = layout_of(value)
    cols = layout.cols // 2
    offsets = [index_constant(builder, 0), index_constant(builder, number * cols)]
    op = SubviewOp(value, offsets, (layout.rows, cols), TileType(_shaped(layout, layout.rows, cols)))
    builder.add(op)
    return op.res


def moved(builder: Builder, window: SSAValue) -> SSAValue:
    op = TMovOp([window], result=window.type)
    builder.add(op)
    return op.res[0]


def stacked(builder: Builder, parts: Iterable[SSAValue]) -> SSAValue:
    """Two tiles [n, m] as the rows of one [2n, m], in turns.

    Each is built only when the one before has been put in place: so it is written straight into its window,
    and needs no move between a tile and a window, which A2/A3 do not have.
    """
    whole: SSAValue | None = None
    for number, part in enumerate(parts):
        layout = layout_of(part)
        if whole is None:
            undef = UndefOp(TileType(_shaped(layout, layout.rows, layout.cols * 2)))
            builder.add(undef)
            whole = undef.res
        whole = inserted(builder, part, whole, number)
    assert whole is not None
    return by_pairs_of_rows(builder, whole)


def inserted(builder: Builder, part: SSAValue, whole: SSAValue, number: int) -> SSAValue:
    """A tile as the left (0) or right (1) half of the columns of another."""
    row, col = index_constant(builder, 0), index_constant(builder, number * layout_of(part).cols)
    insert = InsertOp(part, whole, row, col)
    builder.add(insert)
    return insert.res


def by_pairs_of_rows(builder: Builder, value: SSAValue) -> SSAValue:
    """One row as two: [n, 2m] as [2n, m]."""
    layout = layout_of(value)
    return seen_as(builder, value, _shaped(layout, layout.rows * 2, layout.cols // 2))


def _shaped(layout: TileLayout, rows: int, cols: int) -> TileLayout:
    return layout._replace(rows=rows, cols=cols, valid_rows=rows, valid_cols=cols)


def refuse_wide(target: Target, layout: TileLayout) -> str | None:
    return not_widened(target, layout) or refuse(target, layout._replace(dtype="f32"))


def together_wide(builder: Builder, operands: Sequence[SSAValue]) -> list[Built]:
    (whole,) = together(builder, [builder.f32_in_vec(half) for half in operands])
    assert isinstance(whole, SSAValue)
    return [Widened(whole)]


WIDE_TRANSPOSES = Form("transpose", "interleave", refuse_wide, together_wide)
"""Short numbers as the f32 numbers that they widen to."""
TRANSPOSES = tuple(
    Form("transpose", operation, legal, build)
    for operation, legal, build in (
        ("deinterleave", refuse_windows, apart),
        ("interleave", refuse, together),
        ("interleave", refuse_windows, doubled),
        ("swap_pairs", refuse_windows, swap),
    )
)
