"""What an operation in value form costs on a chip, loops counted as often as they run."""

from collections.abc import Iterable

from xdsl.dialects import func, scf
from xdsl.ir import Operation

from dialects.pto.base import TileOp
from dialects.pto.memory import TLoadOp, TStoreOp
from dialects.pto.moves import MoveOp
from dialects.pto.tiles import InsertOp
from dialects.pto.types import TileType, element_bits
from dsv4_passes.targets import Chip, Cost, cost, total

from .byte_ranges import trips

_BY_SOURCE = ("tgather.mask", "tscatter.mask", "tscatter.index")


def op_cost(op: Operation, chip: Chip) -> Cost | None:
    if isinstance(op, InsertOp):
        return None
    if not isinstance(op, TileOp):
        return None
    tiles = [v.type.data for v in (*op.ins, *op.res) if isinstance(v.type, TileType)]
    if not tiles:
        return None
    form = op.form()
    if isinstance(op, TLoadOp):
        form = f"gm-{tiles[0].loc}"
    elif isinstance(op, TStoreOp):
        form = f"{tiles[0].loc}-gm"
    elif isinstance(op, MoveOp):
        form = f"{tiles[0].loc}-{tiles[-1].loc}"
    name = f"{op.mnemonic()}.{op.form()}" if op.form() else op.mnemonic()
    size = tiles[0] if name in _BY_SOURCE or op.mnemonic().startswith("trow") else tiles[-1]
    dtype = max((t.dtype for t in tiles), key=element_bits)
    if op.mnemonic().startswith("tmatmul"):
        return cost("tmatmul", "", size.rows, tiles[-1].cols, tiles[0].dtype, chip, tiles[0].cols)
    return cost(op.mnemonic(), form, size.rows, size.cols, dtype, chip)


def times(op: Operation) -> int:
    count, parent = 1, op.parent_op()
    while parent is not None:
        if isinstance(parent, scf.ForOp):
            count *= trips(parent) or 1
        parent = parent.parent_op()
    return count


def ops_cost(ops: Iterable[Operation], chip: Chip) -> Cost:
    return total(found.times(times(op)) for op in ops if (found := op_cost(op, chip)) is not None)


def function_cost(function: func.FuncOp, chip: Chip) -> Cost:
    return ops_cost(function.walk(), chip)
