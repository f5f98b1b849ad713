"""What has to be copied or moved before tile values can be given memory.

* A reshape of a window that is not one stretch of bytes needs the window's lanes in a tile of their own.
* A piece that is cut from the tile it is inserted into, and an operand cut from the accumulator of its own
  operation, must not be overwritten while it is read.
* A slot is returned to its pipe after its last read.
"""

from collections import deque
from collections.abc import Iterator

from xdsl.dialects import func
from xdsl.ir import Block, Operation, SSAValue
from xdsl.utils.exceptions import VerifyException

from dialects.pto.allocation import verify_allocation
from dialects.pto.base import TileOp, layout_of
from dialects.pto.channels import FreeOp, PopOp
from dialects.pto.memory import constant_int, same_index
from dialects.pto.tiles import (
    CASTS,
    VIEWS,
    InsertOp,
    SubviewOp,
)
from dialects.pto.types import TileLayout, TileType
from dsv4_passes.transforms.common.coalescing import byte_offset, copy_operand, storage_of


def prepare(function: func.FuncOp, addressed: bool) -> None:
    """Make every operation of a function in value form one that memory can do."""
    for op in list(function.walk()):
        if isinstance(op, CASTS) and isinstance(op.res.type, TileType):
            if byte_offset(op.source, addressed) is None:
                copy_operand(op, 0)
        elif isinstance(op, InsertOp):
            if storage_of(op.source) is storage_of(op.dest) and not apart(op):
                copy_operand(op, 0)
        elif isinstance(op, TileOp) and op.TIED and op.res:
            _part_from_tied(op)
    for op in function.walk():
        for region in op.regions:
            for block in region.blocks:
                free_after_use(block)


def _part_from_tied(op: TileOp) -> None:
    assert op.TIED is not None
    tied = op.operand_names().index(op.TIED)
    for index, value in enumerate(op.ins):
        if index != tied and storage_of(value) is not None and storage_of(value) is storage_of(op.ins[tied]):
            copy_operand(op, index)


def apart(insert: InsertOp) -> bool:
    """A piece sliced from its own destination does not overlap its new position, or is already there."""
    window = insert.source.owner
    if not isinstance(window, SubviewOp) or window.source is not insert.dest:
        return False
    old, new, size = window.offsets, (insert.row, insert.col), layout_of(insert.source).shape
    if all(map(same_index, old, new)):
        return True
    return any(
        (a := constant_int(x)) is not None and (b := constant_int(y)) is not None and abs(a - b) >= extent
        for x, y, extent in zip(old, new, size, strict=True)
    )


def allocatable(layout: TileLayout) -> bool:
    """A tile of this layout can have its own address."""
    try:
        verify_allocation(layout)
    except VerifyException:
        return False
    return True


# -- pipe slots ------------------------------------------------------------------------------------


def free_after_use(block: Block) -> None:
    """Move each free behind the last reader of the slot that it gives back, the oldest one popped."""
    if not any(isinstance(op, FreeOp) for op in block.ops):
        return
    order = {op: index for index, op in enumerate(block.ops)}
    popped: dict[object, deque[PopOp]] = {}
    needed: dict[object, Operation] = {}
    for op in list(block.ops):
        if isinstance(op, PopOp):
            popped.setdefault(op.channel, deque()).append(op)
        if not isinstance(op, FreeOp) or not (queue := popped.get(op.channel)):
            continue
        readers = [block.find_ancestor_op_in_block(user) for user in _readers(queue.popleft().tile)]
        candidates = [needed.get(op.channel), *readers]
        last = max((r for r in candidates if r is not None), key=lambda r: order[r], default=None)
        if last is not None:
            needed[op.channel] = last
            if order[last] > order[op]:
                op.detach()
                block.insert_op_after(op, last)
                order[op] = order[last]
                needed[op.channel] = op


def _readers(value: SSAValue) -> Iterator[Operation]:
    """Operations that read the bytes of a value, directly or through views."""
    for use in value.uses:
        op = use.operation
        if isinstance(op, VIEWS):
            yield from _readers(op.results[0])
        else:
            yield op
