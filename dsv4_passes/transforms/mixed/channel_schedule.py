"""Where tiles cross between the cube and the vector cores of a joined function, and when.

A crossing is a `dsv4.move` between the memories of the two. On the chip it is a push, a pop and, once the
popped tile is no longer read, a free. The pop stands where the move stands. The push stands as early as
it can: behind what makes the tile, behind the push before it, and only once there is a free slot. The
free stands as early as it can, too, but not before that of the tile before it.

So there is one order of all operations of both cores in which each push finds a free slot and each pop
a tile. Channels are first-in-first-out, so what happens does not depend on the order: neither core waits
for ever in any other one.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from xdsl.dialects import func, scf
from xdsl.ir import Block, Operation, SSAValue

from dialects.dsv4.opaque import CoreMoveOp
from dialects.pto.base import layout_of
from dialects.pto.pipes import InitializePipeOp
from dialects.pto.tiles import VIEWS
from dialects.pto.types import DYNAMIC, AnyTileType

from .join_mixed import crosses

Side = Literal["cube", "vector"]
ChannelKey = tuple[str, int]
"""Direction (`c2v` or `v2c`) and number."""


class CannotSplit(Exception):
    """Why a joined function cannot be two, and the operation that says so."""

    def __init__(self, op: Operation, why: str):
        super().__init__(why)
        self.op = op


@dataclass(frozen=True)
class ChannelSlots:
    """What a channel can hold: `count` tiles of up to `size` bytes."""

    size: int
    count: int


@dataclass(frozen=True)
class Crossing:
    """One move. `copied`: the popped tile is copied at once, for it is read longer than it can be kept."""

    move: CoreMoveOp
    channel: ChannelKey
    copied: bool

    @property
    def source(self) -> Side:
        return "cube" if self.channel[0] == "c2v" else "vector"


@dataclass
class Crossings:
    """All crossings of a function, by the operation that they are at or in front of."""

    pops: dict[Operation, Crossing] = field(default_factory=dict[Operation, Crossing])
    pushes: dict[Operation, list[Crossing]] = field(default_factory=lambda: defaultdict(list))
    frees: dict[Operation, list[Crossing]] = field(default_factory=lambda: defaultdict(list))

    def used(self) -> set[ChannelKey]:
        return {crossing.channel for crossing in self.pops.values()}


def side_of(op: Operation) -> Side | None:
    """The core whose memories hold the operation's tiles; None if it has no tiles. A crossing has no side."""
    tiles = [v for v in (*op.operands, *op.results) if isinstance(v.type, AnyTileType)]
    sides: set[Side] = {"vector" if layout_of(v).loc == "vec" else "cube" for v in tiles}
    if len(sides) > 1:
        raise CannotSplit(op, f"'{op.name}' has tiles of the cube and of the vector core")
    return sides.pop() if sides else None


def slots_of(op: InitializePipeOp) -> ChannelSlots:
    """Slots per direction: `slot_num`, or 4 where one set-up serves both directions, else 8 (ptoas 0.60)."""
    count = op.slot_num.value.data if op.slot_num else 4 if len(op.directions) == 2 else 8
    return ChannelSlots(op.slot_size.value.data, count)


def find_crossings(function: func.FuncOp) -> Crossings:
    """Plan the channels of a joined function. Raises CannotSplit."""
    channels: dict[ChannelKey, ChannelSlots] = {}
    for op in function.walk():
        if isinstance(op, InitializePipeOp):
            channels |= {(direction, op.channel): slots_of(op) for direction in op.directions}
    chosen = {
        op: _channel(op, channels) for op in function.walk() if isinstance(op, CoreMoveOp) and crosses(op)
    }
    found = Crossings()
    for block in function.walk_blocks():
        _Plan(block, chosen, channels, found)
    return found


def _channel(move: CoreMoveOp, channels: Mapping[ChannelKey, ChannelSlots]) -> ChannelKey:
    """The channel in the move's direction with the smallest slots that are large enough."""
    source, result = layout_of(move.source), layout_of(move.res)
    direction = "c2v" if result.loc == "vec" else "v2c"
    if (source.loc, result.loc) not in (("acc", "vec"), ("vec", "mat")):
        raise CannotSplit(move, f"no channel goes from {source.loc} to {result.loc} memory")
    if DYNAMIC in (*source.valid, *result.valid):
        raise CannotSplit(move, "the valid extent of a tile that crosses is not a constant")
    fitting = [
        (slots.size, channel)
        for channel, slots in channels.items()
        if channel[0] == direction and slots.size >= max(source.bytes, result.bytes)
    ]
    if not fitting:
        raise CannotSplit(move, f"no channel in that direction has slots of {source.bytes} bytes")
    return min(fitting)[1]


class _Plan:
    """The crossings of one block."""

    def __init__(
        self,
        block: Block,
        chosen: Mapping[CoreMoveOp, ChannelKey],
        channels: Mapping[ChannelKey, ChannelSlots],
        found: Crossings,
    ):
        self.block, self.ops, self.found = block, list(block.ops), found
        self.position = {op: i for i, op in enumerate(self.ops)}
        inside: list[set[ChannelKey]] = [
            {chosen[inner] for inner in op.walk() if isinstance(inner, CoreMoveOp) and inner in chosen}
            if op.regions
            else set()
            for op in self.ops
        ]
        here = {chosen[op] for op in self.ops if isinstance(op, CoreMoveOp) and op in chosen}
        for channel in sorted(here):
            moves = [op for op in self.ops if isinstance(op, CoreMoveOp) and chosen.get(op) == channel]
            walls = [i for i, channels_ in enumerate(inside) if channel in channels_]
            self.plan(channel, channels[channel].count, moves, walls)

    def plan(self, channel: ChannelKey, count: int, moves: list[CoreMoveOp], walls: list[int]) -> None:
        """Place pushes and frees; none crosses a loop or branch (`walls`) that uses the channel."""
        end = len(self.ops) - 1
        start, pushed = 0, 0
        freed: list[int] = []
        for move in moves:
            at = self.position[move]
            if (wall := max((w + 1 for w in walls if w < at), default=0)) > start:
                start, pushed, freed = wall, wall, []
            limit = min((w for w in walls if w > at), default=end)
            free = max(at + 1, freed[-1] if freed else 0)
            last = self.last_read(move) + 1
            if copied := last > limit:
                _require_copy(move)
            else:
                free = max(free, last)
            room = freed[-count] if len(freed) >= count else 0
            maker = move.source.owner
            made = self.position.get(maker, -1) + 1 if isinstance(maker, Operation) else 0
            pushed = max(start, pushed, made, room)
            if pushed > at:
                raise CannotSplit(move, f"the channel has {count} slots and would need more at once")
            freed.append(free)
            crossing = Crossing(move, channel, copied)
            self.found.pops[move] = crossing
            self.found.pushes[self.ops[pushed]].append(crossing)
            self.found.frees[self.ops[free]].append(crossing)

    def last_read(self, move: CoreMoveOp) -> int:
        """The last operation of the block in which the tile, or a view of it, is read."""
        last = self.position[move]
        pending: list[SSAValue] = [move.res]
        while pending:
            for use in pending.pop().uses:
                op = use.operation
                if isinstance(op, VIEWS):
                    pending += op.results
                if isinstance(op, (scf.ForOp, scf.YieldOp)):
                    _require_copy(move)  # a loop or branch has a buffer of its own for what it carries
                while op.parent is not self.block:
                    parent = op.parent_op()
                    assert parent is not None
                    op = parent
                last = max(last, self.position[op])
        return last


def _require_copy(move: CoreMoveOp) -> None:
    if layout_of(move.res).loc != "vec":
        raise CannotSplit(move, "a tile in mat memory is needed after its slot has to be given back")
