"""Which bytes of vector memory hold what, from the first to the last operation that needs them."""

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.dialects import func
from xdsl.ir import Block, Operation, SSAValue

from dialects.pto.allocation import AllocTileOp
from dialects.pto.base import TileOp
from dialects.pto.types import AnyTileType, TileType
from dsv4_passes.formats.pto.live_bytes import allocation_of, bytes_of
from dsv4_passes.targets import Chip

ALIGN = 32


@dataclass(frozen=True)
class Tenant:
    """A tile in vector memory: bytes [low, high) from operation `first` to operation `last`."""

    name: str
    low: int
    high: int
    first: int
    last: int


@dataclass(frozen=True)
class MemoryMap:
    """The tenants of vector memory over the operations of a function."""

    operations: tuple[str, ...]
    """Their names, in order."""
    tenants: tuple[Tenant, ...]
    capacity: int
    """Bytes that may be used."""
    planned: bool
    """The addresses are those of the text; otherwise they were made up for the picture."""

    @property
    def used(self) -> int:
        """The end of the highest tenant."""
        return max((tenant.high for tenant in self.tenants), default=0)

    @property
    def peak(self) -> int:
        """The most bytes that are needed at once."""
        changes: list[tuple[int, int]] = []
        for tenant in self.tenants:
            changes += [(tenant.first, tenant.high - tenant.low), (tenant.last + 1, tenant.low - tenant.high)]
        most = now = 0
        for _, change in sorted(changes):
            now += change
            most = max(most, now)
        return most


def memory_map(function: func.FuncOp, chip: Chip) -> MemoryMap:
    """The map of a function in buffer form, or in value form with addresses made up."""
    operations = list(_numbered(function.body.block)) if function.body.blocks else []
    order = {op: number for number, op in enumerate(operations)}
    lives: dict[SSAValue, tuple[int, int]] = {}
    for op, number in order.items():
        for value in dict.fromkeys([*op.operands, *op.results]):
            tile = _tile_of(value)
            if tile is not None:
                first, last = lives.get(tile, (number, number))
                lives[tile] = min(first, number), max(last, _last(op, tile, order))
    placed = {tile: bytes_of(tile, "vec") for tile in lives}
    planned = all(found is not None for found in placed.values()) and bool(placed)
    if not planned:
        placed = _first_fit(lives)
    tenants = [
        Tenant(tile.name_hint or "tile", *found, *lives[tile])
        for tile, found in placed.items()
        if found is not None
    ]
    names = tuple(op.name.removeprefix("pto.") for op in operations)
    return MemoryMap(names, tuple(tenants), chip.memory("vec").usable, planned)


def _numbered(block: Block) -> Iterator[Operation]:
    for op in block.walk():
        if isinstance(op, TileOp) or op.name.startswith(("pto.tpush", "pto.tpop", "dsv4.")):
            yield op


def _tile_of(value: SSAValue) -> SSAValue | None:
    """The allocation, or the value that a view shows, if it lies in vector memory."""
    if isinstance(value.type, TileType):
        while isinstance(owner := value.owner, Operation) and not isinstance(owner, TileOp):
            tiles = [v for v in owner.operands if isinstance(v.type, TileType)]
            if not tiles or owner.regions:
                break
            value = tiles[-1]
        return value if isinstance(value.type, TileType) and value.type.data.loc == "vec" else None
    if isinstance(value.type, AnyTileType):
        found = allocation_of(value)
        return found.res if isinstance(found, AllocTileOp) and found.layout.loc == "vec" else None
    return None


def _last(op: Operation, tile: SSAValue, order: dict[Operation, int]) -> int:
    """The last operation of the outermost loop around a use that does not hold the tile's definition."""
    last, inside = order[op], op
    home = tile.owner if isinstance(tile.owner, Block) else tile.owner.parent_block()
    while (parent := inside.parent_op()) is not None and inside.parent_block() is not home:
        inside = parent
    if inside is not op:
        last = max((order[o] for o in inside.walk() if o in order), default=last)
    return last


def _first_fit(lives: dict[SSAValue, tuple[int, int]]) -> dict[SSAValue, tuple[int, int] | None]:
    placed: dict[SSAValue, tuple[int, int] | None] = {}
    for tile, (first, last) in sorted(lives.items(), key=lambda item: item[1]):
        assert isinstance(tile.type, AnyTileType)
        size = -(-tile.type.data.bytes // ALIGN) * ALIGN
        taken = sorted(
            found
            for other, found in placed.items()
            if found is not None and lives[other][0] <= last and first <= lives[other][1]
        )
        low = 0
        for start, end in taken:
            if low + size <= start:
                break
            low = max(low, end)
        placed[tile] = low, low + size
    return placed
