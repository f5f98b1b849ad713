"""Where values of several paths come together: loops and branches while tiles become values.

An operation with regions that writes demanded bytes gets a *column* for them (`region_values`): a
loop argument, a result. Columns are created on demand, so nothing is carried without a reader. A
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
from dsv4_passes.transforms.common.byte_ranges import Bytes, Extents, TileByteRanges, first_trip_guard
from dsv4_passes.xdsl_extras.loops import trips
from dsv4_passes.xdsl_extras.region_values import (
    add_argument,
    add_result,
    append_operands,
    else_block,
    terminator,
)

from .views import Definition, adaptable, layout_of_value


class Definitions(Protocol):
    """What frames ask of the definitions that reach a point (`reaching_definitions.Flow`)."""

    tiles: TileByteRanges
    now: int
    scope: "BlockScope"
    loops: "dict[Operation | Block, LoopFrame]"

    def ask(self, phi: "Phi", phi_input: "PhiInput", demand: "Demand") -> None: ...
    def announce(self, phi: "Phi") -> None: ...
    def phi_type(self, request: "ReadRequest") -> TileType: ...
    def value(self, phi: "Phi", phi_input: "PhiInput") -> SSAValue: ...


NOW = 1 << 62
"""Later than everything that has been written."""


class Demand(NamedTuple):
    """How a value is needed: in no first trip of the loops `late`, and if `partly`, only beside a piece."""

    late: frozenset["LoopFrame"] = frozenset()
    partly: bool = False

    def together(self, other: "Demand | None") -> "Demand":
        """Needed in both ways."""
        return self if other is None else Demand(self.late & other.late, self.partly and other.partly)


class ReadRequest(NamedTuple):
    """A tile that is read: where, and as what."""

    bytes: Bytes
    layout: TileLayout


@dataclass(eq=False)
class PhiInput:
    """One way into a column: the value that the bytes hold in `scope` at `time`."""

    scope: "BlockScope"
    time: int
    before: Operation
    late: "LoopFrame | None" = None
    demand: Demand | None = None
    value: SSAValue | None = None
    makeshift: bool = False
    """The bytes hold a value of another type; treated as undefined unless a full read follows."""


@dataclass(eq=False)
class Phi:
    """A tile, or an index, that a loop carries or a branch yields."""

    type: Attribute
    inputs: list[PhiInput]
    result: SSAValue
    request: ReadRequest | None = None
    argument: SSAValue | None = None
    before: Definition | None = None
    """The argument as content of memory, at the beginning of a trip."""
    after: Definition | None = None
    """The result as content of memory, behind the operation."""
    parent: Bytes | None = None
    """One of its values is a slice of the tile there."""

    def definition(self, time: int) -> Definition:
        """The result as content of memory from `time` on."""
        assert self.request is not None
        if self.after is None:
            self.after = Definition(self.request.bytes, self.result, time, self.parent)
        return self.after


@dataclass(eq=False)
class BlockScope:
    """A block, and what was written in it: per atom (time, what), in order of time."""

    frame: "RegionFrame | None" = None
    late: "LoopFrame | None" = None
    """The loop in whose first trip this block does not run."""
    defs: dict[int, list[tuple[int, "Definition | RegionFrame"]]] = field(
        default_factory=dict[int, list[tuple[int, "Definition | RegionFrame"]]]
    )
    extents: dict[SSAValue, Extents] = field(default_factory=dict[SSAValue, Extents])
    """What `set_validshape` has made of handles."""

    def last(self, interval: int, demand: Demand) -> Definition:
        """What an atom that is written here holds at the end."""
        return _cell(self.defs[interval][-1][1], interval, demand)

    def find(self, interval: int, time: int, request: ReadRequest, demand: Demand) -> Definition | None:
        """What an atom holds before `time`; None if it is uninitialised."""
        if (history := self.defs.get(interval)) is not None:
            index = len(history) if time == NOW else bisect_left(history, time, key=itemgetter(0))
            if index:
                return _cell(history[index - 1][1], interval, demand)
        if self.late is not None:
            demand = demand._replace(late=demand.late | {self.late})
        return None if self.frame is None else self.frame.at_entry(interval, request, demand)


def _cell(what: "Definition | RegionFrame", interval: int, demand: Demand) -> Definition:
    return what.at_exit(interval, demand) if isinstance(what, RegionFrame) else what


class RegionFrame:
    """An operation with regions: where values of several paths come together."""

    def __init__(self, reaching: Definitions, op: Operation):
        self.reaching, self.op = reaching, op
        reaching.now += 1
        self.scope, self.start, self.end = reaching.scope, reaching.now, NOW
        self.inner: list[BlockScope] = []
        self.phis: list[Phi] = []

    def at_entry(self, interval: int, request: ReadRequest, demand: Demand) -> Definition | None:
        """What an atom holds where one of the blocks begins."""
        return self.scope.find(interval, self.start, request, demand)

    def at_exit(self, interval: int, demand: Demand) -> Definition:
        """What an atom that is written inside holds behind the operation: values do not get out."""
        why = f"it reads what is written in a '{self.op.name}'"
        bytes_ = self.inner[-1].last(interval, demand).bytes
        return Definition(bytes_, None, self.end, lost=why)

    def written(self) -> set[int]:
        """Atoms that are written inside."""
        return {interval for scope in self.inner for interval in scope.defs}

    def finish(self) -> None:
        """Put the values of all columns in place."""


class LoopFrame(RegionFrame):
    """A loop. A column's edges are its initial value and what a trip leaves to the next."""

    def __init__(self, reaching: Definitions, op: scf.ForOp, written: set[int]):
        super().__init__(reaching, op)
        self.loop, self._written = op, written
        self.may_skip = (trips(op) or 0) == 0
        self.inner = [BlockScope(self)]
        self.known: dict[int, list[Phi]] = {}
        """Columns by the atoms that they carry."""
        self.out_of: dict[int, Phi] = {}

    def at_entry(self, interval: int, request: ReadRequest, demand: Demand) -> Definition | None:
        if interval not in self._written and not any(
            _holds(c, request) for c in self.known.get(interval, ())
        ):
            return super().at_entry(interval, request, demand)
        phi = self.phi(interval, request)
        initial, carried = phi.inputs
        if self not in demand.late:
            self.reaching.ask(phi, initial, demand)
        self.reaching.ask(phi, carried, demand._replace(late=demand.late - {self}))
        if phi.before is None:
            assert phi.request is not None
            phi.before = Definition(phi.request.bytes, phi.argument, self.start)
        return phi.before

    def at_exit(self, interval: int, demand: Demand) -> Definition:
        if (phi := self.out_of.get(interval)) is None:
            last = self.inner[0].last(interval, demand)
            if last.value is None:
                return last
            phi = self.phi(interval, ReadRequest(last.bytes, layout_of_value(last.value)))
            phi.parent = phi.parent or last.parent
            self.out_of[interval] = phi
        initial, carried = phi.inputs
        if self.may_skip:
            self.reaching.ask(phi, initial, demand)
        self.reaching.ask(phi, carried, demand)
        return phi.definition(self.end)

    def phi(self, interval: int, request: ReadRequest) -> Phi:
        """The column that carries an atom as part of a read request."""
        for phi in self.known.get(interval, ()):
            if _holds(phi, request):
                return phi
        phi = self.add(self.reaching.phi_type(request), request)
        for inside in self.reaching.tiles.intervals(request.bytes):
            self.known.setdefault(inside, []).append(phi)
        return phi

    def add(self, type_: Attribute, request: ReadRequest | None = None) -> Phi:
        inputs = [
            PhiInput(self.scope, self.start, self.op),
            PhiInput(self.inner[0], NOW, terminator(self.loop.body.block)),
        ]
        phi = Phi(type_, inputs, add_result(self.loop, type_), request, add_argument(self.loop, type_))
        self.phis.append(phi)
        self.reaching.announce(phi)
        return phi

    def finish(self) -> None:
        append_operands(self.loop, [self.reaching.value(c, c.inputs[0]) for c in self.phis])
        append_operands(
            terminator(self.loop.body.block), [self.reaching.value(c, c.inputs[1]) for c in self.phis]
        )


class Branch(RegionFrame):
    """An `scf.if`. A column's edges are its two sides; a side that is not there changes nothing."""

    def __init__(self, reaching: Definitions, op: scf.IfOp):
        super().__init__(reaching, op)
        self.branch = op
        first, later = first_trip_guard(op)
        loops = reaching.loops
        self.late = [
            None if later is None else loops.get(later.owner),
            None if first is None else loops.get(first.owner),
        ]
        sides = [op.true_region, *([op.false_region] if op.false_region.blocks else [])]
        self.inner = [BlockScope(self, self.late[i]) for i, _ in enumerate(sides)]
        self.results: dict[int, Phi] = {}

    def at_exit(self, interval: int, demand: Demand) -> Definition:
        if (phi := self.results.get(interval)) is None:
            definitions = [side.last(interval, demand) for side in self.inner if interval in side.defs]
            known = [
                (definition, definition.value) for definition in definitions if definition.value is not None
            ]
            if not known:
                return definitions[0]
            widest, value = max(known, key=lambda c: c[0].bytes.hi - c[0].bytes.lo)
            request = ReadRequest(widest.bytes, layout_of_value(value))
            phi = self.add(self.reaching.phi_type(request), request)
            phi.parent = next(
                (definition.parent for definition in definitions if definition.parent is not None), None
            )
            for inside in self.reaching.tiles.intervals(request.bytes):
                self.results.setdefault(inside, phi)
        for phi_input in phi.inputs:
            late = demand.late if phi_input.late is None else demand.late | {phi_input.late}
            self.reaching.ask(phi, phi_input, demand._replace(late=late))
        return phi.definition(self.end)

    def add(self, type_: Attribute, request: ReadRequest | None = None) -> Phi:
        missing = terminator(else_block(self.branch))
        inputs = [PhiInput(self.inner[0], NOW, terminator(self.branch.true_region.block), self.late[0])]
        if len(self.inner) == 2:
            inputs.append(PhiInput(self.inner[1], NOW, missing, self.late[1]))
        else:
            inputs.append(PhiInput(self.scope, self.start, missing, self.late[1]))
        phi = Phi(type_, inputs, add_result(self.branch, type_), request)
        self.phis.append(phi)
        self.reaching.announce(phi)
        return phi

    def finish(self) -> None:
        for side, region in enumerate(self.branch.regions):
            if region.blocks:
                values = [self.reaching.value(c, c.inputs[side]) for c in self.phis]
                append_operands(terminator(region.block), values)


def _holds(phi: Phi, request: ReadRequest) -> bool:
    """The column can satisfy the read request."""
    assert phi.request is not None
    bytes_, layout = phi.request
    inside = bytes_.lo <= request.bytes.lo and request.bytes.hi <= bytes_.hi
    return inside and adaptable(layout, bytes_, request.bytes.lo, request.layout)
