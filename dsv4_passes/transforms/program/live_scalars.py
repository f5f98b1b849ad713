"""Which scalars of a program anything depends on that is seen from outside.

Loops of kernels often carry numbers that nothing needs, and kernels return what they carried last; the next
launch takes it as the start of a loop that carries it on. Followed through all kernels, loops and branches,
such a number reaches no address, no tile, no bound and no condition.
"""

from collections.abc import Iterator

from xdsl.dialects import func, scf
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import BlockArgument, Operation, OpResult, SSAValue
from xdsl.traits import is_side_effect_free

from dialects.dsv4.functions import visible, written
from dialects.dsv4.launch import LaunchOp
from dialects.pto.types import TileType


def live_scalars(module: ModuleOp) -> set[SSAValue]:
    """The values that an effect, a tile, a bound or a condition depends on."""
    flow = _Flow(module)
    live, pending = set[SSAValue](), list(flow.roots())
    while pending:
        value = pending.pop()
        if value not in live:
            live.add(value)
            pending += flow.sources(value)
    return live


class _Flow:
    """Where scalars come from."""

    def __init__(self, module: ModuleOp):
        self.functions = [op for op in module.ops if isinstance(op, func.FuncOp)]
        self.launches: dict[str, list[LaunchOp]] = {}
        for function in self.functions:
            for op in function.walk():
                if isinstance(op, LaunchOp):
                    self.launches.setdefault(op.callee, []).append(op)

    def roots(self) -> Iterator[SSAValue]:
        """What is used by more than a computation of other scalars."""
        for function in self.functions:
            for op in function.walk():
                if isinstance(op, scf.ForOp):
                    yield from (op.lb, op.ub, op.step)
                elif isinstance(op, scf.IfOp):
                    yield op.cond
                elif isinstance(op, func.ReturnOp):
                    yield from () if function.sym_name.data in self.launches else op.operands
                elif not isinstance(op, LaunchOp | func.FuncOp) and not _passes_on(op) and not _computes(op):
                    yield from op.operands

    def sources(self, value: SSAValue) -> Iterator[SSAValue]:
        """What a scalar is computed from."""
        if isinstance(value, BlockArgument):
            yield from self.given(value)
        elif isinstance(op := value.owner, scf.ForOp):
            yield op.iter_args[(index := _index(value))]
            yield from _yielded(op, index)
        elif isinstance(op, scf.IfOp):
            yield from _yielded(op, _index(value))
        elif isinstance(op, LaunchOp):
            kernel = op.function()
            last, own = kernel.body.block.last_op, _index(value) - len(written(kernel))
            if own >= 0 and last is not None:
                yield last.operands[own]
        elif isinstance(op, Operation) and _computes(op):
            yield from op.operands

    def given(self, value: BlockArgument) -> Iterator[SSAValue]:
        """What an argument of a loop or of a kernel is given."""
        owner = value.block.parent_op()
        if isinstance(owner, scf.ForOp) and value.index:
            yield owner.iter_args[value.index - 1]
            yield from _yielded(owner, value.index - 1)
        elif isinstance(owner, func.FuncOp):
            passed = {p.index: number for number, p in enumerate(visible(owner))}
            if (number := passed.get(value.index)) is not None:
                yield from (launch.args[number] for launch in self.launches.get(owner.sym_name.data, ()))


def _passes_on(op: Operation) -> bool:
    """The end of a loop or branch."""
    return isinstance(op, scf.YieldOp) and isinstance(op.parent_op(), scf.ForOp | scf.IfOp)


def _computes(op: Operation) -> bool:
    """The operation makes scalars of scalars, and nothing else."""
    values = (*op.operands, *op.results)
    kinds = (TileType, TensorType)
    return not op.regions and is_side_effect_free(op) and not any(isinstance(v.type, kinds) for v in values)


def _index(value: SSAValue) -> int:
    assert isinstance(value, OpResult)
    return value.index


def _yielded(op: scf.ForOp | scf.IfOp, index: int) -> Iterator[SSAValue]:
    for region in op.regions:
        last = region.block.last_op if region.blocks else None
        if isinstance(last, scf.YieldOp):
            yield last.operands[index]
