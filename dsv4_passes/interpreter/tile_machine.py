"""Tile operations, views of tiles, GM accesses: everything of a kernel but control flow and pipes.

One long class, because its parts share the values of the running function and are overridden together: the
machine of terms (equivalence/machine.py) replaces what each of them does with numbers that are not known.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from xdsl.ir import Operation, SSAValue

from dialects.pto.allocation import AllocMultiTileOp, AllocTileOp, MultiTileGetOp
from dialects.pto.base import TileOp, layout_of
from dialects.pto.tiles import BitcastOp, InsertOp, ReinterpretOp, SubviewOp
from dialects.pto.types import DYNAMIC, TileBufType, TileLayout, element_name
from dsv4_passes.diagnostics import UserError

from . import scalars
from .affine import Affine, Number
from .domain import Domain, Lanes, NotConcrete
from .gm import GlobalMemory, box_of, check_sizes, element_box
from .memory import RegionView, TileMemory
from .operation_plans import Plans
from .semantics import Masked, Result, TileCall, views
from .semantics.lanes import plain_move
from .values import (
    Box,
    Extent,
    GmView,
    Tile,
    Value,
    written_tile,
)
from .values import box as box_shape


class TileMachine:
    """On-chip memory and the values of the running function.

    In buffer form a tile operation reads and writes handles, in value form it binds a new tile; the rest is
    the same for both.
    """

    def __init__(self, domain: Domain, gm: GlobalMemory, plans: Plans | None = None):
        self.domain = domain
        self.gm = gm
        self.memory = TileMemory()
        self.plans = plans or Plans()
        self.env: dict[SSAValue, Value] = {}
        self.handlers: dict[str, Callable[[Any], None]] = {
            "pto.alloc_tile": self.alloc_tile,
            "pto.subview": self.subview,
            "pto.bitcast": self.bitcast,
            "pto.treshape": self.reshape,
            "pto.reshape": self.reshape,
            "pto.reinterpret": self.reinterpret,
            "pto.transpose": self.transpose,
            "dsv4.move": self.move,
            "pto.set_validshape": self.set_validshape,
            "pto.get_validshape": self.get_validshape,
            "pto.tile_valid_rows": self.get_validshape,
            "pto.tile_valid_cols": self.get_validshape,
            "pto.alloc_multi_tile": self.alloc_tile,
            "pto.multi_tile_get": self.multi_tile_get,
            "pto.tgetval": self.tgetval,
            "pto.declare_local_array": self.declare_array,
            "pto.local_array_get": self.array_get,
            "pto.local_array_set": self.array_set,
            "pto.get_tensor_view_dim": self.view_extent,
            "pto.get_tensor_view_stride": self.view_extent,
            "pto.undef": self.undef,
            "pto.insert": self.insert,
            "pto.addptr": self.addptr,
            "pto.make_tensor_view": self.make_tensor_view,
            "pto.partition_view": self.partition_view,
            "pto.load_scalar": self.load_scalar,
            "pto.store_scalar": self.store_scalar,
            "pto.tload": self.tload,
            "pto.tstore": self.tstore,
        }

    def number(self, value: SSAValue, what: str, op: Operation) -> int:
        """A scalar that has to have a value."""
        number = self.env[value]
        if not isinstance(number, int):
            raise UserError(f"{op.name} needs a number for its {what}, found {number}", op.location)
        return number

    # -- tile operations -------------------------------------------------------------------------

    def tile_op(self, op: TileOp) -> None:
        """Evaluate an operation of `SEMANTICS`."""
        plan = self.plans.tile_op(op)
        assert plan.semantics is not None
        if len(plan.layouts) != len(plan.destinations):
            raise UserError(
                f"{op.name} has a result that is no tile, which has no semantics here", op.location
            )
        destinations = [(layout, self.extent(op, i)) for i, layout in enumerate(plan.layouts)]
        if any(0 in extent for _, extent in destinations):
            self.define_nothing(op, destinations)
            return
        operands = {name: self.seen(op, self.read(value), destinations) for name, value in plan.operands}
        if plan.reads_destination:
            operands["old"] = self.read(plan.destinations[0])
        call = TileCall(op, self.domain, operands, destinations, self.symbolic)
        try:
            lanes = plan.semantics(call)
        except NotConcrete as error:
            self.opaque(call, error)
            return
        except ValueError as error:
            raise UserError(f"{op.name}: {error}", op.location) from None
        conditions = frozenset(call.conditions) | self.new_conditions(call)
        for i, part in enumerate(lanes if isinstance(lanes, list) else [lanes]):
            self.define(op, i, part, conditions)
        for scratch in plan.scratch:
            if isinstance(handle := self.env[scratch], RegionView):
                handle.forget()

    def seen(self, op: TileOp, value: Value, destinations: list[tuple[TileLayout, Extent]]) -> Value:
        """An operand as an operation sees it that writes so much."""
        return value

    def new_conditions(self, call: TileCall) -> frozenset[str]:
        """Side conditions of what was just computed."""
        return self.domain.take_conditions()

    def opaque(self, call: TileCall, error: NotConcrete) -> None:
        """An operation whose lanes depend on numbers that are not known; only terms continue."""
        raise UserError(f"{call.op.name}: {error}", call.op.location)

    def symbolic(self, number: Number, dtype: str) -> Lanes:
        raise NotConcrete(f"{number} has no value")

    def extent(self, op: TileOp, i: int) -> Extent:
        """Valid extent of a destination: its handle's, or its type's with the operands for `?`."""
        plan = self.plans.tile_op(op)
        if plan.in_memory:
            return self.handle(plan.destinations[i]).valid
        if (stated := plan.extents[i]) is not None:
            return stated
        given = iter(plan.valid)
        for earlier in plan.layouts[:i]:
            self.static_or(earlier, given, op)
        return self.static_or(plan.layouts[i], given, op)

    def static_or(self, layout: TileLayout, given: Iterable[SSAValue], op: Operation) -> Extent:
        """An extent from a type, with one of the given values for each `?`; all lanes if none is left.

        UserError for one that is not within the tile.
        """
        operands = iter(given)
        extent: list[Number] = []
        for static, physical in zip(layout.valid, layout.shape, strict=True):
            operand = next(operands, None) if static == DYNAMIC else None
            extent.append(static if static != DYNAMIC else physical if operand is None else self.env[operand])
        return self.within(layout, (extent[0], extent[1]), op)

    def within(self, layout: TileLayout, extent: Extent, op: Operation) -> Extent:
        """The extent, checked against the tile as far as it is known."""
        for number, physical, what in zip(extent, layout.shape, ("rows", "columns"), strict=True):
            if isinstance(number, int) and not 0 <= number <= physical:
                found = f"expected between 0 and {physical} valid {what}, found {number}"
                raise UserError(f"{op.name}: {found}", op.location)
        return extent

    def handle(self, value: SSAValue) -> RegionView:
        handle = self.env[value]
        assert isinstance(handle, RegionView)
        return handle

    def read(self, value: SSAValue) -> Value:
        """An operand as an operation sees it: the content of a handle, anything else as it is."""
        held = self.env[value]
        return held.read() if isinstance(held, RegionView) else held

    def define(self, op: TileOp, i: int, result: Result, conditions: frozenset[str]) -> None:
        """Write a destination, or bind a result."""
        lanes, known = result if isinstance(result, Masked) else (result, True)
        plan = self.plans.tile_op(op)
        value = plan.destinations[i]
        if plan.in_memory:
            self.handle(value).write(lanes, known)
            return
        tile = written_tile(plan.layouts[i], lanes, self.extent(op, i), conditions)
        if known is not True and not known.all():
            tile.known[: known.shape[0], : known.shape[1]] = known
        self.bind(value, tile)

    def define_nothing(self, op: TileOp, destinations: list[tuple[TileLayout, Extent]]) -> None:
        """An empty extent: nothing is read or written."""
        for result, (layout, extent) in zip(op.res, destinations, strict=False):
            self.bind(result, views.undef(layout, extent, self.domain))

    def bind(self, value: SSAValue, tile: Tile) -> None:
        """A tile as a value has been computed."""
        self.env[value] = tile

    # -- tiles: allocation and views -------------------------------------------------------------

    def alloc_tile(self, op: AllocTileOp | AllocMultiTileOp) -> None:
        """One tile, or several behind one another, of which this is the first."""
        type_ = op.res.type
        layout = type_.data if isinstance(type_, TileBufType) else type_.data.layout
        address = None if op.addr is None else self.number(op.addr, "address", op)
        valid = self.static_or(layout, [v for v in (op.valid_row, op.valid_col) if v is not None], op)
        self.env[op.res] = self.memory.handle(layout, address, valid)

    def multi_tile_get(self, op: MultiTileGetOp) -> None:
        first, slot = self.handle(op.source), self.number(op.slot, "slot", op)
        self.env[op.res] = replace(first, base=first.base + slot * first.layout.bytes)

    def subview(self, op: SubviewOp) -> None:
        offsets, extents = self.plans.operands(op, "offsets", "valid")
        source, layout = self.env[op.operands[0]], layout_of(op.results[0])
        # Both extents may be operands though the type says them too; then the operands are the extent.
        rows, cols = (
            (self.env[v] for v in extents) if len(extents) == 2 else self.static_or(layout, extents, op)
        )
        valid = self.within(layout, (rows, cols), op)
        if isinstance(source, RegionView):
            row, col = (self.number(v, "offset", op) for v in offsets)
            self.check_box(op, source.layout, row, col, box_shape(layout, valid))
            self.env[op.results[0]] = source.window(row, col, layout, valid)
            return
        row, col = (self.env[v] for v in offsets)
        if isinstance(row, int) and isinstance(col, int):
            self.check_box(op, source.layout, row, col, box_shape(layout, valid))
            self.bind(op.res, views.subview(source, row, col, layout, valid))
        else:
            self.symbolic_subview(op, source, row, col, valid)

    def symbolic_subview(self, op: SubviewOp, source: Tile, row: Number, col: Number, valid: Extent) -> None:
        raise UserError(f"{op.name} needs a number for its offset, found [{row}, {col}]", op.location)

    def check_box(self, op: Operation, whole: TileLayout, row: int, col: int, valid: tuple[int, int]) -> None:
        """The valid lanes of a window are inside; the rest of it may reach beyond."""
        rows, cols = valid
        if row < 0 or col < 0 or (rows and row + rows > whole.rows) or (cols and col + cols > whole.cols):
            raise UserError(
                f"{op.name} of {rows}x{cols} at [{row}, {col}] reaches outside of {whole.rows}x{whole.cols}",
                op.location,
            )

    def bitcast(self, op: BitcastOp) -> None:
        source, layout = self.env[op.source], layout_of(op.res)
        if isinstance(source, RegionView):
            self.env[op.res] = source.recast(layout, self._inherited(layout, source.valid))
        else:
            self.reinterpret(op)

    def reinterpret(self, op: BitcastOp | ReinterpretOp) -> None:
        try:
            tile = views.reinterpret(self.env[op.source], layout_of(op.res), self.domain)
        except ValueError as error:
            raise UserError(f"{op.name}: {error}", op.location) from None
        self.bind(op.res, tile)

    def reshape(self, op: Operation) -> None:
        source, layout = self.env[op.operands[0]], layout_of(op.results[0])
        extents = op.operands[1:]
        if isinstance(source, RegionView):
            self.env[op.results[0]] = source.recast(layout, self.static_or(layout, extents, op))
        else:
            valid = self.static_or(layout, extents, op) if extents else None
            self.bind(op.results[0], views.reshape(source, layout, valid))

    def transpose(self, op: Operation) -> None:
        source, layout = self.env[op.operands[0]], layout_of(op.results[0])
        assert isinstance(source, Tile)
        self.bind(op.results[0], views.transpose(source, layout))

    def move(self, op: Operation) -> None:
        source = self.env[op.operands[0]]
        assert isinstance(source, Tile)
        self.bind(op.results[0], replace(source, layout=layout_of(op.results[0])))

    def _inherited(self, layout: TileLayout, valid: Extent) -> Extent:
        rows, cols = layout.valid
        return valid[0] if rows == DYNAMIC else rows, valid[1] if cols == DYNAMIC else cols

    def set_validshape(self, op: Operation) -> None:
        source, rows, cols = (self.env[value] for value in op.operands)
        valid = self.within(layout_of(op.operands[0]), (rows, cols), op)
        if isinstance(source, RegionView):
            source.valid = valid
        else:
            layout = layout_of(op.results[0])
            tile = Tile(layout, source.data, source.known, valid, source.conditions)
            self.bind(op.results[0], tile)

    def get_validshape(self, op: Operation) -> None:
        rows, cols = self.env[op.operands[0]].valid
        extents = {"pto.tile_valid_rows": [rows], "pto.tile_valid_cols": [cols]}.get(op.name, [rows, cols])
        self.env.update(zip(op.results, extents, strict=True))

    def undef(self, op: Operation) -> None:
        layout = layout_of(op.results[0])
        self.bind(op.results[0], views.undef(layout, self.static_or(layout, op.operands, op), self.domain))

    def insert(self, op: InsertOp) -> None:
        source, dest = self.env[op.source], self.env[op.dest]
        row, col = self.env[op.row], self.env[op.col]
        layout = layout_of(op.res)
        if isinstance(row, int) and isinstance(col, int) and all(isinstance(e, int) for e in source.valid):
            self.check_box(op, layout, row, col, source.box)
            self.bind(op.res, views.insert(source, dest, row, col, layout))
        else:
            self.symbolic_insert(op, source, dest, row, col)

    def symbolic_insert(self, op: InsertOp, source: Tile, dest: Tile, row: Number, col: Number) -> None:
        raise UserError(f"{op.name} needs a number for its offset, found [{row}, {col}]", op.location)

    # -- scalars in tiles and arrays -------------------------------------------------------------

    def tgetval(self, op: TileOp) -> None:
        """One lane as a scalar; the offset is flat over the physical tile."""
        tile, offset = self.read(op.ins[0]), self.number(op.ins[1], "offset", op)
        assert isinstance(tile, Tile)
        call = TileCall(op, self.domain, {"src": tile}, [(tile.layout, tile.valid)], self.symbolic)
        lanes = call.flat_lanes("src", np.array([[offset]]))
        self.env[op.res[0]] = self.scalar_of(lanes, op.res[0])

    def scalar_of(self, lanes: Lanes, value: SSAValue) -> Value:
        """Lanes [1, 1] as what a scalar of `value`'s type is held as."""
        if scalars.is_integer(value.type):
            return scalars.integer(lanes, element_name(value.type), self.domain)
        return lanes

    def declare_array(self, op: Operation) -> None:
        self.env[op.results[0]] = dict[tuple[int, ...], Value]()

    def array_get(self, op: Any) -> None:
        indices = tuple(self.number(v, "index", op) for v in op.indices)
        array: dict[tuple[int, ...], Value] = self.env[op.array]
        if indices not in array:
            raise UserError(f"{op.name} reads element {list(indices)}, which nobody wrote", op.location)
        self.env[op.res] = array[indices]

    def array_set(self, op: Any) -> None:
        indices = tuple(self.number(v, "index", op) for v in op.indices)
        self.env[op.array][indices] = self.env[op.value]

    def view_extent(self, op: Any) -> None:
        view: GmView = self.env[op.view]
        extents = view.sizes if op.name.endswith("dim") else view.strides
        self.env[op.res] = extents[self.number(op.axis, "axis", op)]

    # -- GM --------------------------------------------------------------------------------------

    def addptr(self, op: Operation) -> None:
        pointer, offset = (self.env[value] for value in op.operands)
        self.env[op.results[0]] = pointer._replace(offset=pointer.offset + offset)

    def make_tensor_view(self, op: Any) -> None:
        if op.layout is not None and op.layout.data not in ("nd", "dn"):
            raise UserError(f"a view of layout {op.layout.data} has no semantics here", op.location)
        groups = self.plans.operands(op, "shape", "strides")
        sizes, strides = (tuple(self.env[v] for v in values) for values in groups)
        check_sizes(sizes, op)
        self.env[op.res] = GmView(self.env[op.ptr], sizes, strides)

    def partition_view(self, op: Any) -> None:
        view: GmView = self.env[op.source]
        starts, extents = self.plans.operands(op, "offsets", "sizes")
        offset: Number = view.pointer.offset
        for start, stride in zip(starts, view.strides, strict=True):
            offset = offset + self.env[start] * stride
        sizes = tuple(self.env[v] for v in extents)
        check_sizes(sizes, op)
        self.env[op.res] = GmView(view.pointer._replace(offset=offset), sizes, view.strides)

    def load_scalar(self, op: Any) -> None:
        box = element_box(self.env[op.ptr], self.env[op.offset])
        lanes, _ = self.gm.load(box, op)
        self.env[op.res] = self.scalar_of(lanes, op.res)

    def store_scalar(self, op: Any) -> None:
        value, pointer = self.env[op.value], self.env[op.ptr]
        if isinstance(value, int):
            value = self.domain.constant(value, pointer.dtype, (1, 1))
        elif isinstance(value, Affine):
            value = self.symbolic(value, pointer.dtype)
        self.store(op, element_box(pointer, self.env[op.offset]), value, frozenset())

    def tload(self, op: TileOp) -> None:
        layout, extent = layout_of(op.destinations()[0]), self.extent(op, 0)
        if 0 in extent:
            self.define_nothing(op, [(layout, extent)])
            return
        box = self.box(op.ins[0], layout, extent, op)
        lanes, conditions = self.gm.load(box, op)
        if box.dtype != layout.dtype:
            lanes = self.domain.bitcast(lanes, box.dtype, layout.dtype)
        self.define(op, 0, lanes, conditions)

    def tstore(self, op: TileOp) -> None:
        """From an accumulator the store converts, to nearest even; elsewhere it copies bits.

        Real kernels store accumulators whose handle says more rows or columns than the product has. What
        nobody wrote leaves GM as it is; hardware stores whatever is there.
        """
        tile = self.read(op.ins[0])
        assert isinstance(tile, Tile)
        if 0 in tile.valid:
            return
        call = TileCall(op, self.domain, {"src": tile}, [(tile.layout, tile.valid)], self.symbolic)
        plain_move(call)
        rows, cols = tile.box
        lanes, known = call.masked("src", (slice(0, rows), slice(0, cols)), (rows, cols))
        accumulator = tile.layout.loc == "acc"
        if not known.all() and not accumulator:
            call.lanes("src")  # says which lane
        box = self.box(op.outs[0], tile.layout, tile.valid, op)
        source, target = tile.layout.dtype, box.dtype
        if source != target and accumulator:
            lanes = self.domain.convert(lanes, source, target, "RINT", False)
        elif source != target:
            lanes = self.domain.bitcast(lanes, source, target)
        if not known.all():
            lanes = np.where(known, lanes, self.gm.load(box, op)[0])
        self.store(op, box, lanes, frozenset(call.conditions) | self.domain.take_conditions())

    def box(self, view: SSAValue, layout: TileLayout, valid: Extent, op: Operation) -> Box:
        """The elements of a view that a load or store of a tile moves."""
        box = box_of(self.env[view], *box_shape(layout, valid), op)
        return box if all(isinstance(n, int) for n in valid) else box._replace(extent=valid)

    def store(self, op: Operation, box: Box, lanes: Lanes, conditions: frozenset[str]) -> None:
        """Lanes of the box's element type go to GM."""
        self.gm.store(box, lanes, op, conditions, atomic(op))


def atomic(op: Operation) -> str:
    """How a store combines with what is there: empty, or `add`, `max` …"""
    attribute = op.properties.get("atomicType", op.attributes.get("atomicType"))
    word = getattr(attribute, "data", "atomic_none")
    return "" if word == "atomic_none" else str(word).removeprefix("atomic_")
