"""What passes on whole programs ask of an orchestration: versions, writers, launches and their kernels."""

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter

from dialects.dsv4.functions import find_function, visible, written
from dialects.dsv4.launch import LaunchOp, WrapperOp, fixed_names
from dialects.dsv4.opaque import TextCallOp
from dialects.dsv4.tensors import AssembleOp, CreateOp, DimOp, ReadOp, UpdateOp, WriteOp

VIEWS = ("dsv4.reshape", "dsv4.slice")


def position(launch: LaunchOp, parameter: int) -> int:
    """Which argument of a launch a parameter of its kernel is."""
    return [p.index for p in visible(launch.function())].index(parameter)


def written_result(launch: LaunchOp, parameter: int) -> SSAValue | None:
    """The new version of the tensor in a parameter, if the kernel writes it."""
    indices = [p.index for p in written(launch.function())]
    return launch.res[indices.index(parameter)] if parameter in indices else None


def tensor_of(value: SSAValue) -> SSAValue:
    """The tensor of which this is a version: where it was created or came in."""
    while isinstance(op := value.owner, Operation):
        if isinstance(op, LaunchOp):
            index = next(i for i, result in enumerate(op.res) if result is value)
            outputs = written(op.function())
            if index >= len(outputs):
                return value
            value = op.args[position(op, outputs[index].index)]
        elif op.name in VIEWS:
            value = op.operands[0]
        elif isinstance(op, AssembleOp | UpdateOp | WriteOp):
            value = op.dest
        elif isinstance(op, TextCallOp):
            given = [v for v in op.operands if isinstance(v.type, TensorType)]
            index = next(i for i, result in enumerate(op.results) if result is value)
            if index >= len(given):
                return value
            value = given[index]
        else:
            return value
    return value


def is_only_read(tensor: SSAValue) -> bool:
    """No user of this version or of its views writes it."""
    for use in tensor.uses:
        op = use.operation
        if isinstance(op, LaunchOp):
            if any(position(op, p.index) == use.index for p in written(op.function())):
                return False
        elif op.name in VIEWS:
            if not is_only_read(op.results[0]):
                return False
        elif not isinstance(op, DimOp | ReadOp | func.ReturnOp):
            return False
    return True


def drop_unused_tensors(module: ModuleOp) -> None:
    """Erase the creation of unused tensors."""
    for create in [op for op in module.walk() if isinstance(op, CreateOp)]:
        if not create.res.uses:
            Rewriter.erase_op(create)


def remove_unused(module: ModuleOp, launch: LaunchOp) -> None:
    """Remove a launch, and its kernel and wrapper if no other launch names them."""
    callee = launch.callee
    wrapper = launch.via.root_reference.data if launch.via is not None else None
    Rewriter.erase_op(launch)
    rest = [op for op in module.walk() if isinstance(op, LaunchOp)]
    fixed = fixed_names(module)
    if callee in fixed:
        return
    if wrapper and not any(o.via is not None and o.via.root_reference.data == wrapper for o in rest):
        for op in list(module.ops):
            if isinstance(op, WrapperOp) and op.sym_name.data == wrapper:
                Rewriter.erase_op(op)
    if not any(other.callee == callee for other in rest) and (function := find_function(module, callee)):
        Rewriter.erase_op(function)
