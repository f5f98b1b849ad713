"""What the bytes of a function hold, at any point of it: values found where they are asked for.

Raising walks a function once and writes down, per atom of memory and scope (a block), which value it holds
from when on. A question climbs from the block it is asked in through those around it, and through the loops
and branches that it meets (`region_frames`). What goes into one of those is asked for by a queue
instead of by recursion, so that long chains of loops do no harm.
"""

from xdsl.ir import Block, Operation, SSAValue

from dialects.pto.types import DYNAMIC, TileLayout, TileType
from dsv4_passes.transforms.common.byte_ranges import Bytes, CannotRaise, Extents, Handle, TileBytes

from .diagnose import Box, warn_about
from .region_frames import (
    NOW,
    Column,
    Edge,
    Join,
    Loop,
    Need,
    Scope,
    Wanted,
)
from .views import (
    Cell,
    Piece,
    Views,
    adaptable,
    covers,
    layout_of_value,
    value_type,
)


class Flow:
    """Memory over time, as far as the walk has come."""

    def __init__(self, tiles: TileBytes, views: Views):
        self.tiles, self.views = tiles, views
        self.now = 0
        self.scope = Scope()
        self.scopes: dict[Block, Scope] = {}
        self.joins: list[Join] = []
        self.loops: dict[Operation | Block, Loop] = {}
        self._queue: list[tuple[Column, Edge]] = []
        self._deep: dict[Cell, SSAValue] = {}
        self._written_as: dict[Bytes, set[tuple[tuple[int, int], Extents] | None]] = {}
        """Shape and valid extent of all writes of a range; None stands for all of it."""

    # -- writing -----------------------------------------------------------------------------------

    def write(self, bytes_: Bytes, value: SSAValue | None, parent: Bytes | None = None) -> None:
        """From now on the bytes hold `value`, or nothing that anybody may read."""
        self.now += 1
        cell = Cell(bytes_, value, self.now, parent)
        for atom in self.tiles.atoms(bytes_):
            self.scope.defs.setdefault(atom, []).append((self.now, cell))

    def open(self, join: Join) -> None:
        self.joins.append(join)
        if isinstance(join, Loop):
            self.loops[join.loop.body.block] = join

    def close(self, join: Join) -> None:
        """Go on behind an operation with regions."""
        self.scope = join.scope
        self.now += 1
        join.end = self.now
        for atom in join.written():
            self.scope.defs.setdefault(atom, []).append((self.now, join))

    # -- reading -----------------------------------------------------------------------------------

    def read(
        self, op: Operation, wanted: Wanted, valid: Extents, need: Need, box: Box | None = None
    ) -> SSAValue:
        """The tile that `op` reads, of which it looks at the lanes in `valid`, or only at those in `box`."""
        pieces = self.pieces(self.scope, NOW, wanted, need)
        if not need.partly:
            warn_about(op, pieces, wanted, box or Box(0, 0, valid))
        return self._whole(op, pieces, wanted, valid)

    def pieces(self, scope: Scope, time: int, wanted: Wanted, need: Need) -> list[Piece]:
        """What a range of bytes consists of, in order."""
        atoms = self.tiles.atoms(wanted.bytes)
        found = [scope.find(atom, time, wanted, need) for atom in atoms]
        if any(cell is not found[0] for cell in found):
            found = self._newest(atoms, found)
        pieces: list[Piece] = []
        for atom, cell in zip(atoms, found, strict=True):
            lo, hi = self.tiles.starts[atom][1], self.tiles.starts[atom + 1][1]
            if pieces and pieces[-1].cell is cell:
                lo = pieces.pop().lo
            pieces.append(Piece(lo, hi, cell))
        return pieces

    def _newest(self, atoms: range, found: list[Cell | None]) -> list[Cell | None]:
        """A value that a join made of a range stands for all of its bytes that are not written later."""
        for cell in sorted({c for c in found if c is not None}, key=lambda c: c.time):
            inside = self.tiles.atoms(cell.bytes)
            for i, atom in enumerate(atoms):
                other = found[i]
                if atom in inside and (other is None or other.time < cell.time):
                    found[i] = cell
        return found

    def _whole(self, op: Operation, pieces: list[Piece], wanted: Wanted, valid: Extents) -> SSAValue:
        for _, _, cell in pieces:
            if cell is not None and cell.lost:
                raise CannotRaise(op, "tile behind a region", cell.lost)
        if len(pieces) == 1 and (cell := pieces[0].cell) is not None and cell.value is not None:
            have = layout_of_value(cell.value)
            if not covers(have, self.views.extents[cell.value], wanted.layout, valid):
                pieces = [pieces[0]._replace(cell=self._with_old_lanes(cell, cell.value))]
        return self.views.whole(op, pieces, wanted.bytes, wanted.layout)

    def _with_old_lanes(self, cell: Cell, value: SSAValue) -> Cell:
        """A reader sees more lanes than were written: beside them are those that were there before.

        What the cube's memories hold beside the valid lanes nobody can tell.
        """
        layout, owner = layout_of_value(value), value.owner
        if layout.loc not in ("vec", "mat") or not isinstance(owner, Operation) or owner.parent is None:
            return cell
        if cell not in self._deep:
            scope, wanted = self.scopes[owner.parent], Wanted(cell.bytes, layout)
            before = self.pieces(scope, cell.time, wanted, Need(partly=True))
            following = owner.next_op
            old = before[0].cell if len(before) == 1 else None
            if old is None or old.value is None or following is None or not self._is_kind(old, cell, layout):
                self._deep[cell] = value
            else:
                full = layout._replace(valid_rows=layout.rows, valid_cols=layout.cols)
                base = self._whole(following, before, Wanted(cell.bytes, full), layout.shape)
                base = self.views.retype(following, base, TileType(full))
                zero = self.views.index(0)
                self._deep[cell] = self.views.insert(following, value, base, zero, zero)
        return Cell(cell.bytes, self._deep[cell], cell.time, cell.parent)

    @staticmethod
    def _is_kind(old: Cell, new: Cell, layout: TileLayout) -> bool:
        assert old.value is not None
        return adaptable(layout_of_value(old.value), old.bytes, new.bytes.lo, layout)

    # -- columns -----------------------------------------------------------------------------------

    def note_write(self, handle: Handle) -> None:
        """Before the walk: somewhere in the function this tile is written. A piece leaves all of it valid."""
        shape = handle.layout.shape
        written = None if handle.window or handle.valid == shape else (shape, handle.valid)
        self._written_as.setdefault(handle.bytes, set()).add(written)

    def column_type(self, wanted: Wanted) -> TileType:
        """A column's extent is static where all writes of its range agree."""
        layout = wanted.layout
        written = self._written_as.get(wanted.bytes, set())
        if written == {None}:
            return value_type(layout, layout.shape)
        (only,) = written if len(written) == 1 else (None,)
        return value_type(layout, only[1] if only and only[0] == layout.shape else (None, None))

    def announce(self, column: Column) -> None:
        """Know the extents of a column's values."""
        if isinstance(column.type, TileType):
            rows, cols = (None if e == DYNAMIC else e for e in column.type.data.valid)
            for value in (column.argument, column.result):
                if value is not None:
                    self.views.extents[value] = rows, cols

    def ask(self, column: Column, edge: Edge, need: Need) -> None:
        together = need.together(edge.need)
        if together != edge.need:
            edge.need = together
            self._queue.append((column, edge))

    def settle(self) -> None:
        """Find the values of all edges that were asked for."""
        while self._queue:
            column, edge = self._queue.pop()
            assert edge.need is not None
            assert column.wanted is not None
            pieces = self.pieces(edge.scope, edge.time, column.wanted, edge.need)
            if edge.value is None or (edge.makeshift and not edge.need.partly):
                self._fill(column, edge, column.wanted, pieces, edge.need)

    def _fill(self, column: Column, edge: Edge, wanted: Wanted, pieces: list[Piece], need: Need) -> None:
        type_ = column.type
        assert isinstance(type_, TileType)
        layout = type_.data
        rows, cols = (s if e == DYNAMIC else e for e, s in zip(layout.valid, layout.shape, strict=True))
        try:
            value = self._whole(edge.before, pieces, wanted, (rows, cols))
        except CannotRaise as problem:
            if not need.partly:
                raise CannotRaise(_owner(column), problem.reason, problem.why) from None
            value, edge.makeshift = self.views.undef(edge.before, type_.data, type_.data.valid), True
        if not need.partly:
            warn_about(_owner(column), pieces, wanted, Box(0, 0, (rows, cols)))
        edge.value = self.views.retype(edge.before, value, type_)

    def value(self, column: Column, edge: Edge) -> SSAValue:
        """The value of an edge; undefined if nobody needs it."""
        if edge.value is None:
            assert isinstance(column.type, TileType)
            layout = column.type.data
            edge.value = self.views.undef(edge.before, layout, layout.valid)
        return edge.value

    def finish(self) -> None:
        self.settle()
        for join in self.joins:
            join.finish()


def _owner(column: Column) -> Operation:
    owner = column.result.owner
    assert isinstance(owner, Operation)
    return owner
