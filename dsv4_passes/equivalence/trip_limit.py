"""How many trips of a loop may be followed one by one, so that a run fits into its memory.

A run makes a term for every lane of every tile operation of every trip, about `BYTES_PER_LANE` each. So a
function is measured first (`lanes`), and loops run once with a symbol instead of trip by trip until it fits
(`fitting_trips`).
"""

from collections.abc import Sequence

from xdsl.dialects import func, scf
from xdsl.ir import Block

from dialects.pto.memory import constant_int
from dialects.pto.types import TileType

from .budget import OverBudget, size

BYTES_PER_LANE = 220
"""A term with two operands: its key in the index, its entries in three lists, the integers in between; and
its id in the tile. Measured on CPython 3.11 over a million products of loads.
"""
SHARE = 4
"""A run may take one part in so many of the memory before loops become symbolic: proving a rewrite runs a
function several times, and what is new in each run stays."""


def lanes(functions: Sequence[func.FuncOp], trips: int) -> int:
    """How many lanes a run computes that goes through loops of at most `trips` constant trips one by one."""
    return sum(_lanes(function.body.block, trips) for function in functions)


def _lanes(block: Block, trips: int) -> int:
    total = 0
    for op in block.ops:
        for result in op.results:
            if isinstance(result.type, TileType):
                total += result.type.data.rows * result.type.data.cols
        if op.regions:
            inside = sum(_lanes(inner, trips) for region in op.regions for inner in region.blocks)
            total += inside * (_trips(op, trips) if isinstance(op, scf.ForOp) else 1)
    return total


def _trips(op: scf.ForOp, limit: int) -> int:
    bounds = [constant_int(v) for v in (op.lb, op.ub, op.step)]
    low, high, step = bounds
    if low is None or high is None or step is None or step <= 0:
        return 1
    count = len(range(low, high, step))
    return count if count <= limit else 1


def fitting_trips(functions: Sequence[func.FuncOp], trips: int, memory: int) -> int:
    """The largest number up to `trips` with which a run takes its share of the memory at most.

    OverBudget where not even one trip of each loop fits into the whole of it.
    """
    while trips and lanes(functions, trips) * BYTES_PER_LANE > memory // SHARE:
        trips //= 2
    needed = lanes(functions, trips) * BYTES_PER_LANE
    if needed > memory:
        raise OverBudget(
            f"it needs about {size(needed)}, and {size(memory)} are allowed (--max-memory)",
            functions[0].location,
        )
    return trips
