"""The functions of a module, found without a walk through what they do."""

from collections.abc import Iterator

from xdsl.dialects import func
from xdsl.ir import Operation


def functions_in(op: Operation) -> Iterator[func.FuncOp]:
    """The functions in an operation, in order, those of modules in it too; none inside another function."""
    for region in op.regions:
        for block in region.blocks:
            for inner in block.ops:
                if isinstance(inner, func.FuncOp):
                    yield inner
                elif inner.regions:
                    yield from functions_in(inner)
