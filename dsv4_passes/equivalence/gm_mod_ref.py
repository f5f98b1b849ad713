"""Which arguments of a kernel its operations touch in GM, and which they write. Arguments do not overlap."""

from xdsl.dialects import func
from xdsl.ir import Operation, SSAValue
from xdsl.traits import MemoryEffectKind, get_effects

from dialects.pto.base import MEMORY_TYPES
from dialects.pto.memory import MakeTensorViewOp, PartitionViewOp, TStoreOp
from dsv4_passes.interpreter.tile_machine import atomic


def root(value: SSAValue) -> SSAValue | None:
    """The argument that a view or pointer comes from; None where that is not known."""
    while isinstance(op := value.owner, Operation):
        sources = [v for v in op.operands if isinstance(v.type, MEMORY_TYPES)]
        if len(sources) != 1:
            return None
        value = sources[0]
    return value


def writes(op: Operation) -> bool:
    """The operation may write memory."""
    effects = get_effects(op)
    return effects is None or any(e.kind != MemoryEffectKind.READ for e in effects)


def only_read(*functions: func.FuncOp) -> set[int]:
    """Arguments, by index, that none of the functions writes."""
    left = set(range(len(functions[0].body.block.args)))
    for function in functions:
        numbers: dict[SSAValue, int] = {arg: i for i, arg in enumerate(function.body.block.args)}
        for op in function.walk():
            places = [value for value in op.operands if isinstance(value.type, MEMORY_TYPES)]
            if not places or op.regions or not writes(op):
                continue
            for value in places:
                found = root(value)
                if found is None or found not in numbers:
                    return set()
                left.discard(numbers[found])
    return left


def only_stored(argument: SSAValue) -> bool:
    """All that the kernel does with a GM argument, if anything, is store tiles to it.

    Whatever its declared direction says: a load, a use that is not known, and a store that combines with what
    is there see the tensor as it came in.
    """
    pending = [argument]
    while pending:
        for use in pending.pop().uses:
            op = use.operation
            if isinstance(op, MakeTensorViewOp | PartitionViewOp):
                pending += op.results
            elif not isinstance(op, TStoreOp) or atomic(op):
                return False
    return True
