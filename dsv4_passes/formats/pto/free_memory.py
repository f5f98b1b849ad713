"""Free bytes for a temporary in a function whose addresses are already assigned.

First a gap that the function never uses, then bytes that are dead after the operation. What a
pipe, the chip's libraries or a function called on the same core uses is never free.
"""

import re
from collections.abc import Collection
from typing import NamedTuple

from xdsl.dialects.builtin import IntegerAttr
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Operation, SSAValue

from dialects.pto.allocation import AllocMultiTileOp, AllocTileOp, MultiTileGetOp
from dialects.pto.base import TileOp
from dialects.pto.channels import PopOp
from dialects.pto.handles import MultiTileBufType
from dialects.pto.memory import constant_int
from dialects.pto.opaque import OpaqueOp
from dialects.pto.tiles import BitcastOp, SubviewOp, TReshapeOp
from dialects.pto.types import PtrType, TileBufType
from dsv4_passes import source_names as spelling
from dsv4_passes.diagnostics import UserError
from dsv4_passes.targets import Chip

from .live_bytes import LiveBytes, bytes_of

SPACE = "vec"


class Used(NamedTuple):
    """Bytes [lo, hi) of vec memory and the value that occupies them."""

    lo: int
    hi: int
    what: str


class FreeMemory:
    """Vec memory of one function. `wanting` are the operations that `address` will be asked for."""

    def __init__(self, function: FuncOp, chip: Chip, wanting: Collection[Operation]):
        self._function = function
        self._memory = chip.memory(SPACE)
        root = function.get_toplevel_object()
        # What a callee does is not looked at: with calls, nothing that any function uses is free.
        self._calls = isinstance(root, Operation) and any(isinstance(op, CallOp) for op in root.walk())
        scope = root if self._calls and isinstance(root, Operation) else function
        self._taken = [
            Used(r.offset, r.offset + r.size, "the chip") for r in chip.reserved if r.space == SPACE
        ]
        self._tiles: list[Used] = []
        self._chosen = False
        """The tile of some handle is selected at run time."""
        for op in scope.walk():
            self._check(op)
            if isinstance(op, AllocTileOp) and op.layout.loc == SPACE:
                self._tiles.append(_range(op, op.layout.bytes))
            elif isinstance(op, AllocMultiTileOp):
                slots = op.res.type.data
                if slots.layout.loc == SPACE:
                    self._taken.append(_range(op, slots.layout.bytes * slots.number))
            elif op.name == "pto.reserve_buffer":
                self._add_slots(op)
            elif op.name == "pto.tassign" and _in_space(op.results[0]):
                self._taken.append(_assigned(op))
        self._wanting = wanting
        self._live: LiveBytes | None = None

    def _check(self, op: Operation) -> None:
        """Raise UserError for a way to have vec memory that is not looked into."""
        if isinstance(op, OpaqueOp) and any(_HIDDEN.search(piece) for piece in op.pieces):
            raise _unknown(op)
        for region in op.regions:
            for block in region.blocks:
                if any(map(_in_space, block.args)):
                    if isinstance(op, FuncOp):
                        raise _unknown(op)
                    self._chosen = True
        if not any(map(_in_space, op.results)) or isinstance(op, _FOLLOWED) or op.name == "pto.tassign":
            return
        uses = op.results[0].uses
        if op.name == "pto.declare_tile" and all(use.operation.name == "pto.tassign" for use in uses):
            return
        if not op.regions:
            raise _unknown(op)
        self._chosen = True

    def _add_slots(self, op: Operation) -> None:
        given = op.properties | op.attributes
        base, size = given.get("base"), given.get("size")
        if getattr(given.get("location"), "data", None) != SPACE or not isinstance(size, IntegerAttr):
            return
        if not isinstance(base, IntegerAttr):
            raise UserError(
                f"'{op.name}' op has no base, so no other bytes can be known to be free",
                op.location,
            )
        self._taken.append(Used(base.value.data, base.value.data + size.value.data, "pipe slots"))

    def address(self, op: TileOp, size: int) -> int:
        """Where `op` may have `size` bytes to itself. Raises UserError, with the memory plan, if nowhere."""
        found = self._gap([*self._taken, *self._tiles], size)
        if found is None and not self._calls and not self._chosen:
            found = self._gap([*self._taken, *self._in_use_at(op)], size)
        if found is not None:
            return found
        plan = ", ".join(f"{lo}..{hi} {what}" for lo, hi, what in sorted({*self._taken, *self._tiles}))
        raise UserError(
            f"'{op.name}' op needs {size} free bytes of {SPACE} memory as scratch, and of "
            f"{self._memory.usable} usable ones all are taken: {plan}; "
            "raising and lowering the kernel plans its memory anew",
            op.location,
        )

    def _gap(self, used: list[Used], size: int) -> int | None:
        """The lowest address with `size` bytes that none of `used` has."""
        align, at = self._memory.align, 0
        for lo, hi, _ in sorted(used):
            if at + size <= lo:
                break
            at = max(at, -(-hi // align) * align)
        return at if at + size <= self._memory.usable else None

    def _in_use_at(self, op: TileOp) -> list[Used]:
        """Bytes that `op` itself has as operands, and those whose content is read after it."""
        if self._live is None:
            self._live = LiveBytes(self._function.body.block, SPACE, self._wanting)
        own = [found for operand in op.operands if (found := bytes_of(operand, SPACE)) is not None]
        return [Used(lo, hi, "") for lo, hi in (*own, *self._live.after(op))]


_FOLLOWED = (AllocTileOp, AllocMultiTileOp, SubviewOp, BitcastOp, TReshapeOp, MultiTileGetOp, PopOp)
"""What yields a handle whose bytes are looked at here, or are those of a pipe's slots."""
_HIDDEN = re.compile(r"\b(alloc_tile|alloc_multi_tile|tassign|declare_tile|pointer_cast)\b")
"""Ways to memory that the text of an operation which is not understood may hold."""


def _in_space(value: SSAValue) -> bool:
    """A handle on vec memory, or a pointer to something that is not GM."""
    match value.type:
        case TileBufType():
            return value.type.data.loc == SPACE
        case MultiTileBufType():
            return value.type.data.layout.loc == SPACE
        case PtrType():
            return value.type.data.space != "gm"
        case _:
            return False


def _unknown(op: Operation) -> UserError:
    problem = "has memory at an address that is not known, so no other bytes can be known to be free"
    return UserError(f"'{op.name}' op {problem}", op.location)


def _assigned(op: Operation) -> Used:
    """The bytes that `tassign` gives to a tile."""
    start, type_ = constant_int(op.operands[1]), op.results[0].type
    if start is None or not isinstance(type_, TileBufType):
        raise _unknown(op)
    return Used(start, start + type_.data.bytes, f"%{spelling.written_name(op.results[0]) or '?'}")


def _range(op: AllocTileOp | AllocMultiTileOp, size: int) -> Used:
    start = None if op.addr is None else constant_int(op.addr)
    if start is None:
        raise UserError(
            f"'{op.name}' op has no constant address, so no other bytes can be known to be free",
            op.location,
        )
    name = spelling.written_name(op.res) or op.res.name_hint or "?"
    return Used(start, start + size, f"%{name}")
