"""`dsv4-drop-dead-stores`: remove stores to GM tensors that are never read, and the tensors.

    %t  = dsv4.create : tensor<64x64xf32>
    %t1 = dsv4.launch @k (%x, %t)             =>    dsv4.launch @k (%x)
    (nothing uses %t1, and @k does not load %t)

That a parameter is declared `pl.Out` says nothing about loads: the body is asked.

A kernel that does nothing any more is not launched. Legal because a tensor that the orchestration created,
neither returns nor passes to a reader is not observable.
"""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter
from xdsl.traits import is_side_effect_free
from xdsl.transforms.dead_code_elimination import region_dce

from dialects.dsv4.functions import KERNEL, program_functions, visible
from dialects.dsv4.launch import LaunchOp, fixed_names
from dialects.dsv4.tensors import CreateOp
from dsv4_passes.diagnostics import rewritten
from dsv4_passes.equivalence.gm_mod_ref import only_stored
from dsv4_passes.equivalence.unknown_ops import changing_tiles
from dsv4_passes.transforms.common.cleanup import eliminate_dead_code
from dsv4_passes.transforms.fusion.fuse_kernels import accesses

from .drop_dead_args import drop_in_kernel
from .orchestration import drop_unused_tensors, position, remove_unused, tensor_of

_FRAME = (scf.ForOp, scf.IfOp, scf.YieldOp, func.ReturnOp)


def drop_dead_stores(module: ModuleOp) -> int:
    """Drop dead stores in every kernel; returns how many tensors of kernels were dropped."""
    count = 0
    launches = [op for op in module.walk() if isinstance(op, LaunchOp)]
    fixed = fixed_names(module)
    for kernel in program_functions(module, KERNEL):
        if kernel.sym_name.data in fixed:
            continue
        before = count
        mine = [op for op in launches if op.callee == kernel.sym_name.data]
        for parameter in [p for p in visible(kernel) if p.written]:
            argument = kernel.body.block.args[parameter.index]
            tensors = [op.args[position(op, parameter.index)] for op in mine]
            if not mine or not argument.uses or any(_is_read(t, launches) for t in tensors):
                continue
            for store in list(accesses(kernel, argument)):
                Rewriter.erase_op(store)
            if changing_tiles(kernel) is None:
                eliminate_dead_code(kernel)
            else:
                region_dce(kernel.body)
            rewritten(
                kernel, f"nobody reads '{parameter.name}': '{kernel.sym_name.data}' does not store to it"
            )
            count += 1
        if count > before:
            drop_in_kernel(module, kernel)
            _drop_launches(module, kernel)
            launches = [op for op in module.walk() if isinstance(op, LaunchOp)]
    drop_unused_tensors(module)
    return count


def _drop_launches(module: ModuleOp, kernel: func.FuncOp) -> None:
    """Remove launches of kernels without effects, unless their scalar results are used."""
    if not all(isinstance(op, _FRAME) or is_side_effect_free(op) for op in kernel.walk() if op is not kernel):
        return
    name = kernel.sym_name.data
    mine = [op for op in module.walk() if isinstance(op, LaunchOp) and op.callee == name]
    if not any(list(r.uses) for op in mine for r in op.res):
        for launch in mine:
            rewritten(launch, f"'{name}' does nothing any more and is not launched")
            remove_unused(module, launch)


def _is_read(tensor: SSAValue, launches: list[LaunchOp]) -> bool:
    """The tensor may be read outside of the launches that only write it."""
    root = tensor_of(tensor)
    if not isinstance(root.owner, CreateOp):
        return True
    pending, seen = [root], set[SSAValue]()
    while pending:
        value = pending.pop()
        if value in seen:
            continue
        seen.add(value)
        for use in value.uses:
            op = use.operation
            if not isinstance(op, LaunchOp):
                return True
            function = op.function()
            parameter = visible(function)[use.index]
            if parameter.direction == "in" and not function.body.block.args[parameter.index].uses:
                continue
            if parameter.direction != "out" or not only_stored(function.body.block.args[parameter.index]):
                return True
            pending += [r for r in op.res if tensor_of(r) is root]
    return False


@dataclass(frozen=True)
class DropDeadStoresPass(ModulePass):
    """Drop stores to tensors of the program that are never read."""

    name = "dsv4-drop-dead-stores"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        drop_dead_stores(op)
