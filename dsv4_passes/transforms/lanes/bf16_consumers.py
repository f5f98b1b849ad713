"""Where a value ends up being rounded to bf16.

A *BF16 golden* consumer is one that keeps only the bf16 rounding of a value: a conversion to bf16, a store
that converts, an operand of the cube. Uses are followed through operations that only move lanes, through
loops and through branches.
"""

from collections.abc import Iterator

from xdsl.dialects import scf
from xdsl.ir import Operation, SSAValue

from dialects.dsv4.lanes import DeinterleaveOp, InterleaveOp, SwapPairsOp
from dialects.dsv4.opaque import CoreMoveOp
from dialects.pto.base import TileOp
from dialects.pto.convert import TCvtOp, TSelOp
from dialects.pto.elementwise import TNegOp
from dialects.pto.lanes import TGatherOp, TScatterOp
from dialects.pto.matmul import MatmulOp
from dialects.pto.memory import TStoreOp
from dialects.pto.moves import TConcatOp, TExtractOp, TMovOp, TTransOp
from dialects.pto.tiles import InsertOp, ReshapeOp, SetValidShapeOp, SubviewOp, TransposeOp
from dialects.pto.types import PartitionTensorViewType, TileType
from dsv4_passes.diagnostics import refused

from .products import sums_of

LANE_MOVES = (
    *(TMovOp, TExtractOp, TConcatOp, TTransOp, TGatherOp, TScatterOp, TSelOp, TNegOp),
    *(DeinterleaveOp, InterleaveOp, SwapPairsOp),
    *(CoreMoveOp, SubviewOp, InsertOp, ReshapeOp, TransposeOp, SetValidShapeOp),
)


def bf16_goldens(value: SSAValue) -> Iterator[Operation]:
    """The operations at which `value` becomes bf16."""
    seen: set[SSAValue] = set()
    pending = [value]
    while pending:
        current = pending.pop()
        if current in seen:
            continue
        seen.add(current)
        for use in current.uses:
            op = use.operation
            if rounds_to_bf16(op):
                yield op
            elif isinstance(op, LANE_MOVES):
                pending += [r for r in op.results if isinstance(r.type, TileType)]
            elif isinstance(op, scf.YieldOp):
                pending += _yielded_to(op, use.index)
            elif isinstance(op, scf.ForOp) and use.index >= 3:
                pending += [op.body.block.args[use.index - 2], op.results[use.index - 3]]


def kept_for_bf16(value: SSAValue, kept: dict[Operation, Operation]) -> bool:
    """Leave a re-interleave alone, with a remark, because it or a sum that it goes into becomes bf16.

    `kept` holds what was left alone so far, each with the operation that rounds it.
    """
    op = value.owner
    assert isinstance(op, Operation)
    golden = next(bf16_goldens(value), None) or next(
        (kept[user] for user in sums_of(value) if user in kept), None
    )
    if golden is None:
        return False
    kept[op] = golden
    refused(
        op,
        f"'{op.name}' stays: guard bf16-fallback keeps the matmul re-interleave because "
        f"'{golden.name}' rounds its result to bf16",
        "guard bf16-fallback",
        sites=1,
    )
    return True


def rounds_to_bf16(op: Operation) -> bool:
    """The operation keeps only the bf16 rounding of its tile operand."""
    if isinstance(op, TCvtOp):
        return any(isinstance(r.type, TileType) and r.type.data.dtype == "bf16" for r in op.res)
    if isinstance(op, TStoreOp):
        view, tile = op.outs[0].type, op.ins[0].type
        return (
            isinstance(view, PartitionTensorViewType)
            and isinstance(tile, TileType)
            and view.data.dtype == "bf16" != tile.data.dtype
        )
    if isinstance(op, MatmulOp):
        return any(isinstance(v.type, TileType) and v.type.data.dtype == "bf16" for v in op.ins)
    return False


def _yielded_to(end: scf.YieldOp, index: int) -> list[SSAValue]:
    parent = end.parent_op()
    if isinstance(parent, scf.ForOp):
        return [parent.body.block.args[index + 1], parent.results[index]]
    return [parent.results[index]] if isinstance(parent, TileOp | scf.IfOp) else []
