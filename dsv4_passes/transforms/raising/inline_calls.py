"""Put the bodies of helper functions in place of calls, so that their tiles can be raised with the caller's.

    func.call @half(%x, %y)         =>      the body of @half, its parameters being %x and %y

Legal because a call runs the body on the same memory, on the chip and in GM. Only a private function of the
same module has its body inlined, one block of it that calls neither itself nor what is not inlined. It goes
where no call is left (`drop_inlined`).
"""

from collections.abc import Iterable, Mapping

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.pto.opaque import OpaqueOp
from dialects.pto.types import TileBufType
from dsv4_passes.source_names import carry_names
from dsv4_passes.xdsl_extras.functions import functions_in

Functions = Mapping[str, func.FuncOp]


def functions_by_name(op: Operation) -> Functions:
    """The functions of the module that an operation is, or stands in."""
    module = op.get_toplevel_object()
    if not isinstance(module, ModuleOp):
        return {}
    return {function.sym_name.data: function for function in functions_in(module)}


def callee_of(call: func.CallOp, functions: Functions) -> func.FuncOp | None:
    return functions.get(call.callee.root_reference.data)


def calls_in(function: func.FuncOp) -> list[func.CallOp]:
    return [op for op in function.walk() if isinstance(op, func.CallOp)]


def makes_handle(op: Operation) -> bool:
    return any(isinstance(result.type, TileBufType) for result in op.results)


def may_touch(function: func.FuncOp) -> bool:
    """The function has tiles or is given some, or has operations that are not analysed here."""
    if any(isinstance(type_, TileBufType) for type_ in function.function_type.inputs):
        return True
    return any(makes_handle(op) or isinstance(op, (func.CallOp, OpaqueOp)) for op in function.walk())


def can_inline(function: func.FuncOp, functions: Functions, within: tuple[func.FuncOp, ...] = ()) -> bool:
    """The function is a private helper with tiles, which can go where it is called."""
    visibility = function.sym_visibility
    if function in within or visibility is None or visibility.data != "private":
        return False
    if len(function.body.blocks) != 1 or not may_touch(function):
        return False
    inner = [callee_of(call, functions) for call in calls_in(function)]
    return all(callee is not None and can_inline(callee, functions, (*within, function)) for callee in inner)


def inlined_helpers(module: ModuleOp) -> set[func.FuncOp]:
    """The functions that are called, and go where they are called."""
    functions = functions_by_name(module)
    called = {callee_of(call, functions) for function in functions.values() for call in calls_in(function)}
    return {callee for callee in called if callee is not None and can_inline(callee, functions)}


def inline_calls(function: func.FuncOp, functions: Functions) -> list[func.FuncOp]:
    """Inline what can be inlined into a function; the helpers that were."""
    inlined: dict[func.FuncOp, None] = {}
    while calls := [
        (call, callee)
        for call in calls_in(function)
        if (callee := callee_of(call, functions)) is not None and can_inline(callee, functions)
    ]:
        for call, callee in calls:
            inlined[callee] = None
            _inline(call, callee)
    return list(inlined)


def _inline(call: func.CallOp, callee: func.FuncOp) -> None:
    names: dict[SSAValue, SSAValue] = {}
    copy = callee.clone(value_mapper=names)
    carry_names(names)
    body = copy.body.block
    end = body.last_op
    assert isinstance(end, func.ReturnOp)
    results = [
        call.arguments[body.args.index(v)] if v in body.args else v  # what is handed back as it came
        for v in end.arguments
    ]
    Rewriter.erase_op(end)
    Rewriter.inline_block(body, InsertPoint.before(call), call.arguments)
    Rewriter.replace_op(call, [], results)


def drop_inlined(module: ModuleOp, helpers: Iterable[func.FuncOp]) -> None:
    """Erase helpers that nothing calls any longer."""
    candidates = [h for h in helpers if h.parent is not None]
    for _ in list(candidates):
        called = {op.callee.root_reference.data for op in module.walk() if isinstance(op, func.CallOp)}
        for helper in [h for h in candidates if h.sym_name.data not in called]:
            candidates.remove(helper)
            Rewriter.erase_op(helper)
