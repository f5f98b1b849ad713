"""Where values of several paths come together: loops and branches while tiles become values.

An operation with regions that writes bytes somebody asks for gets a *column* for them (`region_values`): a
loop argument, a result. Columns are made only where somebody asks, so nothing is carried that nobody reads. A
column has an *edge* for each way into it; what goes in there is asked for in turn (`reaching_definitions`).

How a value is needed is part of the question. In `if first trip { c = a * b } else { c += a * b }` the
second product reads `c` only in later trips, so no initial value is needed; a piece written into a tile
needs what lies beside it, and nobody minds if that is nothing.
"""

from bisect import bisect_left
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple, Protocol

from xdsl.dialects import scf
from xdsl.ir import Attribute, Block, Operation, SSAValue

from dialects.pto.types import TileLayout, TileType
from dsv4_passes.transforms.common.byte_ranges import Bytes, Extents, TileBytes, first_trip_guard, trips
from dsv4_passes.xdsl_extras.region_values import (
    add_argument,
    add_result,
    append_operands,
    else_block,
    terminator,
)

from .views import Cell, adaptable, layout_of_value


class Definitions(Protocol):
    """What frames ask of the definitions that reach a point (`reaching_definitions.Flow`)."""

    tiles: TileBytes
    now: int
    scope: "Scope"
    loops: "dict[Operation | Block, Loop]"

    def ask(self, column: "Column", edge: "Edge", need: "Need") -> None: ...
    def announce(self, column: "Column") -> None: ...
    def column_type(self, wanted: "Wanted") -> TileType: ...
    def value(self, column: "Column", edge: "Edge") -> SSAValue: ...


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

    def __init__(self, flow: Definitions, op: Operation):
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

    def __init__(self, flow: Definitions, op: scf.ForOp, written: set[int]):
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

    def __init__(self, flow: Definitions, op: scf.IfOp):
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


def _holds(column: Column, wanted: Wanted) -> bool:
    """A column can carry what is wanted."""
    assert column.wanted is not None
    bytes_, layout = column.wanted
    inside = bytes_.lo <= wanted.bytes.lo and wanted.bytes.hi <= bytes_.hi
    return inside and adaptable(layout, bytes_, wanted.bytes.lo, wanted.layout)
