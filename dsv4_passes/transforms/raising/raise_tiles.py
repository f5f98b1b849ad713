"""`pto-raise`: from tiles in memory to tiles as values.

    %a = pto.alloc_tile addr = %c0 …                    %0 = pto.tload ins(%p : …) -> T
    pto.tload ins(%p : …) outs(%a : TB)          =>     %1 = pto.tadd ins(%0, %0 : T, T) -> T
    %b = pto.alloc_tile addr = %c0 …
    pto.tadd ins(%b, %b : TB, TB) outs(%a : TB)

Every read becomes the value that last wrote those bytes: reaching definitions over byte ranges, because
the same bytes appear under several names with no operation between them (`raise_walk`, `raise_flow`). A
range that is read as another type becomes a reshape, a zero-copy transpose or a bitcast, a piece written
into a tile an insert (`raise_views`); bytes that travel around a loop or out of a branch become iteration
arguments and results (`raise_joins`).

Legal because a value is used only where the bytes it stands for are proved to hold it. A function in
which that cannot be proved (a dynamic address, tiles that overlap partly, an operation that is not
understood) stays as it is, with a remark. `pto-lower` is the way back. Private helper functions with tiles
are inlined first.
"""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.pto.base import target_arch
from dialects.pto.target import chip_rules
from dsv4_passes import source_names as spelling
from dsv4_passes.diagnostics import refused
from dsv4_passes.transforms.common.byte_ranges import CannotRaise
from dsv4_passes.transforms.common.origin import Origin, functions_of, note_origin

from .inline_calls import (
    Functions,
    callee_of,
    calls_in,
    can_inline,
    functions_by_name,
    inline_calls,
    inlined_helpers,
    makes_handle,
    may_touch,
)
from .walk import Walk


def raise_function(function: func.FuncOp) -> func.FuncOp | None:
    """Raise one function and return what took its place.

    None where there is nothing to raise, or where it cannot be done: then the function is left as it is,
    with a remark.
    """
    if not any(makes_handle(op) or isinstance(op, func.CallOp) for op in function.walk()):
        return None
    functions = functions_by_name(function)
    try:
        names: dict[SSAValue, SSAValue] = {}
        clone = function.clone(value_mapper=names)
        spelling.carry_names(names)
        helpers = inline_calls(clone, functions)
        inlined = clone.clone() if helpers else None
        if not any(makes_handle(op) for op in clone.walk()):
            return None
        refuse_shared_tiles(function, functions)
        Walk(clone.body.block, chip_rules(target_arch(function)))
    except CannotRaise as problem:
        refused(
            problem.op,
            f"'{function.sym_name.data}' stays in buffer form because of '{problem.op.name}': {problem.why}",
            problem.reason,
        )
        return None
    Rewriter.insert_op(clone, InsertPoint.before(function))
    function.detach()
    note_origin([clone], Origin([function], helpers=helpers, inlined=inlined))
    return clone


def refuse_shared_tiles(function: func.FuncOp, functions: Functions) -> None:
    """A function and one that it calls see the same memory of the chip. CannotRaise unless it is inlined."""
    for caller in (function, *functions.values()):
        for op in calls_in(caller) if len(functions) > 1 or caller is function else ():
            callee = callee_of(op, functions)
            if callee is function:
                raise CannotRaise(op, "tiles across a call", "caller and function called may share tiles")
            if caller is not function or (callee is not None and can_inline(callee, functions)):
                continue
            if callee is None or not callee.body.blocks or may_touch(callee):
                raise CannotRaise(op, "tiles across a call", "the function it calls may touch any tile")


@dataclass(frozen=True)
class PtoRaisePass(ModulePass):
    """Raise every function of the module that can be raised."""

    name = "pto-raise"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        helpers = inlined_helpers(op)
        for function in functions_of(op):
            if function not in helpers:
                raise_function(function)
