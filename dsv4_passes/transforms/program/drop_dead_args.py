"""`dsv4-drop-dead-args`: parameters that a kernel no longer reads go, in the kernel and at every launch.

    func.func @k(%x, %even_select)           =>    func.func @k(%x)
    dsv4.launch @k (%a, %even)                     dsv4.launch @k (%a)

Legal because nothing in the kernel uses the argument. A parameter of the orchestration itself is part of
what other programs call (the ABI): it is reported, and kept unless `entry=true`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, FunctionType, ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.dsv4.functions import (
    KERNEL,
    ORCHESTRATION,
    parameters,
    program_functions,
    returned,
    set_returned,
    visible,
    written,
)
from dialects.dsv4.launch import LaunchOp, fixed_names
from dsv4_passes.diagnostics import note, rewritten

from .orchestration import drop_unused_tensors


def drop_arguments(function: func.FuncOp, indices: Sequence[int]) -> None:
    """Remove unused arguments from a function: block, type and attributes."""
    block = function.body.block
    gone = set(indices)
    for index in sorted(gone, reverse=True):
        block.erase_arg(block.args[index])
    inputs = [t for i, t in enumerate(function.function_type.inputs.data) if i not in gone]
    function.function_type = FunctionType.from_lists(inputs, list(function.function_type.outputs.data))
    if function.arg_attrs is not None:
        function.arg_attrs = ArrayAttr([a for i, a in enumerate(function.arg_attrs.data) if i not in gone])


def drop_in_kernel(module: ModuleOp, kernel: func.FuncOp) -> list[str]:
    """Remove what a kernel no longer uses, here and in its launches; the names of what went."""
    unused = {p.index for p in parameters(kernel) if not list(kernel.body.block.args[p.index].uses)}
    extents = [p for p in parameters(kernel) if p.hidden == "dim"]
    known = {dim for p in visible(kernel) if p.index not in unused for dim in p.dims}
    wanted = {p.name for p in extents if p.index not in unused} - known
    # A launch has an extent from a tensor that has it.
    dead = [p for p in visible(kernel) if p.index in unused and not wanted.intersection(p.dims)]
    if not dead:
        return []
    position = {p.index: i for i, p in enumerate(visible(kernel))}
    outputs = [p.index for p in written(kernel)]
    gone = {p.index for p in dead}
    launches = [op for op in module.walk() if isinstance(op, LaunchOp) and op.callee == kernel.sym_name.data]
    kept_results = [i for i, index in enumerate(outputs) if index not in gone]
    renumbered = {old: new for new, old in enumerate(kept_results)}
    scalars = len(outputs)
    back = [
        renumbered.get(i, i - scalars + len(kept_results))
        for i in returned(kernel)
        if i >= scalars or i in renumbered
    ]
    for launch in launches:
        keep = [v for i, v in enumerate(launch.args) if i not in {position[g] for g in gone}]
        results = [r for i, r in enumerate(launch.res) if i >= scalars or i in renumbered]
        for i, index in enumerate(outputs):
            if index in gone:
                launch.res[i].replace_all_uses_with(launch.args[position[index]])
        new = LaunchOp(
            launch.callee,
            keep,
            [r.type for r in results],
            launch.grid,
            launch.via.root_reference.data if launch.via is not None else None,
        )
        new.location = launch.location
        new.attributes |= launch.attributes
        Rewriter.insert_op(new, InsertPoint.before(launch))
        for old, result in zip(results, new.res, strict=True):
            result.name_hint = old.name_hint
            old.replace_all_uses_with(result)
        Rewriter.erase_op(launch)
    hidden = {p.index for p in extents if p.index in unused and p.name not in known}
    drop_arguments(kernel, sorted(gone | hidden))
    set_returned(kernel, back)
    return [p.name for p in dead]


def drop_all(module: ModuleOp, entry: bool = False) -> int:
    """Drop dead parameters of all kernels; report, or drop, those of orchestrations."""
    count = 0
    fixed = fixed_names(module)
    for kernel in program_functions(module, KERNEL):
        if kernel.sym_name.data in fixed:
            continue
        if names := drop_in_kernel(module, kernel):
            quoted = ", ".join(f"'{n}'" for n in names)
            it = "it" if len(names) == 1 else "them"
            rewritten(kernel, f"'{kernel.sym_name.data}' no longer takes {quoted}: nothing in it uses {it}")
            count += len(names)
    if count:
        drop_unused_tensors(module)
    for function in program_functions(module, ORCHESTRATION):
        arguments = function.body.block.args
        dead = [
            p
            for p in parameters(function)
            if p.hidden is None and not p.written and not list(arguments[p.index].uses)
        ]
        if not dead:
            continue
        quoted = ", ".join(f"'{p.name}'" for p in dead)
        if entry:
            drop_arguments(function, [p.index for p in dead])
            rewritten(function, f"'{function.sym_name.data}' no longer takes {quoted}: callers must change")
            count += len(dead)
        else:
            note(
                function,
                f"'{function.sym_name.data}' does not use {quoted}; "
                "kept, as callers pass them (entry=true drops them)",
            )
    return count


@dataclass(frozen=True)
class DropDeadArgsPass(ModulePass):
    """Drop unused kernel parameters; `entry=true` also those of the orchestration."""

    name = "dsv4-drop-dead-args"
    entry: bool = False
    """whether unused parameters of the orchestration go, too, which others call"""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        drop_all(op, self.entry)
