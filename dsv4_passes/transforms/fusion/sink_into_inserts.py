"""Lane-wise work on a tile that was put together from pieces is done on the pieces.

    %t = insert %a1 into (insert %a0 into undef)           %s0 = pto.tadd ins(%a0, %b0)
    %u = insert %b1 into (insert %b0 into undef)     =>    %s1 = pto.tadd ins(%a1, %b1)
    %s = pto.tadd ins(%t, %u)                              %s = insert %s1 into (insert %s0 into undef)

Legal because the operation treats every lane alike and by itself. It lets a pass see that `%a0` and `%b0`
are the two halves of one tile, which it cannot see of `%t` and `%u`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from xdsl.dialects import func
from xdsl.ir import SSAValue
from xdsl.rewriter import Rewriter

from dialects.pto.base import TileOp, layout_of
from dialects.pto.convert import TCvtOp
from dialects.pto.elementwise import BinaryOp, ScalarOp, UnaryOp
from dialects.pto.memory import constant_int
from dialects.pto.tiles import InsertOp, UndefOp
from dialects.pto.types import TileType
from dsv4_passes.xdsl_extras.insert import insert_before, result_before

LANEWISE = (BinaryOp, ScalarOp, UnaryOp, TCvtOp)
MAX_PIECES = 8


class InsertedTile(NamedTuple):
    value: SSAValue
    row: SSAValue
    col: SSAValue

    @property
    def box(self) -> tuple[int | None, int | None, tuple[int, int]]:
        return constant_int(self.row), constant_int(self.col), layout_of(self.value).shape


def pieces_of(value: SSAValue) -> list[InsertedTile] | None:
    """The pieces of a tile that disjoint inserts into nothing cover completely."""
    whole, pieces = layout_of(value), list[InsertedTile]()
    while isinstance(op := value.owner, InsertOp):
        pieces.append(InsertedTile(op.source, op.row, op.col))
        value = op.dest
    if not isinstance(value.owner, UndefOp) or not 1 < len(pieces) <= MAX_PIECES:
        return None
    covered = [[0] * whole.cols for _ in range(whole.rows)]
    for row, col, (rows, cols) in (piece.box for piece in pieces):
        if row is None or col is None:
            return None
        for line in covered[row : row + rows]:
            for lane in range(col, col + cols):
                line[lane] += 1
    if any(count != 1 for line in covered for count in line):
        return None
    return pieces[::-1]


def sink_into_inserts(function: func.FuncOp) -> None:
    """Split every lane-wise operation whose tile operands are all assembled from the same boxes."""
    for op in list(function.walk()):
        if isinstance(op, LANEWISE) and op.res and not op.valid and not op.scratch_operands():
            _split(op)


def _split(op: TileOp) -> None:
    tiles = [v for v in op.ins if isinstance(v.type, TileType)]
    parts = [pieces_of(v) for v in tiles]
    first = parts[0]
    if first is None or any(p is None or [q.box for q in p] != [q.box for q in first] for p in parts):
        return
    result = layout_of(op.res[0])
    undef = UndefOp(op.res[0].type)
    whole: SSAValue = result_before(op, undef)
    for number, piece in enumerate(first):
        mapping = {v: p[number].value for v, p in zip(tiles, parts, strict=True) if p is not None}
        new = _on_piece(op, [mapping.get(v, v) for v in op.ins], piece, result.dtype)
        insert = InsertOp(new, whole, piece.row, piece.col)
        whole = result_before(op, insert)
    whole.name_hint = op.res[0].name_hint
    op.res[0].replace_all_uses_with(whole)
    Rewriter.erase_op(op)


def _on_piece(op: TileOp, ins: Sequence[SSAValue], piece: InsertedTile, dtype: str) -> SSAValue:
    rows, cols = layout_of(piece.value).shape
    layout = layout_of(op.res[0])._replace(
        rows=rows, cols=cols, valid_rows=rows, valid_cols=cols, dtype=dtype
    )
    properties = {n: a for n, a in op.properties.items() if n != "operandSegmentSizes"}
    new = type(op)(ins, result=TileType(layout), properties=properties, attributes=op.attributes)
    insert_before(op, new)
    return new.res[0]
