"""How much work the kernels of a program do: GM bytes moved and tile operations, by trips and blocks.

A loop of constant bounds counts as often as it runs, one of others once; of a branch both sides count.
"""

from collections.abc import Callable
from dataclasses import dataclass

from xdsl.dialects import func, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation

from dialects.dsv4.functions import ORCHESTRATION, program_functions
from dialects.dsv4.lanes import LaneOp
from dialects.dsv4.launch import LaunchOp
from dialects.dsv4.opaque import CoreMoveOp
from dialects.pto.base import TileOp
from dialects.pto.channels import PopOp, PushOp
from dialects.pto.memory import TLoadOp, TStoreOp
from dialects.pto.types import DYNAMIC, AnyTileType
from dsv4_passes.targets.costs import FREE
from dsv4_passes.targets.elements import element_bytes
from dsv4_passes.xdsl_extras.loops import trips


@dataclass(frozen=True)
class Work:
    """`moved` bytes from and to GM, and `operations` on tiles, loads and stores included; views are none."""

    moved: int = 0
    operations: int = 0

    def __add__(self, other: "Work") -> "Work":
        return Work(self.moved + other.moved, self.operations + other.operations)

    def times(self, count: int) -> "Work":
        """That often."""
        return Work(self.moved * count, self.operations * count)


def is_tile_work(op: Operation) -> bool:
    """The operation computes or moves a tile; it is no view of one."""
    if isinstance(op, TileOp):
        return op.mnemonic() not in FREE
    return isinstance(op, (LaneOp, CoreMoveOp, PushOp, PopOp))


def kernel_work(function: func.FuncOp) -> Work:
    """What one block of a kernel does."""
    return _of_block(function.body.block, _of_tiles) if function.body.blocks else Work()


def _of_block(block: Block, own: Callable[[Operation], Work]) -> Work:
    """The work of a block, loops by their trips; `own` is that of an operation without its regions."""
    total = Work()
    for op in block.ops:
        total += own(op)
        inside = Work()
        for region in op.regions:
            for inner in region.blocks:
                inside += _of_block(inner, own)
        count = trips(op) if isinstance(op, scf.ForOp) else 1
        total += inside.times(1 if count is None else count)
    return total


def _of_tiles(op: Operation) -> Work:
    return Work(_bytes(op), 1) if is_tile_work(op) else Work()


def _bytes(op: Operation) -> int:
    if not isinstance(op, (TLoadOp, TStoreOp)):
        return 0
    value = op.destinations()[0] if isinstance(op, TLoadOp) else op.inputs()[0]
    if not isinstance(value.type, AnyTileType):
        return 0
    tile = value.type.data
    rows = tile.rows if tile.valid_rows == DYNAMIC else tile.valid_rows
    cols = tile.cols if tile.valid_cols == DYNAMIC else tile.valid_cols
    return rows * cols * element_bytes(tile.dtype)


def program_work(module: ModuleOp) -> Work:
    """What all launches of all orchestrations do; a number of blocks that is not known counts as one."""
    kernels: dict[str, Work] = {}

    def of_launch(op: Operation) -> Work:
        if not isinstance(op, LaunchOp):
            return Work()
        if op.callee not in kernels:
            kernels[op.callee] = kernel_work(op.function())
        return kernels[op.callee].times(op.block_count or 1)

    total = Work()
    for orchestration in program_functions(module, ORCHESTRATION):
        total += _of_block(orchestration.body.block, of_launch)
    return total
