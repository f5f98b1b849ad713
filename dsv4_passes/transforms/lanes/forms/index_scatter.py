"""Put lanes together by two scatters with an index each, over the whole tile as one row.

    %y = dsv4.interleave %e, %o : 32x32xf32      %i = 0 2 4 … : 1x1024xi32;  %j = 1 3 5 …  (outside of loops)
                                                 %s = tscatter %e, %i : 1x2048;  %t = tscatter %o, %j
                                            =>   %a = reshape %s : 1x2048 -> 32x64;  %b = reshape %t
                                                 %y = tor %a, %b                (their bits)

For an assembler that takes no scatter with a mask on the chip. Exact moves of bits: a scatter fills its whole
destination with +0 first, of which `tor` sees no bit. On A2/A3 it is a scalar loop. The index has as many
bits as the lanes, so a tile of 16-bit lanes has at most 2^15 of them.
"""

from collections.abc import Sequence

from xdsl.ir import SSAValue

from dialects.pto.base import layout_of
from dialects.pto.lanes import TScatterOp
from dialects.pto.types import TileLayout, TileType, element_bits
from dsv4_passes.transforms.lanes.builder import Builder

from .form import Built, Form, Target, cannot_reinterpret, lacks, not_contiguous
from .index_tiles import Indices, cannot_count
from .scatter_pair import is_zero_fill, merge
from .words import seen_as

MOST_LANES = 1 << 15
"""Numbers that an i16 has."""


def refuse(target: Target, layout: TileLayout) -> str | None:
    bits = element_bits(layout.dtype)
    if bits not in (16, 32):
        return f"it moves 16- and 32-bit lanes, not {layout.dtype}"
    if bits == 16 and (lanes := layout.rows * layout.cols) > MOST_LANES:
        return f"an index of 16 bits has numbers for {MOST_LANES} lanes, not for {lanes}"
    return (
        not_contiguous(layout)
        or lacks(target, "tscatter", layout.dtype, "index")
        or cannot_count(target, target.chip.scatter_index(layout.dtype))
        or cannot_reinterpret(target)
        or lacks(target, "tor", f"i{bits}")
    )


def build(builder: Builder, operands: Sequence[SSAValue]) -> list[Built]:
    half = layout_of(operands[0])
    whole = half._replace(cols=half.cols * 2, valid_cols=half.cols * 2)
    if is_zero_fill(operands[1]):
        return [seen_as(builder, scattered(builder, operands[0], 0), whole)]
    if is_zero_fill(operands[0]):
        return [seen_as(builder, scattered(builder, operands[1], 1), whole)]
    even, odd = (
        seen_as(builder, scattered(builder, part, lane), whole) for lane, part in enumerate(operands)
    )
    return [merge(builder, even, odd, "tor")]


def scattered(builder: Builder, half: SSAValue, lane: int) -> SSAValue:
    """A half as every second lane of one row of twice its lanes, +0 between them."""
    assert builder.chip is not None
    layout = layout_of(half)
    count = layout.rows * layout.cols
    row = layout._replace(rows=1, cols=count, valid_rows=1, valid_cols=count)
    index = Indices(builder, count, builder.chip.scatter_index(layout.dtype)).every_second(lane)
    result = TileType(row._replace(cols=2 * count, valid_cols=2 * count))
    op = TScatterOp([seen_as(builder, half, row), index], result=result)
    builder.add(op)
    return op.res[0]


INDEX_SCATTER = Form("index-scatter", "interleave", refuse, build)
