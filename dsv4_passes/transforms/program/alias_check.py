"""Launches that pass one tensor in two places.

Pointer arguments of a kernel do not alias: that is how pypto calls kernels, and what every proof about a
kernel rests on. A program may still be written otherwise.
"""

from collections.abc import Iterator

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Operation, SSAValue

from dialects.dsv4.functions import visible, written
from dialects.dsv4.launch import LaunchOp

from .orchestration import tensor_of


def aliased_launch(function: func.FuncOp) -> tuple[LaunchOp, str, str] | None:
    """A launch of a kernel that passes a tensor, or parts of it, in two places of which one is written; and
    the names of both.
    """
    for launch in _launches(function):
        outputs = {p.index for p in written(function)}
        seen: dict[SSAValue, tuple[str, bool]] = {}
        for parameter, value in zip(visible(function), launch.args, strict=True):
            if not isinstance(value.type, TensorType):
                continue
            root, changed = tensor_of(value), parameter.index in outputs
            if root in seen and (changed or seen[root][1]):
                return launch, seen[root][0], parameter.name
            seen.setdefault(root, (parameter.name, changed))
    return None


def _launches(function: func.FuncOp) -> Iterator[LaunchOp]:
    module: Operation | None = function.parent_op()
    if not isinstance(module, ModuleOp):
        return
    for op in module.walk():
        if isinstance(op, LaunchOp) and op.callee == function.sym_name.data:
            yield op
