"""Which bytes of a memory are still needed after an operation of a buffer-form function.

A backward walk over byte ranges, on the safe side throughout: only a write of a whole tile ends what its
bytes held before, and an operation that is not understood reads every tile it has as an operand.
"""

from collections.abc import Iterable, Iterator

from xdsl.dialects import scf
from xdsl.ir import Block, Operation, SSAValue

from dialects.pto.allocation import AllocTileOp
from dialects.pto.base import TileOp
from dialects.pto.memory import constant_int
from dialects.pto.tiles import BUFFER_VIEWS

Range = tuple[int, int]
"""Bytes [lo, hi)."""


def allocation_of(value: SSAValue) -> AllocTileOp | None:
    """The allocation that a handle is, or is a view of."""
    owner = value.owner
    while isinstance(owner, BUFFER_VIEWS):
        owner = owner.source.owner
    return owner if isinstance(owner, AllocTileOp) else None


def bytes_of(value: SSAValue, space: str) -> Range | None:
    """The bytes of `space` behind a handle; those of the whole tile where it is a view."""
    tile = allocation_of(value)
    if tile is None or tile.layout.loc != space or tile.addr is None:
        return None
    start = constant_int(tile.addr)
    return None if start is None else (start, start + tile.layout.bytes)


class LiveBytes:
    """The live bytes of `space` after each of `watched`.

    The ends of all tiles cut the memory into pieces; a set of bytes is a set of the numbers of pieces.
    """

    def __init__(self, body: Block, space: str, watched: Iterable[Operation]):
        self._space = space
        self._after: dict[Operation, set[int]] = {op: set() for op in watched}
        tiles = [bytes_of(op.res, space) for op in body.walk() if isinstance(op, AllocTileOp)]
        ends = sorted({end for tile in tiles if tile is not None for end in tile})
        self._starts = ends
        self._number = {end: number for number, end in enumerate(ends)}
        self._block(body, set())

    def after(self, op: Operation) -> Iterator[Range]:
        """The ranges of bytes that are needed after one of the watched operations."""
        for piece in sorted(self._after[op]):
            yield self._starts[piece], self._starts[piece + 1]

    def _pieces(self, value: SSAValue) -> range:
        found = bytes_of(value, self._space)
        return range(0) if found is None else range(self._number[found[0]], self._number[found[1]])

    def _block(self, block: Block, live: set[int]) -> set[int]:
        """The live bytes before the block, given those after it."""
        for op in reversed(list(block.ops)):
            if op in self._after:
                self._after[op] |= live
            live = self._before(op, live)
        return live

    def _before(self, op: Operation, live: set[int]) -> set[int]:
        if isinstance(op, scf.IfOp):
            branches = [self._block(region.block, live) for region in op.regions if region.blocks]
            return set[int]().union(*branches, live if len(branches) == 1 else ())
        if op.regions:
            # A loop's body may run again or not at all: twice round sees what one trip needs of another.
            inside = set(live)
            for _ in range(2):
                for region in op.regions:
                    for block in region.blocks:
                        inside |= self._block(block, inside)
            return inside
        if isinstance(op, (*BUFFER_VIEWS, AllocTileOp)):
            return live
        if not isinstance(op, TileOp):
            return live.union(*map(self._pieces, op.operands))
        read = op.inputs()
        if op.reads_destination():
            read += op.outs
        else:
            live = live.difference(*(self._pieces(out) for out in op.outs if _is_whole(out)))
        return live.union(*map(self._pieces, read))


def _is_whole(value: SSAValue) -> bool:
    """Writing through the handle writes every byte of its tile."""
    tile = value.owner
    if not isinstance(tile, AllocTileOp):
        return False
    given = (tile.valid_row, tile.valid_col)
    extents = [
        extent if operand is None else constant_int(operand)
        for extent, operand in zip(tile.layout.valid, given, strict=True)
    ]
    return tuple(extents) == tile.layout.shape
