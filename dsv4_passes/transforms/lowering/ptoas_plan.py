"""How much memory ptoas will take for the tiles of a kernel that it plans itself (level1, level2).

* If all tiles fit beside one another, that is where they go.
* Else each goes to the lowest address that is free from its first use to its last: first the tiles that are
  loaded or stored, then the others, each in the order of their first uses. What lives up to an operation is
  still there when that writes. (Before that, placings that let fewer tiles share are tried; if one of them
  fits, so much the better.)
* What is allocated in front of a loop lives from the loop's begin, if it is used in or behind the loop, to
  the end of the loop, if it is used inside.
* ptoas 0.60 loses the end of the life of a tile of which there are several views, or that is used itself
  after its view: it lets any other tile have the same bytes, and says nothing. A kernel with such a tile is
  right only where all tiles fit beside one another.

(ptoas 0.60, PTOPlanMemory.cpp, which plans unless `--plan-memory-impl` says otherwise:
IsEnoughForBuffersNoReuse, PlanMemAddressForLevel0, GetReorderRootStorageEntry, GetLiveBuffersInLoop;
UpdateOpKillInfo loses the ends.)
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from xdsl.dialects import func, scf
from xdsl.ir import Block, Operation, SSAValue

from dialects.pto.allocation import AllocTileOp
from dialects.pto.base import TileOp, layout_of
from dialects.pto.memory import TLoadOp, TStoreOp
from dialects.pto.tiles import BitcastOp, SubviewOp, TReshapeOp
from dialects.pto.types import TileLayout
from dsv4_passes.targets import Chip, Ptoas
from dsv4_passes.transforms.common.live_ranges import LiveRange
from dsv4_passes.transforms.common.scratch import implied_scratch

from .address_planner import LiveBuffer, place_in_order

ALIGNMENT = {"left": 4096, "right": 4096, "acc": 4096}
"""Of addresses, in bytes; 256 elsewhere."""

_VIEWS = (SubviewOp, TReshapeOp, BitcastOp)


class PlannedMemory(NamedTuple):
    """What ptoas takes of one memory."""

    bytes: int
    beside: bool
    """All tiles have to lie beside one another, because the ends of some lives are lost."""
    tiles: list[TileLayout]

    def fits(self, size: int) -> bool:
        """Tiles lie beside one another only where some bytes are left over (IsEnoughForBuffersNoReuse)."""
        return self.bytes < size if self.beside else self.bytes <= size

    def table(self) -> list[str]:
        """The tiles for people, in the order of their first uses."""
        return [f"{t.bytes:>8} bytes  {t.rows}x{t.cols}x{t.dtype}" for t in self.tiles]


@dataclass(eq=False)
class _Tile:
    """One allocation and its life."""

    layout: TileLayout
    block: Block
    start: int = -1
    end: int = -1
    views: int = 0
    ends_in_view: bool = False
    """Its last use is one of a view in the block where it is allocated."""
    is_moved: bool = False
    """It is loaded or stored."""

    @property
    def lost(self) -> bool:
        return self.views > 1 or (self.views == 1 and not self.ends_in_view)

    @property
    def bytes(self) -> int:
        align = ALIGNMENT.get(self.layout.loc, 256)
        return -(-self.layout.bytes // align) * align


@dataclass
class _Lives:
    """The tiles of a function in buffer form, in the order of their first uses."""

    chip: Chip
    ptoas: Ptoas
    of: dict[SSAValue, _Tile] = field(default_factory=dict[SSAValue, _Tile])
    tiles: list[_Tile] = field(default_factory=list[_Tile])
    time: int = 0

    def walk(self, block: Block) -> None:
        for op in block.ops:
            self.operation(op, block)

    def operation(self, op: Operation, block: Block) -> None:
        self.time += 1
        if isinstance(op, AllocTileOp):
            if op.addr is None and not _is_unread(op, self.chip):
                self.of[op.res] = _Tile(layout_of(op.res), block)
            return
        if isinstance(op, _VIEWS):
            if (tile := self.of.get(op.source)) is not None:
                self.of[op.results[0]] = tile
                tile.views += 1
            return
        if isinstance(op, TileOp) and (layout := implied_scratch(op, self.chip, self.ptoas)) is not None:
            self.tiles.append(_Tile(layout, block, self.time, self.time))
        if isinstance(op, scf.ForOp):
            for tile in dict.fromkeys(self.of[v] for v in _used_from(op) if v in self.of):
                self.begin(tile)
        inside = [v for inner in op.walk() for v in inner.operands] if op.regions else list(op.operands)
        for region in op.regions:
            for body in region.blocks:
                self.walk(body)
        self.time += bool(op.regions)
        for value in inside:
            if (tile := self.of.get(value)) is not None:
                self.use(tile, value, op, block)

    def begin(self, tile: _Tile) -> None:
        if tile.start < 0:
            tile.start = self.time
            self.tiles.append(tile)

    def use(self, tile: _Tile, value: SSAValue, op: Operation, block: Block) -> None:
        self.begin(tile)
        if tile.block is not block:
            return
        direct = value.owner
        in_view = isinstance(direct, _VIEWS) and direct.parent is block
        tile.ends_in_view = in_view or (tile.ends_in_view and tile.end == self.time)
        tile.end = self.time
        tile.is_moved |= isinstance(op, TLoadOp | TStoreOp) and not isinstance(direct, _VIEWS)


def planned_memory(function: func.FuncOp, chip: Chip, ptoas: Ptoas) -> dict[str, PlannedMemory]:
    """What ptoas takes of each memory for a function in buffer form whose tiles have no addresses."""
    lives = _Lives(chip, ptoas)
    lives.walk(function.body.block)
    found: dict[str, PlannedMemory] = {}
    for space in dict.fromkeys(tile.layout.loc for tile in lives.tiles):
        tiles = [tile for tile in lives.tiles if tile.layout.loc == space]
        beside, lost = sum(tile.bytes for tile in tiles), any(tile.lost for tile in tiles)
        if not lost and beside >= chip.memory(space).planner:
            beside = place_in_order(_ordered(tiles, space))
        found[space] = PlannedMemory(beside, lost, [tile.layout for tile in tiles])
    return found


def _ordered(tiles: Iterable[_Tile], space: str) -> list[LiveBuffer]:
    in_order = sorted(tiles, key=lambda tile: space == "vec" and not tile.is_moved)
    align = ALIGNMENT.get(space, 256)
    return [
        LiveBuffer("tile", align, [(tile.bytes, LiveRange([(tile.start, tile.end)]))]) for tile in in_order
    ]


def _used_from(loop: scf.ForOp) -> Iterator[SSAValue]:
    """What is used in a loop or behind it in its block."""
    op: Operation | None = loop
    while op is not None:
        for inner in op.walk():
            yield from inner.operands
        op = op.next_op


_UNREAD = ("tprelu", "txor", "txors", "tsel", "tsels", "trow", "tcolexpand")
"""Beginnings of operations whose scratch memory gets no bytes on a chip that does not read it
(isIgnoredA5TmpOperandUse)."""


def _is_unread(op: AllocTileOp, chip: Chip) -> bool:
    """Scratch memory that ptoas knows the chip's code not to touch."""
    users = [use.operation for use in op.res.uses]
    return (
        bool(users)
        and not chip.reads_scratch
        and all(
            isinstance(user, TileOp)
            and op.res in user.scratch_operands()
            and user.mnemonic().startswith(_UNREAD)
            for user in users
        )
    )
