"""Functions of two modules that are the same, operation by operation: nothing has to be run to know that."""

from xdsl.dialects import func
from xdsl.ir import IRNode, SSAValue

from dsv4_passes.interpreter.machine import SPMD_PARAMETERS


def alike(a: func.FuncOp, b: func.FuncOp) -> bool:
    """Two functions of two modules are the same operation by operation, with the types of what they yield.

    Types say how lanes are rounded; a name says which argument is the number of the block.
    """
    context: dict[IRNode | SSAValue, IRNode | SSAValue] = {}
    if a.parent is not None and b.parent is not None:
        context[a.parent] = b.parent
    if not a.is_structurally_equivalent(b, context):
        return False
    results = ((x, y) for p, q in zip(a.walk(), b.walk(), strict=True) for x, y in zip(p.results, q.results))
    return all(x.type == y.type for x, y in results) and _numbers(a) == _numbers(b)


def _numbers(function: func.FuncOp) -> list[str | None]:
    """By argument, the number of blocks or cores that its name makes it."""
    first = function.body.first_block
    return [SPMD_PARAMETERS.get(arg.name_hint or "") for arg in first.args] if first is not None else []
