"""What a chip and a version of ptoas take, asked of one operation: the rules that passes check and build by.

Which element type an operation has, and in which form a rule knows it, the operation itself says
(`TileOp.element_type`, `TileOp.element_form`).
"""

from typing import NamedTuple

from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Operation

from dialects.pto.allocation import AllocationOp, AllocMultiTileOp, MultiTileBufType
from dialects.pto.base import TileOp
from dialects.pto.memory import constant_int
from dialects.pto.pipes import ReserveBufferOp

from .chips import Chip
from .elements import ElementRule


class WrongElement(NamedTuple):
    """The element type that an operation has, and the rule that does not list it."""

    dtype: str
    rule: ElementRule


def wrong_element(op: TileOp, chip: Chip) -> WrongElement | None:
    """What is wrong with the element type on a chip; None where it is legal or no rule is known."""
    rule, dtype = chip.element_rule(op.mnemonic(), op.element_form()), op.element_type()
    return None if rule is None or dtype is None or dtype in rule.dtypes else WrongElement(dtype, rule)


def beyond_memory(op: Operation, chip: Chip) -> str | None:
    """The violation where an operation uses a constant address beyond the usable memory."""
    found = _end(op)
    if found is None or (memory := chip.memories.get(found[1])) is None or found[2] <= memory.usable:
        return None
    what, space, end = found
    return (
        f"{what} to byte {end} of {space} memory, {chip.name} has {memory.usable} usable of {memory.hardware}"
    )


def _end(op: Operation) -> tuple[str, str, int] | None:
    """The memory, and the first byte behind the range used in it."""
    if isinstance(op, AllocationOp) and op.addr is not None and (at := constant_int(op.addr)) is not None:
        type_ = op.results[0].type
        slots = type_.data.number if isinstance(type_, MultiTileBufType) else 1
        what = f"{slots} tiles reach" if isinstance(op, AllocMultiTileOp) else "a tile reaches"
        return what, op.layout.loc, at + slots * op.layout.bytes
    if isinstance(op, ReserveBufferOp) and isinstance(op.base, IntegerAttr):
        end = op.base.value.data + op.size.value.data
        return f"the buffer '{op.buffer_name.data}' reaches", op.space.data, end
    return None
