"""Channels for a kernel of a program that works on both cores; `split_mixed` then makes it two functions.

A program text says nothing of channels: a cube tile is an operand of a vector operation, and the other way
round. There is one channel with as many directions as tiles go, and its slots hold the largest of them. On
chips where slots are in GM, the kernel gets one more argument, the memory for them, ahead of those for the
number of the block.
"""

from dataclasses import dataclass, replace
from typing import Literal

from xdsl.dialects import arith, func
from xdsl.dialects.builtin import (
    ArrayAttr,
    BoolAttr,
    DictionaryAttr,
    FunctionType,
    IntegerAttr,
    IntegerType,
    StringAttr,
    SymbolRefAttr,
    i8,
    i32,
)
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.dsv4.functions import parameters
from dialects.dsv4.opaque import CoreMoveOp
from dialects.pto.attributes import AddressSpaceAttr
from dialects.pto.base import layout_of
from dialects.pto.pipes import OPERATIONS, ImportReservedBufferOp, InitializePipeOp, ReserveBufferOp
from dialects.pto.syntax import segment_sizes
from dialects.pto.tiles import InsertOp, UndefOp
from dialects.pto.types import AnyTileType, PtrInfo, PtrType, TileLayout, TileType
from dsv4_passes.targets import chip as find_chip

from .join_mixed import JOINED, crosses

Core = Literal["cube", "vector", "mixed"]
SLOTS = "gm_slot_buffer"
MOST_SLOTS = 8
"""As many slots as a direction of a channel has at most."""
_MASKS = {"c2v": 1, "v2c": 2}
_INITIALIZE = {op.name: op for op in OPERATIONS if issubclass(op, InitializePipeOp)}


@dataclass(frozen=True)
class Channel:
    """The channel of a kernel: where it goes, the bytes of one slot, and how many slots a direction has."""

    directions: tuple[str, ...]
    slot: int
    slots: int

    @property
    def usual_slots(self) -> int:
        """As many as there are unless a text says otherwise (ptoas 0.60)."""
        return 4 if len(self.directions) == 2 else 8

    @property
    def ring(self) -> int:
        """Bytes of all slots of one direction."""
        return self.slots * self.slot

    @property
    def bytes(self) -> int:
        """Bytes of GM that one block needs."""
        return len(self.directions) * self.ring


def core_of(kernel: func.FuncOp) -> Core:
    """The core that runs a kernel, by the memories of its tiles."""
    memories = {
        layout_of(value).loc
        for op in kernel.walk()
        if not isinstance(op, UndefOp) and not _undefined(op)
        for value in (*op.operands, *op.results)
        if isinstance(value.type, AnyTileType)
    }
    if memories <= {"vec"}:
        return "vector"
    return "mixed" if "vec" in memories else "cube"


def slots_in_gm(chip: str) -> bool:
    """The two cores hand tiles to each other through GM, not through each other's memories."""
    return not find_chip(chip).cores_share_memory


def slots_index(kernel: func.FuncOp) -> int:
    """Where the argument for the slots is put: in front of the number of the block."""
    found = [p.index for p in parameters(kernel) if p.hidden in ("block_idx", "block_num")]
    return min(found, default=len(kernel.body.block.args))


def channel_of(kernel: func.FuncOp, most_slots: int = MOST_SLOTS) -> Channel | None:
    """The channel for the tiles that cross in a kernel; None if there are none."""
    moves = [op for op in kernel.walk() if isinstance(op, CoreMoveOp) and crosses(op) and not _undefined(op)]
    if not moves:
        return None
    directions = {"c2v" if layout_of(op.res).loc == "vec" else "v2c" for op in moves}
    slot = max(layout_of(tile).bytes for op in moves for tile in (op.source, op.res))
    found = Channel(tuple(sorted(directions)), slot, 0)
    return replace(found, slots=min(most_slots, found.usual_slots))


def add_channels(kernel: func.FuncOp, slots_in_gm: bool, most_slots: int = MOST_SLOTS) -> Channel | None:
    """Make a kernel of a program the joined function of a cube and a vector function; the channel it got."""
    name = kernel.sym_name.data
    kernel.attributes[JOINED] = StringAttr(f"{name}_aic {name}_aiv")
    if (channel := channel_of(kernel, most_slots)) is not None:
        memory = _add_argument(kernel) if slots_in_gm else None
        _set_up(kernel, channel, memory)
    return channel


def gather_pieces(kernel: func.FuncOp) -> None:
    """Have a cube tile that is put together from vector tiles put together on the vector core.

        A = move(a)                             w = insert a into undef
        X = insert A into undef                 y = insert b into w
        B = move(b)                     =>      Y = move(y)
        Y = insert B into X

    No operation puts a tile that has come through a channel into another one.
    """
    for op in [op for op in kernel.walk() if isinstance(op, InsertOp)]:
        is_last = not any(isinstance(use.operation, InsertOp) and use.index == 1 for use in op.res.uses)
        if not is_last or not (chain := _chain_of_pieces(op)):
            continue
        layout = layout_of(op.res)
        whole = TileLayout("vec", layout.rows, layout.cols, layout.dtype, *layout.valid)
        new: list[Operation] = [UndefOp(TileType(whole))]
        for insert, move in reversed(chain):
            new.append(InsertOp(move.source, new[-1].results[0], insert.row, insert.col))
        new.append(CoreMoveOp(new[-1].results[0], op.res.type))
        for made in new:
            made.location = op.location
        Rewriter.replace_op(op, new)
        for insert, move in chain:
            for old in (insert, move):
                if old.parent is not None and not any(result.uses for result in old.results):
                    Rewriter.erase_op(old)


def _chain_of_pieces(op: InsertOp) -> list[tuple[InsertOp, CoreMoveOp]]:
    """Inserts that make a whole tile of vector tiles, the last one first; none if something else is in it."""
    chain: list[tuple[InsertOp, CoreMoveOp]] = []
    value: SSAValue = op.res
    while isinstance(insert := value.owner, InsertOp):
        move = insert.source.owner
        if not isinstance(move, CoreMoveOp) or layout_of(move.source).loc != "vec" or not crosses(move):
            return []
        chain.append((insert, move))
        value = insert.dest
    return chain if isinstance(value.owner, UndefOp) else []


def drop_undefined(kernel: func.FuncOp) -> None:
    """Drop moves of uninitialised tiles."""
    for op in [op for op in kernel.walk() if _undefined(op)]:
        Rewriter.replace_op(op, UndefOp(op.results[0].type))


def _undefined(op: Operation) -> bool:
    """A move of an uninitialised tile."""
    return isinstance(op, CoreMoveOp) and isinstance(op.source.owner, UndefOp)


def _add_argument(kernel: func.FuncOp) -> SSAValue:
    """The argument for the slots."""
    block, at = kernel.body.block, slots_index(kernel)
    if kernel.arg_attrs is not None:
        rows = list(kernel.arg_attrs.data)
        kernel.arg_attrs = ArrayAttr([*rows[:at], DictionaryAttr({}), *rows[at:]])
    argument = block.insert_arg(PtrType(PtrInfo("f32", "gm")), at)
    argument.name_hint = SLOTS
    types = [a.type for a in block.args]
    kernel.function_type = FunctionType.from_lists(types, [*kernel.function_type.outputs])
    return argument


def _set_up(kernel: func.FuncOp, channel: Channel, memory: SSAValue | None) -> None:
    """What both functions do first; `split_mixed` knows which is whose."""
    name = kernel.sym_name.data
    number = IntegerAttr[IntegerType]
    usual = channel.slots == channel.usual_slots
    given_number = {} if usual else {"slot_num": number(channel.slots, i32)}
    ops: list[Operation] = [zero := arith.ConstantOp(number(0, i32))]
    zero.result.name_hint = "c0_i32"
    buffers: dict[str, dict[str, SSAValue]] = {"aic": {}, "aiv": {}}
    for direction in ("c2v", "v2c"):
        if direction not in channel.directions:
            for given in buffers.values():
                given[direction] = zero.result
            continue
        here, there, space = ("aiv", "aic", "vec") if direction == "c2v" else ("aic", "aiv", "mat")
        text = StringAttr(f"{name}_{direction}_slot_buffer")
        reserved = ReserveBufferOp.create(
            result_types=[i32],
            properties={
                "name": text,
                "size": number(channel.ring, i32),
                "location": AddressSpaceAttr(space),
                "auto": BoolAttr.from_bool(False),
                "base": number(0, i32),
            },
        )
        imported = ImportReservedBufferOp.create(
            result_types=[i32],
            properties={"name": text, "peer_func": SymbolRefAttr(f"{name}_{here}")},
        )
        reserved.res.name_hint = text.data
        imported.res.name_hint = f"{text.data}_import"
        buffers[here][direction], buffers[there][direction] = reserved.res, imported.res
        ops += [reserved, imported]
    for core, given in buffers.items():
        kind = _INITIALIZE[f"pto.{core}_initialize_pipe"]
        operands = [*([memory] if memory else []), given["c2v"], given["v2c"]]
        ops.append(
            kind.create(
                operands=operands,
                properties={
                    "dir_mask": number(sum(_MASKS[d] for d in channel.directions), i8),
                    "slot_size": number(channel.slot, i32),
                    **given_number,
                    "operandSegmentSizes": segment_sizes(int(memory is not None), 0, 1, 1),
                },
            )
        )
    Rewriter.insert_op(ops, InsertPoint.at_start(kernel.body.block))
