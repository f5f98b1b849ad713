"""What the bytes of a function hold, at any point of it: values found where they are asked for.

Raising walks a function once and writes down, per atom of memory and scope (a block), which value it holds
from when on. A question climbs from the block it is asked in through those around it. Where it meets a
loop or branch that writes the bytes, that operation gets a *column* for them (`carried`): a loop argument,
a result. Columns are made only where somebody asks, so nothing is carried that nobody reads. What goes into
a column is asked for in turn, by a queue instead of by recursion, so that long chains of loops do no harm.

How a value is needed is part of the question. In `if first trip { c = a * b } else { c += a * b }` the
second product reads `c` only in later trips, so no initial value is needed; a piece written into a tile
needs what lies beside it, and nobody minds if that is nothing.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from xdsl.dialects import scf
from xdsl.ir import Attribute, Block, Operation, SSAValue

from dialects.pto.types import DYNAMIC, TileLayout, TileType
from dsv4_passes.analysis import former_place
from dsv4_passes.analysis.tile_bytes import (
    Bytes,
    CannotRaise,
    Extents,
    Handle,
    TileBytes,
    first_trip_guard,
    trips,
)
from dsv4_passes.diagnostics import warning

from .carried import add_argument, add_result, append_operands, else_block, terminator
from .raise_views import Cell, Piece, Views, adaptable, covers, layout_of_value, value_type

NOW = 1 << 62
"""Later than everything that has been written."""


class Need(NamedTuple):
    """How a value is needed: in no first trip of the loops `late`, and if `partly`, only beside a piece."""

    late: frozenset["Loop"] = frozenset()
    partly: bool = False

    def together(self, other: "Need | None") -> "Need":
        """Needed in both ways."""
        return self if other is None else Need(self.late & other.late, self.partly and other.partly)


class Wanted(NamedTuple):
    """A tile that is read: where, and as what."""

    bytes: Bytes
    layout: TileLayout


@dataclass(eq=False)
class Edge:
    """One way into a column: the value that the bytes hold in `scope` at `time`."""

    scope: "Scope"
    time: int
    before: Operation
    late: "Loop | None" = None
    need: Need | None = None
    value: SSAValue | None = None
    makeshift: bool = False
    """The bytes hold something of another kind, which counts as nothing as long as nobody minds."""


@dataclass(eq=False)
class Column:
    """A tile, or an index, that a loop carries or a branch yields."""

    type: Attribute
    edges: list[Edge]
    result: SSAValue
    wanted: Wanted | None = None
    argument: SSAValue | None = None
    before: Cell | None = None
    """The argument as content of memory, at the beginning of a trip."""
    after: Cell | None = None
    """The result as content of memory, behind the operation."""
    parent: Bytes | None = None
    """One of its values is a slice of the tile there."""

    def cell(self, time: int) -> Cell:
        """The result as content of memory from `time` on."""
        assert self.wanted is not None
        if self.after is None:
            self.after = Cell(self.wanted.bytes, self.result, time, self.parent)
        return self.after


@dataclass(eq=False)
class Scope:
    """A block, and what was written in it: per atom (time, what), in order of time."""

    join: "Join | None" = None
    late: "Loop | None" = None
    """The loop in whose first trip this block does not run."""
    defs: dict[int, list[tuple[int, "Cell | Join"]]] = field(
        default_factory=dict[int, list[tuple[int, "Cell | Join"]]]
    )
    extents: dict[SSAValue, Extents] = field(default_factory=dict[SSAValue, Extents])
    """What `set_validshape` has made of handles."""

    def last(self, atom: int, need: Need) -> Cell:
        """What an atom that is written here holds at the end."""
        return _cell(self.defs[atom][-1][1], atom, need)

    def find(self, atom: int, time: int, wanted: Wanted, need: Need) -> Cell | None:
        """What an atom holds before `time`; None if nobody has written it."""
        if (history := self.defs.get(atom)) is not None:
            index = len(history) if time == NOW else bisect_left(history, time, key=itemgetter(0))
            if index:
                return _cell(history[index - 1][1], atom, need)
        if self.late is not None:
            need = need._replace(late=need.late | {self.late})
        return None if self.join is None else self.join.at_entry(atom, wanted, need)


def _cell(what: "Cell | Join", atom: int, need: Need) -> Cell:
    return what.at_exit(atom, need) if isinstance(what, Join) else what


class Join:
    """An operation with regions: where values of several paths come together."""

    def __init__(self, flow: "Flow", op: Operation):
        self.flow, self.op = flow, op
        flow.now += 1
        self.scope, self.start, self.end = flow.scope, flow.now, NOW
        self.inner: list[Scope] = []
        self.columns: list[Column] = []

    def at_entry(self, atom: int, wanted: Wanted, need: Need) -> Cell | None:
        """What an atom holds where one of the blocks begins."""
        return self.scope.find(atom, self.start, wanted, need)

    def at_exit(self, atom: int, need: Need) -> Cell:
        """What an atom that is written inside holds behind the operation: values do not get out."""
        why = f"it reads what is written in a '{self.op.name}'"
        bytes_ = self.inner[-1].last(atom, need).bytes
        return Cell(bytes_, None, self.end, lost=why)

    def written(self) -> set[int]:
        """Atoms that are written inside."""
        return {atom for scope in self.inner for atom in scope.defs}

    def finish(self) -> None:
        """Put the values of all columns in place."""


class Loop(Join):
    """A loop. A column's edges are its initial value and what a trip leaves to the next."""

    def __init__(self, flow: "Flow", op: scf.ForOp, written: set[int]):
        super().__init__(flow, op)
        self.loop, self._written = op, written
        self.may_skip = (trips(op) or 0) == 0
        self.inner = [Scope(self)]
        self.known: dict[int, list[Column]] = {}
        """Columns by the atoms that they carry."""
        self.out_of: dict[int, Column] = {}

    def at_entry(self, atom: int, wanted: Wanted, need: Need) -> Cell | None:
        if atom not in self._written and not any(_holds(c, wanted) for c in self.known.get(atom, ())):
            return super().at_entry(atom, wanted, need)
        column = self.column(atom, wanted)
        initial, carried = column.edges
        if self not in need.late:
            self.flow.ask(column, initial, need)
        self.flow.ask(column, carried, need._replace(late=need.late - {self}))
        if column.before is None:
            assert column.wanted is not None
            column.before = Cell(column.wanted.bytes, column.argument, self.start)
        return column.before

    def at_exit(self, atom: int, need: Need) -> Cell:
        if (column := self.out_of.get(atom)) is None:
            last = self.inner[0].last(atom, need)
            if last.value is None:
                return last
            column = self.column(atom, Wanted(last.bytes, layout_of_value(last.value)))
            column.parent = column.parent or last.parent
            self.out_of[atom] = column
        initial, carried = column.edges
        if self.may_skip:
            self.flow.ask(column, initial, need)
        self.flow.ask(column, carried, need)
        return column.cell(self.end)

    def column(self, atom: int, wanted: Wanted) -> Column:
        """The column that carries an atom as part of what is wanted."""
        for column in self.known.get(atom, ()):
            if _holds(column, wanted):
                return column
        column = self.add(self.flow.column_type(wanted), wanted)
        for inside in self.flow.tiles.atoms(wanted.bytes):
            self.known.setdefault(inside, []).append(column)
        return column

    def add(self, type_: Attribute, wanted: Wanted | None = None) -> Column:
        edges = [
            Edge(self.scope, self.start, self.op),
            Edge(self.inner[0], NOW, terminator(self.loop.body.block)),
        ]
        column = Column(type_, edges, add_result(self.loop, type_), wanted, add_argument(self.loop, type_))
        self.columns.append(column)
        self.flow.announce(column)
        return column

    def finish(self) -> None:
        append_operands(self.loop, [self.flow.value(c, c.edges[0]) for c in self.columns])
        append_operands(
            terminator(self.loop.body.block), [self.flow.value(c, c.edges[1]) for c in self.columns]
        )


class Branch(Join):
    """An `scf.if`. A column's edges are its two sides; a side that is not there changes nothing."""

    def __init__(self, flow: "Flow", op: scf.IfOp):
        super().__init__(flow, op)
        self.branch = op
        first, later = first_trip_guard(op)
        loops = flow.loops
        self.late = [
            None if later is None else loops.get(later.owner),
            None if first is None else loops.get(first.owner),
        ]
        sides = [op.true_region, *([op.false_region] if op.false_region.blocks else [])]
        self.inner = [Scope(self, self.late[i]) for i, _ in enumerate(sides)]
        self.results: dict[int, Column] = {}

    def at_exit(self, atom: int, need: Need) -> Cell:
        if (column := self.results.get(atom)) is None:
            cells = [side.last(atom, need) for side in self.inner if atom in side.defs]
            known = [(cell, cell.value) for cell in cells if cell.value is not None]
            if not known:
                return cells[0]
            widest, value = max(known, key=lambda c: c[0].bytes.hi - c[0].bytes.lo)
            wanted = Wanted(widest.bytes, layout_of_value(value))
            column = self.add(self.flow.column_type(wanted), wanted)
            column.parent = next((cell.parent for cell in cells if cell.parent is not None), None)
            for inside in self.flow.tiles.atoms(wanted.bytes):
                self.results.setdefault(inside, column)
        for edge in column.edges:
            late = need.late if edge.late is None else need.late | {edge.late}
            self.flow.ask(column, edge, need._replace(late=late))
        return column.cell(self.end)

    def add(self, type_: Attribute, wanted: Wanted | None = None) -> Column:
        missing = terminator(else_block(self.branch))
        edges = [Edge(self.inner[0], NOW, terminator(self.branch.true_region.block), self.late[0])]
        if len(self.inner) == 2:
            edges.append(Edge(self.inner[1], NOW, missing, self.late[1]))
        else:
            edges.append(Edge(self.scope, self.start, missing, self.late[1]))
        column = Column(type_, edges, add_result(self.branch, type_), wanted)
        self.columns.append(column)
        self.flow.announce(column)
        return column

    def finish(self) -> None:
        for side, region in enumerate(self.branch.regions):
            if region.blocks:
                values = [self.flow.value(c, c.edges[side]) for c in self.columns]
                append_operands(terminator(region.block), values)


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
        if value is not None and isinstance(bytes_.space, str):
            former_place.note(value, bytes_.lo)
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

    def read(self, op: Operation, wanted: Wanted, valid: Extents, need: Need) -> SSAValue:
        """The tile that `op` reads, of which it looks at the lanes in `valid`."""
        pieces = self.pieces(self.scope, NOW, wanted, need)
        if not need.partly:
            _warn(op, pieces, wanted)
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
                    if column.wanted is not None and isinstance(column.wanted.bytes.space, str):
                        former_place.note(value, column.wanted.bytes.lo)

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
            _warn(_owner(column), pieces, wanted, " on every path")
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


def _holds(column: Column, wanted: Wanted) -> bool:
    """A column can carry what is wanted."""
    assert column.wanted is not None
    bytes_, layout = column.wanted
    inside = bytes_.lo <= wanted.bytes.lo and wanted.bytes.hi <= bytes_.hi
    return inside and adaptable(layout, bytes_, wanted.bytes.lo, wanted.layout)


def _owner(column: Column) -> Operation:
    owner = column.result.owner
    assert isinstance(owner, Operation)
    return owner


def _warn(op: Operation, pieces: Sequence[Piece], wanted: Wanted, how: str = "") -> None:
    """Tell of bytes that nobody wrote, and of slices that were copied over the tile they are a slice of."""
    unwritten = sum(p.hi - p.lo for p in pieces if p.value is None)
    if unwritten:
        loc = wanted.layout.loc
        warning(op, f"reads {unwritten} bytes of {loc} memory that nobody wrote{how}")
    for _, _, cell in pieces if len(pieces) > 1 else ():
        if cell is not None and cell.parent is not None and cell.value is not None:
            if wanted.bytes.lo <= cell.parent.lo and cell.parent.hi <= wanted.bytes.hi:
                owner = cell.value.owner
                where = owner if isinstance(owner, Operation) else op
                warning(where, "copies a slice of a tile over that tile, which is read later")
