"""Which arguments of a kernel a loop may write, asked before any of its trips has run."""

from collections.abc import Callable

from xdsl.ir import Operation, OpResult, SSAValue
from xdsl.traits import is_side_effect_free

from dialects.pto import sync
from dialects.pto.base import MEMORY_TYPES, TileOp
from dialects.pto.sync import CoreFlagOp, SyncAllOp
from dsv4_passes.interpreter.values import GmView, Pointer, Value

BARRIERS = frozenset(op.name for op in sync.OPERATIONS if issubclass(op, (CoreFlagOp, SyncAllOp)))
"""Operations that wait for other cores or blocks."""
WRITE_ANYTHING = BARRIERS | {"func.call"}
_VIEWS = ("pto.partition_view", "pto.make_tensor_view", "pto.addptr")
"""Operations that yield a pointer or view of what their first operand points to."""


def stored_within(
    loop: Operation, knows: Callable[[Operation], bool], argument: Callable[[SSAValue], int | None]
) -> set[int] | None:
    """The pointer arguments that something inside may write; None where that is not clear.

    `knows` says whether an operation has semantics, `argument` which argument a value from outside of the
    loop points into.
    """
    found: set[int] = set()
    for op in loop.walk():
        if isinstance(op, TileOp):
            writes = op.outs if knows(op) else op.operands
        elif op.name == "pto.store_scalar":
            writes = op.operands
        elif is_side_effect_free(op) or (knows(op) and op.name not in WRITE_ANYTHING):
            continue
        else:
            return None
        for value in writes:
            if not isinstance(value.type, MEMORY_TYPES):
                continue
            source = _viewed(value)
            stored = None if loop.is_ancestor(source.owner) else argument(source)
            if stored is None:
                return None
            found.add(stored)
    return found


def argument_of(value: Value) -> int | None:
    """The argument that a pointer or view points into."""
    pointer = value.pointer if isinstance(value, GmView) else value
    return pointer.argument if isinstance(pointer, Pointer) else None


def _viewed(value: SSAValue) -> SSAValue:
    """What views that a loop may make are views of."""
    while isinstance(value, OpResult) and value.op.name in _VIEWS:
        value = value.op.operands[0]
    return value
