"""Swap the lanes of each row by a gather of that row, with an index that is made once.

    %y = dsv4.swap_pairs %x : 32x64xf32        %i = 1 0 3 2 … : 1x64xi32             (outside of loops)
                                         =>    scf.for %r = 0 to 32 { %y[%r, 0] = tgather %x[%r, 0], %i }

What kernels that were rewritten by hand do. Exact moves of bits; costs an instruction and more for each row.
"""

from collections.abc import Sequence

from xdsl.dialects import scf
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, SSAValue

from dialects.pto.base import layout_of
from dialects.pto.lanes import TGatherOp
from dialects.pto.tiles import InsertOp, SubviewOp, UndefOp
from dialects.pto.types import TileLayout, TileType
from dsv4_passes.transforms.lanes.builder import Builder, index_constant

from .flat_gather import refuse
from .form import Built, Form
from .index_tiles import Indices


def build(builder: Builder, operands: Sequence[SSAValue]) -> list[Built]:
    (x,) = operands
    layout = layout_of(x)
    index = Indices(builder, layout.cols).swapped()
    undef = UndefOp(x.type)
    builder.add(undef)
    zero, high, step = (index_constant(builder, n) for n in (0, layout.rows, 1))
    body = Block(arg_types=[IndexType(), x.type])
    row, whole = body.args
    row.name_hint = "row"
    loop = scf.ForOp(zero, high, step, [undef.res], body)
    builder.add(loop)
    one = TileType(_one_row(layout))
    part = SubviewOp(x, [row, zero], (1, layout.cols), one)
    gather = TGatherOp([part.res, index], result=one)
    insert = InsertOp(gather.res[0], whole, row, zero)
    for op in (part, gather, insert, scf.YieldOp(insert.res)):
        op.location = builder.site.location
        body.add_op(op)
    return [loop.results[0]]


def _one_row(layout: TileLayout) -> TileLayout:
    return layout._replace(rows=1, valid_rows=1)


ROW_GATHER = Form("row-gather", "swap_pairs", refuse, build)
