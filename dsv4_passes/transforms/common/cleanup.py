"""Clean up behind a rewrite: dead code, moves that go nowhere, values that are computed twice.

Stock `cse` scans all operations between two reads and is quadratic on long blocks; this merges only what
has no effects and no regions, by a hash, in one walk.
"""

from xdsl.dialects import func
from xdsl.ir import Attribute, Block, Operation
from xdsl.rewriter import Rewriter
from xdsl.transforms.dead_code_elimination import region_dce

from dialects.dsv4.lanes import LaneOp
from dialects.dsv4.opaque import CoreMoveOp
from dialects.pto.base import layout_of
from dialects.pto.convert import TCvtOp
from dialects.pto.memory import MakeTensorViewOp
from dialects.pto.tiles import ReinterpretOp, ReshapeOp

MERGED = ("arith.constant", "arith.index_cast", "arith.addi", "arith.subi", "arith.muli")
SHARED = (MakeTensorViewOp, TCvtOp, ReshapeOp, ReinterpretOp, LaneOp)

ExpressionKey = tuple[object, ...]


def eliminate_dead_code(function: func.FuncOp) -> None:
    """Tidy one function in value form."""
    for op in list(function.walk()):
        if isinstance(op, CoreMoveOp) and op.source.type == op.res.type:
            Rewriter.replace_op(op, [], [op.source])
    _merge(function.body.block, {})
    region_dce(function.body)


def _merge(block: Block, above: dict[ExpressionKey, Operation]) -> None:
    """Replace a scalar or lane move by an equal one that was computed before, in this block or around it."""
    known = dict(above) if above else {}
    for op in list(block.ops):
        if op.name in MERGED or (isinstance(op, SHARED) and op.results):
            key = _key(op)
            if (same := known.get(key)) is None:
                known[key] = op
            else:
                Rewriter.replace_op(op, [], list(same.results))
        else:
            for region in op.regions:
                for inner in region.blocks:
                    _merge(inner, known)


def _key(op: Operation) -> ExpressionKey:
    if isinstance(op, TCvtOp) and widens(op):
        return op.name, tuple(op.operands), (), tuple(r.type for r in op.results)
    properties: list[tuple[str, Attribute]] = sorted(op.properties.items(), key=lambda item: item[0])
    return op.name, tuple(op.operands), tuple(properties), tuple(r.type for r in op.results)


def widens(op: TCvtOp) -> bool:
    """A short float becomes f32, which is exact: no rounding mode has a say in it."""
    return layout_of(op.ins[0]).dtype in ("bf16", "f16") and op.destination_layout().dtype == "f32"
