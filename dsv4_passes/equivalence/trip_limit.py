"""How many trips of a loop may be followed one by one, so that a run fits into its memory.

A run makes a term for every lane of every tile operation of every trip, about `BYTES_PER_LANE` each. So a
function is measured first (`lanes`), and loops run once with a symbol instead of trip by trip until it fits
(`fitting_trips`). Loops that fill a tile row by row, as gathers with an index are written, have short bodies
and many trips: of them more are followed (`most_trips`).
"""

from collections.abc import Sequence

from xdsl.dialects import func, scf
from xdsl.ir import Block

from dialects.pto.tiles import InsertOp
from dialects.pto.types import TileType
from dsv4_passes.xdsl_extras.loops import trips

from .budget import OverBudget, size

BYTES_PER_LANE = 240
"""A term with two operands: its key in the index, its entries in three lists, the integers in between; and
its id in the tile. Measured: 236 for half a million products of loads, less for the kernels of the tests
(benchmarks/term_memory.py, CPython 3.11).
"""
SHARE = 4
"""A run may take one part in so many of the memory before loops become symbolic: proving a rewrite runs a
function several times, and what is new in each run stays."""

ROWS = 16
"""How many times as many trips are followed of a loop that fills a tile; 1024 rows, where other loops may
have 64 trips. No tile of vector memory has more rows of a block of 32 bytes that could move lanes in pairs.
"""


def most_trips(loop: scf.ForOp, limit: int) -> int:
    """How many trips of a loop are followed one by one where `limit` is that for loops of any kind."""
    return limit * ROWS if fills_tiles(loop) else limit


def fills_tiles(loop: scf.ForOp) -> bool:
    """All that a trip hands on is tiles with a piece put in, and there is no loop or branch in its body."""
    body = loop.body.block
    last = body.last_op
    if not isinstance(last, scf.YieldOp) or not last.operands or any(op.regions for op in body.ops):
        return False
    return all(
        isinstance(end.owner, InsertOp) and end.owner.dest is given
        for end, given in zip(last.operands, body.args[1:], strict=True)
    )


def lanes(functions: Sequence[func.FuncOp], limit: int) -> int:
    """How many lanes a run computes that goes through loops one by one, of any kind up to `limit` trips."""
    return sum(_lanes(function.body.block, limit) for function in functions)


def _lanes(block: Block, limit: int) -> int:
    total = 0
    for op in block.ops:
        for result in op.results:
            if isinstance(result.type, TileType):
                copied = isinstance(op, InsertOp)  # ids of lanes that are there, and no term
                total += (
                    result.type.data.rows * result.type.data.cols // (BYTES_PER_LANE // 8 if copied else 1)
                )
        if op.regions:
            inside = sum(_lanes(inner, limit) for region in op.regions for inner in region.blocks)
            total += inside * (_followed(op, most_trips(op, limit)) if isinstance(op, scf.ForOp) else 1)
    return total


def _followed(loop: scf.ForOp, limit: int) -> int:
    """How many trips of a loop a run goes through that follows at most `limit`, and else one for all."""
    count = trips(loop)
    return 1 if count is None or count > limit else count


def fitting_trips(functions: Sequence[func.FuncOp], limit: int, memory: int) -> int:
    """The largest number up to `limit` with which a run takes its share of the memory at most.

    OverBudget where not even one trip of each loop fits into the whole of it.
    """
    while limit and lanes(functions, limit) * BYTES_PER_LANE > memory // SHARE:
        limit //= 2
    needed = lanes(functions, limit) * BYTES_PER_LANE
    if needed > memory:
        raise OverBudget(
            f"it needs about {size(needed)}, and {size(memory)} are allowed (--max-memory)",
            functions[0].location,
        )
    return limit
