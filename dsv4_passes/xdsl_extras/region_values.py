"""Values that a loop carries or a branch yields, added to the operation where it stands.

A *column* of a loop is an initial value, a block argument, a yielded value and a result; one of a branch is
a yielded value per side and a result. xDSL makes operations whole, so adding a column means giving the
operation one more result by hand.
"""

from collections.abc import Callable, Collection, Sequence

from xdsl.dialects import scf
from xdsl.ir import Attribute, Block, BlockArgument, Operation, OpResult, SSAValue
from xdsl.ir.core import SSAValues

Structured = scf.ForOp | scf.IfOp


def add_result(op: Structured, type_: Attribute) -> SSAValue:
    """One more result behind the others. The operands that belong to it are up to the caller."""
    result = OpResult(type_, op, len(op.results))
    op.results = SSAValues((*op.results, result))
    return result


def add_argument(loop: scf.ForOp, type_: Attribute) -> BlockArgument:
    block = loop.body.block
    return block.insert_arg(type_, len(block.args))


def terminator(block: Block) -> scf.YieldOp:
    end = block.last_op
    assert isinstance(end, scf.YieldOp)
    return end


def else_block(branch: scf.IfOp) -> Block:
    """The block of the false region, made where there was none."""
    if not branch.false_region.blocks:
        branch.false_region.add_block(Block([scf.YieldOp()]))
    return branch.false_region.block


def phi_inputs(value: SSAValue) -> list[SSAValue] | None:
    """What a value of a column is one of: initial and yielded values; None for any other value."""
    owner = value.owner
    if isinstance(owner, scf.IfOp):
        index = list(owner.results).index(value)  # pyright: ignore[reportArgumentType]
        return [terminator(region.block).operands[index] for region in owner.regions]
    loop = owner.parent_op() if isinstance(owner, Block) else owner
    if not isinstance(loop, scf.ForOp) or value is loop.body.block.args[0]:
        return None
    values = loop.body.block.args[1:] if isinstance(owner, Block) else loop.results
    index = list(values).index(value)  # pyright: ignore[reportArgumentType]
    return [loop.iter_args[index], terminator(loop.body.block).operands[index]]


def passes_on(
    value: SSAValue, argument: BlockArgument, origin: Callable[[SSAValue], SSAValue] = lambda value: value
) -> bool:
    """Whether `value`, which a trip of a loop yields, is the argument that it was given.

    So it is through branches whose sides all yield it, through loops inside that pass it on in turn, and
    through copies: `origin` is what a value is a copy of, or that value.
    """
    value = origin(value)
    if value is argument:
        return True
    if not isinstance(value, OpResult) or not isinstance(owner := value.op, scf.ForOp | scf.IfOp):
        return False
    yielded = [terminator(region.block).operands[value.index] for region in owner.regions]
    if isinstance(owner, scf.IfOp):
        return all(passes_on(each, argument, origin) for each in yielded)
    if not passes_on(owner.iter_args[value.index], argument, origin):
        return False
    inner = owner.body.block.args[value.index + 1]
    return passes_on(yielded[0], inner, origin) or passes_on(yielded[0], argument, origin)


def append_operands(op: Operation, values: Sequence[SSAValue]) -> None:
    if values:
        op.operands = [*op.operands, *values]


def drop_columns(op: Structured, dropped: Collection[int]) -> None:
    """Remove columns; their arguments and results must have no uses outside of the removed operations."""
    if not dropped:
        return
    kept = [i for i in range(len(op.results)) if i not in dropped]
    for region in op.regions:
        if region.blocks:
            end = terminator(region.block)
            end.operands = [end.operands[i] for i in kept]
    if isinstance(op, scf.ForOp):
        bounds = len(op.operands) - len(op.results)
        block = op.body.block
        for index in sorted(dropped, reverse=True):
            block.erase_arg(block.args[index + 1], safe_erase=False)
        op.operands = [*op.operands[:bounds], *(op.operands[bounds + i] for i in kept)]
    for index in dropped:
        op.results[index].erase(safe_erase=False)
    results = [op.results[i] for i in kept]
    for index, result in enumerate(results):
        result.index = index
    op.results = SSAValues(results)
