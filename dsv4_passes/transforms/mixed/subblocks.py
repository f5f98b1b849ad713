"""The functions of a mixed kernel before they are joined: one for the cube, one for each vector sub-block.

A cube core works with two vector cores, its sub-blocks, which run the same function and differ in the
number they ask for. What they share is the `split` of pushes and pops (pto-isa include/pto/common/fifo.hpp,
TileSplitAxis; ptoas 0.60 PTOToEmitC.cpp, getTileSplitToken):

    0  no split: the tile is for the first sub-block. On a2a3 the second one runs as well and has to push and
       pop as often, to stay in step (ptoas docs/PTO_IR_manual.md, "nosplit platform restrictions"): pypto
       writes `if subblock_idx == 0 {work} else {the same with tiles of 0x0}`.
    1  the upper half of the rows is the first sub-block's, the lower half the second's: a pop on the vector
       side gets a half, one on the cube side both halves, one above the other (pto-isa npu/a2a3/TPush.hpp
       popVecTileFromGMFiFo and pushVec2GMFiFo; npu/a5/TPush.hpp pushAcc2VecFiFo and pushVec2MatFiFo).
    2  the same with the left and the right half of the columns.

3 and 4 are for odd extents. Of a partly valid tile a2a3 halves what the consumer says is valid, a5 what the
producer says, and pto-isa's CPU simulator all rows: such tiles are not joined.
"""

from collections.abc import Iterator
from typing import cast

from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import IntegerAttr, IntegerType
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import MemoryEffectKind, get_effects

from dialects.pto.channels import ChannelOp, PopOp, PushOp
from dialects.pto.memory import constant_int
from dialects.pto.pipes import InitializePipeOp
from dialects.pto.sync import CoreFlagOp, SyncAllOp
from dialects.pto.types import TileBufType
from dsv4_passes.interpreter.machine import SPMD_PARAMETERS
from dsv4_passes.source_names import carry_names
from dsv4_passes.transforms.common.unroll import fold_numbers

SPLIT_AXIS = {1: 0, 2: 1}
"""The split axis: rows or columns."""
SUBBLOCKS = 2
"""Vector cores per cube core (pto-isa: splitNum in TPush.hpp)."""
_CASTS = ("arith.index_cast", "arith.extsi", "arith.trunci")


class CannotJoin(Exception):
    """Why two functions stay two, and the operation that says so."""

    def __init__(self, op: Operation, why: str):
        super().__init__(why)
        self.op = op


def is_pipe(op: Operation) -> bool:
    return isinstance(op, ChannelOp)


def has_pipes(op: Operation) -> bool:
    """The operation's regions contain a channel operation."""
    return bool(op.regions) and any(is_pipe(inner) for inner in op.walk())


def sides(cube: func.FuncOp, vector: func.FuncOp) -> tuple[func.FuncOp, list[func.FuncOp]]:
    """Copies of both functions; the vector function once for each sub-block that works. Raises CannotJoin."""
    for function in (cube, vector):
        _require_joinable(function)
    modes = {op.split.value.data: op for f in (cube, vector) for op in f.walk() if isinstance(op, ChannelOp)}
    for split, op in modes.items():
        if split and split not in SPLIT_AXIS:
            raise CannotJoin(op, f"it splits tiles with an odd extent (split = {split})")
    halved = [split for split in modes if split]
    if not halved:
        _require_mirrored(vector)
        return _copy(cube), [_copy(vector, 0)]
    if 0 in modes:
        raise CannotJoin(modes[0], "some tiles are split between the sub-blocks and some are not")
    return _copy(cube), [_copy(vector, number) for number in range(SUBBLOCKS)]


def splits_tiles(function: func.FuncOp) -> bool:
    """The sub-blocks share the data of channels."""
    return any(isinstance(op, ChannelOp) and op.split.value.data != 0 for op in function.walk())


def subblock_parameter(function: func.FuncOp) -> SSAValue | None:
    """The parameter that says which of the two sub-blocks runs the function."""
    named = (a for a in function.body.block.args if SPMD_PARAMETERS.get(a.name_hint or "") == "subblock_idx")
    return next(named, None)


def _require_joinable(function: func.FuncOp) -> None:
    for op in function.walk():
        if any(isinstance(r.type, TileBufType) for r in op.results):
            raise CannotJoin(op, f"'{function.sym_name.data}' is in buffer form")
        if isinstance(op, (CoreFlagOp, SyncAllOp)) or op.name == "pto.comm.twait":
            raise CannotJoin(op, "cores wait for each other elsewhere than at channels")
        if isinstance(op, InitializePipeOp) and op.acc_push_epilogue is not None:
            raise CannotJoin(op, "its pushes convert what they push")
        if isinstance(op, (PushOp, PopOp)) and op.aiv_subblockid is not None:
            raise CannotJoin(op, "it says which of the sub-blocks is meant")


def _copy(function: func.FuncOp, subblock: int | None = None) -> func.FuncOp:
    """A copy of a function in which the sub-block's number is a constant, if one is given."""
    clones: dict[SSAValue, SSAValue] = {}
    copy = function.clone(clones)
    carry_names(clones)
    for old, new in zip(function.walk(), copy.walk(), strict=True):
        new.location = old.location
    if subblock is not None:
        for value, number in _core_numbers(copy, subblock):
            constant = arith.ConstantOp(IntegerAttr(number, cast(IntegerType, value.type)))
            Rewriter.insert_op(constant, InsertPoint.at_start(copy.body.block))
            value.replace_all_uses_with(constant.result)
    fold_numbers(copy.body.block)
    return copy


def _core_numbers(function: func.FuncOp, subblock: int) -> list[tuple[SSAValue, int]]:
    """Values that say which sub-block this is, or how many there are, and what they are."""
    named = {"pto.get_subblock_idx": subblock, "pto.get_subblock_num": SUBBLOCKS}
    found: list[tuple[SSAValue, int]] = []
    if (parameter := subblock_parameter(function)) is not None:
        found.append((parameter, subblock))
    return [*found, *((op.results[0], named[op.name]) for op in function.walk() if op.name in named)]


# -- nothing is split ----------------------------------------------------------------------------------


def _require_mirrored(vector: func.FuncOp) -> None:
    """The second sub-block does nothing but keep the channels in step, if it does not do the same."""
    for value, _ in _core_numbers(vector, 0):
        for use in value.uses:
            if isinstance(op := value.owner, Operation) and op.name == "pto.get_subblock_num":
                raise CannotJoin(op, "the sub-blocks do different work")
            _require_compared(use.operation)


def _require_compared(op: Operation) -> None:
    """A use of the sub-block's number that says no more than which of the two it is."""
    uses = [use.operation for result in op.results for use in result.uses]
    if op.name in _CASTS:
        for use in uses:
            _require_compared(use)
        return
    if not _is_first_subblock(op) or not all(isinstance(use, scf.IfOp) for use in uses):
        raise CannotJoin(op, "the sub-blocks do different work")
    for use in uses:
        if isinstance(use, scf.IfOp):
            _require_mirror(use)


def _is_first_subblock(op: Operation) -> bool:
    """`subblock_idx == 0`."""
    predicate = op.properties.get("predicate")
    equal = op.name == "arith.cmpi" and isinstance(predicate, IntegerAttr) and predicate.value.data == 0
    return equal and constant_int(op.operands[1]) == 0


def _require_mirror(op: scf.IfOp) -> None:
    if not op.false_region.blocks:
        if has_pipes(op):
            raise CannotJoin(op, "the second sub-block leaves the channels alone")
        return
    ours, theirs = (list(_pipe_skeleton(r.block)) for r in (op.true_region, op.false_region))
    if ours != theirs:
        raise CannotJoin(op, "the second sub-block uses the channels in another order")
    for inner in op.false_region.walk():
        if not inner.regions and not is_pipe(inner) and _writes(inner):
            raise CannotJoin(inner, "the second sub-block stores something")


def _writes(op: Operation) -> bool:
    if isinstance(op, scf.YieldOp):
        return False
    effects = get_effects(op)
    return effects is None or any(effect.kind != MemoryEffectKind.READ for effect in effects)


def _pipe_skeleton(block: Block) -> Iterator[str]:
    """Channel operations of a block, with the loops and branches around them."""
    for op in block.ops:
        if is_pipe(op):
            yield op.name
        elif has_pipes(op):
            yield f"{op.name}("
            for region in op.regions:
                for inner in region.blocks:
                    yield from _pipe_skeleton(inner)
            yield ")"
