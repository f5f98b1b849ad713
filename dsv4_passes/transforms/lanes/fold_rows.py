"""Take apart what two tiles were put together for, so that each can be looked at alone.

    %b = %e above %o : 32x64                        %e16 = pto.tcvt %e
    %b16 = pto.tcvt %b                       =>     %o16 = pto.tcvt %o
    pto.subview %b16[0, 0], pto.subview %b16[16, 0]

The way back from adjacent_tiles.py. Legal because the operations work lane by lane; done only where nobody
reads more of the tile than rows of it.
"""

from collections.abc import Sequence
from typing import TypeVar

from xdsl.dialects.builtin import IndexType
from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.pto.base import TileOp, is_tile, layout_of
from dialects.pto.convert import TCvtOp
from dialects.pto.elementwise import ScalarOp, UnaryOp
from dialects.pto.memory import constant_int
from dialects.pto.tiles import BitcastOp, InsertOp, ReinterpretOp, ReshapeOp, SubviewOp
from dialects.pto.types import TileType
from dsv4_passes.xdsl_extras.insert import constant

OpT = TypeVar("OpT", bound=Operation)
LANE_WISE = (UnaryOp, ScalarOp, TCvtOp)
"""Operations on one tile that do the same to every lane."""
VIEWS = (ReshapeOp, ReinterpretOp, BitcastOp)


def placed(op: OpT, at: Operation) -> OpT:
    """A new operation with the place in the text of the one that it stands for."""
    op.location = at.location
    return op


def again(op: TileOp, tiles: Sequence[SSAValue], at: Operation, as_in: SSAValue | None = None) -> TileOp:
    """The same operation on other tiles, wherever its result is as wide as they are."""
    given = iter(tiles)
    ins = [next(given) if is_tile(v) else v for v in op.ins]
    layout = layout_of(as_in if as_in is not None else tiles[0])
    result = TileType(layout._replace(dtype=layout_of(op.res[0]).dtype))
    properties = {n: a for n, a in op.properties.items() if n != "operandSegmentSizes"}
    new = type(op)(ins, result=result, valid=list(op.valid), properties=properties, attributes=op.attributes)
    return placed(new, at)


class FoldRows(RewritePattern):
    """Rows of what an operation made of a tile are made of rows of that tile; rows that were put there are
    what was put there.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SubviewOp, rewriter: PatternRewriter) -> None:
        source, row = op.source.owner, _first_row(op)
        if row is None or not _read_in_rows(op.source):
            return
        if isinstance(source, LANE_WISE):
            part = rows_of(op, source.ins[0], row, rewriter)
            if part is not None:
                rewriter.replace(op, [part, again(source, [part.res], op)])
        elif isinstance(source, VIEWS):
            part = rows_of(op, source.source, row, rewriter)
            if part is not None:
                rewriter.replace(op, [part, placed(type(source)(part.res, op.res.type), op)])
        elif isinstance(source, InsertOp):
            self._put(op, source, row, rewriter)

    @staticmethod
    def _put(op: SubviewOp, source: InsertOp, row: int, rewriter: PatternRewriter) -> None:
        at, piece, layout = constant_int(source.row), layout_of(source.source), layout_of(op.res)
        if at is None or constant_int(source.col) != 0 or piece.cols != layout.cols or not piece.full:
            return
        if source.source.type == op.res.type and at == row:
            rewriter.replace(op, [], [source.source])
        elif at >= row + layout.rows or at + piece.rows <= row:
            other = SubviewOp(source.dest, list(op.offsets), layout.shape, op.res.type)
            rewriter.replace(op, placed(other, op))


class FoldOneRow(RewritePattern):
    """A stretch of the one row that a tile is seen as, where it is whole rows of that tile, is those rows:
    `pto.subview (reshape %t : 16x64 -> 1x1024)[0, 512] : 1x512` is `reshape (pto.subview %t[8, 0] : 8x64)`.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SubviewOp, rewriter: PatternRewriter) -> None:
        source, col = op.source.owner, constant_int(op.offsets[1])
        if not isinstance(source, ReshapeOp) or layout_of(op.source).rows != 1 or col is None:
            return
        tile, wanted = layout_of(source.source), layout_of(op.res)
        if not (tile.full and wanted.full) or tile.rows == 1 or col % tile.cols or wanted.cols % tile.cols:
            return
        row, rows = placed(constant(col // tile.cols, IndexType()), op), wanted.cols // tile.cols
        rewriter.insert(row)
        part = TileType(tile._replace(rows=rows, valid_rows=rows))
        window = placed(SubviewOp(source.source, [row.result, op.offsets[0]], part.data.shape, part), op)
        rewriter.replace(op, [window, placed(ReshapeOp(window.res, op.res.type), op)])


def rows_of(op: SubviewOp, value: SSAValue, row: int, rewriter: PatternRewriter) -> SubviewOp | None:
    """The rows of a tile that become those which `op` takes, from row `row` on; None if they are no rows."""
    before, after, wanted = layout_of(value), layout_of(op.source), layout_of(op.res)
    if not before.full or not after.full:
        return None
    (first, uneven), (count, rest) = (divmod(n * before.rows, after.rows) for n in (row, wanted.rows))
    if uneven or rest:
        return None
    start = op.offsets[0]
    if first != row:
        number = placed(constant(first, IndexType()), op)
        rewriter.insert(number)
        start = number.result
        start.name_hint = f"c{first}_index"
    part = TileType(before._replace(rows=count, valid_rows=count))
    return placed(SubviewOp(value, [start, op.offsets[1]], part.data.shape, part), op)


def _first_row(op: SubviewOp) -> int | None:
    """Where the rows begin that it takes, if it takes whole rows."""
    whole = layout_of(op.res).cols == layout_of(op.source).cols and layout_of(op.res).full
    return constant_int(op.offsets[0]) if whole else None


def _read_in_rows(value: SSAValue) -> bool:
    """Nobody reads more of a tile, or of what is made of it lane by lane, than rows of it."""
    return all(
        _first_row(user) is not None
        if isinstance(user, SubviewOp)
        else isinstance(user, (*LANE_WISE, *VIEWS)) and _read_in_rows(user.results[0])
        for user in (use.operation for use in value.uses)
    )
